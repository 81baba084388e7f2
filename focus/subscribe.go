package focus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// Subscribe takes a subscription to conference events (RFC 4575, section 3). It never makes a conference.
func (f *Focus) Subscribe(incoming *sipua.IncomingSubscription) {
	request := incoming.Request()
	e, sidebar, refused := f.subscribable(incoming)
	if refused != nil {
		_ = incoming.Reject(refused) // fails only when the subscriber has gone
		return
	}
	event, err := confevent.ParseEvent(request.Headers.Get("Event"))
	if err != nil {
		_ = incoming.Reject(badEvent())
		return
	}
	wanted, given := incoming.Expires()
	if !given {
		wanted = confevent.ExpiresAbsent
	}
	config := confevent.SubscriptionConfig{MinInterval: f.cfg.NotifyInterval}
	granted, brief := config.Grant(wanted)
	if brief {
		_ = incoming.Reject(tooBrief(granted))
		return
	}
	counted, ok := f.sources.add(request, f.live().Limits.SubscriptionsPerSource)
	if !ok {
		_ = incoming.Reject(refusal(ErrBusy))
		return
	}
	s := &follower{
		focus: f, entry: e, config: config, subscriber: subscriberOf(request), sidebar: sidebar, refreshes: make(chan confevent.Request, 4), answers: make(chan confevent.Answer, 1),
		ended: make(chan struct{}), counted: counted, rates: event.Rates,
		log: f.log.With(slog.String("conference", string(e.cfg.ID)), slog.String("subscriber", request.From.URI.Bare().String())),
	}
	uri := f.contactURI(e.cfg.ID, request.Transport)
	if sidebar != "" {
		uri = uri.With(sidebarParam, string(sidebar))
	}
	contact := sipua.Address{URI: uri}.With("isfocus", "")
	dialog, err := incoming.Accept(granted, contact, s, sipua.Header{Name: "Allow-Events", Value: confevent.EventPackage})
	if err != nil {
		counted()
		f.log.Info("subscription", slog.Any("error", err))
		return
	}
	s.dialog = dialog
	if !f.follow(s, confevent.Request{Expires: wanted, Rates: event.Rates}) { // the conference has ended since
		s.counted()
		ctx, cancel := context.WithTimeout(context.Background(), commandPatience)
		defer cancel()
		_ = s.dialog.Notify(ctx, "terminated;reason=noresource", "", nil) // else the agent ends it
	}
}

// follow starts the goroutine of a subscription, unless the focus has ended its conference for good.
func (f *Focus) follow(s *follower, first confevent.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draining && f.entries[s.entry.cfg.ID] != s.entry {
		return false
	}
	f.follows.Add(1)
	f.spawn(func(ctx context.Context) {
		defer f.follows.Add(-1)
		s.run(ctx, first)
	})
	return true
}

// subscribable finds the conference and the sidebar, if it is for one, or says why there will be no subscription.
func (f *Focus) subscribable(incoming *sipua.IncomingSubscription) (*entry, conference.SidebarID, *sipua.Response) {
	request := incoming.Request()
	if incoming.Event() != confevent.EventPackage {
		return nil, "", badEvent()
	}
	if f.Draining() {
		return nil, "", refusal(ErrShutdown)
	}
	e, err := f.lookup(conference.ID(request.URI.UserPart()))
	if _, _, misplaced := readReference(request); misplaced != nil {
		err = misplaced
	}
	switch {
	case err != nil:
		return nil, "", refusal(err)
	case !acceptsDocument(request.Headers):
		return nil, "", sipua.NewResponse(406)
	case len(request.Body) > 0 && !strings.Contains(request.Headers.Get("Content-Disposition"), "handling=optional"):
		return nil, "", sipua.NewResponse(415, sipua.Header{Name: "Accept", Value: ""})
	case e.cfg.Roster.Secure && !protected(request):
		return nil, "", insecure()
	case e.observerCount() >= f.live().Limits.Subscriptions:
		return nil, "", refusal(ErrBusy)
	}
	state, sidebar := f.current(e), sidebarOf(request)
	who, at := subscriberOf(request).sees(state, e.cfg.Roster)
	if at == outside {
		return nil, "", refusal(errRefused)
	}
	if sidebar != "" {
		if b, there := state.Sidebar(sidebar); !there || at == arriving || !who.knows(&b) { // the same for both: an answer must not betray what is private
			return nil, "", refusal(fmt.Errorf("%w: sidebar %q", ErrNoConference, sidebar))
		}
	}
	return e, sidebar, nil
}

