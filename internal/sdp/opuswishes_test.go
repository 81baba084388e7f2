package sdp

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// sentOpus is what is seen of the packets that a peer is sent.
type sentOpus struct {
	octets  int
	seconds float64
	sizes   map[int]bool
	empty   int
	widest  int
	samples int
}

// sendOpus encodes five seconds as they are sent to a peer with an offer: something like speech, then silence.
func sendOpus(t *testing.T, lines ...string) sentOpus {
	t.Helper()
	offer := parse(t, append([]string{"m=audio 4000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2"}, lines...)...)
	s := first(t, mustAnswer(t, offer, participant("192.0.2.1")))
	format, err := s.Encode(codecs.Format{Bitrate: 64000, FEC: true, DTX: true}).Normalize()
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := codecs.NewEncoder(format)
	if err != nil {
		t.Fatal(err)
	}
	out := sentOpus{sizes: map[int]bool{}}
	random := rand.New(rand.NewPCG(1, 2))
	frame, payload, at := make([]int16, format.FrameSamples()), make([]byte, codecs.MaxPayload), 0
	for at < 5*48000 {
		for i := range frame {
			x := 0.0
			if at < 3*48000 {
				phase := math.Mod(float64(at)/48000*130, 1) // a buzz of 130 Hz with breath in it, louder and softer
				x = (9000*math.Exp(-8*phase) + 900*random.NormFloat64()) * (1 + math.Sin(float64(at)/9000))
			}
			frame[i], at = int16(x), at+1
		}
		n, err := encoder.Encode(payload, frame)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			out.empty++
			continue
		}
		toc, err := codecs.ParseOpusTOC(payload[:n])
		if err != nil {
			t.Fatal(err)
		}
		if at <= 3*48000 && at > 48000 { // after a second the rate has settled
			out.octets, out.seconds = out.octets+n, out.seconds+float64(len(frame))/48000
			out.sizes[n], out.widest = true, max(out.widest, toc.Bandwidth)
		}
		out.samples = toc.Samples()
	}
	return out
}

// ME-OPU-07, ME-OPU-10, ME-OPU-14 (RFC 7587, sections 6.1 and 7.1). What a peer wishes of Opus can be seen in the packets that it is sent.
func TestOpusWishesAreSent(t *testing.T) {
	plain := sendOpus(t)
	if rate := float64(8*plain.octets) / plain.seconds; plain.widest != 48000 || rate < 40000 || len(plain.sizes) < 10 || plain.empty > 0 || plain.samples != 960 {
		t.Fatalf("without a wish: %.0f bit/s, %+v", rate, plain)
	}
	for line, fulfilled := range map[string]func(s sentOpus) bool{
		"a=fmtp:96 maxplaybackrate=8000":    func(s sentOpus) bool { return s.widest == 8000 },
		"a=fmtp:96 maxplaybackrate=16000":   func(s sentOpus) bool { return s.widest == 16000 },
		"a=fmtp:96 maxplaybackrate=24000":   func(s sentOpus) bool { return s.widest == 24000 },
		"a=fmtp:96 maxaveragebitrate=16000": func(s sentOpus) bool { return float64(8*s.octets)/s.seconds < 16800 },
		"a=fmtp:96 maxaveragebitrate=9000":  func(s sentOpus) bool { return float64(8*s.octets)/s.seconds < 9500 },
		"b=TIAS:12000":                      func(s sentOpus) bool { return float64(8*s.octets)/s.seconds < 12600 },
		"a=fmtp:96 cbr=1":                   func(s sentOpus) bool { return len(s.sizes) == 1 },
		"a=fmtp:96 usedtx=1":                func(s sentOpus) bool { return s.empty > 50 },
		"a=ptime:10":                        func(s sentOpus) bool { return s.samples == 480 },
		"a=ptime:30":                        func(s sentOpus) bool { return s.samples == 960 },
		"a=ptime:40":                        func(s sentOpus) bool { return s.samples == 1920 },
		"a=ptime:60":                        func(s sentOpus) bool { return s.samples == 2880 },
		"a=ptime:60\r\na=maxptime:40":       func(s sentOpus) bool { return s.samples == 1920 },
		"a=maxptime:10":                     func(s sentOpus) bool { return s.samples == 480 },
	} {
		got := sendOpus(t, line)
		if !fulfilled(got) {
			t.Errorf("%q: %.0f bit/s, %d sizes, %d empty, up to %d Hz, %d samples", line, float64(8*got.octets)/got.seconds, len(got.sizes), got.empty, got.widest, got.samples)
		}
	}
}
