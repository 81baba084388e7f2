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

// Subscriber is the subscriber's side of a subscription. It refreshes itself
// before it expires. A refresh that fails without saying that the subscription is
// over is tried again until it has expired (RFC 6665, section 4.1.2.2). Its methods may be called from any goroutine.
type Subscriber struct {
	agent  *Agent
	wanted OutgoingSubscription
	turn   chan struct{} // held by whoever sends a SUBSCRIBE
	done   chan struct{}
	ending sync.Once

	mu        sync.Mutex
	early     earlyID
	first     *outbound
	state     *dialogState // nil until the first NOTIFY or 2xx
	leaving   bool         // we have said that it is to end
	renewing  bool         // the notifier has ended it; the next one is not begun
	accepted  bool         // Subscribe has returned without error
	timer     *time.Timer  // the next refresh
	until     time.Time
	notifying sync.Mutex // held while OnNotify runs
}

// Subscribe subscribes to a resource and returns when the 2xx has come. Errors:
// *StatusError, ErrTimeout, ErrTransport, ErrDialog, ErrClosed, and that of ctx.
func (a *Agent) Subscribe(ctx context.Context, subscription OutgoingSubscription) (*Subscriber, error) {
	if !a.enter() {
		return nil, ErrClosed
	}
	defer a.wait.Done()
	s := a.newSubscriber(subscription)
	response, err := s.open(ctx)
	if err != nil {
		s.ending.Do(func() { s.close() })
		return nil, err
	}
	s.mu.Lock()
	s.accepted = true
	over := s.hasEnded()
	s.mu.Unlock()
	if over {
		s.tell(EndReason{Cause: EndRemote}) // a fetch is over before it returns
	} else {
		s.schedule(response)
	}
	return s, nil
}

// open sends the first SUBSCRIBE and makes the dialog.
func (s *Subscriber) open(ctx context.Context) (*Response, error) {
	// A NOTIFY may come before the 2xx, and makes the dialog then, with our
	// Contact, which has to be known by now.
	s.mu.Lock()
	first, early := s.first, s.early
	s.mu.Unlock()
	if err := s.agent.route(ctx, first); err != nil {
		return nil, err
	}
	s.agent.expect(early, s)
	defer s.agent.forget(early)
	response, err := s.agent.transact(ctx, first)
	if err != nil {
		return nil, err
	}
	if _, err := successful("SUBSCRIBE", response); err != nil {
		return nil, err
	}
	return response, s.establish(first, response)
}

func (a *Agent) newSubscriber(wanted OutgoingSubscription) *Subscriber {
	s := &Subscriber{agent: a, wanted: wanted, turn: make(chan struct{}, 1), done: make(chan struct{})}
	s.begin()
	return s
}

// begin makes the SUBSCRIBE of a new dialog. But for the first time s.mu is held.
func (s *Subscriber) begin() {
	a, wanted := s.agent, s.wanted
	o := &outbound{
		method: "SUBSCRIBE", uri: wanted.To.URI, from: wanted.From, to: wanted.To.WithTag(""), callID: newCallID(), cseq: newCSeq(),
		routes: wanted.Route, contact: wanted.Contact, body: wanted.Body,
	}
	if o.from.URI.IsZero() {
		o.from = a.fromAddress()
	}
	o.from = o.from.WithTag(newTag())
	wanted.Trunk.apply(o)
	o.headers = s.headers(wanted.Expires)
	if len(wanted.Body) > 0 && wanted.ContentType != "" {
		o.headers = o.headers.With("Content-Type", wanted.ContentType)
	}
	s.first, s.early, s.state = o, earlyID{callID: o.callID, localTag: o.from.Tag()}, nil
}

// headers are the fields of each SUBSCRIBE.
func (s *Subscriber) headers(expires time.Duration) Headers {
	headers := Headers{{Name: "Event", Value: s.wanted.Event}, {Name: "Expires", Value: seconds(expires)}}
	if len(s.wanted.Accept) > 0 {
		headers = headers.With("Accept", strings.Join(s.wanted.Accept, ", "))
	}
	return append(headers, s.wanted.Headers...)
}

// establish makes the dialog from the 2xx, unless a NOTIFY has made it. The
// dialog of another branch is not ours (RFC 6665, section 4.1.4).
func (s *Subscriber) establish(o *outbound, response *Response) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil {
		s.state.noteCapabilities(response.Headers)
		return nil
	}
	state, err := s.agent.dialogOfResponse(o, response)
	if err != nil {
		return err
	}
	s.state = state
	s.agent.register(state.id, s)
	return nil
}

// receiveEarly gets a NOTIFY that has overtaken the 2xx: it makes the dialog
// (RFC 6665, section 4.1.2.4).
func (s *Subscriber) receiveEarly(in *inbound) bool {
	if in.request.Method != "NOTIFY" || !s.sameEvent(in.request) {
		return false
	}
	s.mu.Lock()
	if s.state == nil {
		state, err := s.agent.dialogOfRequest(in.request, s.first.contact)
		if err != nil {
			s.mu.Unlock()
			in.refuse(400)
			return true
		}
		state.owner, state.local, state.seq = true, s.first.from, s.first.cseq
		state.gate = newCSeqGate(0, false)
		state.certificate, state.credentials = s.first.certificate, s.first.credentials
		s.state = state
		s.agent.register(state.id, s)
	}
	known := s.state.id == in.id()
	s.mu.Unlock()
	if !known {
		in.refuse(481) // another branch
		return true
	}
	s.receive(in)
	return true
}

