package sdp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/parley-sip/parley/codecs"
)

// answerer is the work of one [Answer].
type answerer struct {
	offer *Description
	local *Local
	plan  Plan
	used  []bool // of local.Streams
}

func answer(offer *Description, local *Local) (Plan, error) {
	a := answerer{offer: offer, local: local, used: make([]bool, len(local.Streams))}
	a.plan.Answer = local.description()
	if len(offer.Times) > 0 {
		a.plan.Answer.Times = slices.Clone(offer.Times)
	}
	if len(offer.Media) > 0 {
		a.plan.Answer.Media = make([]Media, len(offer.Media))
	}
	for _, i := range a.order() {
		a.line(i)
	}
	a.finish()
	slices.SortFunc(a.plan.Streams, func(x, y Stream) int { return x.Index - y.Index })
	slices.SortFunc(a.plan.Rejected, func(x, y *StreamError) int { return x.Index - y.Index })
	if len(a.plan.Streams) == 0 && len(a.plan.Rejected) > 0 {
		return Plan{}, worst(a.plan.Rejected)
	}
	a.plan.Answer = local.number(a.plan.Answer)
	return a.plan, nil
}

// description is what all our descriptions begin with.
func (l *Local) description() Description {
	address := l.Address.Unmap().WithZone("")
	return Description{
		Origin: Origin{
			Username: token(l.Username),
			Session:  l.Session,
			Version:  l.Version,
			Address:  address.String(),
			IPv6:     address.Is6(),
		},
		Name:       orDash(tidy(l.Name)),
		Connection: Connection{Address: address},
		Times:      []Time{{}},
		Record:     l.Record,
		Attributes: slices.Clone(l.Attributes),
	}
}

// number gives a description its place in the dialog.
func (l *Local) number(d Description) Description {
	if l.Previous == nil {
		return d
	}
	return NextVersion(*l.Previous, d)
}

// order puts the streams that are in use before others, so that a peer who adds a stream in front does not take the
// place of the one we talk on.
func (a *answerer) order() []int {
	indexes := make([]int, len(a.offer.Media))
	for i := range indexes {
		indexes[i] = i
	}
	if !a.local.ByPosition && slices.ContainsFunc(a.local.Streams, func(s LocalStream) bool { return s.Security != SecurityNone }) {
		plain := func(i int) int { // the same offered twice, with and without protection
			if a.offer.Media[i].isSecureRTP() {
				return 0
			}
			return 1
		}
		slices.SortStableFunc(indexes, func(x, y int) int { return plain(x) - plain(y) })
	}
	if previous := a.local.Previous; previous != nil && !a.local.ByPosition {
		inUse := func(i int) int {
			if i < len(previous.Media) && (previous.Media[i].IsAudio() || previous.Media[i].IsText()) {
				return 0
			}
			return 1
		}
		slices.SortStableFunc(indexes, func(x, y int) int { return inUse(x) - inUse(y) })
	}
	return indexes
}

// line decides about m= line i.
func (a *answerer) line(i int) {
	offered := &a.offer.Media[i]
	stream, err := a.accept(i)
	if err == nil {
		a.plan.Streams = append(a.plan.Streams, stream)
		return
	}
	label := offered.Label
	if a.local.ByPosition && i < len(a.local.Streams) && a.local.Streams[i].Label != "" {
		label = a.local.Streams[i].Label
	}
	a.plan.Answer.Media[i] = offered.disabled(label)
	if offered.Port != 0 {
		a.plan.Rejected = append(a.plan.Rejected, &StreamError{Index: i, Err: err, Detail: brief(offered.Kind + " " + offered.Proto)})
	}
}

// disabled is the line with port 0. Its formats mean nothing, but one must be there (RFC 3264, section 6); a label stays,
// because each stream of a recording session has one (RFC 7866, section 7.1.1).
func (m *Media) disabled(label string) Media {
	d := Media{Kind: m.Kind, Proto: m.Proto, Label: label}
	if len(m.PayloadTypes) > 0 {
		d.PayloadTypes = []PayloadType{m.PayloadTypes[0]}
		d.PayloadTypes[0].Parameters = ""
	}
	if len(m.Formats) > 0 {
		d.Formats = []string{m.Formats[0]}
	}
	return d
}

// accept makes m= line i of the answer, or tells why not.
func (a *answerer) accept(i int) (Stream, error) {
	offered := &a.offer.Media[i]
	switch {
	case offered.Port == 0 || !offered.isAudioKind() && !offered.isTextKind():
		return Stream{}, ErrNotWanted
	case !offered.isPlainRTP() && !offered.isSecureRTP():
		return Stream{}, ErrTransport
	}
	ours := a.pick(i)
	if ours == nil {
		return Stream{}, ErrNotWanted
	}
	if err := ours.transport(a.offer, i); err != nil {
		return Stream{}, err
	}
	if err := a.offer.ConnectionOf(i).fits(a.local.Address); err != nil && !a.usesICE(i, ours) {
		return Stream{}, err
	}
	if ours.Text != nil {
		s, err := a.answerText(i, ours)
		if err == nil {
			a.use(ours)
		}
		return s, err
	}
	audio := common(offered.PayloadTypes, ours.Codecs, a.local.PreferLocal)
	if len(audio) == 0 {
		return Stream{}, ErrNoCommonCodec
	}
	if ours.SingleCodec {
		audio = audio[:1]
	}
	a.use(ours)
	return a.stream(i, ours, audio), nil
}

