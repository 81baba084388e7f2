package sipua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// defaultExpires is the duration of a subscription that asks for none, when the
// event package says nothing else (RFC 4575, section 3.4).
const defaultExpires = time.Hour

// IncomingSubscription is a SUBSCRIBE outside of a dialog that waits for its
// answer.
type IncomingSubscription struct {
	in *inbound
}

// onSubscribe serves a SUBSCRIBE outside of a dialog.
func (a *Agent) onSubscribe(in *inbound) {
	if in.request.Event() == "" {
		in.refuse(489) // RFC 6665, section 8.2.1: exactly one Event
		return
	}
	if a.tooBrief(in) {
		return
	}
	in.guard(func() { a.handler.Subscribe(&IncomingSubscription{in: in}) })
	in.refuse(500) // has no effect when it was answered
}

// tooBrief refuses a duration below the limit (RFC 6665, section 4.2.1.1). Zero
// is a fetch or an end, and never too short.
func (a *Agent) tooBrief(in *inbound) bool {
	wanted, given := wantedExpires(in.request)
	if !given || wanted == 0 || wanted >= a.config.MinExpires || wanted >= time.Hour {
		return false
	}
	in.refuse(423, Header{Name: "Min-Expires", Value: seconds(a.config.MinExpires)})
	return true
}

// wantedExpires reads Expires.
func wantedExpires(request *Request) (time.Duration, bool) {
	value := request.Headers.Get("Expires")
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return defaultExpires, false
	}
	return time.Duration(n) * time.Second, true
}

// Request returns the SUBSCRIBE.
func (s *IncomingSubscription) Request() *Request { return s.in.request }

// Event returns the event package without parameters, such as "conference".
func (s *IncomingSubscription) Event() string { return s.in.request.Event() }

// Expires returns the wanted duration, and whether one was given; otherwise it
// is an hour. Zero means a single notification (RFC 6665, section 4.4.3).
func (s *IncomingSubscription) Expires() (time.Duration, bool) { return wantedExpires(s.in.request) }

// SubscriptionHandler is what a NotifierDialog calls. Ended is the last call.
type SubscriptionHandler interface {
	// Refresh gets a SUBSCRIBE within the dialog and the duration that is asked
	// for (zero: the subscriber leaves). It returns the granted duration, which
	// is cut to the wanted one, or a response that refuses.
	Refresh(request *Request, wanted time.Duration) (granted time.Duration, refuse *Response)
	// Refreshed is called when the 200 to a SUBSCRIBE within the dialog has been
	// sent: now a NOTIFY with the full state is due, with the state "terminated"
	// when granted is zero (RFC 6665, section 4.2.1.2).
	Refreshed(granted time.Duration)
	// Ended says that the subscription is over: the time has run out
	// (ErrExpired), the subscriber is gone (ErrGone), a Notify with the state
	// "terminated" was sent (EndLocal), or the Agent ends (EndShutdown). It is
	// called exactly once.
	Ended(reason EndReason)
}

// Accept sends a 200 with this duration, cut to the wanted one, and makes the
// dialog for the notifications. The first NOTIFY is due when it returns (RFC
// 6665, section 4.2.1.2). contact may be the zero value; then it is that of the
// Agent with the user part of the Request-URI. When the time runs out a last
// NOTIFY with "terminated;reason=timeout" is sent and the handler is told.
// Errors: ErrAnswered, ErrDialog, ErrTransport.
func (s *IncomingSubscription) Accept(expires time.Duration, contact Address, handler SubscriptionHandler,
	headers ...Header,
) (*NotifierDialog, error) {
	in, a := s.in, s.in.agent
	if in.replied.Load() {
		return nil, ErrAnswered
	}
	wanted, _ := wantedExpires(in.request)
	notifier, err := a.newNotifier(in.request, min(expires, wanted), contact, handler)
	if err != nil {
		in.refuse(400)
		return nil, err
	}
	response := NewResponse(200, headers...).WithHeader("Expires", seconds(min(expires, wanted)))
	if !response.Headers.Has("Contact") {
		response = response.WithHeader("Contact", notifier.state.contact.String())
	}
	if err := in.respond(response); err != nil {
		notifier.end(EndReason{Cause: EndRefused, Err: err})
		return nil, err
	}
	return notifier, nil
}

// Reject sends a final response, such as 489 or 403. Errors: ErrAnswered,
// ErrTransport.
func (s *IncomingSubscription) Reject(response *Response) error { return s.in.respond(response) }

