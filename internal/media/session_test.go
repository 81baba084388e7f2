package media

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/parley-sip/parley/codecs"
)

// ME-RTP-01, ME-RTP-04, ME-RTP-05, ME-RTP-15 (RFC 3550, section 5.1; RFC 3551, section 4.1): what is sent.
func TestSentPackets(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(p *Params) {
		p.LevelExtension, p.SendLevel, p.MixerLevelExtension = 1, true, 3
	})
	ticks(t, 6, func(i int) {
		ingest(s)
		s.Emit(&codecs.Packet{
			Payload: loud(), Samples: 160, CSRC: []uint32{7, 8}, CSRCLevel: []uint8{20, 127}, Level: 30, Voice: true, Marker: i == 3,
		})
	})
	heard := p.hear(100 * time.Millisecond)
	if len(heard) != 6 {
		t.Fatalf("heard %d packets", len(heard))
	}
	for i, packet := range heard {
		h := packet.Header
		if h.Version != 2 || h.Padding || h.PayloadType != 0 || h.SSRC != s.SSRC() || len(h.CSRC) != 2 || h.CSRC[1] != 8 {
			t.Errorf("packet %d: %+v", i, h)
		}
		if h.Marker != (i == 0 || i == 3) {
			t.Errorf("packet %d: marker %v", i, h.Marker)
		}
		if i > 0 && (h.SequenceNumber != heard[i-1].SequenceNumber+1 || h.Timestamp != heard[i-1].Timestamp+160) {
			t.Errorf("packet %d: %d %d after %d %d", i, h.SequenceNumber, h.Timestamp, heard[i-1].SequenceNumber, heard[i-1].Timestamp)
		}
		if own := h.GetExtension(1); len(own) != 1 || own[0] != 0x80|30 {
			t.Errorf("packet %d: own level % x", i, own)
		}
		if mixed := h.GetExtension(3); len(mixed) != 2 || mixed[0] != 20 || mixed[1] != 127 {
			t.Errorf("packet %d: contributors' levels % x", i, mixed)
		}
		if len(packet.Payload) != 160 {
			t.Errorf("packet %d: %d octets", i, len(packet.Payload))
		}
	}
}

// ME-RTP-06: timestamps run on through hold, DTX, and ticks in which nothing is asked.
func TestTimestampsRunOn(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	start := time.Now()
	var gap time.Duration
	var last time.Time
	ticks(t, 50, func(i int) {
		ingest(s)
		switch {
		case i < 10 || i >= 40:
			if i == 40 {
				gap = time.Since(last)
			}
			last = time.Now()
			s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
		case i < 20: // DTX
			s.Emit(&codecs.Packet{Samples: 160})
		}
	})
	heard := p.hear(100 * time.Millisecond)
	if len(heard) != 20 {
		t.Fatalf("heard %d packets in %v", len(heard), time.Since(start))
	}
	step := time.Duration(heard[10].Timestamp-heard[9].Timestamp) * time.Second / 8000
	if off := step - gap; off < -2*tick || off > 2*tick {
		t.Errorf("timestamps advanced by %v in %v", step, gap)
	}
	if !heard[10].Marker || heard[10].SequenceNumber != heard[9].SequenceNumber+1 {
		t.Errorf("after the gap: %+v", heard[10].Header)
	}
}

