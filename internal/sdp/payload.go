package sdp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/parley-sip/parley/codecs"
)

const (
	eventName      = "telephone-event"
	noiseName      = "CN"
	redundancyName = "red"
	noiseRate      = 8000
)

// codec is the codec of the format, None for all that is not ours. Two mistakes are common and harmless: opus/48000
// without its two channels (RFC 7587, section 7), and 16000 as the clock rate of G.722, whose static number says that it
// is 8000 (RFC 3551, section 4.5.2).
func (p PayloadType) codec() codecs.Codec {
	if static, _ := codecs.G722.StaticPayloadType(); p.Number == static && strings.EqualFold(p.Name, codecs.G722.String()) {
		return codecs.G722
	}
	c, ok := codecs.ParseCodecChannels(p.Name, p.ClockRate, p.Channels)
	if !ok && strings.EqualFold(p.Name, codecs.Opus.String()) {
		c, _ = codecs.ParseCodec(p.Name, p.ClockRate)
	}
	return c
}

func (p PayloadType) isEvent() bool { return strings.EqualFold(p.Name, eventName) }

// Only the narrow-band form, with its static number or another: no wide-band codec of ours wants comfort noise.
func (p PayloadType) isNoise() bool {
	return strings.EqualFold(p.Name, noiseName) && p.ClockRate == noiseRate
}

// isRedundancy tells packets that carry earlier ones, too (RFC 2198), all of them in formats of the list at the same clock rate.
func (p PayloadType) isRedundancy(list []PayloadType) bool {
	if !strings.EqualFold(p.Name, redundancyName) {
		return false
	}
	for text := range strings.SplitSeq(p.Parameters, "/") {
		number, err := strconv.ParseUint(strings.TrimSpace(text), 10, 7)
		if err != nil || !slices.ContainsFunc(list, func(q PayloadType) bool { return uint64(q.Number) == number && q.ClockRate == p.ClockRate }) {
			return false
		}
	}
	return true
}

// setRedundancy finds the payload type of the list with which earlier packets of what we send can be sent again.
func (s *Stream) setRedundancy(list []PayloadType) {
	number := strconv.Itoa(int(s.SendPT))
	for _, p := range list {
		first, rest, several := strings.Cut(p.Parameters, "/")
		second, _, _ := strings.Cut(rest, "/")
		if p.isRedundancy(list) && several && strings.TrimSpace(first) == number && strings.TrimSpace(second) == number && p.ClockRate == s.Codec.ClockRate() {
			s.Redundant, s.RedundancyPT = true, p.Number
			return
		}
	}
}

// means reports whether both are the same format that we know, whatever their numbers.
func (p PayloadType) means(q PayloadType) bool {
	switch {
	case p.isEvent():
		return q.isEvent() && p.ClockRate == q.ClockRate
	case p.isNoise():
		return q.isNoise()
	default:
		return p.codec() != codecs.None && p.codec() == q.codec()
	}
}

// collidesWithRTCP tells the numbers that look like RTCP when both share a port (RFC 5761, section 4).
func (p PayloadType) collidesWithRTCP() bool { return p.Number >= 64 && p.Number <= 95 }

// receives is the format as the peer may send it.
func (p PayloadType) receives() ReceivePayload {
	return ReceivePayload{
		Number: p.Number, Codec: p.codec(), ClockRate: p.ClockRate, Event: p.isEvent(), ComfortNoise: p.isNoise(),
	}
}

// common are the formats of the list with a codec of ours, one per codec, in the order of the list or of ours, named as
// they should be.
func common(list []PayloadType, ours []codecs.Codec, preferLocal bool) []PayloadType {
	var found []PayloadType
	seen := make(map[codecs.Codec]bool, len(ours))
	for _, p := range list {
		if c := p.codec(); c != codecs.None && slices.Contains(ours, c) && !seen[c] {
			seen[c] = true
			p.Name, p.ClockRate, p.Channels = c.String(), c.ClockRate(), c.Channels()
			found = append(found, p)
		}
	}
	if preferLocal {
		slices.SortStableFunc(found, func(a, b PayloadType) int {
			return slices.Index(ours, a.codec()) - slices.Index(ours, b.codec())
		})
	}
	return found
}

// events are the formats for telephone events at the clock rates of the codecs, which is the rate they must have
// (RFC 4733, section 2.1). A peer that lists them at other rates only sends them at those, so then all count.
func events(list, audio []PayloadType) []PayloadType {
	var fitting, all []PayloadType
	for _, p := range list {
		if !p.isEvent() || p.ClockRate == 0 {
			continue
		}
		all = append(all, p)
		if slices.ContainsFunc(audio, func(a PayloadType) bool { return a.ClockRate == p.ClockRate }) {
			fitting = append(fitting, p)
		}
	}
	if len(fitting) > 0 {
		return fitting
	}
	return all
}

// noise are the formats for comfort noise, none if Opus is preferred (RFC 7587, section 3.1.3) or no codec has the
// clock rate.
func noise(list, audio []PayloadType) []PayloadType {
	if len(audio) == 0 || audio[0].codec() == codecs.Opus ||
		!slices.ContainsFunc(audio, func(a PayloadType) bool { return a.ClockRate == noiseRate }) {
		return nil
	}
	if i := slices.IndexFunc(list, PayloadType.isNoise); i >= 0 {
		return list[i : i+1]
	}
	return nil
}

// sendEvent is how to send events to a peer with that list, next to a codec of that clock rate.
func sendEvent(list []PayloadType, clockRate int) SendEvent {
	for _, p := range list {
		if p.isEvent() && p.ClockRate == clockRate {
			return SendEvent{Number: p.Number, ClockRate: p.ClockRate, Events: ParseEvents(p.Parameters)}
		}
	}
	return SendEvent{}
}
