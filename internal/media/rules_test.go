package media

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/srtp"
)

// generous is how long what comes in milliseconds is waited for.
const generous = 30 * time.Second

// tickUntil runs ticks until a condition holds.
func tickUntil(t *testing.T, what string, step func(), condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for deadline := time.Now().Add(generous); !condition(); {
		if time.Now().After(deadline) {
			t.Fatal("waiting in vain for ", what)
		}
		<-ticker.C
		step()
	}
}

// countingDecoder counts how often each packet comes to a decoder; their payloads begin with a number.
type countingDecoder struct {
	codecs.Decoder

	seen map[uint32]int
}

func (d countingDecoder) Decode(dst []int16, payload []byte) (int, error) {
	d.seen[binary.BigEndian.Uint32(payload)]++
	return d.Decoder.Decode(dst, payload)
}

// Whatever the network repeats or brings in another order, a decoder never gets a packet twice.
//
// Shows ME-RTP-17.
func TestNoPacketIsDecodedTwice(t *testing.T) {
	n := newNetwork(5)
	n.jitter, n.duplicate, n.reorder, n.loss = 60*time.Millisecond, 0.4, 0.1, 0.02
	l := newListener(t, 0, 200*time.Millisecond, codecs.PCMU)
	counting := countingDecoder{l.player.decoders[codecs.PCMU], map[uint32]int{}}
	l.player.decoders[codecs.PCMU] = counting
	flights, injected := n.fly(20*time.Second, func(i, units int) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(i)), loud()[:units-4]...)
	})
	l.run(flights, 7*time.Millisecond, 21*time.Second)
	for i, times := range counting.seen {
		if times != 1 {
			t.Errorf("packet %d was decoded %d times", i, times)
		}
	}
	if injected.duplicated < 300 || len(counting.seen) < injected.sent*9/10 {
		t.Errorf("%d packets decoded of %+v", len(counting.seen), injected)
	}
}

// What a far end sends with any format that was offered, protected by any suite, before its answer has come, is there when that has.
//
// Shows ME-RTP-19, ME-SDE-18.
func TestMediaBeforeTheAnswer(t *testing.T) {
	suites := []srtp.Suite{srtp.None, srtp.AEADAES256GCM, srtp.AEADAES128GCM, srtp.AESCM128HMACSHA180}
	transport := newTestTransport(t, nil)
	for _, suite := range suites {
		for _, format := range []PayloadType{{Number: 0, Codec: codecs.PCMU}, {Number: 8, Codec: codecs.PCMA}, {Number: 9, Codec: codecs.G722}} {
			ours, theirs := openSession(t, transport), openSession(t, transport)
			params := func(to *Session, local, remote byte) Params {
				p := pcmuParams(to.LocalAddr())
				p.Receive = append(p.Receive, PayloadType{Number: 9, Codec: codecs.G722})
				p.SendCodec, p.SendPayloadType = format.Codec, format.Number
				if suite != srtp.None {
					p.Protection = &Protection{Local: testKey(suite, local), Remote: testKey(suite, remote)}
				}
				return p
			}
			if err := theirs.Configure(params(ours, 1, 2)); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				theirs.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
			}
			if err := ours.Configure(params(theirs, 2, 1)); err != nil { // the answer
				t.Fatal(err)
			}
			// The system may begin to stamp packets after these have come. They then have the time at which they are read, and are
			// read as if they came in real time.
			heard := false
			tickUntil(t, "what was sent before the answer", func() { heard = ingest(ours).Flags == 0 || heard }, func() bool {
				return ours.Stats().PacketsReceived >= 5
			})
			if st := ours.Stats(); st.PacketsReceived != 5 || st.Lost != 0 || st.Forged != 0 || !heard {
				t.Errorf("%v, payload type %d: heard %t, %+v", suite, format.Number, heard, st)
			}
		}
	}
}

// An event is played in place of the audio that comes beside it, which is heard again no later than three packet times after its end.
//
// Shows ME-DTM-13.
func TestEventsSilenceTheirAudio(t *testing.T) {
	if eventTail > 3*tick {
		t.Errorf("audio is left out for %v after an event", eventTail)
	}
	s, p := call(t, newTestTransport(t, nil), nil)
	audio := func() { p.say(0, loud(), 160) }
	tickUntil(t, "audio", audio, func() bool { return ingest(s).Flags == 0 })
	start := p.header.Timestamp
	var ended time.Time
	ticks(t, 8, func(i int) {
		audio()
		payload := codecs.AppendEvent(nil, codecs.Event{Code: 5, End: i == 7, Volume: 10, Duration: uint16(160 * (i + 1))})
		event := p.header
		event.PayloadType, event.Timestamp, event.Marker = 101, start, i == 0
		ended = time.Now()
		p.put(&rtp.Packet{Header: event, Payload: payload})
		p.header.SequenceNumber++
		if f := ingest(s); i > 1 && !f.Flags.Has(codecs.Silent) {
			t.Errorf("audio beside packet %d of an event is heard", i)
		}
	})
	var f codecs.Frame
	var taken time.Time
	tickUntil(t, "audio after the event", audio, func() bool {
		f = ingest(s)
		taken = time.Now()
		return !f.Flags.Has(codecs.Silent)
	})
	if taken.Sub(ended) < eventTail {
		t.Errorf("audio is heard %v after the end of an event", taken.Sub(ended))
	}
}

