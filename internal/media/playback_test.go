package media

import (
	"math"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// tonePower returns the share of the power of x that is at the frequency.
func tonePower(x []int16, frequency, rate float64) float64 {
	var re, im, total float64
	for i, v := range x {
		phase := 2 * math.Pi * frequency * float64(i) / rate
		re += float64(v) * math.Cos(phase)
		im += float64(v) * math.Sin(phase)
		total += float64(v) * float64(v)
	}
	if total == 0 {
		return 0
	}
	return 2 * (re*re + im*im) / (float64(len(x)) * total)
}

// A tone comes through without a gap, for every packet time a sender may choose (ME-AUD-03, ME-AUD-04).
func TestToneIsContinuous(t *testing.T) {
	for _, ptime := range []int{10, 20, 30, 40, 50, 60, 100, 200} {
		n := newNetwork(2)
		n.ptime = time.Duration(ptime) * time.Millisecond
		l := newListener(t, 0, testMax, codecs.PCMU)
		flights, _ := n.fly(8*time.Second, speech(t, false))
		l.run(flights, 9*time.Millisecond, 8*time.Second)
		if l.made > 1 {
			t.Errorf("%d ms: made up %d frames", ptime, l.made)
		}
		middle := l.pcm[len(l.pcm)/4:]
		if share := tonePower(middle[:8000*4], 400, 8000); share < 0.99 {
			t.Errorf("%d ms: the tone has %.3f of the power", ptime, share)
		}
	}
}

// When delay is taken out of loud audio, the tone keeps its level and frequency.
func TestShorteningIsSmooth(t *testing.T) {
	n := newNetwork(4)
	n.stallAt, n.stallFor = 4*time.Second, 150*time.Millisecond
	l := newListener(t, 0, testMax, codecs.PCMU)
	flights, _ := n.fly(8*time.Second, speech(t, false))
	l.run(flights, 2*time.Millisecond, 8*time.Second)
	from := 8 * 4400 // behind the stall
	for i := from; i+160 <= from+8*2000; i += 160 {
		if level := codecs.Level(l.pcm[i : i+160]); level < 13 || level > 17 {
			t.Errorf("level %d at %d ms", level, i/8)
		}
	}
	if last := l.delays[len(l.delays)-1]; last > tick {
		t.Errorf("delay %v in the end", last)
	}
}

// ME-OPU-09 (RFC 7587, section 3.3): a single loss is repaired from the packet behind it.
func TestOpusRepair(t *testing.T) {
	format := codecs.Format{Codec: codecs.Opus, PacketTime: tick, Bitrate: 32000, FEC: true, LossPercent: 20}
	encoder, err := codecs.NewEncoder(format)
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(t, 0, testMax, codecs.Opus)
	l.player.fec = true
	l.player.jitter.minDelay = 20 * time.Millisecond // the packet behind the loss is here
	tone := &sine{frequency: 300, rate: 48000, amplitude: 9000}
	for i := range 150 {
		now := time.Duration(i) * tick
		payload := encodedTone(t, encoder, tone, 960)
		if i%10 != 9 {
			l.push(flight{arrivedPacket{seq: uint16(i), timestamp: uint32(960 * i), units: 960, payload: payload}, now})
		}
		if f := l.tick(now + time.Millisecond); f.Rate != 48000 || f.Samples != 960 {
			t.Fatalf("%+v", f)
		}
	}
	if fec := l.shared.concealedFEC.load(); fec < 13 || l.made > 16 {
		t.Errorf("repaired %d of 14 losses, made up %d", fec, l.made)
	}
}

// ME-OPU-04, ME-OPU-11: packets of 10, 20, 40 and 60 ms, and silence by DTX.
func TestOpusPacketTimes(t *testing.T) {
	for _, ptime := range []int{10, 20, 40, 60} {
		encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.Opus, PacketTime: time.Duration(ptime) * time.Millisecond, Bitrate: 24000})
		if err != nil {
			t.Fatal(err)
		}
		tone := &sine{frequency: 300, rate: 48000, amplitude: 9000}
		l := newListener(t, 0, testMax, codecs.Opus)
		n := newNetwork(1)
		n.ptime = time.Duration(ptime) * time.Millisecond
		flights, _ := n.fly(4*time.Second, func(int, int) []byte { return encodedTone(t, encoder, tone, ptime*48) })
		first := flights[0].packet.timestamp
		for i := range flights {
			flights[i].packet.units *= 6 // the network counts at 8 kHz
			flights[i].packet.timestamp = first + 6*(flights[i].packet.timestamp-first)
		}
		l.run(flights, 5*time.Millisecond, 4*time.Second)
		if l.made > 1 || l.late > 0 {
			t.Errorf("%d ms: made up %d, late %d", ptime, l.made, l.late)
		}
		if got := l.quantile(1, 0); got > 2*tick {
			t.Errorf("%d ms: delay %v", ptime, got)
		}
	}
}

// A session that only sends still reads reports on its port, without Ingest.
func TestSendOnlyReadsReports(t *testing.T) {
	transport := newTestTransport(t, quickReports)
	a, b := connectPair(t, transport, func(p *Params) { p.Mux = true })
	ticks(t, 60, func(int) {
		for _, s := range []*Session{a, b} {
			s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
		}
	})
	if got := a.Stats().ReportsReceived; got == 0 {
		t.Errorf("%+v", a.Stats())
	}
}

// ME-RCP-22, ME-RCP-23: without Send and Receiving nothing is sent or heard, and reports go on.
func TestHold(t *testing.T) {
	s, p := call(t, newTestTransport(t, quickReports), func(p *Params) { p.Send, p.Receiving = false, false })
	ticks(t, 20, func(int) {
		p.say(0, loud(), 160)
		if f := ingest(s); !f.Flags.Has(codecs.Silent) {
			t.Errorf("%+v", f)
		}
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	})
	if got := p.hear(20 * time.Millisecond); len(got) != 0 {
		t.Errorf("heard %d packets on hold", len(got))
	}
	if p.report(p.rtcp, time.Second) == nil || s.Stats().PacketsReceived < 18 {
		t.Errorf("%+v", s.Stats())
	}
}
