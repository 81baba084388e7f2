package mixer

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/parley-sip/parley/codecs"
)

// sleeps is how often threads of the process have gone to sleep.
func sleeps(t *testing.T) int64 {
	t.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}

	return usage.Nvcsw
}

// A worker that has nothing to do but to mix sleeps once a tick, and wakes nobody: another thread that it woke would have to sleep again, too, and that
// is at least two times. The runtime's monitor thread sleeps half as often as there are ticks, and more when it has found something odd.
func TestYieldWakesNobody(t *testing.T) {
	const windows, ticks, most = 5, 160, 1.9
	e := startEngine(t, Config{Workers: 1})
	var ends [windows][]*signalOutput
	for range e.cohorts { // a mix for each, so that the worker never sleeps for as long as the monitor thread is patient
		mix := e.NewMix(MixConfig{})
		var members [windows + 1]Member
		for w := range windows {
			o := newSignalOutput((w + 1) * ticks / len(e.cohorts))
			ends[w] = append(ends[w], o)
			members[w] = party(MemberID(w), nil, o, codecs.PCMU)
		}
		members[windows] = party(windows, tone(8000, 440, 8000), nil, codecs.PCMU)
		applied, err := mix.Apply(Layout{Members: members[:]})
		if err != nil {
			t.Fatal(err)
		}
		await(t, "applied", applied)
	}
	each := make([]float64, 0, windows)
	slept, ticked := sleeps(t), e.Stats().Ticks
	for _, outputs := range ends {
		for _, o := range outputs {
			await(t, "heard", o.heard)
		}
		s, n := sleeps(t), e.Stats().Ticks
		each = append(each, float64(s-slept)/float64(n-ticked))
		slept, ticked = s, n
	}
	slices.Sort(each)
	if median := each[windows/2]; median > most {
		t.Errorf("threads slept %.2f times a tick, want %.1f at most; all: %.2f", median, most, each)
	}
}
