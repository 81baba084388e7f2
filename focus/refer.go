package focus

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

const (
	methodInvite = "INVITE"
	methodRefer  = "REFER"
)

// errRefused refuses what somebody may not ask for.
var errRefused = errors.New("not allowed")

// errNotUnderstood refuses a REFER that is none (RFC 3515, section 2.4.2).
var errNotUnderstood = errors.New("no such reference")

// referral is what a REFER asks for.
type referral struct {
	request *sipua.Request
	target  sipua.URI     // without method and headers
	method  string        // INVITE, BYE or REFER (RFC 4579, sections 5.5, 5.7 and 5.11)
	headers sipua.Headers // of the request that is asked for
	inner   sipua.URI     // of method REFER: the Refer-To of the nested one
	silent  bool          // Refer-Sub: false (RFC 4488)
}

// referHeaders are the header fields that a Refer-To may set (RFC 3261, section 19.1.5).
//
//nolint:gochecknoglobals // a table
var referHeaders = []string{"Replaces", "Join", "Require", "Accept-Contact", "Subject"}

// readReferral reads a REFER. Errors: errNotUnderstood, errRefused.
func readReferral(request *sipua.Request) (referral, error) {
	values := request.Headers.Values("Refer-To")
	if len(values) != 1 {
		return referral{}, fmt.Errorf("%w: %d Refer-To", errNotUnderstood, len(values))
	}
	to, err := sipua.ParseAddress(values[0])
	if err != nil {
		return referral{}, fmt.Errorf("%w: %w", errNotUnderstood, err)
	}
	if !to.URI.IsSIP() {
		return referral{}, fmt.Errorf("%w: %s", errRefused, to.URI.Scheme)
	}
	r := referral{
		request: request, method: strings.ToUpper(to.URI.Param("method")),
		silent: strings.EqualFold(strings.TrimSpace(request.Headers.Get("Refer-Sub")), "false"),
	}
	if r.method == "" {
		r.method = "INVITE"
	}
	if r.headers, err = embedded(to.URI.Headers); err != nil {
		return referral{}, err
	}
	r.target = to.URI
	r.target.Headers = ""
	r.target.Params = r.target.Params.Without("method")
	if by := request.Headers.Get(headerReferredBy); by != "" { // RFC 3892
		r.headers = r.headers.With(headerReferredBy, by)
	}
	if r.method == methodRefer {
		r.inner, err = sipua.ParseURI(strings.Trim(r.headers.Get("Refer-To"), "<> "))
		if err != nil {
			return referral{}, fmt.Errorf("%w: no Refer-To in the nested REFER", errNotUnderstood)
		}
	}
	return r, nil
}

// embedded reads the header fields in a URI and refuses those that nobody may set.
func embedded(text string) (sipua.Headers, error) {
	var headers sipua.Headers
	for pair := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		name, err1 := url.PathUnescape(name)
		value, err2 := url.PathUnescape(value)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%w: %w", errNotUnderstood, err)
		}
		i := slices.IndexFunc(referHeaders, func(h string) bool { return strings.EqualFold(h, name) })
		switch {
		case i >= 0:
			headers = headers.With(referHeaders[i], value)
		case strings.EqualFold(name, "Refer-To"):
			headers = headers.With("Refer-To", value)
		default:
			return nil, fmt.Errorf("%w: header field %s", errRefused, name)
		}
	}
	return headers, nil
}

// referReply is the response to a REFER.
func referReply(r referral, err error) *sipua.Response {
	switch {
	case errors.Is(err, errNotUnderstood):
		return sipua.NewResponse(400)
	case errors.Is(err, errRefused):
		return sipua.NewResponse(403)
	case err != nil:
		return refusal(err)
	case r.silent:
		return sipua.NewResponse(200, sipua.Header{Name: "Refer-Sub", Value: "false"})
	default:
		return sipua.NewResponse(202)
	}
}

// refer takes a REFER outside of any dialog (RFC 4579, section 5.5).
func (f *Focus) refer(request *sipua.Request) *sipua.Response {
	id := conference.ID(request.URI.UserPart())
	if _, err := f.lookup(id); err != nil {
		return refusal(err) // a REFER makes no conference
	}
	agent := f.agent.Load()
	if agent == nil {
		return refusal(ErrShutdown)
	}
	r, err := readReferral(request)
	if err != nil {
		return referReply(r, err)
	}
	reply := make(chan error, 1)
	outcome := make(chan int, 1)
	ctx, cancel := context.WithTimeout(context.Background(), commandPatience)
	defer cancel()
	if _, err = f.send(ctx, id, false, referring{referral: r, reply: reply, outcome: outcome}); err != nil {
		return referReply(r, err)
	}
	if err = <-reply; err != nil {
		return referReply(r, err)
	}
	if !r.silent {
		subscription := newImplicit(f, outcome)
		if subscription.dialog, err = agent.Notifier(request, f.cfg.DialTimeout+referGrace, subscription); err != nil {
			return sipua.NewResponse(400)
		}
		f.spawn(subscription.run)
	}
	return referReply(r, nil)
}

