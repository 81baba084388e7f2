package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/focus"
)

// fakeSource gives the events of a channel.
type fakeSource struct {
	events chan focus.Event
	missed atomic.Uint64
}

func (s *fakeSource) Next(ctx context.Context) (focus.Event, error) {
	select {
	case event, ok := <-s.events:
		if !ok {
			return event, focus.ErrShutdown
		}
		return event, nil
	case <-ctx.Done():
		return focus.Event{}, ctx.Err()
	}
}

func (s *fakeSource) Missed() uint64 { return s.missed.Load() }

// fakeReader is a connection. When stuck it takes nothing: a write waits for its deadline.
type fakeReader struct {
	header http.Header

	mu       sync.Mutex
	text     strings.Builder
	deadline time.Time
	stuck    bool
	gone     bool
}

func (r *fakeReader) Header() http.Header { return r.header }
func (r *fakeReader) WriteHeader(int)     {}
func (r *fakeReader) FlushError() error   { return nil }

func (r *fakeReader) SetWriteDeadline(at time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deadline = at
	return nil
}

func (r *fakeReader) Write(text []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.gone:
		return 0, errors.New("broken pipe")
	case r.stuck:
		<-time.After(time.Until(r.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	return r.text.Write(text)
}

// written is everything that was taken.
func (r *fakeReader) written() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// stall makes the reader take nothing any more.
func (r *fakeReader) stall() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stuck = true
}

// pumping runs pump until the test ends it.
func pumping(ctx context.Context, from source, to *fakeReader) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pump(ctx, from, &reader{out: to, control: http.NewResponseController(to)})
	}()
	return done
}

func over(done <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func TestSilentStreamIsKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := &fakeSource{events: make(chan focus.Event)}, &fakeReader{}
		ctx, cancel := context.WithCancel(t.Context())
		done := pumping(ctx, from, to)
		<-time.After(keepAlive - time.Second)
		synctest.Wait()
		if got := to.written(); got != ": parley\n\n" {
			t.Errorf("in the beginning: %q", got)
		}
		<-time.After(2*time.Second + keepAlive)
		synctest.Wait()
		if got := strings.Count(to.written(), ": alive\n\n"); got != 2 {
			t.Errorf("%d signs of life, want 2", got)
		}
		from.events <- focus.Event{ID: "a-1", Type: focus.ConferenceStarted, Conference: "1", Sequence: 1}
		synctest.Wait()
		want := "id: a-1\nevent: conference.started\ndata: {\"id\":\"a-1\",\"type\":\"conference.started\","
		if got := to.written(); !strings.Contains(got, want) || !strings.HasSuffix(got, "}\n\n") {
			t.Errorf("an event is written as %q", got)
		}
		if over(done) {
			t.Error("the stream has ended")
		}
		cancel()
		if !over(done) {
			t.Error("the stream goes on without its reader")
		}
	})
}

func TestStreamOfReaderThatTakesNothingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := &fakeSource{events: make(chan focus.Event)}, &fakeReader{}
		done := pumping(t.Context(), from, to)
		synctest.Wait()
		to.stall()
		from.events <- focus.Event{ID: "a-1"}
		<-time.After(writeLimit - time.Second)
		if over(done) {
			t.Error("the stream has ended too early")
		}
		<-time.After(2 * time.Second)
		if !over(done) {
			t.Error("the stream waits for ever")
		}
	})
}

func TestStreamEndsWithItsSourceAndItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &fakeSource{events: make(chan focus.Event)}
		done := pumping(t.Context(), from, &fakeReader{})
		close(from.events)
		if !over(done) {
			t.Error("the stream goes on without its source")
		}
		if done := pumping(t.Context(), &fakeSource{events: make(chan focus.Event)}, &fakeReader{gone: true}); !over(done) {
			t.Error("the stream goes on without its reader")
		}
	})
}

func TestSlowReaderIsToldWhatItHasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := &fakeSource{events: make(chan focus.Event)}, &fakeReader{}
		done := pumping(t.Context(), from, to)
		synctest.Wait()
		from.missed.Store(7)
		from.events <- focus.Event{ID: "a-9"}
		from.events <- focus.Event{ID: "a-10"}
		synctest.Wait()
		if got := to.written(); strings.Count(got, ": 7 events are lost") != 1 || strings.Index(got, "lost") > strings.Index(got, "a-9") {
			t.Errorf("wrote %q", got)
		}
		close(from.events)
		if !over(done) {
			t.Error("the stream goes on without its source")
		}
	})
}

func TestEventThatCannotBeWrittenEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &fakeSource{events: make(chan focus.Event)}
		done := pumping(t.Context(), from, &fakeReader{})
		from.events <- focus.Event{ID: "a-1", Object: func() {}}
		if !over(done) {
			t.Error("the stream goes on")
		}
	})
}

// What a stream has is octet by octet what the HTML standard wants, whatever came before it in the same memory.
func TestStreamOctets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := &fakeSource{events: make(chan focus.Event)}, &fakeReader{}
		done := pumping(t.Context(), from, to)
		var want strings.Builder
		want.WriteString(": parley\n\n")
		for i, name := range []string{strings.Repeat("long", 1000), "a\nb", "<&>"} {
			event := focus.Event{ID: "a-" + strconv.Itoa(i), Type: focus.ConferenceUpdated, Conference: "1", Sequence: uint64(i), Object: map[string]string{"name": name}}
			data, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			if i == 2 {
				synctest.Wait()
				from.missed.Store(3)
				want.WriteString(": 3 events are lost, they came faster than they were read\n\n")
			}
			from.events <- event
			want.WriteString("id: " + event.ID + "\nevent: conference.updated\ndata: " + string(data) + "\n\n")
		}
		synctest.Wait()
		if got := to.written(); got != want.String() {
			t.Errorf("wrote\n%q, want\n%q", got, want.String())
		}
		close(from.events)
		if !over(done) {
			t.Error("the stream goes on without its source")
		}
	})
}
