package control

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-sip/parley/focus"
)

// fakeSocket is the far end of a WebSocket.
type fakeSocket struct {
	written, pings atomic.Int64
	stuck          atomic.Bool // takes nothing, answers no ping
}

func (s *fakeSocket) wait(ctx context.Context) error {
	if s.stuck.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (s *fakeSocket) Write(ctx context.Context, _ websocket.MessageType, _ []byte) error {
	s.written.Add(1)
	return s.wait(ctx)
}

func (s *fakeSocket) Ping(ctx context.Context) error {
	s.pings.Add(1)
	return s.wait(ctx)
}

// TestSocketIsPinged while there is nothing to say, and ended when nobody answers or takes anything.
func TestSocketIsPinged(t *testing.T) {
	for name, event := range map[string]bool{"no answer": false, "nothing taken": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				from, to := &fakeSource{events: make(chan focus.Event)}, &fakeSocket{}
				ended := make(chan error, 1)
				go func() { ended <- pumpSocket(t.Context(), from, to) }()
				<-time.After(4*keepAlive + time.Second)
				if n := to.pings.Load(); n != 4 {
					t.Errorf("%d pings", n)
				}
				to.stuck.Store(true)
				began := time.Now()
				if event {
					from.events <- focus.Event{ID: "a-1"}
				}
				if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("ended with %v", err)
				}
				if took := time.Since(began); took < writeLimit || took > writeLimit+keepAlive {
					t.Errorf("ended after %v", took)
				}
				if event && to.written.Load() != 1 {
					t.Error("the event was not written")
				}
			})
		})
	}
}

func TestSocketEndsWithItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &fakeSource{events: make(chan focus.Event)}
		close(from.events)
		if err := pumpSocket(t.Context(), from, &fakeSocket{}); !errors.Is(err, focus.ErrShutdown) {
			t.Errorf("ended with %v", err)
		}
		broken := &fakeSource{events: make(chan focus.Event, 1)}
		broken.events <- focus.Event{ID: "a-1", Object: func() {}}
		if err := pumpSocket(t.Context(), broken, &fakeSocket{}); err == nil || errors.Is(err, focus.ErrShutdown) {
			t.Errorf("ended with %v", err)
		}
	})
}
