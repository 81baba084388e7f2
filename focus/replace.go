package focus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Why a call that names another one is refused (RFC 3891, section 3; RFC 3911, section 4).
var (
	errReference = errors.New("malformed Join or Replaces")
	errNoDialog  = errors.New("no such dialog")
	errDialogEnd = errors.New("that dialog has ended")
	errConfirmed = errors.New("that dialog is not early any more")
	errReplaced  = errors.New("somebody is taking that place already")
)

const (
	headerReplaces   = "Replaces"
	headerJoin       = "Join"
	headerReferredBy = "Referred-By"
)

// reference is what a Join or Replaces header field names.
type reference struct {
	replaces  bool
	earlyOnly bool
	dialog    sipua.DialogID // from our point of view: its to-tag is our tag
}

// readReference reads Join or Replaces. It returns false when there is neither. Error: errReference.
func readReference(request *sipua.Request) (reference, bool, error) {
	replaces, join := request.Headers.Values(headerReplaces), request.Headers.Values(headerJoin)
	switch {
	case len(replaces)+len(join) == 0:
		return reference{}, false, nil
	case len(replaces)+len(join) > 1:
		return reference{}, false, fmt.Errorf("%w: %d of them", errReference, len(replaces)+len(join))
	case request.Method != methodInvite:
		return reference{}, false, fmt.Errorf("%w: in %s", errReference, request.Method)
	}
	r, err := parseReference(append(replaces, join...)[0])
	r.replaces = len(replaces) > 0
	if r.earlyOnly && !r.replaces {
		r.earlyOnly = false // means nothing to Join
	}
	return r, err == nil, err
}

// parseReference reads a Call-ID with exactly one to-tag and one from-tag; the tag 0 is that of a peer that sends none (RFC 3891, section 6.1).
func parseReference(value string) (reference, error) {
	id, params, _ := strings.Cut(value, ";")
	r := reference{dialog: sipua.DialogID{CallID: strings.TrimSpace(id)}}
	tags := map[string]string{}
	for param := range strings.SplitSeq(params, ";") {
		name, text, _ := strings.Cut(param, "=")
		name, text = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(text)
		switch name {
		case "to-tag", "from-tag":
			if _, twice := tags[name]; twice || text == "" {
				return reference{}, fmt.Errorf("%w: %s", errReference, name)
			}
			tags[name] = text
		case "early-only":
			r.earlyOnly = true
		}
	}
	if r.dialog.CallID == "" || len(tags) != 2 || strings.ContainsAny(value, ", ") && strings.Contains(value, ",") {
		return reference{}, fmt.Errorf("%w: %q", errReference, value)
	}
	for name, to := range map[string]*string{"to-tag": &r.dialog.LocalTag, "from-tag": &r.dialog.RemoteTag} {
		if *to = tags[name]; *to == "0" {
			*to = ""
		}
	}
	return r, nil
}

// refersTo gives the call that an INVITE wants to join or to replace; false: none, go on as without. Errors: errReference, errNoDialog,
// errDialogEnd, errRefused.
func (f *Focus) refersTo(request *sipua.Request) (reference, leg, bool, error) {
	r, given, err := readReference(request)
	if err != nil || !given {
		return r, leg{}, false, err
	}
	at, found, over := f.legs.find(r.dialog)
	called := conference.ID(request.URI.UserPart())
	switch {
	case over:
		return r, at, false, errDialogEnd
	case !found:
		if _, err := f.lookup(called); err == nil && !r.replaces {
			return r, at, false, nil // RFC 3911, section 4: a conference URI, so that Join does not matter
		}
		return r, at, false, errNoDialog
	case at.controller.id != called && !f.mayEnter(at.controller.id, request):
		return r, at, false, errRefused
	}
	return r, at, true, nil
}

// mayEnter asks the rules of a conference that was not the one called.
func (f *Focus) mayEnter(id conference.ID, request *sipua.Request) bool {
	return f.cfg.MayEnter == nil || f.cfg.MayEnter(id, request)
}

// takeOver has a call take the place of another one (RFC 3891, section 3).
func (f *Focus) takeOver(call *sipua.IncomingCall, offer *sdp.Description, r reference, at leg) (admitted bool, err error) {
	m := takingOver{call: call, offer: offer, reference: r, old: at, reply: make(chan joined, 1)}
	if !at.controller.post(m) {
		return false, errDialogEnd
	}
	return f.conclude(call, at.controller, <-m.reply, 0)
}