// sameEvent compares Event with that of the subscription (RFC 6665, section
// 8.2.1).
func (s *Subscriber) sameEvent(request *Request) bool {
	own := &Request{Method: "SUBSCRIBE", Headers: Headers{{Name: "Event", Value: s.wanted.Event}}}
	return strings.EqualFold(eventOf(request), eventOf(own))
}

// announce notes a request that has come.
func (s *Subscriber) announce(seq uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil {
		s.state.gate.announce(seq)
	}
}

// receive handles a NOTIFY.
func (s *Subscriber) receive(in *inbound) {
	if in.request.Method == "ACK" {
		return
	}
	s.mu.Lock()
	state := s.state
	s.mu.Unlock()
	place, ok := state.gate.enter(in.request.CSeq)
	if !ok {
		in.refuse(500)
		return
	}
	defer place.done()
	<-place.before
	switch {
	case in.request.Method != "NOTIFY":
		in.refuse(405, Header{Name: "Allow", Value: "NOTIFY"})
	case s.isRenewing(), s.hasEnded():
		in.refuse(481)
	case !s.sameEvent(in.request):
		in.refuse(489)
	case in.request.Headers.Get("Subscription-State") == "":
		in.refuse(400)
	default:
		state.moved(in.request)
		state.refresh(in.request.Headers)
		s.notify(in)
	}
}

func (s *Subscriber) isRenewing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewing
}

// notify hands a NOTIFY on and follows its Subscription-State.
func (s *Subscriber) notify(in *inbound) {
	s.notifying.Lock()
	defer s.notifying.Unlock()
	in.guard(func() {
		var response *Response
		if s.wanted.OnNotify != nil {
			response = s.wanted.OnNotify(in.request)
		}
		if response == nil {
			response = NewResponse(200)
		}
		in.answer(response)
	})
	name, params, _ := strings.Cut(in.request.Headers.Get("Subscription-State"), ";")
	list, err := parseParams(params)
	if strings.EqualFold(strings.TrimSpace(name), "terminated") {
		if wait, again := renewal(list); !again || !s.renewIn(wait) {
			s.end(EndReason{Cause: EndRemote, Request: in.request})
		}
		return
	}
	if err != nil {
		return
	}
	if value, ok := list.Get("expires"); ok {
		if n, err := strconv.ParseUint(value, 10, 31); err == nil {
			s.refreshIn(time.Duration(n) * time.Second)
		}
	}
}

// ID returns the identifier of the dialog.
func (s *Subscriber) ID() DialogID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return DialogID{}
	}
	return s.state.id
}

// Done is closed when the subscription has ended.
func (s *Subscriber) Done() <-chan struct{} { return s.done }

func (s *Subscriber) hasEnded() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// Refresh sends a SUBSCRIBE with this duration now; the notifier answers with
// the full state. After 404, 481 and the like (RFC 6665, section 4.1.2.2) the
// subscription has ended. Errors are those of Subscribe, and ErrEnded; also while
// it is renewed.
func (s *Subscriber) Refresh(ctx context.Context, expires time.Duration) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-s.done:
		return ErrEnded
	case <-ctx.Done():
		return fmt.Errorf("SUBSCRIBE: %w", ctx.Err())
	}
	if s.hasEnded() {
		return ErrEnded
	}
	s.mu.Lock()
	state, renewing := s.state, s.renewing || s.state == nil
	s.leaving = s.leaving || expires == 0
	s.mu.Unlock()
	if renewing {
		return ErrEnded
	}
	response, err := s.agent.transact(ctx, state.outbound("SUBSCRIBE", Body{Headers: s.headers(expires)}))
	if err != nil {
		return err
	}
	if _, err := successful("SUBSCRIBE", response); err != nil {
		if slices.Contains(goneStatuses, response.Status) {
			s.end(EndReason{Cause: EndRefused, Err: err})
		}
		return err
	}
	state.refresh(response.Headers)
	if expires > 0 {
		s.schedule(response)
	}
	return nil
}

// Close ends the subscription with Expires: 0 and waits for the last NOTIFY, or
// for ctx. Errors are those of Subscribe; the subscription has ended in any case.
func (s *Subscriber) Close(ctx context.Context) error {
	return s.leave(ctx, EndLocal)
}

func (s *Subscriber) leave(ctx context.Context, cause EndCause) error {
	err := s.Refresh(ctx, 0)
	if errors.Is(err, ErrEnded) {
		s.end(EndReason{Cause: cause}) // between two dialogs there is nobody to be told
		return nil
	}
	if err == nil {
		timer := time.NewTimer(64 * s.agent.config.Timers.T1)
		defer timer.Stop()
		select {
		case <-s.done:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	s.end(EndReason{Cause: cause, Err: err})
	return err
}

// close forgets the subscription. It returns whether Subscribe has let go of it:
// otherwise Subscribe finds that it is over.
func (s *Subscriber) close() (accepted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.state != nil {
		s.agent.unregister(s.state.id)
	}
	close(s.done)
	return s.accepted
}

// end ends the subscription once.
func (s *Subscriber) end(reason EndReason) {
	s.ending.Do(func() {
		if s.close() {
			s.tell(reason)
		}
	})
}

// tell calls OnEnd.
func (s *Subscriber) tell(reason EndReason) {
	if s.wanted.OnEnd == nil {
		return
	}
	defer func() {
		if fault := recover(); fault != nil {
			s.agent.log.Error("a handler panicked", slog.Any("panic", fault), slog.String("stack", string(debug.Stack())))
		}
	}()
	s.wanted.OnEnd(reason)
}

// shutdown ends the subscription with the Agent.
func (s *Subscriber) shutdown(ctx context.Context) { _ = s.leave(ctx, EndShutdown) }
