package focus

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// sdpType is the media type of session descriptions (RFC 8866, section 8.1).
const sdpType = "application/sdp"

// RecordAware is the option tag of user agents that show a=record (RFC 7866, section 6.3).
const RecordAware = "record-aware"

// Invite takes a call to a conference (RFC 4579, section 5.1).
func (f *Focus) Invite(call *sipua.IncomingCall) {
	if isRecorderCall(call.Request()) {
		f.recorderCalls(call)
		return
	}
	if admitted, err := f.dialIn(call); err != nil {
		request := call.Request()
		f.logRefusal(request.CallID, err)
		if !admitted { // what was admitted has its record already
			f.CallRefused(call, status(err), err.Error())
		}
		_ = call.Reject(refusal(err)) // fails only when the caller has gone
	}
}

// dialIn admits a call, agrees on media and answers. What follows is up to the dialog's handler.
func (f *Focus) dialIn(call *sipua.IncomingCall) (admitted bool, err error) {
	request := call.Request()
	if sidebarOf(request) != "" { // whoever believes to be among a few must not speak to all
		return false, errRefused
	}
	offer, err := readOffer(request)
	if err != nil {
		return false, err
	}
	if !acceptsSDP(request.Headers) {
		return false, errNotAcceptable
	}
	named, at, found, err := f.refersTo(request)
	switch {
	case err != nil:
		return false, err
	case found && named.replaces:
		return f.takeOver(call, offer, named, at)
	}
	if limit := f.live().Limits.Participants; limit > 0 && f.talking.Load() >= int64(limit) {
		return false, ErrBusy
	}
	id := conference.ID(request.URI.UserPart())
	m := joining{call: call, offer: offer, reply: make(chan joined, 1)}
	switch {
	case found:
		id = at.controller.id
	case f.isFactory(string(id)):
		if id, m.creation, err = f.create(request); err != nil {
			return false, err
		}
		defer f.uncreate(id)
	}
	c, err := f.send(context.Background(), id, !found, m)
	if err != nil {
		return false, err
	}
	return f.conclude(call, c, <-m.reply, f.cfg.Ring)
}

// readOffer gives the offer of an INVITE; nil when it has none (RFC 3261, section 13.2.1).
func readOffer(request *sipua.Request) (*sdp.Description, error) {
	description, _, err := bodies(request)
	if err != nil {
		return nil, err
	}
	if len(description) == 0 {
		return nil, nil //nolint:nilnil // an INVITE without an offer is no error
	}
	offer, err := sdp.Parse(description)
	if err != nil {
		return nil, err
	}
	return &offer, nil
}

// joining asks the controller to take a call.
type joining struct {
	call     *sipua.IncomingCall
	offer    *sdp.Description
	creation *creation                // nil: of a conference that is there
	replaces conference.ParticipantID // whose place he takes; empty: nobody's
	reply    chan joined              // of capacity 1
}

// joined is the outcome of joining: the 2xx to send, or why not. Without a leg the machine has refused.
type joined struct {
	leg      leg
	gone     <-chan struct{} // closed when there is no place for it any more
	response *sipua.Response
	err      error
}

func (m joining) handle(c *controller) {
	request := m.call.Request()
	id := conference.ParticipantID(shortName("p"))
	if err := c.loopsIn(request, m.replaces); err != nil {
		m.reply <- joined{err: err}
		return
	}
	join, err := c.admit(id, request, m.replaces, m.creation != nil)
	if err != nil {
		m.reply <- joined{err: err}
		return
	}
	p := c.newParticipant(id, inbound, join.Entity)
	p.guesses = join.Source
	p.replaces = m.replaces
	c.calledIn(p, m.call)
	body, err := c.prepare(p, m.offer)
	if err != nil {
		_ = c.step(conference.Failure{ID: id, Reason: reasonHeader(status(err), "")})
		m.reply <- joined{leg: c.legOf(p), err: err}
		return
	}
	m.reply <- joined{leg: c.legOf(p), gone: p.gone, response: c.accepted(p).WithBody(sdpType, body)}
	if m.creation != nil {
		if c.focus.cfg.FactoryLasts == WithCreator {
			c.creator = id
		}
		c.inviteAll(m.creation.recipients)
	}
}

// calledIn notes what a call that comes in tells of itself.
func (c *controller) calledIn(p *participant, call *sipua.IncomingCall) {
	request := call.Request()
	p.transport, p.reached, p.peerAddress = request.Transport, request.Local, request.Source.Addr().Unmap()
	id := call.ID()
	p.peer.CallID, p.peer.LocalTag, p.peer.RemoteTag = id.CallID, id.LocalTag, id.RemoteTag
	p.peer.SessionID = call.SessionID()
	p.peer.RecordAware = request.Headers.Contains("Supported", RecordAware)
	p.peer.Source = p.peerAddress.String()
	p.invite = request.Outline()
	p.learnContact(request.Contact())
	p.pendingSequence = request.CSeq
	c.named(p, id)
	c.particulars[c.identity(p.id)] = c.focus.particularsOf(request.Headers,
		request.From.URI.Host == anonymousHost, request.Caller != nil && request.Caller.Asserted)
}

