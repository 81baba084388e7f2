package sipua

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// RefreshHandler may be implemented by a DialogHandler that wants to see the answers to offers which the Dialog repeats by itself to keep
// the session alive.
type RefreshHandler interface {
	// Refreshed gets the 2xx of a re-INVITE that repeated our last description. It is as a rule the answer of before.
	Refreshed(response *Response)
}

// OutageHandler may be implemented by a DialogHandler whose dialog is to outlast that its peer cannot be reached.
type OutageHandler interface {
	// Unreachable says that a request could not be delivered, or that its connection broke. The peer may come back by another one: a transport error
	// counts as 503, which ends no dialog (RFC 3261, sections 8.1.3.1 and 12.2.1.2). A session that is not refreshed in time ends nevertheless. It may be called by any goroutine.
	Unreachable(err error)
}

// session is the life of a dialog's session (RFC 4028). It is safe for concurrent use.
type session struct {
	dialog *Dialog
	renew  func(context.Context) error // asks the peer to go on
	end    func(EndReason)             // ends the dialog

	mu          sync.Mutex
	agreed      lease
	least       time.Duration // the largest Min-SE that has come in this dialog; 0: none
	ends        time.Time     // when the session is over, unless it is refreshed
	timer       *time.Timer
	stopped     bool
	description Body // what we sent last, to be repeated by a re-INVITE
}

// sent remembers our last description.
func (s *session) sent(body Body) {
	t := mediaType(body.ContentType)
	if len(body.Data) == 0 || t != "application/sdp" && !strings.HasPrefix(t, "multipart/") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.description = Body{ContentType: body.ContentType, Data: body.Data}
}

// begin starts over with what was agreed in a 2xx.
func (s *session) begin(agreed lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.agreed = agreed
	if agreed.interval == 0 || s.stopped {
		return
	}
	s.ends = time.Now().Add(s.scale(agreed.interval))
	if agreed.ours {
		s.timer = time.AfterFunc(s.scale(agreed.interval/2), s.refresh)
	} else {
		s.timer = time.AfterFunc(s.scale(agreed.interval-farewell(agreed.interval)), s.expire)
	}
}

// scale is 1 but in tests, where the unit is shorter than the second that Session-Expires counts.
func (s *session) scale(d time.Duration) time.Duration {
	return time.Duration(d.Seconds() * float64(s.dialog.state.agent.config.Timers.Glare))
}

// farewell is how long before its end an unrefreshed session is ended (RFC 4028, section 10).
func farewell(interval time.Duration) time.Duration { return min(farewellGuard, interval/3) }

// stop ends the watch with the dialog.
func (s *session) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
}

// propose returns the header fields of a re-INVITE or UPDATE of ours.
func (s *session) propose() Headers {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialog.state.agent.config.SessionTimer.propose(s.agreed, s.least)
}

// concluded takes the 2xx to a request of ours.
func (s *session) concluded(response *Response) {
	s.mu.Lock()
	proposed := max(s.agreed.interval, s.dialog.state.agent.config.SessionTimer.Interval, s.least)
	s.mu.Unlock()
	s.begin(s.dialog.state.agent.config.SessionTimer.conclude(response, proposed))
}

// tooSmall takes the Min-SE of a 422; it returns false for one that asks for nothing new.
func (s *session) tooSmall(response *Response) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	least := minSE(response.Headers)
	if least <= s.least {
		return false
	}
	s.least = least
	return true
}

// asked takes the Min-SE of a re-INVITE or UPDATE of the peer: requests of ours in this dialog ask for no less (RFC 4028, section 7.4).
func (s *session) asked(request *Request) {
	if !request.Headers.Has("Min-SE") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.least = max(s.least, minSE(request.Headers))
}

// refresh is called when half of the interval is over.
func (s *session) refresh() {
	d := s.dialog
	if !d.state.agent.spawn(func() {
		ctx, cancel := d.state.agent.lifetime(64 * d.state.agent.config.Timers.T1)
		defer cancel()
		if err := s.renew(ctx); err != nil && !d.hasEnded() {
			d.state.agent.log.Info("a session could not be refreshed", slog.String("call_id", d.state.id.CallID), slog.Any("error", err))
			s.retry()
		}
	}) {
		return
	}
}

// retry plans another refresh after one that failed, as long as the session lasts.
func (s *session) retry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.agreed.interval == 0 {
		return
	}
	left := time.Until(s.ends) - s.scale(farewell(s.agreed.interval))
	if left > s.scale(farewellGuard/16) {
		s.timer = time.AfterFunc(left/2, s.refresh)
		return
	}
	s.timer = time.AfterFunc(max(left, 0), s.expire)
}

// expire ends a session that was not refreshed in time.
func (s *session) expire() {
	s.end(EndReason{Cause: EndExpired, Err: ErrTimeout})
}

// refresh keeps the session alive: by an UPDATE without a description where the peer allows it, else by a re-INVITE with the last one
// (RFC 4028, section 7.4). The 2xx begins the interval anew.
func (d *Dialog) refresh(ctx context.Context) error {
	if d.Allows("UPDATE") {
		_, err := d.Update(ctx, Body{})
		if status := Status(err); status != 405 && status != 501 {
			return err
		}
	}
	d.session.mu.Lock()
	description := d.session.description
	d.session.mu.Unlock()
	response, err := d.ReInvite(ctx, description)
	if err != nil {
		return err
	}
	if handler, ok := d.handler.(RefreshHandler); ok {
		d.protect(func() { handler.Refreshed(response) })
	}
	return nil
}
