package media

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// newTestTransport opens a transport on the loopback for one test.
func newTestTransport(tb testing.TB, change func(*Config)) *Transport {
	tb.Helper()
	cfg := Config{ListenAddress: netip.MustParseAddr("127.0.0.1"), PortMin: 20000, PortMax: 29999}
	if change != nil {
		change(&cfg)
	}
	transport, err := NewTransport(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := transport.Close(); err != nil {
			tb.Error(err)
		}
	})
	return transport
}

// openSession opens a session that is closed with the test.
func openSession(tb testing.TB, transport *Transport) *Session {
	tb.Helper()
	s, err := transport.Open(Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// pcmuParams are those of a PCMU call with events and comfort noise.
func pcmuParams(remote netip.AddrPort) Params {
	return Params{
		Remote: remote, Send: true, Receiving: true, SendCodec: codecs.PCMU, SendPayloadType: 0,
		Receive: []PayloadType{
			{Number: 0, Codec: codecs.PCMU},
			{Number: 8, Codec: codecs.PCMA},
			{Number: 13, CN: true},
			{Number: 101, Event: true},
		},
	}
}

// connectPair opens two sessions that talk to each other.
func connectPair(tb testing.TB, transport *Transport, change func(*Params)) (a, b *Session) {
	tb.Helper()
	a, b = openSession(tb, transport), openSession(tb, transport)
	for _, pair := range [][2]*Session{{a, b}, {b, a}} {
		p := pcmuParams(pair[1].LocalAddr())
		if change != nil {
			change(&p)
		}
		if err := pair[0].Configure(p); err != nil {
			tb.Fatal(err)
		}
	}
	return a, b
}

// ticks runs step at 20 ms intervals of real time.
func ticks(tb testing.TB, n int, step func(i int)) {
	tb.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for i := range n {
		<-ticker.C
		step(i)
	}
}

// sine makes a tone that is continuous over frames.
type sine struct {
	frequency, rate, amplitude float64
	at                         int
}

func (s *sine) read(dst []int16) {
	for i := range dst {
		dst[i] = int16(s.amplitude * math.Sin(2*math.Pi*s.frequency*float64(s.at)/s.rate))
		s.at++
	}
}

// encodedTone returns the payload of the next 20 ms of the tone.
func encodedTone(tb testing.TB, encoder codecs.Encoder, tone *sine, samples int) []byte {
	tb.Helper()
	pcm := make([]int16, samples)
	tone.read(pcm)
	out := make([]byte, 1500)
	n, err := encoder.Encode(out, pcm)
	if err != nil {
		tb.Fatal(err)
	}
	return out[:n]
}

func TestAudioGoesThroughAtOnce(t *testing.T) {
	transport := newTestTransport(t, nil)
	a, b := connectPair(t, transport, nil)
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU, PacketTime: tick})
	if err != nil {
		t.Fatal(err)
	}
	tone := &sine{frequency: 1000, rate: 8000, amplitude: 8000}
	var dst [codecs.MaxFrameSamples]int16
	heard := 0
	ticks(t, 50, func(i int) {
		a.Emit(&codecs.Packet{Payload: encodedTone(t, encoder, tone, 160), Samples: 160})
		f := b.Ingest(dst[:])
		if f.Flags == 0 {
			heard++
			if f.Rate != 8000 || f.Samples != 160 || f.Level < 14 || f.Level > 16 || f.SSRC != a.SSRC() {
				t.Errorf("tick %d: frame %+v", i, f)
			}
		}
	})
	stats := b.Stats()
	if heard < 40 || stats.PacketsReceived < 49 || stats.Lost != 0 || stats.Late != 0 {
		t.Errorf("heard %d frames; %+v", heard, stats)
	}
	if stats.Delay > stats.Target+2*tick { // the machine that runs the test may be busy: that is measured as jitter
		t.Errorf("delay %v with a target of %v", stats.Delay, stats.Target)
	}
}

func TestTheTickDoesNotAllocate(t *testing.T) {
	transport := newTestTransport(t, func(c *Config) {
		c.Symmetric, c.RTCPInterval = true, time.Hour // reports are not the tick's
	})
	for name, codec := range map[string]codecs.Codec{"PCMU": codecs.PCMU, "Opus": codecs.Opus} {
		a, b := connectPair(t, transport, func(p *Params) {
			p.Mux, p.FEC, p.LevelExtension, p.SendLevel = true, true, 1, true
			p.SendCodec, p.SendPayloadType = codec, 96
			p.Receive = append(p.Receive, PayloadType{Number: 96, Codec: codec})
		})
		encoder, err := codecs.NewEncoder(codecs.Format{Codec: codec, PacketTime: tick})
		if err != nil {
			t.Fatal(err)
		}
		payload := encodedTone(t, encoder, &sine{frequency: 300, rate: float64(codec.SampleRate()), amplitude: 9000}, codec.SampleRate()/50)
		packet := codecs.Packet{Payload: payload, Samples: codec.ClockRate() / 50, CSRC: []uint32{1, 2, 3}}
		var dst [codecs.MaxFrameSamples]int16
		ticker := time.NewTicker(tick)
		i := 0
		step := func() {
			<-ticker.C
			if i++; i%8 != 0 { // some are missing
				a.Emit(&packet)
			}
			b.Ingest(dst[:])
		}
		for range 20 {
			step()
		}
		if n := testing.AllocsPerRun(60, step); n != 0 {
			t.Errorf("%s: %v allocations per Emit and Ingest", name, n)
		}
		ticker.Stop()
	}
}
