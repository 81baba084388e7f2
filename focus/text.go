package focus

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/srtp"
	"github.com/parley-sip/parley/mixer"
)

// The medium of real-time text of an endpoint (RFC 4575, section 5.8), and its label.
const (
	textID    = "2"
	textType  = "text"
	textLabel = "text"
	// textGenerations is how often we repeat text, and what we say we take (RFC 9071, section 3.8).
	textGenerations = 2
)

// texting is the real-time text of a call.
type texting struct {
	session *media.TextSession // nil: there is none
	keys    []srtp.Key         // other ones than those of audio (RFC 4568, section 6.1)
	room    *atomic.Pointer[textRoom]
	offers  bool // offers of ours have it, although the call has none
	wrote   bool // it has been agreed that it sends, now or before
	stale   bool // the conference has gained or lost text, and the call was not told
}

// textStream is what a description says about real-time text: as soon as the conference has it, to all who offer it and to whom we call; nil:
// nothing. offer is what is answered, nil for an offer of ours.
func (c *controller) textStream(p *participant, offer *sdp.Description) *sdp.LocalStream {
	if !c.machine.State().Rules.Text {
		return nil
	}
	security := c.security(p)
	wanted := p.text.session != nil || p.text.offers || p.local == nil
	if offer != nil {
		wanted = slices.ContainsFunc(offer.Media, sdp.Media.IsText)
		if slices.ContainsFunc(offer.Media, func(m sdp.Media) bool { return m.IsAudio() && strings.Contains(strings.ToUpper(m.Proto), "SAVP") }) {
			security = sdp.SecurityRequired // no less than audio
		}
	}
	if wanted && p.text.keys == nil && len(p.srtpKeys) > 0 {
		p.text.keys = newKeys()
	}
	if !wanted || security == sdp.SecurityRequired && len(p.text.keys) == 0 || !c.openText(p) {
		return nil
	}
	return &sdp.LocalStream{
		Text:     &sdp.LocalText{CPS: rtt.MixerCPS, Generations: textGenerations, Mixer: true},
		Security: security, Keys: p.text.keys, Port: p.text.session.Port(), Mux: true, Label: textLabel,
	}
}

// openText gets a call the ports of its text. Without any it goes on with audio.
func (c *controller) openText(p *participant) bool {
	if p.text.session != nil {
		return true
	}
	room, session, id := &atomic.Pointer[textRoom]{}, &atomic.Pointer[media.TextSession]{}, p.id
	room.Store(&c.text)
	made, err := c.focus.media.OpenText(media.TextOptions{
		Beside: p.session, Received: func(list []rtt.Text) { room.Load().receive(id, session.Load, list) },
	})
	if err != nil {
		c.log.Warn("no text for a participant", slog.String("participant", string(p.id)), slog.Any("error", err))
		return false
	}
	session.Store(made)
	p.text.session, p.text.room = made, room
	return true
}

// adoptText configures the text of a call by what was agreed; without a stream of it there is none any more.
func (c *controller) adoptText(p *participant, plan *sdp.Plan) {
	stream, ok := plan.Text()
	if ok && p.text.session != nil {
		if err := p.text.session.Configure(textParams(&stream)); err != nil {
			c.log.Warn("text cannot be agreed", slog.String("participant", string(p.id)), slog.Any("error", err))
			ok = false
		}
	}
	p.text.offers = false
	if !ok {
		p.peer.Text = conference.TextSession{}
		c.closeText(p)
		return
	}
	p.text.wrote = p.text.wrote || stream.Receive
	p.peer.Text = conference.TextSession{Agreed: true, Sends: stream.Receive, Receives: stream.Send, Secure: stream.Protection != nil}
	c.updateText()
}

// closeText ends the text of a call, which may go on.
func (c *controller) closeText(p *participant) {
	session := p.text.session
	if session == nil {
		return
	}
	p.text.session = nil
	c.updateText()
	c.focus.spawn(func(context.Context) { _ = session.Close() }) // never fails; what it is about to deliver finds no member
}

// textParams translates a negotiated stream for the session.
func textParams(s *sdp.Stream) media.TextParams {
	format := func(p sdp.TextPayloads) rtt.Format {
		return rtt.Format{Text: p.Text, Red: p.Red, Generations: p.Generations, CPS: s.Text.CPS, Aware: s.Text.Mixer}
	}
	p := media.TextParams{
		Remote: s.Remote, RemoteRTCP: s.RemoteRTCP, Mux: s.Mux, Send: s.Send && usable(s.Remote), Receiving: s.Receive,
		SendFormat: format(s.Text.Send), ReceiveFormat: format(s.Text.Receive), Protection: protection(s.Protection),
	}
	return p
}

// updateText says who reads whom.
func (c *controller) updateText() {
	ports := map[conference.ParticipantID]port{}
	for id, p := range c.participants {
		if p.text.session != nil && p.bridged {
			ports[id] = port{Member: p.member}
		}
	}
	if len(ports) == 0 && !c.texted {
		return
	}
	c.texted = len(ports) > 0
	s := c.machine.State()
	next := map[conference.ParticipantID]*textMember{}
	if s.Rules.Text {
		var taps []tap
		by := map[mixer.MemberID]*recordedText{}
		owners := map[*recordedText]*recorder{}
		for _, r := range c.recorders {
			taps = r.textTaps(taps, by)
			for _, t := range r.texts {
				owners[t] = r
			}
		}
		for id, to := range readers(s, ports, taps) {
			who, _ := s.Participant(id)
			m := &textMember{
				session: c.participants[id].text.session, name: cmp.Or(who.DisplayName, who.Entity), cname: c.identity(id).Text(),
				readers: to.participants, sources: map[uint32]uint32{},
			}
			for _, member := range to.taps {
				t := by[member]
				m.recorders = append(m.recorders, textReader{capture: t.capture, name: c.recordedName(owners[t], &who), cname: t.person(c.identity(id)).Text()})
			}
			next[id] = m
		}
	}
	c.text.update(next)
}

// changeText tells everybody that the conference has gained or lost text, if it has (RFC 4353, section 5.6).
func (c *controller) changeText(old, next *conference.State) {
	if old.Rules.Text == next.Rules.Text {
		c.retell(old, next)
		return
	}
	for _, p := range c.participants {
		if p.dialog == nil || !p.bridged {
			continue
		}
		p.text.stale = true
		c.tell(p)
	}
}

// offerText tells a participant that the conference has gained or lost text.
func (c *controller) offerText(p *participant) {
	p.text.stale = false
	p.text.offers = c.machine.State().Rules.Text
	if p.text.offers || p.text.session != nil || p.peer.Text.Agreed {
		c.offerChange(p, true)
	}
}

// textStatus is the direction of text from the participant's point of view, as mediaStatus is that of audio.
func textStatus(p conference.Participant, aside bool) (sends, receives bool) {
	p.Session.Sends, p.Session.Receives = p.Session.Text.Sends, p.Session.Text.Receives
	return p.Session.Sends && !p.Silenced() && !p.Held && !p.Waiting() && !aside, p.Hears()
}
