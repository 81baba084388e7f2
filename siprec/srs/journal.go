package srs

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// A note tells in a dump what has decided, beside the packets, where their audio went: with it the file can be made again from the dump, see
// remake. It stands there as an RTCP packet of the type APP (RFC 3550, section 6.7), so that whoever reads rtpdump goes past it. Sender reports and
// goodbyes of the source that is heard stand there as such.
type note struct {
	Do string `json:"do"`
	// NS is a time: noteBegin: by how much the files begin before the session; noteClock: what to add to the client's NTP time; noteMoved: by how much
	// all files grew at their beginning.
	NS time.Duration `json:"ns,omitempty"`
	// Own tells with noteMoved that this stream has asked for the room, while it took the packet, report or note that is next.
	Own bool `json:"own,omitempty"`
	// Known and Latched tell with noteClock whether there is one, and whether anybody is listened to.
	Known   bool `json:"known,omitempty"`
	Latched bool `json:"latched,omitempty"`
	// Captured tells with noteClock the NTP time of the beginning of a delivery; see origin.
	Captured time.Duration `json:"captured,omitempty"`
	// All tells with notePlay that nothing was waited for.
	All bool `json:"all,omitempty"`
	// Library is what makes Opus, with noteBegin.
	Library string `json:"library,omitempty"`
	// Calm tells with noteBegin that small moves were made only where nothing is heard; see timeline.
	Calm bool `json:"calm,omitempty"`
	// Codec and Accepts are what was agreed, with noteAgreed.
	Codec   *notedCodec    `json:"codec,omitempty"`
	Accepts []notedPayload `json:"accepts,omitempty"`
}

type notedCodec struct {
	Name     string `json:"name"`
	Clock    int    `json:"clock"`
	Channels int    `json:"channels"`
}

type notedPayload struct {
	Number uint8 `json:"pt"`
	Clock  int   `json:"clock"`
	Event  bool  `json:"event,omitempty"`
	Noise  bool  `json:"noise,omitempty"`
}

const (
	noteBegin  = "begin"  // the first one: the file is empty
	noteAgreed = "agreed" // what was agreed on
	noteClock  = "clock"  // what the recording knows of the client's clock, where it is not what it was
	noteMoved  = "moved"  // all files of the recording grew at their beginning
	notePlay   = "play"   // the time has come of packets that were waiting
	noteFlush  = "flush"  // what was held back was written, which decides where pages of Ogg end
)

const (
	rtcpAPP    = 204
	noteName   = "PRLY"
	noteHeader = 12 // with source and name
)

// newAgreed is what a receiver has agreed on.
func newAgreed(r *receiver) note {
	n := note{Do: noteAgreed, Codec: &notedCodec{r.codec.String(), r.codec.ClockRate(), r.codec.Channels()}}
	for pt := range uint8(128) {
		if a, ok := r.accepts[pt]; ok {
			n.Accepts = append(n.Accepts, notedPayload{pt, a.ClockRate, a.Event, a.ComfortNoise})
		}
	}

	return n
}

// stream is what was agreed, as a receiver takes it; false if there is no such codec.
func (n *note) stream() (sdp.Stream, bool) {
	if n.Codec == nil {
		return sdp.Stream{}, false
	}
	codec, ok := codecs.ParseCodecChannels(n.Codec.Name, n.Codec.Clock, n.Codec.Channels)
	s := sdp.Stream{Codec: codec}
	for _, a := range n.Accepts {
		p := sdp.ReceivePayload{Number: a.Number, ClockRate: a.Clock, Event: a.Event, ComfortNoise: a.Noise}
		if ok = ok && a.Clock > 0; !a.Event && !a.Noise {
			p.Codec = codec
		}
		s.Accepts = append(s.Accepts, p)
	}

	return s, ok
}

// packet makes an RTCP packet of it.
func (n note) packet() []byte {
	text, err := json.Marshal(n)
	if err != nil {
		return nil // it has nothing that cannot be
	}
	for len(text)%4 != 0 {
		text = append(text, ' ')
	}
	b := []byte{0x80, rtcpAPP}
	b = binary.BigEndian.AppendUint16(b, uint16((noteHeader+len(text))/4-1)) //nolint:gosec // of a few hundred octets
	b = append(b, 0, 0, 0, 0)
	b = append(b, noteName...)

	return append(b, text...)
}

