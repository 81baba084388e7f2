package focus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
)

const (
	sipfragMediaType = "message/sipfrag"
	sipfragType      = sipfragMediaType + ";version=2.0"
	// referGrace is how much longer than the call that it tells of an implicit subscription lives (RFC 3515, section 3.4).
	referGrace = 32 * time.Second
	// commandPatience bounds the wait for a conference to take a request.
	commandPatience = 5 * time.Second
	// notifyPace is the shortest time between two NOTIFYs about one reference (RFC 3515, section 3.10).
	notifyPace = time.Second
)

// sipfrag is a response that says no more than its status (RFC 3515, section 2.4.5).
func sipfrag(status int) []byte {
	return fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", status, sipua.ReasonPhrase(status))
}

// implicit is the subscription that a REFER outside of a dialog makes (RFC 3515, section 2.4.4). What was asked for goes on when the
// subscriber leaves.
type implicit struct {
	focus   *Focus
	dialog  *sipua.NotifierDialog
	outcome <-chan int
	ended   chan struct{}
	once    sync.Once
}

func newImplicit(f *Focus, outcome <-chan int) *implicit {
	return &implicit{focus: f, outcome: outcome, ended: make(chan struct{})}
}

// run tells at once that it is tried, and in the end what came of it.
func (s *implicit) run(ctx context.Context) {
	notify := func(state string, status int) error {
		patience, cancel := context.WithTimeout(ctx, referGrace)
		defer cancel()
		return s.dialog.Notify(patience, state, sipfragType, sipfrag(status))
	}
	reportReferral(ctx, s.focus.log, s.outcome, s.ended, notify)
}

// reportReferral is the course of an implicit subscription: 100 at once, and what came of it in the end, not before a second has passed.
func reportReferral(ctx context.Context, log *slog.Logger, outcome <-chan int, ended <-chan struct{}, notify func(state string, status int) error) {
	if err := notify("active", 100); err != nil {
		log.DebugContext(ctx, "a REFER cannot be reported", slog.Any("error", err))
		return
	}
	pace := time.NewTimer(notifyPace)
	defer pace.Stop()
	var code int
	select {
	case code = <-outcome:
	case <-ended:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-pace.C:
	case <-ended:
		return
	case <-ctx.Done():
	}
	if err := notify("terminated;reason=noresource", code); err != nil {
		log.DebugContext(ctx, "the outcome of a REFER cannot be reported", slog.Any("error", err))
	}
}

// Refresh lets the subscription live on for as long as it has been granted anyway; who wants no more of it may leave.
func (s *implicit) Refresh(_ *sipua.Request, wanted time.Duration) (time.Duration, *sipua.Response) {
	return min(wanted, s.dialog.Expires()), nil
}

// Refreshed has the state follow (RFC 6665, section 4.2.1.2).
func (s *implicit) Refreshed(granted time.Duration) {
	state := "active"
	if granted == 0 {
		state = "terminated;reason=timeout"
	}
	s.focus.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, referGrace)
		defer cancel()
		_ = s.dialog.Notify(ctx, state, sipfragType, sipfrag(100)) // who is gone wants no news
	})
}

// Ended says that nobody wants to know any more.
func (s *implicit) Ended(sipua.EndReason) { s.once.Do(func() { close(s.ended) }) }

var _ sipua.SubscriptionHandler = (*implicit)(nil)
