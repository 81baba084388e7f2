package main

import (
	"errors"
	"strings"
	"testing"
)

// TestRenew: what is measured takes the place of what was measured before, what was not stays, and so does all that others wrote.
func TestRenew(t *testing.T) {
	const begin, end = pageBegin, pageEnd
	old := "# Performance\n\nOurs.\n" + begin + "Machine: m.\n\n" + tableHead +
		"| a | 1 | at most 2 | yes | 2026-01-01 |\n| b | 3 | at most 2 | **no** | 2026-01-01 |\n" + end + "\nOurs as well.\n"
	rows := []row{{"c", "9", "none", true}, {"b", "2", "at most 2", true}}
	for _, c := range []struct {
		name, page, machine string
		want                string
		wrong               bool
	}{
		{"another time", old, "m", "# Performance\n\nOurs.\n" + begin + "Machine: m.\n\n" + tableHead +
			"| a | 1 | at most 2 | yes | 2026-01-01 |\n| b | 2 | at most 2 | yes | 2026-11-28 |\n| c | 9 | none | yes | 2026-11-28 |\n" + end + "\nOurs as well.\n", false},
		{"another machine", old, "n", "# Performance\n\nOurs.\n" + begin + "Machine: n.\n\n" + tableHead +
			"| c | 9 | none | yes | 2026-11-28 |\n| b | 2 | at most 2 | yes | 2026-11-28 |\n" + end + "\nOurs as well.\n", false},
		{"no page yet", "", "m", "# Performance\n\n" + begin + "Machine: m.\n\n" + tableHead +
			"| c | 9 | none | yes | 2026-11-28 |\n| b | 2 | at most 2 | yes | 2026-11-28 |\n" + end, false},
		{"no place", "# Performance\n", "m", "", true},
		{"no end", "# Performance\n" + begin, "m", "", true},
		{"two places", begin + end + begin + end, "m", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := renew(c.page, c.machine, "2026-11-28", rows)
			if got != c.want || errors.Is(err, errUnmarked) != c.wrong {
				t.Errorf("%v\n%s", err, got)
			}
			if again, err := renew(got, c.machine, "2026-11-28", rows); !c.wrong && (err != nil || again != got) {
				t.Errorf("not the same again: %v\n%s", err, strings.TrimSpace(again))
			}
		})
	}
}