// ME-RTP-02, ME-RTP-10, ME-RTP-12, ME-RTP-13, ME-AUD-07: what is not wanted makes no sound.
func TestUnwantedPackets(t *testing.T) {
	s, p := call(t, newTestTransport(t, func(c *Config) { c.Symmetric = true }), nil)
	stranger := newPhone(t, "127.0.0.2", s)
	stranger.say(0, loud(), 160)
	ticks(t, 5, func(int) {
		if f := ingest(s); !f.Flags.Has(codecs.Silent) {
			t.Error("a single stray packet is heard")
		}
	})
	p.raw([]byte("neither RTP nor anything else"))
	p.raw([]byte{0x80, 0, 0})
	p.raw(append([]byte{0xA0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, 200)) // padding longer than the packet
	p.say(77, loud(), 160)
	heard := 0
	ticks(t, 5, func(i int) {
		if i < 3 {
			p.header.Extension, p.header.ExtensionProfile = true, 0x1234
			p.header.Extensions = nil
			_ = p.header.SetExtension(0, []byte{1, 2, 3, 4})
			p.say(0, loud(), 160)
		}
		if f := ingest(s); f.Flags == 0 {
			heard++
		}
	})
	stats := s.Stats()
	if stats.Invalid != 3 || stats.UnknownPayloadType != 1 || heard != 3 {
		t.Errorf("heard %d frames, %+v", heard, stats)
	}
	p.header.SSRC++ // of the same address
	p.say(0, loud(), 160)
	ticks(t, 5, func(int) { ingest(s) })
	if after := s.Stats(); after.PacketsReceived != stats.PacketsReceived || after.SourceChanges != 0 {
		t.Errorf("a single stray packet of another source is taken: %+v", after)
	}
}

// The first packet from the described address is heard, in the tick in which it is there: nothing is lost of the first words of a call. If it
// was a stray, two of the right source in sequence take its place.
func TestFirstPacketIsHeard(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	p.say(0, loud(), 160)
	tickUntil(t, "the first packet", func() {}, func() bool { return ingest(s).Flags == 0 })
	if stats := s.Stats(); stats.PacketsReceived != 1 || stats.Concealed != 0 {
		t.Errorf("%+v", stats)
	}
	p.header.SSRC, p.header.SequenceNumber = 77, 20_000
	p.say(0, loud(), 160)
	p.say(0, loud(), 160)
	tickUntil(t, "the second source", func() {}, func() bool { ingest(s); return s.Stats().RemoteSSRC == 77 })
}

// ME-RTP-11 (RFC 3550, section 8): the far end changes its SSRC.
func TestSourceChange(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	silent, at := 0, 0
	ticks(t, 40, func(i int) {
		if i == 20 {
			p.header.SSRC, p.header.SequenceNumber, p.header.Timestamp = 99, 100, 12345
		}
		p.say(0, loud(), 160)
		if f := ingest(s); i > 3 && f.Flags != 0 {
			silent, at = silent+1, i
		}
	})
	stats := s.Stats()
	if silent > 3 || stats.SourceChanges != 1 || stats.RemoteSSRC != 99 {
		t.Errorf("%d frames without audio, last in tick %d; %+v", silent, at, stats)
	}
}

// ME-RTP-08 (RFC 3550, section 8.2): the far end has our SSRC; then our own packets come back.
func TestCollisionAndLoop(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	before := s.SSRC()
	p.header.SSRC = before
	p.say(0, loud(), 160)
	p.say(0, loud(), 160)
	ingest(s)
	after := s.SSRC()
	if after == before {
		t.Error("the SSRC stays")
	}
	p.header.SSRC = after
	p.say(0, loud(), 160)
	ingest(s)
	if s.SSRC() != after {
		t.Error("a loop changes the SSRC again")
	}
	if got := s.Stats().Looped; got != 2 { // what comes with the SSRC given up is the far end's
		t.Errorf("looped %d", got)
	}
}

// ME-AUD-10: the payload type changes in mid-stream, to another rate of samples as well.
func TestCodecChange(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(p *Params) {
		p.Receive = append(p.Receive, PayloadType{Number: 9, Codec: codecs.G722}, PayloadType{Number: 111, Codec: codecs.Opus})
	})
	tone := &sine{frequency: 500, rate: 48000, amplitude: 8000}
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.Opus, PacketTime: tick, Bitrate: 32000})
	if err != nil {
		t.Fatal(err)
	}
	rates := map[int]int{}
	ticks(t, 60, func(i int) {
		switch i / 20 {
		case 0:
			p.say(8, loud(), 160)
		case 1:
			p.say(9, loud(), 160)
		default:
			p.say(111, encodedTone(t, encoder, tone, 960), 960)
		}
		if f := ingest(s); f.Flags == 0 {
			rates[f.Rate]++
			if f.Samples != f.Rate/50 {
				t.Errorf("frame %+v", f)
			}
		}
	})
	for _, rate := range []int{8000, 16000, 48000} {
		if rates[rate] < 16 {
			t.Errorf("frames by rate: %v", rates)
		}
	}
}

// ME-CN-03, ME-CN-08 (RFC 3389): announced silence is noise, not speech, and no loss.
func TestComfortNoise(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	noise := 0
	ticks(t, 40, func(i int) {
		if i < 10 || i >= 30 {
			p.say(0, loud(), 160)
		} else {
			if i == 10 {
				p.say(13, []byte{50}, 0)
			}
			p.header.Timestamp += 160
		}
		if f := ingest(s); f.Flags.Has(codecs.ComfortNoise) {
			noise++
			if f.Level < 40 || f.Level > 70 {
				t.Errorf("tick %d: level %d", i, f.Level)
			}
		}
	})
	if stats := s.Stats(); noise < 16 || stats.Lost != 0 || stats.Concealed > 2 {
		t.Errorf("%d frames of noise, %+v", noise, stats)
	}
}

