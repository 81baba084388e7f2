package sdp

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-sip/parley/codecs"
)

const (
	kindText       = "text"
	textName       = "t140"
	textRate       = 1000 // Hz (RFC 4103, section 10)
	mixerAttribute = "rtt-mixer"
)

// LocalText makes a [LocalStream] one of real-time text (RFC 4103) instead of audio. It has keys as that has.
type LocalText struct {
	// CPS is how many characters per second we take; 0: says nothing, which means 30.
	CPS int
	// Generations is how many earlier blocks of text we repeat and take; 0: there is no redundancy.
	Generations int
	// Mixer takes and sends text of several sources (RFC 9071, section 2.3).
	Mixer bool
}

// Text is what was agreed about real-time text.
type Text struct {
	// Send and Receive are the payload types of each direction.
	Send, Receive TextPayloads
	// CPS is how many characters per second the peer takes; 0: it does not say.
	CPS int
	// Mixer tells that both sides know several sources (RFC 9071, section 2.3).
	Mixer bool
}

// TextPayloads are the payload types of one direction.
type TextPayloads struct {
	Text, Red uint8
	// Generations is how many earlier blocks are in a packet of Red, the smaller number of both sides (RFC 9071, section 3.8); 0: there is no Red.
	Generations int
}

// IsText reports whether the stream is in use and real-time text over RTP.
func (m Media) IsText() bool {
	return m.Port != 0 && m.isTextKind() && (m.isPlainRTP() || m.isSecureRTP())
}

func (m *Media) isTextKind() bool { return strings.EqualFold(m.Kind, kindText) }

// kind is the media type of our stream.
func (s *LocalStream) kind() string {
	if s.Text != nil {
		return kindText
	}
	return kindAudio
}

// Text is the first accepted stream of real-time text.
func (p Plan) Text() (Stream, bool) {
	i := slices.IndexFunc(p.Streams, func(s Stream) bool { return s.Text != nil })
	if i < 0 {
		return Stream{}, false
	}
	return p.Streams[i], true
}

func (p PayloadType) isText() bool {
	return strings.EqualFold(p.Name, textName) && p.ClockRate == textRate
}

// textPayloads are those of a list: t140, and red if all its blocks are that t140. It reports false if there is no t140.
func textPayloads(list []PayloadType) (text, red *PayloadType, generations int, ok bool) {
	i := slices.IndexFunc(list, PayloadType.isText)
	if i < 0 {
		return nil, nil, 0, false
	}
	text = &list[i]
	for n := range list {
		if p := &list[n]; p.ClockRate == textRate && p.Parameters != "" && p.isRedundancy([]PayloadType{*text}) {
			return text, p, strings.Count(p.Parameters, "/"), true
		}
	}
	return text, nil, 0, true
}

// characters is the cps of t140 (RFC 4103, section 6); 0: there is none.
func (p *PayloadType) characters() int {
	for part := range strings.SplitSeq(p.Parameters, ";") {
		if name, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(strings.TrimSpace(name), "cps") {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16)
			if err == nil {
				return int(n)
			}
		}
	}
	return 0
}

// mixes tells a=rtt-mixer.
func (m *Media) mixes() bool {
	return slices.ContainsFunc(m.Attributes, func(a Attribute) bool { return a.Name == mixerAttribute })
}

// describe writes the formats of text, redundancy first, and a=rtt-mixer.
func (t *LocalText) describe(media *Media, text, red uint8, redundant, mixer bool) {
	p := PayloadType{Number: text, Name: textName, ClockRate: textRate, Channels: 1}
	if t.CPS > 0 {
		p.Parameters = "cps=" + strconv.Itoa(t.CPS)
	}
	if redundant {
		number := strconv.Itoa(int(text))
		media.PayloadTypes = append(media.PayloadTypes, PayloadType{
			Number: red, Name: redundancyName, ClockRate: textRate, Channels: 1, Parameters: number + strings.Repeat("/"+number, t.Generations),
		})
	}
	media.PayloadTypes = append(media.PayloadTypes, p)
	if mixer {
		media.Attributes = append(media.Attributes, Attribute{Name: mixerAttribute})
	}
}

