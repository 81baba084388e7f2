package media

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// keptFor grows a delay, and gives for how long it is kept that is too much by over; then it shrinks.
func (p *patience) keptFor(at, over, lag time.Duration) time.Duration {
	p.grow(at)
	now := at
	for now < at+2*mostPatience && p.keeps(now, over, lag) {
		now += 100 * ms
	}
	p.shrink(now)
	return now - at
}

// A delay that has to grow again and again soon after it shrank is kept for longer each time, and for a second again after a minute of peace.
func TestPatienceGrows(t *testing.T) {
	p, at := &patience{}, time.Second
	for i, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		got := p.keptFor(at, tick+shrinkGuard, 25*ms)
		if got != time.Duration(seconds)*time.Second {
			t.Errorf("growth %d is kept for %v, want %d s", i, got, seconds)
		}
		at += got + relapse - ms
	}
	if got := p.keptFor(at+2*relapse, tick+shrinkGuard, 25*ms); got != leastPatience {
		t.Errorf("kept for %v after peace", got)
	}
	if got := p.keptFor(at+2*relapse+10*time.Second, tick+shrinkGuard, 25*ms); got != 2*leastPatience {
		t.Errorf("kept for %v after it", got)
	}
}

// A delay that grows further without having shrunk is kept for as long as before, from then on.
func TestPatienceOfOneGrowth(t *testing.T) {
	p, over := &patience{}, tick+shrinkGuard
	p.keptFor(time.Second, over, 25*ms)
	for at := 3 * time.Second; at < 9*time.Second; at += time.Second {
		if p.grow(at); !p.keeps(at+900*ms, over, 25*ms) {
			t.Fatalf("not kept at %v", at)
		}
	}
	if !p.keeps(9900*ms, over, 25*ms) || p.keeps(10*time.Second, over, 25*ms) {
		t.Error("not kept for 2 s after the last growth")
	}
	if got := p.keptFor(15*time.Second, over, 25*ms); got != 2*time.Second {
		t.Errorf("kept for %v, though it has not shrunk", got)
	}
}

// Packets that come earlier than when the delay grew are others, as those of another source are: it is not kept for them.
func TestPatienceIsForgotten(t *testing.T) {
	p, over, at := &patience{}, tick+shrinkGuard, time.Second
	for range 5 {
		at += p.keptFor(at, over, 25*ms) + time.Second
	}
	p.grow(at)
	if !p.keeps(at+3*time.Second, over, 25*ms) || !p.keeps(at+3*time.Second, over+otherPackets-1, 25*ms+otherPackets-1) {
		t.Error("not kept")
	}
	if p.keeps(at+3*time.Second, over+otherPackets, 25*ms+otherPackets) {
		t.Error("kept for other packets")
	}
	b := &jitterBuffer{patience: *p}
	if b.reset(8000); b.patience != (patience{}) {
		t.Error("kept for another source")
	}
}

// What is more than a frame goes at once, and all of it, speech or not; where that happens again and again, three frames are kept.
func TestPatienceWithBursts(t *testing.T) {
	p, at := &patience{}, time.Second
	p.grow(at)
	if p.keeps(at+ms, 2*tick, 60*ms) || !p.hurries(at+ms, 2*tick) || !p.hurries(at+2*time.Second, tick+shrinkGuard) {
		t.Error("a burst is kept")
	}
	p.shrink(at)
	if p.keeps(at+2*time.Second, tick+shrinkGuard-1, 30*ms); p.hurries(at+2*time.Second, tick+shrinkGuard) {
		t.Error("in a hurry after a burst")
	}
	at += 5 * time.Second
	p.grow(at)
	if !p.keeps(at+ms, 4*tick-1, 90*ms) || p.hurries(at+ms, 4*tick-1) || p.keeps(at+ms, 4*tick, 90*ms) || !p.hurries(at+ms, 4*tick) || p.hurries(at+ms, 4*tick-1) {
		t.Error("the second burst is not kept up to three frames")
	}
	if p.hurries(at+mostPatience-1, tick) || !p.hurries(at+mostPatience, tick) {
		t.Error("speech is not shortened after a minute")
	}
	if p = (&patience{}); p.keeps(at, time.Hour, time.Hour) || !p.hurries(at, tick) {
		t.Error("a delay is kept that has not grown")
	}
}

// After a single packet that comes too late, nothing of what is said is left out: the delay is as before after the first pause, or, where there is none, after a minute.
func TestLatePacketCostsNoSpeech(t *testing.T) {
	for _, pauses := range []bool{false, true} {
		n := newNetwork(3)
		n.stallAt, n.stallFor = 10*time.Second+3*ms, 14*ms
		payload := speech(t, false)
		hush := make([]byte, 160)
		for i := range hush {
			hush[i] = 0xFF
		}
		const pauseAt, end = 30 * time.Second, 90 * time.Second
		flights, _ := n.fly(end, func(i, units int) []byte {
			if at := time.Duration(i) * tick; pauses && at >= pauseAt && at < pauseAt+time.Second {
				return hush
			}
			return payload(i, units)
		})
		l := newListener(t, 0, testMax, codecs.PCMU)
		l.run(flights, 12*ms, end)
		before, back := l.delays[10], mostPatience+11*time.Second
		if pauses {
			back = pauseAt + 200*ms
		}
		for i, at := range l.at {
			late := at > 10100*ms && at < pauseAt
			if d := l.delays[i]; late && d != before+tick || at > back && d != before {
				t.Fatalf("pauses %v: delay %v at %v, %v before", pauses, d, at, before)
			}
		}
	}
}
