package sdp

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// offeredEvents are the events we can tell apart: digits and flash.
const offeredEvents = "0-16"

// usualRedundancy is a payload type that others have for packets with earlier ones.
const usualRedundancy = 121

func offer(local *Local) Description {
	d := local.description()
	lite := false
	for i, stream := range local.slots() {
		var previous, remote *Media
		if local.Previous != nil && i < len(local.Previous.Media) {
			previous = &local.Previous.Media[i]
		}
		if local.Remote != nil && i < len(local.Remote.Media) {
			remote = &local.Remote.Media[i]
		}
		media := stream.offer(previous, remote)
		if stream != nil && stream.OfferICE && stream.ICE != (ICE{}) && media.Port != 0 {
			media.addCandidates(stream.ICE, local.Address, stream.Port, stream.rtcpPort(), false) // the answer may be without mux
			lite = true
		}
		d.Media = append(d.Media, media)
	}
	if lite {
		d.addLite()
	}
	return local.number(d)
}

// slots says which stream each m= line is for, nil for a disabled one. It is never shorter than the previous
// description (RFC 3264, section 8).
func (l *Local) slots() []*LocalStream {
	var previous []Media
	if l.Previous != nil {
		previous = l.Previous.Media
	}
	slots := make([]*LocalStream, len(previous))
	if l.ByPosition {
		for i := range l.Streams {
			if i == len(slots) {
				slots = append(slots, nil)
			}
			slots[i] = &l.Streams[i]
		}
		return slots
	}
	rest := make([]*LocalStream, 0, len(l.Streams))
	for i := range l.Streams {
		if l.Streams[i].Port != 0 {
			rest = append(rest, &l.Streams[i])
		}
	}
	for _, fits := range slotRules {
		rest = slices.DeleteFunc(rest, func(stream *LocalStream) bool {
			for i := range previous {
				if slots[i] == nil && fits(stream, &previous[i]) {
					slots[i] = stream
					return true
				}
			}
			return false
		})
	}
	return append(slots, rest...)
}

// slotRules say which slot a stream takes, the best first.
//
//nolint:gochecknoglobals // table
var slotRules = []func(*LocalStream, *Media) bool{
	func(s *LocalStream, m *Media) bool { return s.Label != "" && s.fitsKind(m) && m.Label == s.Label },
	func(s *LocalStream, m *Media) bool { return s.Label == "" && s.fitsUse(m) && m.Port == s.Port },
	func(s *LocalStream, m *Media) bool { return (s.Label == "" || m.Label == "") && s.fitsUse(m) },
	func(s *LocalStream, m *Media) bool { return m.Port == 0 && s.fitsKind(m) },
	func(_ *LocalStream, m *Media) bool { return m.Port == 0 },
}

func (s *LocalStream) fitsKind(m *Media) bool { return strings.EqualFold(s.kind(), m.Kind) }

func (s *LocalStream) fitsUse(m *Media) bool { return s.fitsKind(m) && (m.IsAudio() || m.IsText()) }

// offer makes an m= line in a slot that had the given lines of ours and of the peer, nil if none.
func (s *LocalStream) offer(previous, remote *Media) Media {
	switch {
	case s != nil && s.Port != 0:
	case previous != nil && s != nil:
		return previous.disabled(cmp.Or(tidy(s.Label), previous.Label))
	case previous != nil:
		return previous.disabled(previous.Label)
	default:
		empty := Media{Kind: kindAudio, Proto: protoAVP, PayloadTypes: []PayloadType{{}}}
		empty.PayloadTypes[0].fillStatic()
		return empty.disabled(tidy(s.Label))
	}
	proto := protoAVP
	if s.Feedback {
		proto = protoAVPF
	}
	if s.Text != nil {
		media := s.media(kindText, proto)
		media.Direction, media.Mux, media.Label = cmp.Or(s.Direction, SendRecv), s.Mux, tidy(s.Label)
		s.protectOffer(&media, previous)
		s.offerText(&media, previous, remote)
		return media
	}
	media := s.media(kindAudio, proto)
	media.PacketTime = cmp.Or(wholeMilliseconds(s.PacketTime), codecs.FrameDuration)
	media.Direction = cmp.Or(s.Direction, SendRecv)
	media.Mux = s.Mux
	s.protectOffer(&media, previous)
	media.Label = tidy(s.Label)
	media.PayloadTypes = s.payloadTypes(previous, remote)
	if first := media.PayloadTypes; len(first) > 0 && first[0].codec().Linear() { // of which not all fit into a packet
		media.PacketTime = packetTime(first[0].codec(), media.PacketTime, media.MaxPacketTime)
	}
	var known []Extension
	for _, m := range []*Media{previous, remote} {
		if m != nil {
			known = append(known, m.Extensions...)
		}
	}
	media.Extensions = offerLevels(s, known)
	s.offerReports(&media)
	return media
}