// answerText makes the stream and its m= line from an offer of text.
func (a *answerer) answerText(i int, ours *LocalStream) (Stream, error) {
	offered := &a.offer.Media[i]
	text, red, generations, ok := textPayloads(offered.PayloadTypes)
	if !ok {
		return Stream{}, ErrNoCommonCodec
	}
	s := newStream(a.offer, i, codecs.None, *text)
	s.Event = SendEvent{}
	s.LocalPort = ours.Port
	s.Label = cmp.Or(tidy(ours.Label), offered.Label)
	s.Text = &Text{CPS: text.characters(), Mixer: ours.Text.Mixer && offered.mixes()}
	s.Text.Send.Text, s.SendPT = text.Number, text.Number
	if n := min(generations, ours.Text.Generations); n > 0 {
		s.Text.Send.Red, s.Text.Send.Generations = red.Number, n
	}
	s.Text.Receive = s.Text.Send
	s.setRTCP(offered, offered.Mux && ours.Mux && !text.collidesWithRTCP() && (red == nil || !red.collidesWithRTCP()))
	media := ours.media(offered.Kind, offered.Proto)
	media.Mux, media.Label = s.Mux, s.Label
	ours.agreeKeys(a.offer, i, &s, &media)
	media.Direction = s.setDirection(ours.Direction)
	ours.Text.describe(&media, text.Number, s.Text.Send.Red, s.Text.Send.Generations > 0, s.Text.Mixer)
	a.plan.Answer.Media[i] = media
	return s, nil
}

// offerText writes the formats of text into a line of ours.
func (s *LocalStream) offerText(media *Media, previous, remote *Media) {
	n := numbers{mux: s.Mux}
	n.learn(previous)
	n.learn(remote)
	number := n.numberFor(98, PayloadType.isText, PayloadType{Name: textName, ClockRate: textRate, Channels: 1})
	red := func(p PayloadType) bool { return strings.EqualFold(p.Name, redundancyName) && p.ClockRate == textRate }
	s.Text.describe(media, number, n.numberFor(100, red, PayloadType{Name: redundancyName, ClockRate: textRate, Channels: 1}), s.Text.Generations > 0, s.Text.Mixer)
}

// acceptedText is line i of an answer, which has text.
func acceptedText(offer, answer *Description, i int, keys *Protection, handshake *DTLS) (Stream, error) {
	ours, theirs := &offer.Media[i], &answer.Media[i]
	s := newStream(answer, i, codecs.None, PayloadType{})
	s.LocalPort, s.Label, s.Protection, s.DTLS = ours.Port, ours.Label, keys, handshake
	s.setRTCP(theirs, ours.Mux && theirs.Mux)
	s.setDirection(offer.DirectionOf(i))
	return s, s.acceptText(ours, theirs.mappedAs(ours), theirs)
}

// acceptText reads the formats of text in an answer.
func (s *Stream) acceptText(ours *Media, list []PayloadType, theirs *Media) error {
	mine, myRed, myGenerations, _ := textPayloads(ours.PayloadTypes)
	text, red, generations, ok := textPayloads(list)
	if !ok || mine == nil {
		return ErrNoCommonCodec
	}
	s.Text = &Text{CPS: text.characters(), Mixer: ours.mixes() && theirs.mixes()}
	s.Text.Send.Text, s.Text.Receive.Text, s.SendPT = text.Number, mine.Number, text.Number
	if n := min(generations, myGenerations); n > 0 {
		s.Text.Send.Red, s.Text.Send.Generations = red.Number, n
		s.Text.Receive.Red, s.Text.Receive.Generations = myRed.Number, n
	}
	return nil
}