// referring asks the controller to do what a REFER asks for.
type referring struct {
	referral referral
	from     leg                      // in whose dialog it came; zero: outside of any
	by       conference.ParticipantID // who asks in his dialog; empty: somebody outside of any
	reply    chan error               // of capacity 1: whether it is done
	outcome  chan<- int               // of capacity 1: the status in the end
}

func (m referring) handle(c *controller) {
	m.reply <- m.do(c)
}

func (m referring) do(c *controller) error {
	s := c.machine.State()
	by, inside := c.asker(s, m)
	target := participantAt(s, m.referral.target)
	self := inside && target != nil && target.ID == by.ID
	switch policy := c.focus.live().Refer; {
	case policy.From == ReferNobody:
		return errRefused
	case policy.From == ReferAnyone, self:
	case !inside, policy.From == ReferModerators && by.Role != conference.Moderator:
		return errRefused
	}
	switch m.referral.method {
	case "INVITE":
		return c.referInvite(m, target)
	case "BYE":
		if target == nil {
			return fmt.Errorf("%w: %s is not here", ErrNoConference, m.referral.target.Bare())
		}
		if err := c.step(conference.EjectParticipant{ID: target.ID, Reason: reasonHeader(200, "Removed by "+by.Entity)}); err != nil {
			return err
		}
		m.outcome <- 200
		return nil
	case methodRefer:
		return c.referNested(m, by, inside, target)
	default:
		return fmt.Errorf("%w: method %s", errRefused, m.referral.method)
	}
}

// asker finds who asks: by his dialog, or by his identity and the address that he called from, as nobody else may borrow his role.
func (c *controller) asker(s *conference.State, m referring) (conference.Participant, bool) {
	if m.by != "" {
		p, ok := s.Participant(m.by)
		return p, ok && p.Awaits == conference.AwaitsNothing
	}
	request := m.referral.request
	entity := request.From.URI.Bare()
	for i := range s.Participants {
		p := c.participants[s.Participants[i].ID]
		if p == nil || s.Participants[i].Awaits != conference.AwaitsNothing || p.peerAddress != request.Source.Addr().Unmap() {
			continue
		}
		if at, err := sipua.ParseURI(s.Participants[i].Entity); err == nil && at.Equal(entity) {
			return *s.Participants[i], true
		}
	}
	return conference.Participant{}, false
}

// participantAt finds a participant by the URI of the user or of the user agent.
func participantAt(s *conference.State, uri sipua.URI) *conference.Participant {
	wanted := uri.Bare()
	for i := range s.Participants {
		p := s.Participants[i]
		for _, text := range []string{p.Entity, p.Endpoint, p.Session.Contact} {
			if at, err := sipua.ParseURI(text); err == nil && at.Bare().Equal(wanted) {
				return p
			}
		}
	}
	return nil
}

// referInvite calls the target into the conference; one that is in it already is not called again.
func (c *controller) referInvite(m referring, there *conference.Participant) error {
	target := m.referral.target
	if there != nil && there.Status.Present() && !m.referral.headers.Has("Replaces") {
		m.outcome <- 200
		return nil
	}
	if !c.focus.live().Refer.admits(target) {
		return fmt.Errorf("%w: %s may not be called out", errRefused, target.Bare())
	}
	if limit := c.focus.live().Limits.Participants; limit > 0 && c.focus.talking.Load() >= int64(limit) {
		return ErrBusy
	}
	id := conference.ParticipantID(shortName("p"))
	c.calls[id] = outgoing{headers: m.referral.headers, outcome: m.outcome}
	err := c.step(conference.Invite{ID: id, Entity: target.Bare().String(), Target: target.String(), DisplayName: target.UserPart(), By: c.referrer(m)})
	if err != nil {
		delete(c.calls, id)
	}
	return err
}

// referrer is who has asked for a call, as others may know him: a participant by his entity, which tells nothing if he wants that.
func (c *controller) referrer(m referring) string {
	if by, ok := c.asker(c.machine.State(), m); ok {
		return by.Entity
	}
	if sipua.WantsPrivacy(m.referral.request.Headers) {
		return ""
	}
	return m.referral.request.From.URI.Bare().String()
}

// outgoing is what an INVITE of ours was asked for with.
type outgoing struct {
	headers sipua.Headers
	history []byte     // list of recipients, to go with it
	outcome chan<- int // of capacity 1; nil: nobody wants to know
}

// settled tells who asked for a call what has become of it.
func (c *controller) settled(id conference.ParticipantID, status int) {
	o, ok := c.calls[id]
	if !ok {
		return
	}
	delete(c.calls, id)
	if o.outcome != nil {
		o.outcome <- status
	}
}
