package srs

import (
	"bytes"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// A quietBench is a stream whose client sends comfort noise where there is nothing.
type quietBench struct {
	*bench

	seq uint16
}

func newQuietBench(t *testing.T, known clocks) *quietBench {
	t.Helper()
	b := &quietBench{bench: newBench(t, codecs.PCMU, known)}
	b.rx.accepts[noisePayload] = sdp.ReceivePayload{Number: noisePayload, ClockRate: 8000, ComfortNoise: true}

	return b
}

// say gives packets of the ticks from one up to another; whisper one of comfort noise.
func (b *quietBench) say(from, upTo int, late time.Duration) {
	b.t.Helper()
	for n := from; n < upTo; n++ {
		b.put(n, rtpPacket(b.seq, uint32(n*160), 1, ulaw(n)), late)
	}
}

func (b *quietBench) whisper(n int) {
	b.t.Helper()
	packet := rtpPacket(b.seq, uint32(n*160), 1, []byte{codecs.SilenceLevel})
	packet[1] = noisePayload
	b.put(n, packet, 0)
}

func (b *quietBench) put(n int, packet []byte, late time.Duration) {
	b.t.Helper()
	b.seq++
	if err := b.rx.packet(packet, b.from, time.Second+time.Duration(n)*frame+late); err != nil {
		b.t.Fatal(err)
	}
}

// What comfort noise stands for is silence, and nothing of what is said around it is elsewhere, missing or made up. The file is as long as what has come, also if nothing
// comes any more.
func TestComfortNoiseIsSilence(t *testing.T) {
	t.Parallel()
	b := newQuietBench(t, clocks{})
	b.say(0, 20, 0)
	b.whisper(20)
	b.whisper(45)
	b.say(61, 80, 0)
	for _, n := range []int{80, 105, 130} {
		b.whisper(n)
	}
	if err := b.rx.play(time.Second+130*frame+frame, true); err != nil {
		t.Fatal(err)
	}
	if got := b.rx.file.length(); got != 8000+130*160 {
		t.Errorf("the file has %d samples before the end", got)
	}
	pcm := b.finish(time.Second + 131*frame)
	for n := range 80 {
		if n < 20 || n >= 61 {
			whole(t, pcm, n, 8000+160*n)
		}
	}
	silent(t, pcm, 8000+160*20, 8000+160*61)
	silent(t, pcm, 8000+160*80, len(pcm))
	if r := b.rx.report; r.Lost != 0 || r.ConcealedMS != 0 || r.Discarded != 0 || r.Packets != 20+2+19+3 {
		t.Errorf("%+v", *r)
	}
}

// A packet of audio that is lost before silence is made up as any other, not what is lost in silence.
func TestLossBesideComfortNoise(t *testing.T) {
	t.Parallel()
	b := newQuietBench(t, clocks{})
	b.say(0, 19, 0)
	b.seq++
	b.whisper(20)
	b.seq++ // comfort noise, or the first packet of what follows
	b.say(71, 80, 0)
	pcm := b.finish(time.Second + 80*frame)
	if made := pcm[8000+160*19 : 8000+160*20]; !slicesHave(made) {
		t.Error("what was lost before the silence is silence")
	}
	silent(t, pcm, 8000+160*20, 8000+160*71)
	whole(t, pcm, 79, 8000+160*79)
	if r := b.rx.report; r.Lost != 2 || r.ConcealedMS != 20 {
		t.Errorf("%+v", *r)
	}
}

func slicesHave(pcm []int16) bool {
	for _, v := range pcm {
		if v != 0 {
			return true
		}
	}

	return false
}

// Shows RQ-023. What a report tells anew is in place after the next silence, all of it, though there are no packets in which it could be done little by little.
func TestMovesAreMadeInComfortNoise(t *testing.T) {
	t.Parallel()
	const offset = 3_900_000_000 * time.Second
	for _, by := range []time.Duration{frame, -frame, 7 * time.Millisecond, -300 * time.Millisecond, 2 * time.Second} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			b := newQuietBench(t, clocks{})
			report := func(n int, by time.Duration) {
				if err := b.rx.senderReport(reportAt(1, uint32(n*160), time.Second+time.Duration(n)*frame+by, offset), time.Second+time.Duration(n)*frame); err != nil {
					t.Fatal(err)
				}
			}
			b.say(0, 20, 0)
			report(19, 0)
			b.whisper(20)
			report(30, by)
			b.whisper(45)
			b.say(61, 300, 0)
			pcm := b.finish(time.Second + 300*frame)
			for n := range 300 {
				switch {
				case n < 20:
					whole(t, pcm, n, 8000+160*n)
				case n >= 61:
					whole(t, pcm, n, 8000+160*n+int(by*8000/time.Second))
				}
			}
		})
	}
}

// A leap takes out of silence no more than there is of it; the rest is done later.
func TestLeapIsBoundedBySilence(t *testing.T) {
	for _, c := range []struct{ rest, slew, silence, moved, restAfter, slewAfter int64 }{
		{-100, 0, 40, -40, -60, 0},
		{-100, 0, 400, -100, 0, 0},
		{-30, -100, 50, -50, 0, -80},
		{30, -100, 50, -50, 0, -20},
		{100, 1000, 0, 1100, 0, 0},
		{0, 0, 500, 0, 0, 0},
	} {
		l := timeline{rest: c.rest, slew: c.slew}
		if l.leap(c.silence); l.anchor != c.moved || l.rest != c.restAfter || l.slew != c.slewAfter {
			t.Errorf("%+v: moved by %d, %d and %d left", c, l.anchor, l.rest, l.slew)
		}
	}
}

// Clients are told that they need not send silence, whether they have asked or not, in streams whose silence is known octet by octet; those that have asked by their number.
func TestAnswerTakesComfortNoise(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		codec   codecs.Codec
		refused bool
		offered string
		want    string
	}{
		"not offered":         {codec: codecs.PCMA, want: "a=rtpmap:13 CN/8000\r\n"},
		"offered":             {codec: codecs.PCMU, offered: "19", want: "a=rtpmap:19 CN/8000\r\n"},
		"not wanted":          {codec: codecs.PCMU, refused: true},
		"offered, not wanted": {codec: codecs.PCMU, refused: true, offered: "13"},
		"another codec":       {codec: codecs.Opus},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, Config{NoComfortNoise: x.refused})
			c := newClient(t, server)
			offer := c.describe(newVoice(t, "1", x.codec, 400))
			if x.offered != "" {
				offer = bytes.Replace(offer, []byte(" RTP/AVP 0"), []byte(" RTP/AVP 0 "+x.offered), 1)
				offer = bytes.Replace(offer, []byte("a=rtpmap:0 "), []byte("a=rtpmap:"+x.offered+" CN/8000\r\na=rtpmap:0 "), 1)
			}
			response, err := c.invite(c.call("udp", "application/sdp", offer))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(response.Body, []byte(" CN/")) != (x.want != "") || !bytes.Contains(response.Body, []byte(x.want)) {
				t.Errorf("offer:\n%s\nanswer:\n%s", offer, response.Body)
			}
		})
	}
}