// Notifier makes the dialog for the implicit subscription of a REFER outside of
// a dialog (RFC 3515, section 2.4.4). It is called by Handler.Request before it
// returns the 202; the subscription lasts until a Notify says "terminated", or
// expires. Errors: ErrDialog.
func (a *Agent) Notifier(request *Request, expires time.Duration, handler SubscriptionHandler) (*NotifierDialog, error) {
	return a.newNotifier(request, expires, Address{}, handler)
}

// NotifierDialog is the notifier's side of a subscription. Its methods may be
// called from any goroutine.
type NotifierDialog struct {
	state   *dialogState
	handler SubscriptionHandler
	event   string        // value of Event, with its id
	turn    chan struct{} // held by whoever sends a NOTIFY
	done    chan struct{}
	ending  sync.Once

	mu      sync.Mutex
	until   time.Time
	expiry  *time.Timer
	refresh sync.Mutex // one refresh at a time
}

func (a *Agent) newNotifier(request *Request, expires time.Duration, contact Address, handler SubscriptionHandler,
) (*NotifierDialog, error) {
	if contact.URI.IsZero() {
		contact = Address{URI: a.contactFor(request)}
	}
	state, err := a.dialogOfRequest(request, contact)
	if err != nil {
		return nil, err
	}
	n := &NotifierDialog{
		state: state, handler: handler, event: eventOf(request), turn: make(chan struct{}, 1), done: make(chan struct{}),
		until: time.Now().Add(expires),
	}
	n.mu.Lock()
	if expires > 0 {
		n.expiry = time.AfterFunc(expires, n.expired)
	}
	n.mu.Unlock()
	a.register(state.id, n)
	return n, nil
}

// eventOf is the Event of notifications: that of the SUBSCRIBE with its id, or
// refer.
func eventOf(request *Request) string {
	if request.Method == "REFER" {
		return "refer"
	}
	address := request.Headers.Get("Event")
	name, params, _ := strings.Cut(address, ";")
	event := strings.TrimSpace(name)
	if list, err := parseParams(params); err == nil {
		if id, ok := list.Get("id"); ok {
			event += ";id=" + id
		}
	}
	return event
}

// ID returns the identifier of the dialog.
func (n *NotifierDialog) ID() DialogID { return n.state.id }

// Remote returns the subscriber.
func (n *NotifierDialog) Remote() Address {
	_, remote := n.state.parties()
	return remote
}

// Done is closed when the subscription is over.
func (n *NotifierDialog) Done() <-chan struct{} { return n.done }

// Expires returns how long the subscription still lasts; zero when the time is
// over, or for a fetch.
func (n *NotifierDialog) Expires() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return max(0, time.Until(n.until))
}

// Notify sends a NOTIFY and waits for its response; one is sent at a time. state
// is the Subscription-State, such as "terminated;reason=noresource"; when it is
// "active" or "pending" without parameters, ;expires= is added. A "terminated"
// ends the subscription. Errors: ErrGone when the answer means that the
// subscriber does not have the subscription any more, or there is none, and when
// the subscription is over (RFC 6665, section 4.2.2); *StatusError for another
// refusal, such as 503, after which the subscription goes on; and that of ctx.
func (n *NotifierDialog) Notify(ctx context.Context, state, contentType string, body []byte, headers ...Header) error {
	_, err := n.Tell(ctx, state, contentType, body, headers...)
	return err
}

// Tell is Notify that returns the 2xx, which may say how often the subscriber
// wants to hear (RFC 6446, section 9.3). The response is nil with an error.
func (n *NotifierDialog) Tell(ctx context.Context, state, contentType string, body []byte, headers ...Header) (*Response, error) {
	select {
	case n.turn <- struct{}{}:
		defer func() { <-n.turn }()
	case <-n.done:
		return nil, ErrGone
	case <-ctx.Done():
		return nil, fmt.Errorf("NOTIFY: %w", ctx.Err())
	}
	select {
	case <-n.done:
		return nil, ErrGone
	default:
	}
	if state == "active" || state == "pending" {
		state += ";expires=" + seconds(n.Expires())
	}
	all := append(Headers{{Name: "Event", Value: n.event}, {Name: "Subscription-State", Value: state}}, headers...)
	request := n.state.outbound("NOTIFY", Body{ContentType: contentType, Data: body, Headers: all})
	response, err := n.state.agent.transact(ctx, request)
	if err = n.notified(ctx, strings.HasPrefix(state, "terminated"), response, err); err != nil {
		return nil, err
	}
	return response, nil
}

