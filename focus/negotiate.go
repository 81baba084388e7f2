package focus

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
)

// mediaLabel is the label of the conference's audio, in descriptions and in available-media (RFC 4575, section 5.3.4).
const mediaLabel = "audio"

// levelExtension is the identifier we offer for the client-to-mixer audio level (RFC 6464).
const levelExtension = 1

// mixerLevelExtension is the same for the levels of contributing sources (RFC 6465).
const mixerLevelExtension = 2

// description is what we bring to an offer or an answer for a participant; offer is what is answered, nil for an offer of ours.
func (c *controller) description(p *participant, offer *sdp.Description) (sdp.Local, statement) {
	at := p.session.LocalAddr()
	if !p.address.IsValid() {
		p.address = c.focus.mediaAddress(at.Addr(), mediaPeer(p.peerAddress, offer))
	}
	said := c.recordAttribute(p)
	local := sdp.Local{
		Address: p.address, Session: uint64(p.startedAt.UnixNano()), Version: 1,
		Previous: p.local, Remote: p.remote, Name: sessionName(c.machine.State()),
		Streams: []sdp.LocalStream{{
			Security: c.security(p), Keys: p.srtpKeys,
			Port: at.Port(), Codecs: p.settings.Codecs, Mux: true, Events: true, ComfortNoise: true,
			Opus: sdp.OpusParameters{FEC: true}, LevelExtension: levelExtension, MixerLevelExtension: mixerLevelExtension, Label: mediaLabel,
		}},
		Record: said.record, Attributes: c.recordedBy(p, said),
	}
	local.Streams[0].Record = said.record // at both levels: there are user agents that read one only
	local.Streams[0].ExtendedReports = p.settings.ExtendedReports.in(offer, p.stream.Extended != (sdp.ExtendedReports{}))
	local.Streams[0].Redundancy = p.settings.Redundancy != UseNever
	local.Streams[0].OfferRedundancy = p.settings.Redundancy.in(nil, p.stream.Redundant)
	local.Streams[0].ReducedSize = UseAnswered.in(offer, p.stream.ReducedSize)
	if p.settings.HideLevels {
		local.Streams[0].LevelExtension, local.Streams[0].MixerLevelExtension = 0, 0
	}
	c.keying(p, offer, &local.Streams[0])
	if text := c.textStream(p, offer); text != nil {
		text.Record = said.text
		local.Streams = append(local.Streams, *text)
	}
	return local, said
}

// sessionName is the s= line (RFC 4579, section 3.1), without what could end it.
func sessionName(s *conference.State) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s.Name)
}

// recordAttribute is what a description says about recording: the truth, to those who understand it, once there has been
// something to tell (RFC 7866, section 7.1.2).
func (c *controller) recordAttribute(p *participant) statement {
	if !p.peer.RecordAware && p.direction == inbound {
		return statement{}
	}
	state := c.machine.State()
	s, _ := state.Participant(p.id) // else somebody new
	now := state.IndicationFor(&s)
	if now == conference.IndicateOff && p.said.record == sdp.RecordUnspecified {
		return statement{}
	}
	return statement{record: recordOf(now), text: c.textRecord(state, &s), via: state.IndicationVia(&s)}
}

func recordOf(i conference.Indication) sdp.Record {
	switch i {
	case conference.IndicateOn:
		return sdp.RecordOn
	case conference.IndicatePaused:
		return sdp.RecordPaused
	case conference.IndicateOff:
		return sdp.RecordOff
	default:
		return sdp.RecordOff
	}
}

// recordsOf is what a description of a participant says of recordings of his (RFC 7866, section 7.3.1). One without audio says nothing.
func recordsOf(p *participant, plan *sdp.Plan) conference.Indication {
	if stream, ok := plan.Audio(); ok {
		return indicationOf(stream.Record)
	}
	return p.peer.Records
}

func indicationOf(r sdp.Record) conference.Indication {
	switch r {
	case sdp.RecordOn:
		return conference.IndicateOn
	case sdp.RecordPaused:
		return conference.IndicatePaused
	case sdp.RecordOff, sdp.RecordUnspecified:
		return conference.IndicateOff
	default:
		return conference.IndicateOff
	}
}

// answer answers an offer of the participant and lets its media follow. On an error nothing has changed.
func (c *controller) answer(p *participant, offer *sdp.Description) (body []byte, err error) {
	before := p.ways
	defer func() {
		if err != nil {
			p.ways = before
		}
	}()
	local, said := c.description(p, offer)
	local.Remote = offer
	plan, err := sdp.Answer(*offer, local)
	if err != nil {
		return nil, err
	}
	if c.prefer(p, &plan) {
		local, said = c.description(p, offer)
		local.Remote = offer
		if plan, err = sdp.Answer(*offer, local); err != nil {
			return nil, err
		}
	}
	if err := c.adopt(p, &plan); err != nil {
		return nil, err
	}
	p.local, p.remote, p.said, p.pending = &plan.Answer, offer, said, nil
	c.heed(p, recordsOf(p, &plan), offer)
	return plan.Answer.Marshal(), nil
}