// protected tells whether a SUBSCRIBE has come by TLS, and wants its NOTIFYs so.
func protected(request *sipua.Request) bool {
	contact, ok := request.Contact()
	if !ok || request.Transport != "tls" && request.Transport != "wss" {
		return false
	}
	by := strings.ToLower(contact.URI.Param("transport"))
	return contact.URI.Scheme == "sips" || by == "tls" || by == "wss" || by == "ws" && request.Transport == "wss"
}

// insecure refuses what has come in the clear.
func insecure() *sipua.Response {
	return sipua.NewResponse(403, sipua.Header{Name: "Warning", Value: `399 parley "subscriptions are taken by TLS only, with a Contact to match"`})
}

// badEvent is 489 (RFC 6665, section 4.2.1.1).
func badEvent() *sipua.Response {
	return sipua.NewResponse(489, sipua.Header{Name: "Allow-Events", Value: confevent.EventPackage})
}

func tooBrief(least time.Duration) *sipua.Response {
	return sipua.NewResponse(423, sipua.Header{Name: "Min-Expires", Value: strconv.Itoa(int(least / time.Second))})
}

// acceptsDocument tells whether conference-info may be sent; it is the default (RFC 4575, section 3.4).
func acceptsDocument(h sipua.Headers) bool {
	if !h.Has("Accept") {
		return true
	}
	for _, v := range h.List("Accept") {
		t, _, _ := strings.Cut(v, ";")
		switch strings.ToLower(strings.TrimSpace(t)) {
		case confevent.ContentType, "application/*", "*/*":
			return true
		}
	}
	return false
}

// follower is one subscription: the state machine of RFC 6665 in a goroutine that sees the newest State whenever it is
// free to send. It never holds up a conference.
type follower struct {
	focus  *Focus
	entry  *entry
	config confevent.SubscriptionConfig
	log    *slog.Logger
	dialog *sipua.NotifierDialog

	refreshes chan confevent.Request
	answers   chan confevent.Answer // to the one open NOTIFY
	ended     chan struct{}         // the dialog is over

	subscriber subscriber
	sidebar    conference.SidebarID // that it is for; empty: the conference
	shown      uint64               // version of the State in the newest document
	told       uint64               // and in the last one that was sent
	counted    func()               // takes him out of the count of his source

	rates confevent.Rates // owned by the dialog's calls, which are one at a time
	want  time.Duration
}