// conclude answers a call that a conference has taken, after it has rung for a time.
func (f *Focus) conclude(call *sipua.IncomingCall, c *controller, in joined, rings time.Duration) (admitted bool, err error) {
	if in.err != nil {
		return in.leg.id != "", in.err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	handler := &dialogHandler{leg: in.leg, refused: make(chan error, 1)}
	if rings > 0 {
		if err = handler.ring(call, &in, rings); err != nil {
			c.post(abandoned{leg: in.leg, err: err})
			return true, err
		}
	}
	dialog, err := call.Answer(ctx, in.response, handler)
	if err != nil {
		c.post(abandoned{leg: in.leg, err: err}) // there is nobody left to tell
		return true, nil
	}
	if !c.post(answered{leg: in.leg, dialog: dialog}) {
		return true, dialog.Bye(ctx)
	}
	return true, nil
}

// takingOver asks the controller to let a call take the place of another one.
type takingOver struct {
	call      *sipua.IncomingCall
	offer     *sdp.Description
	reference reference
	old       leg
	reply     chan joined // of capacity 1
}

func (m takingOver) handle(c *controller) {
	old := m.old.find()
	if old != nil && old.dialog == nil {
		c.learnDialog(m.old, old)
	}
	s, there := c.machine.State().Participant(m.old.id)
	switch request := m.call.Request(); {
	case old == nil || !there:
		m.reply <- joined{err: errDialogEnd}
	case c.participants[s.ID] != old || c.successors[s.ID] != nil || c.awaited(s.ID):
		m.reply <- joined{err: errReplaced}
	case m.reference.earlyOnly && old.dialog != nil:
		m.reply <- joined{err: errConfirmed}
	case old.dialog == nil && old.direction == inbound: // an early dialog that we have not begun
		m.reply <- joined{err: errNoDialog}
	case sameUser(request, &s):
		m.reply <- c.succession(m, &s)
	case c.focus.live().Replace.admits(request, &s):
		joining{call: m.call, offer: m.offer, replaces: s.ID, reply: m.reply}.handle(c)
	default:
		m.reply <- joined{err: errRefused}
	}
}

// learnDialog gives a participant whom the agent has sent a 2xx his dialog: it is confirmed by the 2xx (RFC 3261, section 12.1.1), and who got that may
// have the call replaced before we are told that it is on its way.
func (c *controller) learnDialog(at leg, p *participant) {
	agent := c.focus.agent.Load()
	if agent == nil {
		return
	}
	id := sipua.DialogID{CallID: p.peer.CallID, LocalTag: p.peer.LocalTag, RemoteTag: p.peer.RemoteTag}
	if dialog, ok := agent.Dialog(id); ok {
		answered{leg: at, dialog: dialog}.handle(c)
	}
}

// sameUser tells whether the caller is a participant's user (RFC 3891, section 4).
func sameUser(request *sipua.Request, s *conference.Participant) bool {
	entity, _, _ := caller(request)
	return entity != "" && entity == s.Entity
}

// succession agrees on media with the call that takes the place of a participant's. Nothing of the old one has changed until it is
// acknowledged.
func (c *controller) succession(m takingOver, s *conference.Participant) joined {
	p := c.newLeg(s.ID, inbound, s.Entity)
	c.calledIn(p, m.call)
	body, err := c.prepare(p, m.offer)
	if err != nil {
		c.discard(p, err)
		return joined{leg: c.legOf(p), err: err}
	}
	_, p.endpoint, _ = caller(m.call.Request())
	c.successors[s.ID] = p
	return joined{leg: c.legOf(p), gone: p.gone, response: c.accepted(p).WithBody(sdpType, body)}
}

// discard lets go of a call that never got into the conference.
func (c *controller) discard(p *participant, err error) {
	if c.successors[p.id] == p {
		delete(c.successors, p.id)
	}
	d := conference.Participant{ID: p.id}
	d.Disconnection = conference.Disconnection{Method: conference.Failed, At: time.Now(), Reason: reasonHeader(status(err), "")}
	c.dispose(p, &d)
}

// succeed puts a call that is acknowledged into the place of the old one, which ends now. Participant, role, mute and recorded streams stay
// (RFC 4579, section 5.9).
func (c *controller) succeed(p *participant) {
	old := c.participants[p.id]
	s, _ := c.machine.State().Participant(p.id)
	delete(c.successors, p.id)
	delete(c.members, old.member)
	c.participants[p.id], c.members[p.member] = p, p.id
	p.spoke, p.name = p.spoke || old.spoke, old.name
	if old.warned == isWarned {
		p.warned = isWarned
	}
	told := conference.IndicateOff
	switch {
	case p.peer.RecordAware && c.focus.cfg.Notification.Announce && p.warned != isWarned:
		c.silence(old) // is told when it has heard it
	case p.peer.RecordAware:
		told = indicationOf(p.said.record)
		c.silence(old)
	case old.tone != 0: // goes on for the same ear
		p.tone, old.tone = old.tone, 0
		told = s.Told
	}
	if old.dialog == nil {
		c.settled(p.id, 200)
	}
	c.enter(p, told)
	d := s
	d.Disconnection = conference.Disconnection{Method: conference.Departed, At: time.Now(), Reason: reasonHeader(200, "Replaced")}
	if old.dialog == nil { // picked up elsewhere (RFC 3326, section 3.1)
		d.Disconnection.Reason = reasonHeader(200, "Call completed elsewhere")
	} else {
		c.hangUp(old.dialog, d.Disconnection.Reason)
	}
	c.dispose(old, &d)
}