// Events are protected as the audio is: nobody reads them on the way, and nobody changes them.
//
// Shows ME-DTM-15.
func TestEventsAreProtected(t *testing.T) {
	key := testKey(srtp.AEADAES128GCM, 1)
	s, p := call(t, newTestTransport(t, nil), func(params *Params) {
		params.Events, params.EventPayloadType = true, 101
		params.Protection = &Protection{Local: key, Remote: testKey(srtp.AEADAES128GCM, 2)}
	})
	receiver, err := srtp.NewReceiver(key)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Press(Digit{Key: '7', Duration: 100 * time.Millisecond}) {
		t.Fatal("not taken")
	}
	for range 10 {
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	}
	events := 0
	for octets := p.read(p.rtp, generous); octets != nil; octets = p.read(p.rtp, 50*time.Millisecond) {
		if octets[1]&0x7F != 101 {
			continue
		}
		changed := bytes.Clone(octets)
		changed[headerSize] ^= 1 // another key
		if _, err = receiver.Unprotect(changed); err == nil {
			t.Error("an event that was changed is believed")
		}
		sealed := bytes.Clone(octets[headerSize : headerSize+4])
		size, err := receiver.Unprotect(octets)
		if err != nil {
			t.Fatal(err)
		}
		if e, bad := codecs.ParseEvent(octets[headerSize:size]); bad != nil || e.Code != 7 || bytes.Equal(sealed, octets[headerSize:size]) {
			t.Errorf("event %+v, sent as % x: %v", e, sealed, bad)
		}
		events++
	}
	if events != 5+2 {
		t.Errorf("%d packets of the event", events)
	}
}

// Header extensions that nobody has agreed on are passed over, and the audio behind them is heard.
//
// Shows ME-AUD-07.
func TestExtensionsNobodyAgreedOn(t *testing.T) {
	for _, profile := range []uint16{profileOneByte, profileTwoByte, 0x1234} {
		for _, agreed := range []uint8{0, 5} {
			sent := rtp.Packet{Header: rtp.Header{Version: 2, Extension: true, ExtensionProfile: profile}, Payload: loud()}
			id := uint8(6)
			if profile == 0x1234 {
				id = 0
			}
			if err := sent.SetExtension(id, []byte{0x80 | 10, 1, 2, 3}); err != nil {
				t.Fatal(err)
			}
			octets, err := sent.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			var got packet
			if !got.parse(octets, agreed) || got.hasLevel || got.voice || !bytes.Equal(got.payload, loud()) {
				t.Errorf("profile %x, agreed %d: level %t, voice %t, %d octets of audio", profile, agreed, got.hasLevel, got.voice, len(got.payload))
			}
		}
	}
}

// Timestamps and sequence numbers of what is sent are our own, however the clock of who is heard goes, and the source is always ours.
//
// Shows ME-MIX-01, ME-MIX-06.
func TestOwnTiming(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	ticks(t, 30, func(i int) {
		p.say(0, loud(), 160)
		p.header.Timestamp += uint32(rand.IntN(40)) // a clock that is of no use
		if i%7 == 3 {
			p.header.SequenceNumber += 5
		}
		ingest(s)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160, CSRC: []uint32{p.header.SSRC, uint32(i)}})
	})
	heard := p.hear(100 * time.Millisecond)
	if len(heard) != 30 {
		t.Fatalf("%d packets", len(heard))
	}
	for i, packet := range heard {
		if packet.SSRC != s.SSRC() {
			t.Errorf("packet %d is of %x", i, packet.SSRC)
		}
		if i == 0 {
			continue
		}
		before := heard[i-1]
		if step := packet.Timestamp - before.Timestamp; packet.SequenceNumber != before.SequenceNumber+1 || step == 0 || step%160 != 0 || step > 8000 {
			t.Errorf("packet %d: %d steps of the number, %d of the time", i, packet.SequenceNumber-before.SequenceNumber, step)
		}
	}
}