// run is the life of a subscription.
func (s *follower) run(ctx context.Context, first confevent.Request) {
	news := s.entry.observe()
	defer s.counted()
	defer s.focus.unwatch(s.entry, news)
	s.told = s.focus.current(s.entry).Version
	shows := s.document()
	config := s.config
	config.Pending = shows.snapshot == nil // what there was to show may have gone since he was admitted; news then ends it
	sub := confevent.NewSharedSubscription(config, shows.snapshot)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for out := sub.Subscribe(time.Now(), first); ; {
		if out.Notify != nil {
			s.told = s.shown
			s.send(ctx, *out.Notify)
		}
		if out.Done {
			return
		}
		timer.Stop()
		if !out.Wake.IsZero() {
			timer.Reset(max(0, time.Until(out.Wake)))
		}
		select {
		case <-news:
			out = s.news(sub)
		case r := <-s.refreshes:
			out = sub.Subscribe(time.Now(), r)
		case a := <-s.answers:
			if out = sub.Answered(time.Now(), a); out.Notify == nil && !out.Done {
				out = s.news(sub) // who was shown as gone is to go from the roster, too
			}
		case <-timer.C:
			out = sub.Tick(time.Now())
		case <-s.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// news gives a subscription what there is now, or ends it when there is nothing any more, or nothing for it.
func (s *follower) news(sub *confevent.Subscription) confevent.Output {
	if s.entry.retired() {
		return sub.Terminate(time.Now(), confevent.ReasonNoResource, 0)
	}
	shows, pending := s.document(), sub.Phase() == confevent.PhasePending
	switch {
	case shows.pending && pending:
		return sub.Tick(time.Now())
	case shows.pending: // is at the door again, where he may subscribe again and wait
		return sub.Terminate(time.Now(), confevent.ReasonDeactivated, 0)
	case shows.snapshot == nil:
		return sub.Terminate(time.Now(), shows.why, 0)
	case pending:
		sub.Share(time.Now(), shows.snapshot) // gives nothing to send before the next line
		return sub.Approve(time.Now())
	default:
		return sub.Share(time.Now(), shows.snapshot)
	}
}

// shown is what there is for a subscriber.
type shown struct {
	snapshot *confevent.Snapshot // nil: nothing
	pending  bool                // not yet
	why      confevent.Reason    // why there is nothing, and will not be
}

// document is the newest State as conference-info for this subscriber. It shows those who have gone since he was told last.
func (s *follower) document() shown {
	state := s.focus.current(s.entry)
	who, at := s.subscriber.sees(state, s.entry.cfg.Roster)
	switch {
	case at == arriving && s.sidebar == "":
		return shown{pending: true}
	case at != inside:
		return shown{why: confevent.ReasonRejected}
	}
	if s.sidebar != "" {
		b, there := state.Sidebar(s.sidebar)
		switch {
		case !there:
			return shown{why: confevent.ReasonNoResource}
		case !who.knows(&b):
			return shown{why: confevent.ReasonRejected}
		}
		who = view{viewer: who.viewer, sidebar: s.sidebar}
		if b.Private {
			who.enter(b.ID)
		}
	}
	s.shown = state.Version
	return shown{snapshot: s.entry.docs.snapshot(state, s.told, &s.entry.cfg, who, s.entry.afar.users.Load())}
}

// send sends a NOTIFY; its answer comes back through the channel. One that only tells of changes waits until all subscribers together get no
// more than the focus can send.
func (s *follower) send(ctx context.Context, n confevent.Notify) {
	s.focus.spawn(func(context.Context) {
		contentType := ""
		if n.Body != nil {
			contentType = confevent.ContentType
		}
		if !n.Final() && n.Document.State == confevent.Partial {
			_ = s.focus.pace.Wait(ctx) // fails only with the context
		}
		patience, cancel := s.focus.patient(ctx, participantPatience)
		defer cancel()
		response, err := s.dialog.Tell(patience, n.SubscriptionState(), contentType, n.Body)
		if err == nil && s.focus.hooks.Notified != nil {
			s.focus.hooks.Notified(n.Document.State.String())
		}
		s.answers <- answerOf(response, err)
	})
}

// answerOf is what became of a NOTIFY. An Event in its answer may ask for another pace (RFC 6446, section 9.3).
func answerOf(response *sipua.Response, err error) confevent.Answer {
	if err == nil {
		a := confevent.Answer{Status: 200}
		if event, bad := confevent.ParseEvent(response.Headers.Get("Event")); bad == nil {
			a.Rates = &event.Rates
		}
		return a
	}
	if errors.Is(err, sipua.ErrGone) {
		return confevent.Answer{Status: 481}
	}
	refused, ok := errors.AsType[*sipua.StatusError](err)
	if !ok {
		return confevent.Answer{}
	}
	after, _ := sipua.RetryAfter(refused.Response)
	return confevent.Answer{Status: refused.Response.Status, RetryAfter: after}
}

// Refresh grants another duration (RFC 6665, section 4.2.1.4).
func (s *follower) Refresh(request *sipua.Request, wanted time.Duration) (time.Duration, *sipua.Response) {
	event, err := confevent.ParseEvent(request.Headers.Get("Event"))
	switch {
	case err != nil:
		return 0, badEvent()
	case s.entry.cfg.Roster.Secure && !protected(request):
		return 0, insecure()
	}
	if !request.Headers.Has("Expires") {
		wanted = confevent.ExpiresAbsent
	}
	granted, brief := s.config.Grant(wanted)
	if brief {
		return 0, tooBrief(granted)
	}
	s.rates, s.want = event.Rates, wanted
	return granted, nil
}

// Refreshed lets the full state follow.
func (s *follower) Refreshed(time.Duration) {
	select {
	case s.refreshes <- confevent.Request{Expires: s.want, Rates: s.rates}:
	case <-s.ended:
	}
}

// Ended says that the subscriber is gone.
func (s *follower) Ended(sipua.EndReason) { close(s.ended) }

var _ sipua.SubscriptionHandler = (*follower)(nil)
