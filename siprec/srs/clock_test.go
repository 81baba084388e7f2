package srs

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A clock that was set forward, by somebody or by a time server that is wrong, deletes nothing by age until there was time to set it right; and what is too
// much goes all the same.
func TestRetentionDoubtsAClockThatWasSet(t *testing.T) {
	const mega = 1 << 20
	for name, x := range map[string]struct {
		retention Retention
		steps     []time.Duration // by which the clock is set, an hour and a second after one another
		want      string
	}{
		"as it goes by":       {Retention{Age: 100 * time.Hour}, []time.Duration{0, 0}, "b a"},
		"forward":             {Retention{Age: 100 * time.Hour}, []time.Duration{1000 * time.Hour}, "b a"},
		"forward and so left": {Retention{Age: 100 * time.Hour}, []time.Duration{1000 * time.Hour, 0}, ""},
		"forward and back":    {Retention{Age: 100 * time.Hour}, []time.Duration{1000 * time.Hour, -1000 * time.Hour, 0}, "b a"},
		"twice":               {Retention{Age: 100 * time.Hour}, []time.Duration{1000 * time.Hour, time.Hour}, "b a"},
		"by a second":         {Retention{Age: 12 * time.Hour}, []time.Duration{time.Second}, "b"},
		"too much":            {Retention{Size: 1}, []time.Duration{1000 * time.Hour}, ""},
	} {
		directory := t.TempDir()
		var log bytes.Buffer
		k := newKeeper(&Config{Directory: directory, Retention: x.retention, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		stored(t, directory, k.begun.Add(-24*time.Hour).UTC(), "a", StateFinished, mega)
		stored(t, directory, k.begun.Add(-time.Hour).UTC(), "b", StateFinished, mega)
		clock, since, set := k.begun.Round(0), time.Duration(0), 0
		for _, by := range x.steps {
			clock, since = clock.Add(by+stepRest+time.Second), since+stepRest+time.Second
			k.expireAt(clock, since)
			if by.Abs() >= stepLeast {
				set++
			}
		}
		if list, _ := k.library.List(Query{}); idsOf(list) != x.want {
			t.Errorf("%s: %q, want %q", name, idsOf(list), x.want)
		}
		if got := strings.Count(log.String(), "the clock was set"); got != set {
			t.Errorf("%s: it is in the log %d times:\n%s", name, got, &log)
		}
	}
}
