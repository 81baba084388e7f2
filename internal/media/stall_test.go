package media

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// After a time without a tick some ticks are made up for, and the mix passes over the others. By its timestamps what is sent then is later by as much as has been
// passed over, wherever the mix stood still: a stall that is counted twice is a gap of twice its length in each recording, and delays what phones play from then on.
//
// Shows ME-RTP-06.
func TestTimestampsAfterAStall(t *testing.T) {
	for name, inside := range map[string]bool{"between two ticks": false, "in the middle of one": true} {
		for _, stall := range []time.Duration{
			90 * time.Millisecond, 130 * time.Millisecond, 170 * time.Millisecond, 210 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
			1200 * time.Millisecond, 7 * time.Second,
		} {
			t.Run(name+" for "+stall.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { playOverAStall(t, stall, inside) })
			})
		}
	}
}

// playOverAStall sends what a mix does that stands still in its tick 50, or before it.
func playOverAStall(t *testing.T, stall time.Duration, inside bool) {
	t.Helper()
	const (
		origin = time.Hour // of the clock of the mix
		madeUp = 5         // ticks, by the mix
	)
	s, p := openSession(t, newTestTransport(t, nil)), openSession(t, newTestTransport(t, nil))
	if err := s.Configure(pcmuParams(p.LocalAddr())); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	emit := func(ticks int, payload []byte, due time.Duration) {
		s.Emit(&codecs.Packet{Payload: payload, Samples: 160 * ticks, Due: due})
	}
	first, due, left := uint32(0), time.Duration(0), 0
	for i := range 600 {
		<-time.After(time.Until(begin.Add(due)))
		if i == 50 && !inside {
			<-time.After(stall)
		}
		missed := max(0, int((time.Since(begin)-due)/tick)-madeUp)
		if i == 50 && inside {
			<-time.After(stall)
		}
		if missed > 0 {
			emit(missed, nil, origin+due)
		}
		due += time.Duration(missed) * tick
		left += missed
		emit(1, loud(), origin+due)
		due += tick
		if i == 0 {
			first = s.out.timestamp - 160
		}
	}
	if played := time.Duration(s.out.timestamp-first) * time.Second / 8000; played != due {
		t.Errorf("%v of timestamps in %v, %d ticks were left out", played, due, left)
	}
}