// media is what an offer and an answer have in common.
func (s *LocalStream) media(kind, proto string) Media {
	media := Media{
		Kind:          kind,
		Proto:         proto,
		Port:          s.Port,
		MaxPacketTime: wholeMilliseconds(s.MaxPacketTime),
		Content:       tidy(s.Content),
		Record:        s.Record,
	}
	if s.RTCPPort != 0 && int(s.RTCPPort) != int(s.Port)+1 {
		media.RTCP.Port = s.RTCPPort
	}
	return media
}

// payloadTypes are the formats we offer: codecs, then events at each clock rate of theirs (RFC 4733, section 2.1), then
// comfort noise.
func (s *LocalStream) payloadTypes(previous, remote *Media) []PayloadType {
	n := numbers{mux: s.Mux}
	n.learn(previous)
	n.learn(remote)
	var list, extra []PayloadType
	for _, c := range s.Codecs {
		if !c.Valid() {
			continue
		}
		p := PayloadType{Name: c.String(), ClockRate: c.ClockRate(), Channels: c.Channels()}
		p.Number = n.codec(c, p)
		if c == codecs.Opus {
			p.Parameters = s.Opus.String()
		}
		list = append(list, p)
	}
	if s.OfferRedundancy {
		for _, p := range list {
			extra = append(extra, n.redundancy(p))
		}
	}
	for _, p := range list {
		if s.Events && !slices.ContainsFunc(extra, func(e PayloadType) bool { return e.ClockRate == p.ClockRate }) {
			event := PayloadType{Name: eventName, ClockRate: p.ClockRate, Channels: 1, Parameters: offeredEvents}
			event.Number = n.event(event)
			extra = append(extra, event)
		}
	}
	if s.ComfortNoise {
		static := PayloadType{Number: 13}
		static.fillStatic()
		extra = append(extra, noise([]PayloadType{static}, list)...)
	}
	return append(list, extra...)
}

// numbers gives formats their payload types: within a session a number never changes its meaning (RFC 3264, section
// 8.3.2), so those in use come first.
type numbers struct {
	known []PayloadType
	mux   bool
}

func (n *numbers) learn(m *Media) {
	if m == nil || !m.isRTP() {
		return
	}
	n.known = append(n.known, m.PayloadTypes...)
}

func (n *numbers) codec(c codecs.Codec, p PayloadType) uint8 {
	if static, ok := c.StaticPayloadType(); ok {
		return static
	}
	if c.Linear() {
		return n.dynamic(p, 112)
	}
	return n.dynamic(p, 111)
}

func (n *numbers) event(p PayloadType) uint8 {
	if p.ClockRate == noiseRate {
		return n.dynamic(p, 101)
	}
	return n.dynamic(p, 110)
}

// redundancy is the format for packets of a codec with one earlier one (RFC 2198, section 4).
func (n *numbers) redundancy(of PayloadType) PayloadType {
	number := strconv.Itoa(int(of.Number))
	p := PayloadType{Name: redundancyName, ClockRate: of.ClockRate, Channels: of.Channels, Parameters: number + "/" + number}
	p.Number = n.numberFor(usualRedundancy, func(k PayloadType) bool {
		return strings.EqualFold(k.Name, redundancyName) && k.ClockRate == p.ClockRate && k.Parameters == p.Parameters
	}, p)
	return p
}

// dynamic is the number the format has, else the usual one, else the first free one.
func (n *numbers) dynamic(p PayloadType, usual uint8) uint8 {
	return n.numberFor(usual, p.means, p)
}

// numberFor is dynamic for formats that are known by a function.
func (n *numbers) numberFor(usual uint8, means func(PayloadType) bool, p PayloadType) uint8 {
	for _, k := range n.known {
		if means(k) && (!n.mux || !k.collidesWithRTCP()) {
			return k.Number
		}
	}
	free := func(number uint8) bool {
		return !slices.ContainsFunc(n.known, func(k PayloadType) bool { return k.Number == number })
	}
	number := usual
	for candidate := uint8(96); candidate <= 127 && !free(number); candidate++ {
		number = candidate
	}
	p.Number = number
	n.known = append(n.known, p)
	return number
}

// wholeMilliseconds is what can be written.
func wholeMilliseconds(d time.Duration) time.Duration { return max(d.Truncate(time.Millisecond), 0) }
