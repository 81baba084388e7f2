package focus_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// speak sends packets of PCMU at their times to where the focus sends from, and tells when; a nil payload is one that is lost on the way.
func (r *raw) speak(packets int, payload func(i int) []byte) []time.Time {
	r.b.t.Helper()
	var to net.Addr
	buf := make([]byte, 2048)
	for n := 0; to == nil; {
		must(r.b.t, r.socket.SetReadDeadline(time.Now().Add(20*time.Second)))
		size, from, err := r.socket.ReadFrom(buf)
		must(r.b.t, err)
		if size > 12 && buf[1]&0x7F == 0 {
			if n++; n > 5 {
				to = from
			}
		}
	}
	sent := make([]time.Time, packets)
	begin := time.Now()
	for i := range packets {
		<-time.After(time.Until(begin.Add(time.Duration(i) * codecs.FrameDuration)))
		sent[i] = time.Now()
		if octets := payload(i); octets != nil {
			packet := binary.BigEndian.AppendUint16([]byte{0x80, 0}, uint16(1000+i))
			packet = binary.BigEndian.AppendUint32(packet, uint32(5000+160*i))
			packet = binary.BigEndian.AppendUint32(packet, 0x1234)
			_, err := r.socket.WriteTo(append(packet, octets...), to)
			must(r.b.t, err)
		}
	}
	return sent
}

// toned gives the payloads of a tone.
func toned(t *testing.T, hz float64) func(i int) []byte {
	t.Helper()
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU})
	must(t, err)
	return func(i int) []byte {
		pcm, payload := make([]int16, 160), make([]byte, 160)
		for k := range pcm {
			pcm[k] = int16(6000 * math.Sin(2*math.Pi*hz*float64(160*i+k)/8000))
		}
		_, err := encoder.Encode(payload, pcm)
		must(t, err)
		return payload
	}
}

// packetLevels gives that of a tone in each packet of a stream, in dB.
func (h *heardStream) packetLevels(hz float64) []float64 {
	var levels []float64
	for pcm := range slices.Chunk(h.pcm, 160) {
		one := heardStream{pcm: pcm}
		levels = append(levels, one.level(hz, codecs.FrameDuration))
	}
	return levels
}

// Of what a participant sends a twentieth is lost. In the recorded stream nothing is missing: it has a packet for each, made up where there was none,
// whether his payloads are passed on or encoded again.
//
// Shows SR-RTP-15.
func TestRecordedLossIsConcealed(t *testing.T) {
	for _, encode := range []bool{true, false} {
		t.Run(fmt.Sprintf("encoded %t", encode), func(t *testing.T) {
			srs := newRecordingServer(t)
			srs.set(func(s *recordingServer) { s.codecs = []codecs.Codec{codecs.PCMU} })
			b := recordingBench(t, srs, func(c *focus.Config) {
				c.Encode = encode
				c.Recorders[0].Codecs = []codecs.Codec{codecs.PCMU}
			})
			raw := b.raw()
			raw.call("room")
			b.awaitRecording("room", b.record("room", conference.Separate), conference.RecordingActive)
			tone, lost := toned(t, 500), 0
			raw.speak(150, func(i int) []byte {
				if i%20 == 19 {
					lost++
					return nil
				}
				return tone(i)
			})
			b.await("all of it", func() bool {
				h := srs.stream("1")
				levels := h.packetLevels(500)
				return len(levels) > 150 && slices.ContainsFunc(levels, func(l float64) bool { return l > loud }) && levels[len(levels)-1] < quiet
			})
			h := srs.stream("1")
			for i := 1; i < h.packets; i++ {
				if h.numbers[i] != h.numbers[i-1]+1 || h.stamps[i]-h.stamps[i-1] != 160 && b.missedTicks() == 0 {
					t.Fatalf("packet %d: number %d after %d, timestamp %d after %d", i, h.numbers[i], h.numbers[i-1], h.stamps[i], h.stamps[i-1])
				}
			}
			levels := h.packetLevels(500)
			first := slices.IndexFunc(levels, func(l float64) bool { return l > loud })
			silent := 0
			for _, l := range levels[first : first+140] {
				if l < quiet {
					silent++
				}
			}
			if silent > lost/2 {
				t.Errorf("of %d packets that were lost %d are silent", lost, silent)
			}
			if passed := b.forwarded(codecs.PCMU) > 50; passed == encode {
				t.Errorf("encoded %t, but %d payloads were passed on", encode, b.forwarded(codecs.PCMU))
			}
			raw.leave()
		})
	}
}

// What a participant says is on its way to the recorder at once: from his packet to that of the recording it is less than 60 ms. Each of several
// sounds is measured, and the quickest counts, as a machine with other work only adds to the time.
//
// Shows SR-RTP-22.
func TestRecordedInRealTime(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	raw := b.raw()
	raw.call("room")
	b.awaitRecording("room", b.record("room", conference.Separate), conference.RecordingActive)
	b.await("packets", func() bool { return srs.stream("1").packets > 20 })
	tone, still := toned(t, 500), make([]byte, 160)
	for i := range still {
		still[i] = 0xFF
	}
	const every, sounds = 25, 12
	sent := raw.speak(every*(sounds+1), func(i int) []byte {
		if i%every == every-1 {
			return tone(i)
		}
		return still
	})
	h := srs.stream("1")
	var delays []time.Duration
	for i, level := range h.packetLevels(500) {
		if level < -26 { // less than half of the tone
			continue
		}
		for k := every - 1; k < len(sent); k += every {
			if d := h.came[i].Sub(sent[k]); d > 0 && d < every*codecs.FrameDuration/2 {
				delays = append(delays, d)
			}
		}
	}
	if len(delays) < sounds/2 {
		t.Fatalf("of %d sounds %d are recorded", sounds, len(delays))
	}
	slices.Sort(delays)
	t.Logf("from %v to %v, in the middle %v", delays[0], delays[len(delays)-1], delays[len(delays)/2])
	if delays[0] >= 60*time.Millisecond {
		t.Errorf("it takes %v", delays[0])
	}
	raw.leave()
}
