package main

import (
	"errors"
	"strings"
	"testing"
)

// TestChoose: measurements are made in their order whatever that of the names is; a name that there is not makes none, and says which there are.
func TestChoose(t *testing.T) {
	for _, row := range []struct {
		only string
		want string
	}{
		{"", ""},
		{"cycles", "cycles"},
		{"cycles,crowd", "crowd cycles"},
		{" surge, setup,", "setup surge"},
		{"cycles,cycle", "unknown"},
		{"crowd cycles nonsense", "unknown"},
		{"cycles,cycles", "unknown"}, // once is meant, or a slip
		{",", "unknown"},
	} {
		chosen, err := choose(row.only)
		names := make([]string, len(chosen))
		for i, m := range chosen {
			names[i] = m.name
			if m.measure == nil {
				t.Errorf("%s does nothing", m.name)
			}
		}
		switch {
		case row.want == "unknown":
			if !errors.Is(err, errUnknown) || !strings.Contains(err.Error(), "listeners, protection") || len(chosen) != 0 {
				t.Errorf("%q: %v, %v", row.only, names, err)
			}
		case row.want == "":
			if err != nil || len(names) != len(measurements()) {
				t.Errorf("%q: %v, %v", row.only, names, err)
			}
		case err != nil || strings.Join(names, " ") != row.want:
			t.Errorf("%q: %v, %v", row.only, names, err)
		}
	}
	seen := map[string]bool{}
	for _, m := range measurements() {
		if seen[m.name] {
			t.Errorf("%s is there twice", m.name)
		}
		seen[m.name] = true
	}
}