// ME-DTM-12, ME-DTM-17 (RFC 4733, section 2.5.2.2): one digit per event, and not heard.
func TestDigits(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	digits := digitsOf(s)
	press := func(code uint8) func(int) {
		return func(i int) {
			payload := codecs.AppendEvent(nil, codecs.Event{Code: code, End: i >= 5, Volume: 10, Duration: uint16(160 * min(i+1, 6))})
			p.header.PayloadType, p.header.Marker = 101, i == 0
			if i != 2 { // one is lost
				p.put(&rtp.Packet{Header: p.header, Payload: payload})
			}
			p.header.SequenceNumber++
			p.header.Marker = false
			if f := ingest(s); i > 1 && !f.Flags.Has(codecs.Silent) {
				t.Errorf("event packet %d is heard: %+v", i, f)
			}
		}
	}
	audio := func(int) { p.say(0, loud(), 160); ingest(s) }
	ticks(t, 5, audio)
	ticks(t, 8, press(10))
	p.header.Timestamp += 8 * 160
	ticks(t, 5, audio)
	ticks(t, 8, press(6))
	p.header.Timestamp += 8 * 160
	ticks(t, 8, audio)
	for _, want := range []byte("*6") {
		select {
		case d := <-digits:
			if d.Key != want || d.Duration <= 0 {
				t.Errorf("digit %q for %v, want %q", d.Key, d.Duration, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no digit %q", want)
		}
	}
	select {
	case d := <-digits:
		t.Errorf("digit %q too much", d.Key)
	default:
	}
}

// ME-LVL-02 (RFC 6464, section 3): the V bit of both forms is read, and the level is that of the decoded audio.
func TestLevelExtensionIsRead(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(p *Params) { p.LevelExtension = 5 })
	for _, profile := range []uint16{profileOneByte, profileTwoByte} {
		p.header.Extension, p.header.ExtensionProfile, p.header.Extensions = true, profile, nil
		if err := p.header.SetExtension(5, []byte{0x80 | 99}); err != nil {
			t.Fatal(err)
		}
		voice := 0
		ticks(t, 5, func(int) {
			p.say(0, loud(), 160)
			if f := ingest(s); f.Voice && f.Level < 10 {
				voice++
			}
		})
		if voice < 3 {
			t.Errorf("profile %x: %d frames of voice", profile, voice)
		}
	}
}

// The level that the far end claims decides nothing: that of the decoded audio is what the mixer is told, so that who claims to be loud is not.
//
// Shows ME-LVL-06.
func TestClaimedLevelsAreNotBelieved(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(p *Params) { p.LevelExtension = 5 })
	hush := make([]byte, 160)
	for i := range hush {
		hush[i] = 0xFE + uint8(i)%2 // the smallest values there are
	}
	for claimed, payload := range map[uint8][]byte{0: hush, codecs.SilenceLevel: loud()} {
		p.header.Extension, p.header.ExtensionProfile, p.header.Extensions = true, profileOneByte, nil
		if err := p.header.SetExtension(5, []byte{0x80 | claimed}); err != nil {
			t.Fatal(err)
		}
		want := func(f codecs.Frame) bool { return f.Level < 10 }
		if claimed == 0 {
			want = func(f codecs.Frame) bool { return f.Level > 60 }
		}
		heard := 0
		tickUntil(t, "frames with their own level", func() { p.say(0, payload, 160) }, func() bool {
			if f := ingest(s); f.Flags == 0 && want(f) {
				heard++
			}
			return heard >= 5
		})
	}
}

// A session on IPv6, and IPv4 far ends on a socket for both.
func TestIPv6(t *testing.T) {
	for _, listen := range []string{"::1", "::"} {
		transport := newTestTransport(t, func(c *Config) { c.ListenAddress = netip.MustParseAddr(listen) })
		for _, host := range []string{"::1", "127.0.0.1"} {
			if listen == "::1" && host != "::1" {
				continue
			}
			s := openSession(t, transport)
			p := newPhone(t, host, s)
			p.to = netip.AddrPortFrom(netip.MustParseAddr(host), s.LocalAddr().Port())
			if err := s.Configure(pcmuParams(p.addr())); err != nil {
				t.Fatal(err)
			}
			heard := 0
			ticks(t, 8, func(int) {
				p.say(0, loud(), 160)
				if f := ingest(s); f.Flags == 0 {
					heard++
				}
				s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
			})
			if got := len(p.hear(50 * time.Millisecond)); heard < 5 || got != 8 {
				t.Errorf("%s with %s: heard %d frames, sent %d packets; %+v", listen, host, heard, got, s.Stats())
			}
		}
	}
}

// ME-MIX-17: a flood costs a bounded part of the tick, and the next tick goes on.
func TestFloodIsBounded(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	for range 3 * drainLimit {
		p.raw([]byte{0x80, 77, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1})
	}
	ingest(s)
	if got := s.Stats(); got.UnknownPayloadType != drainLimit || got.Flooded != 1 {
		t.Errorf("%+v", got)
	}
}

// Nobody listens at the far end: what the system says about it disturbs nothing.
func TestRefusedPackets(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	ticks(t, 4, func(int) {
		p.say(0, loud(), 160)
		ingest(s)
	})
	_ = p.rtp.Close()
	ticks(t, 10, func(int) {
		ingest(s)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	})
	if got := s.Stats(); got.Refused == 0 || got.PacketsSent != 10 || got.SendErrors != 0 {
		t.Errorf("%+v", got)
	}
}