// use gives one of our streams away.
func (a *answerer) use(ours *LocalStream) {
	for n := range a.local.Streams {
		if ours == &a.local.Streams[n] {
			a.used[n] = true
		}
	}
}

// pick is our stream for m= line i, nil if there is none.
func (a *answerer) pick(i int) *LocalStream {
	if a.local.ByPosition {
		if i < len(a.local.Streams) && a.local.Streams[i].Port != 0 && strings.EqualFold(a.local.Streams[i].kind(), a.offer.Media[i].Kind) {
			return &a.local.Streams[i]
		}
		return nil
	}
	var first *LocalStream
	for n := range a.local.Streams {
		stream := &a.local.Streams[n]
		if a.used[n] || stream.Port == 0 || !strings.EqualFold(stream.kind(), a.offer.Media[i].Kind) {
			continue
		}
		if previous := a.local.Previous; previous != nil && i < len(previous.Media) && previous.Media[i].Port == stream.Port {
			return stream
		}
		if first == nil {
			first = stream
		}
	}
	return first
}

// stream makes the stream and its m= line from the formats in common.
func (a *answerer) stream(i int, ours *LocalStream, audio []PayloadType) Stream {
	offered := &a.offer.Media[i]
	s := newStream(a.offer, i, audio[0].codec(), audio[0])
	s.LocalPort = ours.Port
	s.Label = cmp.Or(tidy(ours.Label), offered.Label)
	s.setFormat(a.offer, ours.PacketTime)
	s.setRTCP(offered, offered.Mux && ours.Mux && !slices.ContainsFunc(audio, PayloadType.collidesWithRTCP))
	s.setLevels(a.offer, ours.LevelExtension != 0, ours.MixerLevelExtension != 0)

	media := ours.media(offered.Kind, offered.Proto)
	media.PacketTime = cmp.Or(wholeMilliseconds(ours.PacketTime), s.Format.PacketTime)
	media.Mux = s.Mux
	ours.agreeKeys(a.offer, i, &s, &media)
	a.agreeICE(i, ours, &s, &media)
	s.RemoteHold = !s.RemoteDirection.Receives()
	media.Direction = s.setDirection(ours.Direction)
	media.Label = s.Label
	media.Extensions = s.answerLevels(a.offer)
	s.answerReports(a.offer, ours, &media)
	for _, p := range audio {
		media.PayloadTypes = append(media.PayloadTypes, answerCodec(p, ours))
		s.Accepts = append(s.Accepts, p.receives())
	}
	if ours.Events {
		for _, p := range events(offered.PayloadTypes, audio) {
			media.PayloadTypes = append(media.PayloadTypes, answerEvent(p))
			s.Accepts = append(s.Accepts, p.receives())
		}
	} else {
		s.Event = SendEvent{}
	}
	if ours.ComfortNoise {
		for _, p := range noise(offered.PayloadTypes, audio) {
			p.Parameters = ""
			media.PayloadTypes = append(media.PayloadTypes, p)
			s.Accepts = append(s.Accepts, p.receives())
		}
	}
	if ours.Redundancy {
		for _, p := range offered.PayloadTypes {
			if p.isRedundancy(audio) {
				p.Channels = 1
				media.PayloadTypes = append(media.PayloadTypes, p)
				s.Accepts = append(s.Accepts, ReceivePayload{Number: p.Number, ClockRate: p.ClockRate, Redundant: true})
			}
		}
		s.setRedundancy(media.PayloadTypes)
	}
	a.plan.Answer.Media[i] = media
	return s
}

// answerCodec is the format of the offer with our parameters: those of Opus say what each side likes to receive, and
// unknown ones must not come back (RFC 7587, section 7.1); the other codecs have none.
func answerCodec(p PayloadType, ours *LocalStream) PayloadType {
	p.Parameters = ""
	if p.codec() == codecs.Opus {
		p.Parameters = ours.Opus.String()
	}
	return p
}

// Events that we take: digits, and the flash if the peer knows it (RFC 4733, section 2.5.1.1).
func answerEvent(p PayloadType) PayloadType {
	const flash = 16
	theirs := ParseEvents(p.Parameters)
	p.Name, p.Channels, p.Parameters = eventName, 1, "0-15"
	if theirs.Has(flash) {
		p.Parameters = offeredEvents
	}
	return p
}

// worst is the reason that came closest to an accepted stream.
func worst(reasons []*StreamError) error {
	rank := func(e *StreamError) int {
		return slices.Index([]error{ErrNoCommonCodec, ErrAddress, ErrMulticast, ErrCrypto, ErrInsecure, ErrTransport, ErrMismatch}, e.Err)
	}
	var best *StreamError
	for _, reason := range reasons {
		if rank(reason) >= 0 && (best == nil || rank(reason) < rank(best)) {
			best = reason
		}
	}
	if best == nil {
		return &StreamError{Index: -1, Err: ErrNoAudio}
	}
	return best
}
