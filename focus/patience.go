package focus

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// How long a drain waits for the answers of peers that may not be there any more. Outside of a drain the timers of the
// protocol hold (RFC 3261, section 17).
const (
	recorderPatience    = 2 * time.Second // of a recording server to one request: time for two repetitions over UDP
	farewellPatience    = time.Second     // of one that has just let a request pass unanswered, to the BYE
	recorderLimit       = 5 * time.Second // of a recording server to everything, whatever state its session is in
	participantPatience = 4 * time.Second // of a participant to the BYE
)

// Why a request was given up.
var (
	errImpatient  = errors.New("no answer while shutting down")
	errUnanswered = errors.New("no answer")
)

// patient gives a context that ends with another, and a while after both the call and the beginning of the drain.
func (f *Focus) patient(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithCancelCause(ctx)
	stop := f.onDrain(func() {
		time.AfterFunc(while, func() { cancel(errImpatient) }) // does nothing when the request has had its answer
	})
	return limited, func() {
		stop()
		cancel(nil)
	}
}

// ask makes a request and waits for its outcome until it is given up; ok is false then. The agent goes on with some requests
// beyond their context: a re-INVITE is taken back, which takes as long as its answer.
func ask[T any](givenUp <-chan struct{}, request func() T) (outcome T, ok bool) {
	done := make(chan T, 1)
	go func() { done <- request() }()
	select {
	case outcome = <-done:
		return outcome, true
	case <-givenUp:
		return outcome, false
	}
}

// undelivered tells the operator what a recording server has not acknowledged.
func (c *controller) undelivered(r *recorder, what string, err error) {
	c.log.Warn("recording server did not answer", slog.String("server", r.server.Name), slog.String("recording", string(r.recording)),
		slog.String("undelivered", what), slog.Any("error", err))
}

// draining ends the conference because the Focus does.
type draining struct{}

func (draining) handle(c *controller) {
	_ = c.step(conference.End{Reason: `SIP;cause=503;text="Shutting down"`, Delete: true})
	for _, r := range c.recorders {
		c.later(recorderLimit, overstaying{r})
	}
}

// overstaying lets go of a session with a recording server that does not come to its end.
type overstaying struct{ recorder *recorder }

func (m overstaying) handle(c *controller) {
	r := m.recorder
	if r.over {
		return
	}
	c.undelivered(r, "end of the session", errImpatient)
	c.finish(r)
	_ = c.step(conference.Report{Recording: r.recording, Server: r.server.Name, State: conference.RecordingStopped})
}
