package focus

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Dial calls somebody into the conference and returns at once; what becomes of it is seen in the State and the events.
// Errors: ErrNoConference, ErrLocked, ErrFull, ErrInvalid.
func (f *Focus) Dial(ctx context.Context, id conference.ID, uri string) (conference.ParticipantID, error) {
	return f.DialAs(ctx, id, DialRequest{URI: uri})
}

// DialAs is Dial for somebody with a role.
func (f *Focus) DialAs(ctx context.Context, id conference.ID, r DialRequest) (conference.ParticipantID, error) {
	callee, target, err := r.callee()
	if err != nil {
		return "", err
	}
	if f.refusing.Load() {
		return "", ErrShutdown
	}
	if _, _, err = f.way(target); err != nil {
		return "", err
	}
	if limit := f.live().Limits.Participants; limit > 0 && f.talking.Load() >= int64(limit) {
		return "", ErrBusy
	}
	pid := conference.ParticipantID(shortName("p"))
	_, err = f.command(ctx, id, conference.Invite{
		ID: pid, Entity: callee.Entity, Target: callee.Target, DisplayName: callee.DisplayName, Role: callee.Role, Marked: callee.Marked, Consent: callee.Consent,
	})
	if err != nil {
		return "", err
	}
	return pid, nil
}

// way tells how a target is called, and refuses what may not be.
func (f *Focus) way(target sipua.URI) (sipua.URI, *sipua.Trunk, error) {
	if f.cfg.Way == nil {
		return target, nil, nil
	}
	return f.cfg.Way(target)
}

// dial performs what the machine has granted (RFC 4579, section 5.2).
func (c *controller) dial(id conference.ParticipantID, uri string) {
	s, ok := c.machine.State().Participant(id)
	if !ok {
		return
	}
	target, err := sipua.ParseURI(cmp.Or(uri, s.Entity))
	p := c.newParticipant(id, outbound, s.Entity)
	var trunk *sipua.Trunk
	if err == nil {
		err = c.loops(id, target)
	}
	if err == nil {
		target, trunk, err = c.focus.way(target)
	}
	if err == nil {
		err = c.open(p)
	}
	if err == nil && c.focus.agent.Load() == nil {
		err = ErrShutdown
	}
	if err != nil {
		c.settled(id, status(err))
		_ = c.step(conference.Failure{ID: id, Reason: reasonHeader(status(err), err.Error())})
		return
	}
	p.transport, p.peerAddress = strings.ToLower(target.Param("transport")), hostAddress(target)
	if c.security(p) == sdp.SecurityRequired && len(p.srtpKeys) == 0 && !p.settings.Keying.DTLS {
		_ = c.step(conference.Failure{ID: id, Reason: reasonHeader(status(errKeysInClear), errKeysInClear.Error())})
		return
	}
	c.sendInvite(p, &s, target, trunk)
}

// sendInvite calls a participant whose media are open.
func (c *controller) sendInvite(p *participant, s *conference.Participant, target sipua.URI, trunk *sipua.Trunk) {
	agent := c.focus.agent.Load()
	offer, said := c.offer(p)
	p.said = said
	at := c.legOf(p)
	request, asked := c.calls[p.id]
	extra, recipients := request.headers, request.history
	contentType, body := withHistory(offer.Marshal(), recipients)
	call := sipua.OutgoingCall{
		To: sipua.Address{URI: target.Bare(), Name: s.DisplayName}, RequestURI: target, Trunk: trunk,
		From:    sipua.Address{URI: c.focus.conferenceURI(c.id), Name: c.machine.State().Name},
		Contact: c.contact(p),
		Headers: append(slices.Clone(extra), sipua.Headers{
			{Name: "Allow-Events", Value: confevent.EventPackage}, {Name: "Accept", Value: sdpType},
		}...),
		ContentType: contentType, Body: body, Redirect: c.focus.redirects(trunk, asked),
		OnProvisional: func(r *sipua.Response) {
			c.post(ringing{leg: at, alerts: r.Status == 180, dialog: sipua.DialogID{
				CallID: r.Headers.Get("Call-ID"), LocalTag: r.From.Tag(), RemoteTag: r.To.Tag(),
			}})
		},
	}
	c.background(func(ctx context.Context) message {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		ctx, stop := context.WithTimeout(ctx, c.focus.cfg.DialTimeout)
		defer stop()
		if !c.post(dialing{leg: at, cancel: cancel}) {
			return nil
		}
		dialog, response, err := agent.Invite(ctx, call, &dialogHandler{leg: at})
		if sipua.Status(err) == 415 && recipients != nil { // who cannot read the list is called without it
			call.ContentType, call.Body = sdpType, offer.Marshal()
			dialog, response, err = agent.Invite(ctx, call, &dialogHandler{leg: at})
		}
		return dialed{leg: at, offer: offer, said: said, dialog: dialog, response: response, err: err}
	})
}

