package media

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
)

// Whatever arrives, in whatever order and however often: each packet is handed out at most once, in order, the right one, and
// none of the memory is lost.
func TestJitterBufferProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &jitterBuffer{maxDelay: testMax}
		b.reset(8000)
		start := rapid.Uint16().Draw(t, "sequence")
		timestamp := rapid.Uint32().Draw(t, "timestamp")
		now := time.Duration(0)
		given := map[uint16]bool{}
		lastTS, begun := uint32(0), false
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "push") {
				i := int(now/tick) + rapid.IntRange(-70, 3).Draw(t, "offset")
				size := rapid.SampledFrom([]int{1, 80, 160, 161, 400, 1600}).Draw(t, "size")
				payload := make([]byte, size)
				seq := start + uint16(i)
				payload[size-1] = byte(seq)
				b.push(arrivedPacket{seq: seq, timestamp: timestamp + uint32(i*160), units: 160, payload: payload}, now)
				continue
			}
			now += time.Duration(rapid.IntRange(0, 60).Draw(t, "ms")) * time.Millisecond
			s := b.step(now, 160)
			if s.kind != stepPacket {
				continue
			}
			seq := uint16(s.packet.seq)
			if given[seq] && b.resyncs == 0 {
				t.Fatalf("packet %d twice", seq)
			}
			given[seq] = true
			if got := s.payload[len(s.payload)-1]; got != byte(seq) {
				t.Fatalf("packet %d has the payload of %d", seq, got)
			}
			ts := uint32(s.packet.timestamp)
			if begun && int32(ts-lastTS) <= 0 && b.resyncs == 0 {
				t.Fatalf("timestamp %d after %d", ts, lastTS)
			}
			lastTS, begun = ts, true
		}
		b.dropAll()
		if whole := len(b.store.link); b.store.left != whole || whole < firstChunks || whole > b.store.most {
			t.Fatalf("%d of %d chunks are free", b.store.left, whole)
		}
	})
}

// Sequence numbers and timestamps wrap without anybody hearing it.
func TestWrap(t *testing.T) {
	for _, start := range []uint16{65000, 65535, 0, 32000} {
		l := newListener(t, 0, testMax, codecs.PCMU)
		payload := loud()
		seq, ts := start, uint32(1<<32-160*100)
		for now := time.Duration(0); now < 1400*time.Second; now += tick {
			l.push(flight{arrivedPacket{seq: seq, timestamp: ts, units: 160, payload: payload}, now})
			seq++
			ts += 160
			l.tick(now + time.Millisecond)
			l.pcm = l.pcm[:0]
		}
		if l.made+l.silent+l.late+l.duplicates+l.others != 0 {
			t.Errorf("from %d: made up %d, silent %d, late %d, duplicate %d, other %d", start, l.made, l.silent, l.late, l.duplicates, l.others)
		}
	}
}

// A jump of the timestamp or the sequence is followed within a few packets.
func TestJumps(t *testing.T) {
	for name, jump := range map[string]struct {
		seq uint16
		ts  uint32
	}{
		"timestamp forward":      {1, 8000 * 3600},
		"timestamp back":         {1, 1<<32 - 8000*3600},
		"timestamp back a bit":   {1, 1<<32 - 8000},
		"timestamp ahead a bit":  {1, 8000},
		"sequence":               {20000, 160},
		"sequence back":          {1<<16 - 20000, 160},
		"sequence and timestamp": {30000, 1 << 30},
	} {
		l := newListener(t, 0, testMax, codecs.PCMU)
		seq, ts := uint16(100), uint32(1000)
		played := 0
		for i := range 400 {
			now := time.Duration(i) * tick
			l.push(flight{arrivedPacket{seq: seq, timestamp: ts, units: 160, payload: loud()}, now})
			seq++
			ts += 160
			if i == 200 {
				seq, ts = seq-1+jump.seq, ts-160+jump.ts
			}
			if f := l.tick(now + 3*time.Millisecond); i > 215 && f.Flags == 0 {
				played++
			}
		}
		if played < 180 {
			t.Errorf("%s: %d of 184 frames played after it, delay %v", name, played, l.delays[len(l.delays)-1])
		}
		if last := l.delays[len(l.delays)-1]; last > testMax+tick {
			t.Errorf("%s: delay %v in the end", name, last)
		}
	}
}

// The statistics of RFC 3550, appendix A, over a wrap and a jump.
func TestSourceStatistics(t *testing.T) {
	var s source
	s.begin(5, 65530)
	s.update(65530)
	for seq := uint16(65531); seq != 10; seq++ {
		if seq%4 != 0 {
			s.update(seq)
		}
	}
	if lost := s.lost(); lost != 4 || s.max != 65536+9 {
		t.Errorf("lost %d, highest %d", lost, s.max)
	}
	s.update(9) // a duplicate makes it less
	if lost := s.lost(); lost != 3 {
		t.Errorf("lost %d after a duplicate", lost)
	}
	s.update(30000)
	s.update(30001)
	if lost := s.lost(); lost != 0 || s.received != 1 || s.ssrc != 5 {
		t.Errorf("after a jump: lost %d, received %d", lost, s.received)
	}
	// Arrivals that alternate 0 and 8 ms late differ by 64 units each time: that is the jitter in the end.
	for i := range 400 {
		s.arrive(uint32(i*160)-32000, 8000, time.Duration(i)*tick+time.Duration(i%2)*8*time.Millisecond)
	}
	if s.jitter < 63 || s.jitter > 65 {
		t.Errorf("jitter %v", s.jitter)
	}
}