// offer makes an offer to the participant.
func (c *controller) offer(p *participant) (*sdp.Description, statement) {
	local, said := c.description(p, nil)
	d := sdp.Offer(local)
	return &d, said
}

// accept takes the answer to an offer of ours. Who refuses the only stream goes on without media, once it had them (RFC 4353, section 5.6). On an
// error nothing has changed.
func (c *controller) accept(p *participant, offer *sdp.Description, said statement, body []byte) error {
	answer, err := sdp.Parse(body)
	if err != nil {
		return err
	}
	plan, err := sdp.Accept(*offer, answer)
	if err != nil && (!p.bridged || !errors.Is(err, sdp.ErrRejected)) {
		return err
	}
	if err := c.adopt(p, &plan); err != nil {
		return err
	}
	p.local, p.remote, p.said = offer, &answer, said
	if records := recordsOf(p, &plan); p.peer.Focus || p.peer.Records != conference.IndicateOff || records != indicationOf(said.record) {
		c.heed(p, records, &answer) // else it may be an echo: phones have answered with what they were told
	}
	c.prefer(p, &plan) // who has something to be told because of it is told by the caller
	return nil
}

// adopt configures the media session by what was agreed.
func (c *controller) adopt(p *participant, plan *sdp.Plan) error {
	stream, ok := plan.Audio()
	if !ok { // every stream is disabled: nothing flows, the session stays
		stream = p.stream
		stream.Send, stream.Receive, stream.RemoteHold = false, false, true
	}
	if !stream.Codec.Valid() {
		return fmt.Errorf("%w: no audio", sdp.ErrNoAudio)
	}
	if ok && c.security(p) == sdp.SecurityRequired && stream.Protection == nil && stream.DTLS == nil {
		return sdp.ErrInsecure
	}
	before := len(p.session.Rates())
	params := mediaParams(stream)
	c.keyed(&params, p, &stream)
	c.sends(&params, stream)
	if err := p.configure(params); err != nil {
		return err
	}
	stream.Format = c.encoding(stream, &p.loss)
	if stream.Codec == codecs.Opus || stream.Redundant {
		c.watchLoss()
	}
	p.session.SetRedundancy(p.loss.copies())
	p.stream = stream
	p.spoke = p.spoke || stream.Receive
	if p.bridged && len(p.session.Rates()) > before {
		c.updateMix() // which has to be ready for the new rate
	}
	c.resume(&p.outlet, nil)
	p.peer.Codec = codecName(stream.Codec)
	p.peer.Sends, p.peer.Receives = stream.Receive, stream.Send
	p.peer.OnHold = stream.RemoteHold
	p.peer.Secure = stream.Protection != nil || stream.DTLS != nil
	c.adoptText(p, plan)
	return nil
}

// codecName is what the API shows: encoding name and clock rate as in rtpmap.
func codecName(c codecs.Codec) string {
	return fmt.Sprintf("%s/%d", strings.ToLower(c.String()), c.ClockRate())
}

// mediaParams translates a negotiated stream for the media session.
func mediaParams(s sdp.Stream) media.Params {
	p := media.Params{
		Remote: s.Remote, RemoteRTCP: s.RemoteRTCP, Mux: s.Mux, Send: s.Send, Receiving: s.Receive, SendCodec: s.Codec,
		SendPayloadType: s.SendPT, Redundancy: s.Redundant, RedundancyPayloadType: s.RedundancyPT, LevelExtension: s.LevelExtension, FEC: true,
		SenderReports: s.SenderReports, ReceiverReports: s.ReceiverReports,
		VoIPMetrics: s.Extended.VoIP, RoundTripTimes: roundTrips[s.Extended.RoundTrip], ReducedSize: s.ReducedSize,
	}
	if s.Protection != nil {
		p.Protection = &media.Protection{Local: s.Protection.Local, Remote: s.Protection.Remote}
	}
	if !usable(p.Remote) {
		p.Remote, p.RemoteRTCP = netip.AddrPort{}, netip.AddrPort{}
	}
	for _, a := range s.Accepts {
		p.Receive = append(p.Receive, media.PayloadType{
			Number: a.Number, Codec: a.Codec, ClockRate: a.ClockRate, Event: a.Event, CN: a.ComfortNoise, Redundant: a.Redundant,
		})
	}
	return p
}

//nolint:gochecknoglobals // a table
var roundTrips = map[sdp.RoundTrip]media.RoundTrip{
	sdp.RoundTripNone: media.RoundTripNone, sdp.RoundTripSenders: media.RoundTripSenders, sdp.RoundTripAll: media.RoundTripAll,
}

func usable(a netip.AddrPort) bool { return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified() }

// offerTimeout bounds the wait for the answer to an offer in a dialog.
const offerTimeout = 40 * time.Second
