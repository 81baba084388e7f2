package focus

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// follower is one subscription: the state machine of RFC 6665 in a goroutine that sees the newest State when it may tell of it. It never holds up a conference, and that of thousands who follow the
// same one few run at the same moment is why it does not look at a State that it may not tell of yet (ADR 116).
type follower struct {
	focus  *Focus
	entry  *entry
	place  *observer
	config confevent.SubscriptionConfig
	log    *slog.Logger
	dialog *sipua.NotifierDialog

	refreshes chan confevent.Request
	answers   chan confevent.Answer // to the one open NOTIFY
	ended     chan struct{}         // the dialog is over

	subscriber subscriber
	sidebar    conference.SidebarID // that it is for; empty: the conference
	release    func()               // gives back his place among those who may follow

	// Owned by run.
	shown    uint64    // version of the State in the newest document
	told     uint64    // and in the last one that was sent
	farewell bool      // that one shows somebody who has gone: another has to follow
	changed  bool      // there may be something that has not been looked at
	over     bool      // the conference is no more, and he has not been told
	turn     time.Time // among all subscribers of the focus, for the next NOTIFY about a change; zero: none is wanted

	rates confevent.Rates // owned by the dialog's calls, which are one at a time
	want  time.Duration
}

// run is the life of a subscription.
func (s *follower) run(ctx context.Context, first confevent.Request) {
	defer s.release()
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
		due := s.due(sub)
		if !due.IsZero() && !time.Now().Before(due) {
			if out = s.news(sub); out.Notify == nil {
				s.turn = time.Time{} // there was nothing to tell him
			}
			continue
		}
		set(timer, earlier(due, out.Wake))
		out = confevent.Output{Wake: out.Wake}
		select {
		case <-s.listen():
			if s.changed = true; s.affected(sub) {
				out = s.news(sub)
			}
		case <-s.leaving():
			s.over = true
		case r := <-s.refreshes:
			s.look(sub)
			out = sub.Subscribe(time.Now(), r)
		case a := <-s.answers:
			s.changed = s.changed || s.farewell // who was shown as gone is to go from the roster, too
			out = sub.Answered(time.Now(), a)
		case <-timer.C:
			out = s.tick(sub, out)
		case <-s.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// tick gives a subscription its time, if that is what the timer was for.
func (s *follower) tick(sub *confevent.Subscription, out confevent.Output) confevent.Output {
	now := time.Now()
	if out.Wake.IsZero() || now.Before(out.Wake) {
		return out // it is his turn
	}
	s.look(sub)
	return sub.Tick(now)
}

// set sets a timer to a time; the zero one is never.
func set(timer *time.Timer, at time.Time) {
	timer.Stop()
	if !at.IsZero() {
		timer.Reset(max(0, time.Until(at)))
	}
}

// earlier is the first of two times, of which the zero one is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// listen is where news comes from; nil: it need not be known that there is more.
func (s *follower) listen() <-chan struct{} {
	if s.changed && !s.watched() {
		return nil
	}
	return s.place.news
}

// leaving is closed when the conference is no more; nil: that is known.
func (s *follower) leaving() <-chan struct{} {
	if s.over {
		return nil
	}
	return s.place.over
}

// watched tells whether a change may end his right to know, which does not wait for its turn.
func (s *follower) watched() bool {
	return s.entry.cfg.Roster.Subscribers != SubscribersAll || s.sidebar != ""
}

// affected tells whether something has changed that ends a subscription, or lets it begin.
func (s *follower) affected(sub *confevent.Subscription) bool {
	if sub.Phase() == confevent.PhasePending {
		return true
	}
	if !s.watched() {
		return false
	}
	_, nothing := s.sees(s.focus.current(s.entry))
	return nothing != nil
}

// due is when what has changed is to be told: not before this subscriber may hear of it again, and when it is his turn among all of them, which is taken only then. The zero time is never.
func (s *follower) due(sub *confevent.Subscription) time.Time {
	from, free := sub.Free()
	switch {
	case s.over && sub.Phase() != confevent.PhaseTerminated: // waits for nothing but its turn
	case !s.changed || !free:
		return time.Time{}
	case time.Now().Before(from):
		return from
	}
	if s.turn.IsZero() {
		s.turn = time.Now().Add(s.focus.pace.Reserve().Delay())
	}
	return s.turn
}

// look gives a subscription what there is now, for what it is about to send anyhow.
func (s *follower) look(sub *confevent.Subscription) {
	if sub.Phase() != confevent.PhaseActive {
		return
	}
	s.caughtUp()
	shows := s.document()
	if shows.snapshot == nil { // news says what follows
		s.changed = true
		return
	}
	sub.Show(shows.snapshot)
}

// caughtUp notes that the newest State is looked at now: what is told of it from then on is news.
func (s *follower) caughtUp() {
	select {
	case <-s.place.news:
	default:
	}
	s.changed = false
}

// news gives a subscription what there is now, or ends it when there is nothing any more, or nothing for it.
func (s *follower) news(sub *confevent.Subscription) confevent.Output {
	s.caughtUp()
	if s.entry.retired() {
		s.over = true
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
		sub.Show(shows.snapshot)
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

// sees is what this subscriber may see of a State; nothing says why he may not.
func (s *follower) sees(state *conference.State) (who view, nothing *shown) {
	who, at := s.subscriber.sees(state, s.entry.cfg.Roster)
	switch {
	case at == arriving && s.sidebar == "":
		return who, &shown{pending: true}
	case at != inside:
		return who, &shown{why: confevent.ReasonRejected}
	}
	if s.sidebar != "" {
		b, there := state.Sidebar(s.sidebar)
		switch {
		case !there:
			return who, &shown{why: confevent.ReasonNoResource}
		case !who.knows(&b):
			return who, &shown{why: confevent.ReasonRejected}
		}
		who = view{viewer: who.viewer, sidebar: s.sidebar}
		if b.Private {
			who.enter(b.ID)
		}
	}
	return who, nil
}

// document is the newest State as conference-info for this subscriber. It shows those who have gone since he was told last.
func (s *follower) document() shown {
	state := s.focus.current(s.entry)
	who, nothing := s.sees(state)
	if nothing != nil {
		return *nothing
	}
	s.shown = state.Version
	snapshot, farewell := s.entry.docs.snapshot(state, s.told, &s.entry.cfg, who, s.entry.afar.users.Load())
	s.farewell = farewell
	return shown{snapshot: snapshot}
}

const (
	// wholeRate is how many NOTIFYs in a second that tell all there is are sent, and wholeAtOnce how many at once: all at once they would be in line for the processors before who calls (ADR 88).
	wholeRate, wholeAtOnce = 1000, 50
)

// among tells with whom a NOTIFY waits for its turn, unless it has waited already; nil: with nobody. What tells of changes is counted for itself, so that those who come, refresh and leave do not hold it up.
func (s *follower) among(n *confevent.Notify) *rate.Limiter {
	switch {
	case !s.turn.IsZero() || n.Body == nil:
		return nil
	case !n.Final() && n.Document.State == confevent.Partial:
		return s.focus.pace
	default:
		return s.focus.whole
	}
}

// send sends a NOTIFY, when it is its turn; its answer comes back through the channel.
func (s *follower) send(ctx context.Context, n confevent.Notify) {
	among := s.among(&n)
	s.turn = time.Time{}
	s.focus.spawn(func(context.Context) {
		contentType := ""
		if n.Body != nil {
			contentType = confevent.ContentType
		}
		if among != nil {
			_ = among.Wait(ctx) // fails only with the context
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