// redirects tells which redirections of a call are followed (RFC 3261, section 8.1.3.4): those to what could have been called at once by the same
// way, and, where somebody has asked for the call by SIP, by him.
func (f *Focus) redirects(by *sipua.Trunk, asked bool) func(sipua.URI) bool {
	return func(to sipua.URI) bool {
		if asked && !f.live().Refer.admits(to) {
			return false
		}
		uri, trunk, err := f.way(to)
		return err == nil && trunk == by && uri.Equal(to)
	}
}

// dialing hands over how to take an INVITE back.
type dialing struct {
	leg    leg
	cancel context.CancelCauseFunc
}

func (m dialing) handle(*controller) {
	if p := m.leg.find(); p != nil {
		p.cancel = m.cancel
		return
	}
	m.cancel(nil)
}

// ringing is a provisional response. One with a tag makes an early dialog.
type ringing struct {
	leg    leg
	alerts bool // it is a 180
	dialog sipua.DialogID
}

func (m ringing) handle(c *controller) {
	p := m.leg.find()
	if p == nil {
		return
	}
	if m.dialog.RemoteTag != "" && !slices.Contains(p.dialogs, m.dialog) && len(p.dialogs) < maxForks {
		c.named(p, m.dialog)
	}
	if m.alerts {
		_ = c.step(conference.Ringing{ID: p.id})
	}
}

// maxForks is how many early dialogs of one call are known by their names.
const maxForks = 8

// dialed is the outcome of an INVITE of ours.
type dialed struct {
	leg      leg
	offer    *sdp.Description
	said     statement
	dialog   *sipua.Dialog
	response *sipua.Response
	err      error
}

func (m dialed) handle(c *controller) {
	p := m.leg.find()
	if m.err != nil {
		c.settled(m.leg.id, status(m.err))
	} else {
		c.settled(m.leg.id, 200)
	}
	switch {
	case p == nil:
		if m.err == nil { // the 200 has crossed the end
			c.hangUp(m.dialog, "")
		}
		return
	case m.err != nil:
		code := status(m.err)
		c.log.Info("dial-out failed", slog.String("participant", string(m.leg.id)), slog.Int("status", code))
		p.cancel = nil
		_ = c.step(conference.Failure{ID: m.leg.id, Busy: code == 486 || code == 600, Reason: reasonHeader(code, "")})
		return
	}
	p.cancel, p.dialog = nil, m.dialog
	id := m.dialog.ID()
	if !slices.Contains(p.dialogs, id) {
		c.named(p, id)
	}
	p.peer.CallID, p.peer.LocalTag, p.peer.RemoteTag = id.CallID, id.LocalTag, id.RemoteTag
	p.peer.SessionID = m.dialog.SessionID()
	if p.peerAddress.IsValid() {
		p.peer.Source = p.peerAddress.String()
	}
	p.peer.RecordAware = m.response.Headers.Contains("Supported", RecordAware)
	p.learnContact(m.response.Contact())
	if p.peer.Focus && c.linked(p.id, p.peer.Contact) {
		p.hangUp = true
		_ = c.step(conference.Failure{ID: m.leg.id, Reason: reasonHeader(status(errLoop), "")})
		return
	}
	c.particulars[c.identity(p.id)] = c.focus.particularsOf(m.response.Headers, false, false)
	if err := c.accept(p, m.offer, m.said, answerIn(m.response.Headers, m.response.Body)); err != nil {
		p.hangUp = true
		_ = c.step(conference.Failure{ID: m.leg.id, Reason: reasonHeader(488, err.Error())})
		return
	}
	c.bridge(p)
}