// parseNote reads what packet makes; false for other RTCP.
func parseNote(b []byte) (n note, ok bool) {
	if len(b) < noteHeader || b[1] != rtcpAPP || string(b[8:noteHeader]) != noteName {
		return n, false
	}

	return n, json.Unmarshal(bytes.TrimRight(b[noteHeader:], " "), &n) == nil
}

// clock is what a receiver knows of the clock of an address.
func (r *receiver) clock(from netip.AddrPort) note {
	n := note{Do: noteClock, Latched: from.IsValid(), Captured: r.origin.captured}
	n.NS, n.Known = r.clocks[from.Addr()]

	return n
}

// packet keeps a packet with what decided about it. Nil keeps nothing.
func (d *dump) packet(clock note, data []byte, at time.Duration) error {
	if d == nil {
		return nil
	}
	if err := d.told(clock); err != nil {
		return err
	}

	return d.write(data, d.at.Add(at))
}

// told keeps a note that says something new.
func (d *dump) told(n note) error {
	b := n.packet()
	last := &d.clock
	if n.Do == noteAgreed {
		last = &d.agreed
	}
	if !d.notes || bytes.Equal(b, *last) {
		return nil
	}
	*last = b

	return d.control(b, d.last)
}

// note keeps a note.
func (d *dump) note(n note) error {
	if d == nil || !d.notes {
		return nil
	}
	if n.Do == noteAgreed {
		return d.told(n)
	}

	return d.control(n.packet(), d.last)
}

// instant is a time since the beginning as it stands in the dump, in milliseconds: what is decided by the time is decided by that, so that it can be
// decided again.
func (d *dump) instant(at time.Duration) time.Duration {
	if d == nil || !d.notes {
		return at
	}
	d.last = max(0, at.Truncate(time.Millisecond))

	return d.last
}

// media takes an RTP packet, and keeps it if it is one of the stream.
func (s *stream) media(p *packet, at time.Duration) error {
	at = s.dump.instant(at)
	clock := s.receiver.clock(p.from)
	if err := s.receiver.packet(p.data, p.from, at); err != nil || !s.receiver.took {
		return err
	}

	return s.dump.packet(clock, p.data, at)
}

// control takes an RTCP packet, and keeps what it says about the source that is heard.
func (s *stream) control(p *packet, at time.Duration) error {
	rx := s.receiver
	at = s.dump.instant(at)
	var fault error
	keep := func(ssrc uint32, packet func() []byte, take func() error) {
		heard := s.dump != nil && s.dump.notes && rx.source != nil && rx.source.ssrc == ssrc
		clock := rx.clock(rx.remote)
		err := take()
		if err == nil && heard {
			if err = s.dump.told(clock); err == nil {
				err = s.dump.control(packet(), at)
			}
		}
		if err != nil {
			fault = err
		}
	}
	parseRTCP(p.data, func(sr senderReport) {
		keep(sr.ssrc, sr.packet, func() error { return rx.senderReport(sr, at) })
	}, func(ssrc uint32) {
		keep(ssrc, func() []byte { return goodbye(ssrc) }, func() error { return rx.bye(ssrc, at) })
	})
	if rx.text != nil {
		parseDescriptions(p.data, rx.text.described)
	}

	return fault
}

// play puts in what is due, and notes it if there was something.
func (s *stream) play(at time.Duration, all bool) error {
	at = s.dump.instant(at)
	clock, before := s.receiver.clock(s.receiver.remote), s.report.Packets
	err := s.receiver.play(at, all)
	if err != nil || s.dump == nil || !s.dump.notes || s.report.Packets == before {
		return err
	}
	if err = s.dump.told(clock); err != nil {
		return err
	}

	return s.dump.control(note{Do: notePlay, All: all}.packet(), at)
}

// flush writes what is held back.
func (s *stream) flush() error {
	if err := s.receiver.file.flush(); err != nil {
		return err
	}
	if _, plain := s.receiver.file.(*wav); !plain {
		if err := s.dump.note(note{Do: noteFlush}); err != nil {
			return err
		}
	}

	return s.dump.flush()
}

// packet is the report as an RTCP packet without counters.
func (s senderReport) packet() []byte {
	b := []byte{0x80, rtcpSR, 0, 6}
	b = binary.BigEndian.AppendUint32(b, s.ssrc)
	b = binary.BigEndian.AppendUint64(b, s.ntp)
	b = binary.BigEndian.AppendUint32(b, s.timestamp)

	return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
}

// goodbye is the RTCP packet with which a source leaves.
func goodbye(ssrc uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{0x81, rtcpBYE, 0, 1}, ssrc)
}
