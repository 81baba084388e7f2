package sdp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-sip/parley/codecs"
)

func accept(offer, answer *Description) (Plan, error) {
	plan := Plan{Answer: *answer}
	offered := 0
	for i := range min(len(offer.Media), len(answer.Media)) {
		if offer.Media[i].Port == 0 {
			continue // disabled, whatever the answer says
		}
		offered++
		stream, err := acceptLine(offer, answer, i)
		if err != nil {
			plan.Rejected = append(plan.Rejected, &StreamError{Index: i, Err: err})
			continue
		}
		plan.Streams = append(plan.Streams, stream)
	}
	switch {
	case len(offer.Media) != len(answer.Media):
		detail := fmt.Sprintf("%d instead of %d", len(answer.Media), len(offer.Media))
		return plan, &StreamError{Index: -1, Err: ErrStreamCount, Detail: detail}
	case offered == 0 || len(plan.Streams) > 0:
		return plan, nil
	case slices.ContainsFunc(plan.Rejected, func(e *StreamError) bool { return e.Err != ErrRejected }): //nolint:errorlint // exact
		return plan, worst(plan.Rejected)
	default:
		return plan, &StreamError{Index: -1, Err: ErrRejected}
	}
}

// acceptLine reads line i of the answer against that of our offer.
func acceptLine(offer, answer *Description, i int) (Stream, error) {
	ours, theirs := &offer.Media[i], &answer.Media[i]
	switch {
	case theirs.Port == 0:
		return Stream{}, ErrRejected
	case !strings.EqualFold(ours.Kind, theirs.Kind):
		return Stream{}, ErrMismatch
	case !strings.EqualFold(ours.Proto, theirs.Proto) && (!ours.isPlainRTP() || !theirs.isPlainRTP()):
		return Stream{}, ErrMismatch
	case !ours.isAudioKind() && !ours.isTextKind() || !ours.isPlainRTP() && !ours.isSecureRTP():
		return Stream{}, ErrNotWanted
	}
	keys, handshake, err := acceptKeys(ours, answer, i)
	if err != nil {
		return Stream{}, err
	}
	var ice ICE
	if len(values(ours.Attributes, fragmentAttribute)) > 0 {
		ice, _ = answer.checks(i)
	}
	if err := answer.ConnectionOf(i).fits(offer.ConnectionOf(i).Address); err != nil && ice == (ICE{}) {
		return Stream{}, err
	}
	if ours.isTextKind() {
		return acceptedText(offer, answer, i, keys, handshake)
	}
	return acceptedAudio(offer, answer, i, keys, handshake, ice)
}

// acceptedAudio is line i of an answer, which has audio.
func acceptedAudio(offer, answer *Description, i int, keys *Protection, handshake *DTLS, ice ICE) (Stream, error) {
	ours, theirs := &offer.Media[i], &answer.Media[i]
	list := theirs.mappedAs(ours)
	audio := common(list, offeredCodecs(ours), false)
	if len(audio) == 0 {
		return Stream{}, ErrNoCommonCodec
	}
	s := newStream(answer, i, audio[0].codec(), audio[0])
	s.LocalPort, s.Label, s.Protection, s.DTLS, s.ICE = ours.Port, ours.Label, keys, handshake, ice
	if ice != (ICE{}) { // the address is a place holder
		s.RemoteDirection = answer.DirectionOf(i)
		s.RemoteHold = !s.RemoteDirection.Receives()
	}
	s.Event = sendEvent(list, s.Codec.ClockRate())
	if n := slices.IndexFunc(list, PayloadType.isNoise); n >= 0 && s.Codec.ClockRate() == noiseRate {
		s.ComfortNoise, s.ComfortNoisePT = true, list[n].Number
	}
	wish := ours.PacketTime
	if first := ours.PayloadTypes[0].codec(); first.Linear() && first != s.Codec {
		wish = 0 // it was that of packets of the first
	}
	s.setFormat(answer, wish)
	s.setRTCP(theirs, ours.Mux && theirs.Mux)
	s.setDirection(offer.DirectionOf(i))
	_, level := ours.extension(levelURI)
	_, mixerLevel := ours.extension(mixerLevelURI)
	s.setLevels(answer, level, mixerLevel)
	s.acceptReports(offer, answer)
	s.Accepts = acceptedPayloads(ours.PayloadTypes, list)
	for _, p := range ours.PayloadTypes {
		same := func(q PayloadType) bool { return q.isRedundancy(list) && q.ClockRate == p.ClockRate }
		if p.isRedundancy(ours.PayloadTypes) && slices.ContainsFunc(list, same) {
			s.Accepts = append(s.Accepts, ReceivePayload{Number: p.Number, ClockRate: p.ClockRate, Redundant: true})
			s.setRedundancy(list)
		}
	}
	if !slices.ContainsFunc(ours.PayloadTypes, PayloadType.isEvent) {
		s.Event = SendEvent{}
	}
	return s, nil
}

// mappedAs are the formats of an answer; where it leaves out a mapping, the number means what it meant in the offer.
func (m *Media) mappedAs(offered *Media) []PayloadType {
	list := slices.Clone(m.PayloadTypes)
	for i := range list {
		if p := offered.payloadType(list[i].Number); p != nil && list[i].Name == "" {
			list[i].Name, list[i].ClockRate, list[i].Channels = p.Name, p.ClockRate, p.Channels
		}
	}
	return list
}

func offeredCodecs(m *Media) []codecs.Codec {
	var all []codecs.Codec
	for _, p := range m.PayloadTypes {
		if c := p.codec(); c != codecs.None {
			all = append(all, c)
		}
	}
	return all
}

// acceptedPayloads are the payload types that may come after an answer: the numbers of our offer for what the answer
// takes too (RFC 3264, section 6.1). Peers that number in their own way often send with their own numbers; where
// these have no other meaning they are taken as well.
func acceptedPayloads(ours, theirs []PayloadType) []ReceivePayload {
	var all []ReceivePayload
	for _, p := range ours {
		event := p.isEvent() && slices.ContainsFunc(theirs, PayloadType.isEvent) // at whatever rate, as in events
		if event || slices.ContainsFunc(theirs, p.means) {
			all = append(all, p.receives())
		}
	}
	for _, t := range theirs {
		known := func(p PayloadType) bool { return p.Number == t.Number }
		if slices.ContainsFunc(ours, t.means) && !slices.ContainsFunc(ours, known) {
			all = append(all, t.receives())
		}
	}
	return all
}