// admit asks the machine for a place for who has called in, or the place of whom he replaces; creator: it is he who has made the conference.
func (c *controller) admit(id conference.ParticipantID, request *sipua.Request, replaces conference.ParticipantID, creator bool) (conference.Join, error) {
	entity, endpoint, name := caller(request)
	aware := request.Headers.Contains("Supported", RecordAware)
	join := conference.Join{ID: id, Entity: entity, Endpoint: endpoint, DisplayName: name, RecordAware: aware, Languages: languages(request.Headers)}
	if entity == "" {
		c.anonymous++
		join.Anonymous = true
		join.Entity, join.DisplayName = anonymousUser(c.anonymous)
	}
	if s, there := c.machine.State().Participant(replaces); there {
		join.Replaces = replaces
		if referredBy(request, &s) {
			join.By = s.Entity
		}
	}
	if creator || request.Caller != nil && slices.Contains(request.Caller.Roles, moderatorRole) {
		join.Role = conference.Moderator
	}
	join.Marked = request.Caller != nil && slices.Contains(request.Caller.Roles, markedRole)
	join.Rule = c.focus.rule(Arrival{Conference: c.id, Request: request, At: time.Now()})
	join.Known, join.Source = join.Role == conference.Moderator, guessSource(request)
	if asked := c.machine.State().Protected || c.entry.access != nil; asked && !join.Known && c.focus.guard.keptOut(join.Source) {
		return join, conference.ErrKeptOut
	}
	return join, unopened(c.step(join), c.machine.State())
}

// prepare makes the body of the 200: the answer, or an offer of all we have.
func (c *controller) prepare(p *participant, offer *sdp.Description) ([]byte, error) {
	if err := c.open(p); err != nil {
		return nil, err
	}
	if offer != nil {
		return c.answer(p, offer)
	}
	if c.security(p) == sdp.SecurityRequired && len(p.srtpKeys) == 0 && !p.settings.Keying.DTLS {
		return nil, errKeysInClear
	}
	p.pending, p.said = c.offer(p)
	return p.pending.Marshal(), nil
}

// anonymousUser is what others are shown of somebody who has asked for privacy: an identity of his own that tells nothing (RFC 4575, section
// 5.6).
func anonymousUser(number int) (entity, name string) {
	n := strconv.Itoa(number)
	return "sip:anonymous" + n + "@" + anonymousHost, "Anonymous" + n
}

// caller is whom the roster shows: who the caller has proved to be, else the From of the call, and the Contact as its endpoint. For who asks for
// privacy all is empty (RFC 4575, section 8.2).
func caller(request *sipua.Request) (entity, endpoint, name string) {
	who := request.From
	private := sipua.WantsPrivacy(request.Headers)
	if request.Caller != nil {
		who, private = request.Caller.Identity, request.Caller.Private
	}
	uri := who.URI.Bare()
	if uri.Host == anonymousHost || uri.IsZero() || private {
		return "", "", ""
	}
	if contact, ok := request.Contact(); ok {
		endpoint = contact.URI.Bare().String()
	}
	return uri.String(), endpoint, who.Name
}

// markedRole is that of accounts for whom the others wait, though they may moderate nothing.
const markedRole = "marked"

// moderatorRole is the role of accounts that moderate every conference they enter.
const moderatorRole = "moderator"

// anonymousHost is the host of callers without name (RFC 3323, section 4.1.1.3).
const anonymousHost = "anonymous.invalid"

// learnContact remembers where the user agent is and what it is.
func (p *participant) learnContact(contact sipua.Address, ok bool) {
	if ok {
		p.peer.Contact = contact.URI.String()
		p.peer.Focus = contact.Params.Has("isfocus")
	}
}

// contact is the conference URI as the participant reaches it (RFC 4579, section 4.2).
func (c *controller) contact(p *participant) sipua.Address {
	uri := c.focus.contactURI(c.id, p.transport)
	if c.focus.cfg.Domain == "" {
		uri = reachable(uri, p.reached)
	}
	if c.entry.access != nil { // is no focus (RFC 4579, section 5.3)
		return sipua.Address{URI: uri}
	}
	return sipua.Address{URI: uri}.With("isfocus", "")
}

// accepted is a 200 of the focus in the dialog of a participant (RFC 4579, sections 4.2 and 5.13).
func (c *controller) accepted(p *participant) *sipua.Response {
	contact := c.contact(p)
	return sipua.NewResponse(200, sipua.Header{Name: "Contact", Value: contact.String()},
		sipua.Header{Name: "Allow-Events", Value: confevent.EventPackage}, sipua.Header{Name: "Accept", Value: sdpType})
}

// answered brings the dialog of a call that was answered.
type answered struct {
	leg    leg
	dialog *sipua.Dialog
}

func (m answered) handle(c *controller) {
	p := m.leg.find()
	if p == nil { // ejected or ended in the meantime
		c.hangUp(m.dialog, "")
		return
	}
	p.dialog = m.dialog
	p.peer.RemoteTag = m.dialog.RemoteTag()
	if p.bridged {
		c.tell(p) // may have waited for the dialog
	}
}

// abandoned says that a call could not be answered: the caller took it back, as a rule.
type abandoned struct {
	leg leg
	err error
}

func (m abandoned) handle(c *controller) {
	p := m.leg.find()
	if p == nil {
		return
	}
	if c.successors[p.id] == p {
		c.discard(p, m.err)
		return
	}
	_ = c.step(conference.Left{ID: p.id, Reason: reasonHeader(statusCanceled, m.err.Error())})
}
