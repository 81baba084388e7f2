package srs

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// A movingBench is a stream of which reports tell, after packet 40, that it is earlier or later than they had told; packets are quiet from one up to another.
type movingBench struct {
	*bench

	by         time.Duration
	from, upTo int
	packets    int
}

func (m *movingBench) run() (pcm []int16) {
	const offset = 3_900_000_000 * time.Second
	for n := range m.packets {
		at := time.Second + time.Duration(n)*frame
		payload := ulaw(n)
		if n >= m.from && n < m.upTo {
			for i := range payload {
				payload[i] = 0x7D | byte(i%2)<<7
			}
		}
		if err := m.rx.packet(rtpPacket(uint16(n), uint32(n*160), 1, payload), m.bench.from, at); err != nil {
			m.t.Fatal(err)
		}
		if n != 10 && n < 40 || n%50 != 40 && n != 10 {
			continue
		}
		told := at
		if n >= 40 {
			told += m.by
		}
		if err := m.rx.senderReport(reportAt(1, uint32(n*160), told, offset), at); err != nil {
			m.t.Fatal(err)
		}
	}

	return m.finish(time.Second + time.Duration(m.packets)*frame)
}

// Shows RQ-023. A client finds out that a source is earlier or later than it had told, as when a jitter buffer has become deeper: what is said is neither cut nor torn apart,
// and what comes after the next quiet moment is in place at once. That holds for the stream whose report was the first of the client, too.
func TestSmallMovesWaitUntilItIsQuiet(t *testing.T) {
	for name, known := range map[string]clocks{"first of the client": {}, "one more": {newBench(t, codecs.PCMU, nil).from.Addr(): -3_900_000_000 * time.Second}} {
		for _, by := range []time.Duration{frame, -frame, 4 * time.Millisecond, -7 * time.Millisecond} {
			t.Run(name+" "+by.String(), func(t *testing.T) {
				samples := int(by * 8000 / time.Second)
				m := movingBench{bench: newBench(t, codecs.PCMU, known), by: by, from: 150, upTo: 154, packets: 300}
				pcm := m.run()
				for n := range m.packets {
					switch {
					case n < m.from:
						whole(t, pcm, n, 8000+160*n)
					case n >= m.upTo:
						whole(t, pcm, n, 8000+160*n+samples)
					}
				}
				if m.rx.spoilt != 0 {
					t.Errorf("%d samples are spoilt", m.rx.spoilt)
				}
				for at := 8000 + 160*m.from; at < 8000+160*m.upTo+samples-2; at++ { // what is not heard sounds as it did
					if said := pcm[at : at+3]; slices.Min(said) == slices.Max(said) {
						t.Fatalf("sample %d is %d three times", at, pcm[at])
					}
				}
			})
		}
	}
}

// whole checks that all of packet n is at a sample.
func whole(t *testing.T, pcm []int16, n, at int) {
	t.Helper()
	for i := range 160 {
		if want := valueOf(t, n); pcm[at+i] != want {
			t.Fatalf("packet %d at %d: sample %d is %d, not %d", n, at, i, pcm[at+i], want)
		}
	}
}

// A clock that was set is followed in what is said as well, a sample at a time, and so is what a client says who never pauses and whose clock drifts; see TestDrift.
func TestLargeMovesDoNotWait(t *testing.T) {
	const by = 150 * time.Millisecond
	m := movingBench{bench: newBench(t, codecs.PCMU, clocks{}), by: by, packets: 1300}
	pcm := m.run()
	for n := 1250; n < m.packets; n++ {
		whole(t, pcm, n, 8000+160*n+int(by*8000/time.Second))
	}
}

// What has not been moved yet when a source begins anew is nothing to that.
func TestSmallMovesEndWithTheirSource(t *testing.T) {
	line := timeline{rate: 8000, ratio: 1, calm: true}
	line.start(1000, time.Second, 0)
	line.report(1000, 8000, 0)
	line.report(2000, 9000+100, 0)
	if line.rest != 100 {
		t.Fatalf("%d samples wait", line.rest)
	}
	line.start(90000, 3*time.Second, 20000)
	if by := line.report(90000, 24000+50, 24000); by != 50 || line.rest != 0 {
		t.Errorf("moved by %d samples, %d wait", by, line.rest)
	}
}

// The file of a dump of before moves waited is made again as it was made.
func TestRemakesMovesOfBefore(t *testing.T) {
	for _, calm := range []bool{false, true} {
		m := &remaker{name: t.TempDir() + "/x.wav", plain: true, clocks: clocks{}}
		for _, n := range []note{{Do: noteBegin, Library: "x", Calm: calm}, newAgreed(newBench(t, codecs.PCMU, nil).rx)} {
			if err := m.note(&n, 0); err != nil {
				t.Fatal(err)
			}
		}
		m.rx.source = m.rx.newSource(1, m.rx.accepts[96])
		line := &m.rx.source.line
		line.byReport = true
		line.report(0, 160, 0)
		if waits := line.rest == 160; waits != calm || (line.slew == 160) == calm {
			t.Errorf("calm %t: %d samples wait, %d do not", calm, line.rest, line.slew)
		}
		m.abandon()
	}
}
