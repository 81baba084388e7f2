package focus

import (
	"context"
	"errors"
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
	e, refused := f.subscribable(incoming)
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
	s := &follower{
		focus: f, entry: e, config: config, refreshes: make(chan confevent.Request, 4), answers: make(chan confevent.Answer, 1),
		ended: make(chan struct{}),
		log:   f.log.With(slog.String("conference", string(e.cfg.ID)), slog.String("subscriber", request.From.URI.Bare().String())),
	}
	contact := sipua.Address{URI: f.contactURI(e.cfg.ID, request.Transport)}.With("isfocus", "")
	dialog, err := incoming.Accept(granted, contact, s, sipua.Header{Name: "Allow-Events", Value: confevent.EventPackage})
	if err != nil {
		f.log.Info("subscription", slog.Any("error", err))
		return
	}
	s.dialog = dialog
	s.rates = event.Rates
	f.follow(s, confevent.Request{Expires: wanted, Rates: event.Rates})
}

// follow starts the goroutine of a subscription.
func (f *Focus) follow(s *follower, first confevent.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draining && f.entries[s.entry.cfg.ID] != s.entry {
		return // the agent ends it with its own shutdown
	}
	f.follows.Add(1)
	f.spawn(func(ctx context.Context) {
		defer f.follows.Add(-1)
		s.run(ctx, first)
	})
}

// subscribable finds the conference, or says why there will be no subscription.
func (f *Focus) subscribable(incoming *sipua.IncomingSubscription) (*entry, *sipua.Response) {
	request := incoming.Request()
	if incoming.Event() != confevent.EventPackage {
		return nil, badEvent()
	}
	if f.Draining() {
		return nil, refusal(ErrShutdown)
	}
	e, err := f.lookup(conference.ID(request.URI.UserPart()))
	switch {
	case err != nil:
		return nil, refusal(err)
	case !acceptsDocument(request.Headers):
		return nil, sipua.NewResponse(406)
	case len(request.Body) > 0 && !strings.Contains(request.Headers.Get("Content-Disposition"), "handling=optional"):
		return nil, sipua.NewResponse(415, sipua.Header{Name: "Accept", Value: ""})
	case e.observerCount() >= f.cfg.Limits.Subscriptions:
		return nil, refusal(ErrBusy)
	}
	return e, nil
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

	rates confevent.Rates // owned by the dialog's calls, which are one at a time
	want  time.Duration
}

// run is the life of a subscription.
func (s *follower) run(ctx context.Context, first confevent.Request) {
	news := s.entry.observe()
	defer s.entry.unobserve(news)
	sub := confevent.NewSubscription(s.config, s.document())
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for out := sub.Subscribe(time.Now(), first); ; {
		if out.Notify != nil {
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
			if s.entry.retired() {
				out = sub.Terminate(time.Now(), confevent.ReasonNoResource, 0)
			} else {
				out = sub.Update(time.Now(), s.document())
			}
		case r := <-s.refreshes:
			out = sub.Subscribe(time.Now(), r)
		case a := <-s.answers:
			out = sub.Answered(time.Now(), a)
		case <-timer.C:
			out = sub.Tick(time.Now())
		case <-s.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// document is the newest State as conference-info, made once for all subscriptions.
func (s *follower) document() confevent.Document {
	state := s.focus.current(s.entry)
	if d := s.entry.doc.Load(); d != nil && d.state == state {
		return d.document
	}
	d := &projected{state: state, document: document(state)}
	s.entry.doc.Store(d)
	return d.document
}

// projected is the conference-info of a State.
type projected struct {
	state    *conference.State
	document confevent.Document
}

// send sends a NOTIFY; its answer comes back through the channel.
func (s *follower) send(ctx context.Context, n confevent.Notify) {
	s.focus.spawn(func(context.Context) {
		contentType := ""
		if n.Body != nil {
			contentType = confevent.ContentType
		}
		patience, cancel := s.focus.patient(ctx, participantPatience)
		defer cancel()
		err := s.dialog.Notify(patience, n.SubscriptionState(), contentType, n.Body)
		if err == nil && s.focus.hooks.Notified != nil {
			s.focus.hooks.Notified(n.Document.State.String())
		}
		s.answers <- answerOf(err)
	})
}

// answerOf is what became of a NOTIFY.
func answerOf(err error) confevent.Answer {
	switch code := sipua.Status(err); {
	case err == nil:
		return confevent.Answer{Status: 200}
	case errors.Is(err, sipua.ErrGone):
		return confevent.Answer{Status: 481}
	case code != 0:
		return confevent.Answer{Status: code}
	default:
		return confevent.Answer{}
	}
}

// Refresh grants another duration (RFC 6665, section 4.2.1.4).
func (s *follower) Refresh(request *sipua.Request, wanted time.Duration) (time.Duration, *sipua.Response) {
	event, err := confevent.ParseEvent(request.Headers.Get("Event"))
	if err != nil {
		return 0, badEvent()
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
