package sipua

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	// drainPause is how often Shutdown looks for calls that were answered after it
	// began.
	drainPause = 20 * time.Millisecond
	// endGrace is how long Shutdown goes on after the end of its context, so that
	// a last BYE leaves and everything that ends by itself has ended.
	endGrace = 250 * time.Millisecond
)

// Shutdown refuses new calls with 503, sends BYE in all dialogs, ends all
// subscriptions, waits for the answers, and closes the sockets. An INVITE of
// ours that has no response at all is waited for 2*T1 at most. When ctx ends
// earlier it closes at once and returns the error of ctx.
//
// No goroutine of the Agent runs any more when it returns nil: handlers that are
// still running are waited for, until ctx ends. Those that outlast it find the
// Agent closed; a further Shutdown waits for them again.
func (a *Agent) Shutdown(ctx context.Context) error {
	a.Refuse()
	a.mu.Lock()
	running := a.running
	if running {
		select {
		case <-a.draining:
		default:
			close(a.draining)
		}
	}
	a.mu.Unlock()
	if !running && !a.isClosed() {
		return nil // it was never started
	}
	limit, cancel := withGrace(ctx, endGrace)
	defer cancel()
	var err error
	if running {
		err = a.endUsages(ctx, limit)
		a.stop()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.wait.Wait()
	}()
	select {
	case <-done:
		return err
	case <-limit.Done():
		a.log.WarnContext(ctx, "shut down although handlers are still running", slog.Any("error", ctx.Err()))
		return fmt.Errorf("shut down: %w", ctx.Err())
	}
}

// withGrace makes a context that ends some time after another one.
func withGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	limit, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return limit, func() {
		stop()
		cancel()
	}
}

// lastRead is how long a datagram may be on its way from the read loop to its transaction.
const lastRead = 5 * time.Millisecond

// stop closes everything, once. From then on nothing is sent and no goroutine is
// started.
func (a *Agent) stop() {
	a.mu.Lock()
	first := a.running
	a.running = false
	if first {
		close(a.closed)
		a.endLife()
	}
	a.mu.Unlock()
	if first {
		// What has been read is handled before its socket is gone: the stack would answer from another one, of its own, and leave that open.
		time.Sleep(lastRead)
		a.transactions.Close()
		a.closeListeners()
		_ = a.transport.Close()
	}
}

// endUsages ends all calls and subscriptions and waits for that. Calls that were
// being answered when it began are ended as soon as they are dialogs.
func (a *Agent) endUsages(ctx, limit context.Context) error {
	a.endKnown(ctx, limit)
	patience := time.NewTimer(64 * a.config.Timers.T1)
	defer patience.Stop()
	look := time.NewTicker(drainPause)
	defer look.Stop()
	for waiting := true; waiting; {
		select {
		case <-a.callCount.zero():
			waiting = false
		case <-look.C:
			a.endKnown(ctx, limit)
		case <-patience.C:
			waiting = false
		case <-ctx.Done():
			waiting = false
		case <-a.closed:
			waiting = false
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// endKnown ends the calls and subscriptions that there are now. It returns when
// they have ended, or with limit: a handler may hold one up.
func (a *Agent) endKnown(ctx, limit context.Context) {
	a.mu.Lock()
	ends := make([]func(), 0, len(a.usages)+len(a.pending))
	for call := range a.pending {
		ends = append(ends, func() { _ = call.Reject(a.unavailable()) }) // or it is over already
	}
	for _, u := range a.usages {
		ends = append(ends, func() { u.shutdown(ctx) })
	}
	a.mu.Unlock()
	finished := make(chan struct{}, len(ends))
	running := 0
	for _, end := range ends {
		if a.spawn(func() {
			defer func() { finished <- struct{}{} }()
			end()
		}) {
			running++
		}
	}
	for range running {
		select {
		case <-finished:
		case <-limit.Done():
			return
		}
	}
}
