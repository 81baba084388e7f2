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
	place, release := f.placeFor(e, request)
	if place == nil {
		_ = incoming.Reject(refusal(ErrBusy))
		return
	}
	s := &follower{
		focus: f, entry: e, place: place, config: config, subscriber: subscriberOf(request), sidebar: sidebar, refreshes: make(chan confevent.Request, 4), answers: make(chan confevent.Answer, 1),
		ended: make(chan struct{}), release: release, rates: event.Rates,
		log: f.log.With(slog.String("conference", string(e.cfg.ID)), slog.String("subscriber", request.From.URI.Bare().String())),
	}
	uri := f.contactURI(e.cfg.ID, request.Transport)
	if sidebar != "" {
		uri = uri.With(sidebarParam, string(sidebar))
	}
	contact := sipua.Address{URI: uri}.With("isfocus", "")
	dialog, err := incoming.Accept(granted, contact, s, sipua.Header{Name: "Allow-Events", Value: confevent.EventPackage})
	if err != nil {
		release()
		f.log.Info("subscription", slog.Any("error", err))
		return
	}
	s.dialog = dialog
	if !f.follow(s, confevent.Request{Expires: wanted, Rates: event.Rates}) { // the conference has ended since
		release()
		ctx, cancel := context.WithTimeout(context.Background(), commandPatience)
		defer cancel()
		_ = s.dialog.Notify(ctx, "terminated;reason=noresource", "", nil) // else the agent ends it
	}
}

// placeFor takes a place among those who may follow a conference, and of the same source; nil: there is none. release gives it back.
func (f *Focus) placeFor(e *entry, request *sipua.Request) (place *observer, release func()) {
	limits := f.live().Limits
	counted, ok := f.sources.add(request, limits.SubscriptionsPerSource)
	if !ok {
		return nil, nil
	}
	if place = e.observe(limits.Subscriptions); place == nil {
		counted()
		return nil, nil
	}
	return place, func() {
		f.unwatch(e, place)
		counted()
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