// notified draws the consequences of the response to a NOTIFY.
func (n *NotifierDialog) notified(ctx context.Context, terminated bool, response *Response, err error) error {
	if err == nil {
		_, err = successful("NOTIFY", response)
	}
	if err == nil {
		n.state.refresh(response.Headers)
	}
	switch {
	case terminated:
		n.end(EndReason{Cause: EndLocal})
	case err == nil:
		return nil
	case ctx.Err() != nil, errors.Is(err, ErrClosed):
		return err
	case Status(err) != 0 && !slices.Contains(goneStatuses, Status(err)) && !unanswerable(err):
		return err
	default:
		err = fmt.Errorf("%w: %w", ErrGone, err)
		n.end(EndReason{Cause: EndRefused, Err: err})
	}
	return err
}

// announce notes a request that has come.
func (n *NotifierDialog) announce(seq uint32) { n.state.gate.announce(seq) }

// receive handles a SUBSCRIBE within the dialog.
func (n *NotifierDialog) receive(in *inbound) {
	if in.request.Method == "ACK" {
		return
	}
	place, ok := n.state.gate.enter(in.request.CSeq)
	if !ok {
		in.refuse(500)
		return
	}
	defer place.done()
	<-place.before
	n.state.moved(in.request)
	switch {
	case n.hasEnded():
		in.refuse(481)
	case in.request.Method != "SUBSCRIBE":
		in.refuse(405, Header{Name: "Allow", Value: "SUBSCRIBE"})
	case !strings.EqualFold(eventOf(in.request), n.event):
		in.refuse(481) // another subscription in this dialog (RFC 6665, section 4.5.2)
	case n.state.agent.tooBrief(in):
	default:
		n.receiveRefresh(in)
	}
}

func (n *NotifierDialog) hasEnded() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

func (n *NotifierDialog) receiveRefresh(in *inbound) {
	n.refresh.Lock()
	defer n.refresh.Unlock()
	wanted, _ := wantedExpires(in.request)
	in.guard(func() {
		granted, refuse := n.handler.Refresh(in.request, wanted)
		if refuse != nil {
			in.answer(refuse)
			return
		}
		granted = min(granted, wanted)
		n.state.refresh(in.request.Headers)
		n.extend(granted)
		response := NewResponse(200).WithHeader("Expires", seconds(granted))
		in.answer(response.WithHeader("Contact", n.state.contact.String()))
		n.handler.Refreshed(granted)
	})
}

// extend sets when the subscription ends.
func (n *NotifierDialog) extend(granted time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.expiry != nil {
		n.expiry.Stop()
	}
	n.until = time.Now().Add(granted)
	if granted > 0 {
		n.expiry = time.AfterFunc(granted, n.expired)
	}
}

// terminate sends the last NOTIFY without a body. When ctx ends before it is its
// turn the subscription ends without.
func (n *NotifierDialog) terminate(ctx context.Context, reason string, end EndReason) {
	select {
	case n.turn <- struct{}{}:
	case <-n.done:
		return
	case <-ctx.Done():
		n.end(end)
		return
	}
	if n.hasEnded() { // by the NOTIFY that was waited for
		<-n.turn
		return
	}
	request := n.state.outbound("NOTIFY", Body{Headers: Headers{
		{Name: "Event", Value: n.event}, {Name: "Subscription-State", Value: "terminated;reason=" + reason},
	}})
	n.end(end)
	<-n.turn
	if _, err := n.state.agent.transact(ctx, request); err != nil {
		n.state.agent.log.DebugContext(ctx, "cannot end a subscription", slog.String("call_id", n.state.id.CallID), slog.Any("error", err))
	}
}

// end ends the subscription once.
func (n *NotifierDialog) end(reason EndReason) {
	n.ending.Do(func() {
		n.mu.Lock()
		if n.expiry != nil {
			n.expiry.Stop()
		}
		n.mu.Unlock()
		n.state.agent.unregister(n.state.id)
		close(n.done)
		defer func() {
			if fault := recover(); fault != nil {
				n.state.agent.log.Error("a handler panicked", slog.String("call_id", n.state.id.CallID),
					slog.Any("panic", fault), slog.String("stack", string(debug.Stack())))
			}
		}()
		n.handler.Ended(reason)
	})
}

// shutdown ends the subscription with the Agent: the subscriber may try again.
func (n *NotifierDialog) shutdown(ctx context.Context) {
	n.terminate(ctx, "deactivated", EndReason{Cause: EndShutdown})
}
