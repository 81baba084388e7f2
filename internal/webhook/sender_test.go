package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// receiver is the far end of a hook. answer says what to do with a request: a status, or an error of the network.
type receiver struct {
	answer func(ctx context.Context, body string) (status int, header http.Header, err error)

	mu   sync.Mutex
	seen []seen
}

type seen struct {
	id, body, attempt string
	at                time.Time
}

func (r *receiver) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.seen = append(r.seen, seen{request.Header.Get("Webhook-Id"), string(body), request.Header.Get("Parley-Attempt"), time.Now()})
	r.mu.Unlock()
	status, header := http.StatusNoContent, http.Header{}
	if r.answer != nil {
		if status, header, err = r.answer(request.Context(), string(body)); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: request}, nil
}

func (r *receiver) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]string, len(r.seen))
	for i, s := range r.seen {
		out[i] = s.id
	}
	return out
}

// dead keeps dead letters.
type dead struct {
	mu      sync.Mutex
	letters []string
}

func (d *dead) add(_ string, m Message, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.letters = append(d.letters, m.ID+": "+why)
}

func (d *dead) all() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.letters, "; ")
}

func start(t *testing.T, h Hook) (*Sender, *dead) {
	t.Helper()
	h.Name, h.Secret = "h", "s"
	if h.URL == "" {
		h.URL = "http://127.0.0.1/"
	}
	graves := &dead{}
	s, err := New(Config{Hooks: []Hook{h}, Dead: graves.add})
	if err != nil {
		t.Fatal(err)
	}
	return s, graves
}

func event(id, conference string) Message {
	return Message{ID: id, Type: "participant.joined", Conference: conference, Object: map[string]string{"id": id}}
}

func closed(t *testing.T, s *Sender) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOrderIsKept through failures, for each conference; the others go on meanwhile.
func TestOrderIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := map[string]int{"a1": 3, "a3": 1}
		var mu sync.Mutex
		r := &receiver{answer: func(_ context.Context, body string) (int, http.Header, error) {
			mu.Lock()
			defer mu.Unlock()
			for id := range fails {
				if strings.Contains(body, id) && fails[id] > 0 {
					fails[id]--
					return 500, nil, nil
				}
			}
			return 200, nil, nil
		}}
		s, _ := start(t, Hook{Transport: r})
		for i := range 4 {
			s.Publish(event(fmt.Sprintf("a%d", i+1), "a"))
			s.Publish(event(fmt.Sprintf("b%d", i+1), "b"))
		}
		synctest.Wait() // no time has passed: b has gone out
		var b []string
		for _, id := range r.ids() {
			if strings.HasPrefix(id, "b") {
				b = append(b, id)
			}
		}
		if got := strings.Join(b, " "); got != "b1 b2 b3 b4" {
			t.Errorf("before a is retried, b has %s", got)
		}
		closed(t, s)
		var a []string
		for _, id := range r.ids() {
			if strings.HasPrefix(id, "a") {
				a = append(a, id)
			}
		}
		if got := strings.Join(a, ","); got != "a1,a1,a1,a1,a2,a3,a3,a4" {
			t.Errorf("a has %s", got)
		}
		if st := s.Stats()[0]; st.Delivered != 8 || st.Failures != 4 || st.Dead != 0 || st.Waiting != 0 || st.Failing {
			t.Errorf("%+v", st)
		}
	})
}

// TestPausesGrow from the first up to the last, with a random part, until the event is too old.
func TestPausesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: func(context.Context, string) (int, http.Header, error) {
			return 0, nil, errors.New("connection refused")
		}}
		s, graves := start(t, Hook{Transport: r, FirstRetry: time.Second, LastRetry: 8 * time.Second, MaxAge: time.Minute})
		began := time.Now()
		s.Publish(event("a", "a"))
		closed := s.Close(t.Context())
		if !errors.Is(closed, ErrUndelivered) || !strings.Contains(graves.all(), "a: it is") || !strings.Contains(graves.all(), "connection refused") {
			t.Errorf("%v, dead letters: %s", closed, graves.all())
		}
		if age := time.Since(began); age > time.Minute || age < 50*time.Second {
			t.Errorf("given up after %v", age)
		}
		want := time.Second
		for i := 1; i < len(r.seen); i++ {
			pause := r.seen[i].at.Sub(r.seen[i-1].at)
			if pause > want || pause < want/2 {
				t.Errorf("pause %d is %v, want %v to %v", i, pause, want/2, want)
			}
			want = min(2*want, 8*time.Second)
		}
		if last := r.seen[len(r.seen)-1]; last.attempt != strconv.Itoa(len(r.seen)) || len(r.seen) < 8 {
			t.Errorf("%d attempts, the last one says it is number %s", len(r.seen), last.attempt)
		}
	})
}

func TestReceiverAsksForAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		r := &receiver{answer: func(context.Context, string) (int, http.Header, error) {
			if first {
				first = false
				return 503, http.Header{"Retry-After": {"90"}}, nil
			}
			return 200, nil, nil
		}}
		s, _ := start(t, Hook{Transport: r})
		s.Publish(event("a", "a"))
		closed(t, s)
		if pause := r.seen[1].at.Sub(r.seen[0].at); pause != 90*time.Second {
			t.Errorf("pause of %v", pause)
		}
	})
}

func TestSomeAnswersAreFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for status, attempts := range map[int]int{410: 1, 413: 1} {
			r := &receiver{answer: func(context.Context, string) (int, http.Header, error) { return status, nil, nil }}
			s, graves := start(t, Hook{Transport: r})
			s.Publish(event("a", "a"))
			synctest.Wait()
			if len(r.ids()) != attempts || s.Stats()[0].Dead != 1 || !strings.Contains(graves.all(), strconv.Itoa(status)) {
				t.Errorf("%d: %v, %s", status, r.ids(), graves.all())
			}
			closed(t, s)
		}
	})
}

// TestSlowReceiverKeepsNobodyWaiting: publishing goes on, what does not fit is the oldest.
func TestSlowReceiverKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		slow.Store(true)
		r := &receiver{answer: func(ctx context.Context, _ string) (int, http.Header, error) {
			if slow.Load() {
				<-ctx.Done()
				return 0, nil, ctx.Err()
			}
			return 200, nil, nil
		}}
		s, graves := start(t, Hook{Transport: r, Queue: 3, Timeout: time.Minute, Parallel: 1})
		s.Publish(event("a1", "a"))
		synctest.Wait() // it is under way
		began := time.Now()
		for _, id := range []string{"a2", "b1", "a3", "b2", "a4"} {
			s.Publish(event(id, id[:1]))
			synctest.Wait()
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("publishing took %v", d)
		}
		if got := graves.all(); got != "a2: there is no room" {
			t.Errorf("dead letters: %s", got)
		}
		if st := s.Stats()[0]; st.Waiting != 5 { // a1 and b1 are under way or wait for their turn
			t.Errorf("%+v", st)
		}
		slow.Store(false)
		closed(t, s)
		order := map[string][]string{}
		for _, id := range r.ids()[1:] {
			order[id[:1]] = append(order[id[:1]], id)
		}
		if !reflect.DeepEqual(order["a"], []string{"a1", "a3", "a4"}) || !reflect.DeepEqual(order["b"], []string{"b1", "b2"}) {
			t.Errorf("order %v", order)
		}
	})
}

func TestNoMoreRequestsAtOnceThanWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		r := &receiver{answer: func(context.Context, string) (int, http.Header, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return 200, nil, nil
		}}
		s, _ := start(t, Hook{Transport: r, Parallel: 3})
		for i := range 20 {
			s.Publish(event(strconv.Itoa(i), strconv.Itoa(i)))
		}
		closed(t, s)
		if most != 3 || len(r.ids()) != 20 {
			t.Errorf("%d at once, %d requests", most, len(r.ids()))
		}
	})
}

// TestEndGivesUpTheRest when its time is over, and counts it.
func TestEndGivesUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: func(ctx context.Context, _ string) (int, http.Header, error) {
			<-ctx.Done()
			return 0, nil, ctx.Err()
		}}
		s, graves := start(t, Hook{Transport: r})
		for i := range 5 {
			s.Publish(event(strconv.Itoa(i), "a"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if err := s.Close(ctx); !errors.Is(err, ErrUndelivered) || !strings.Contains(err.Error(), "5 to h") {
			t.Errorf("got %v", err)
		}
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("took %v", d)
		}
		s.Publish(event("late", "a"))
		if st := s.Stats()[0]; st.Dead != 6 || st.Waiting != 0 || !strings.HasSuffix(graves.all(), "late: it came after the end") {
			t.Errorf("%+v, %s", st, graves.all())
		}
	})
}

func TestHooksGetWhatTheyWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		s, _ := start(t, Hook{Transport: r, Events: []string{"participant.*", "cdr.recording"}, Conferences: []string{"10*"}})
		for i, what := range [][2]string{
			{"participant.joined", "1000"},
			{"conference.started", "1000"},
			{"cdr.recording", "1001"},
			{"cdr.participant", "1000"},
			{"participant.left", "2000"},
		} {
			s.Publish(Message{ID: strconv.Itoa(i), Type: what[0], Conference: what[1]})
		}
		closed(t, s)
		got := map[string]bool{}
		for _, id := range r.ids() {
			got[id] = true
		}
		if !reflect.DeepEqual(got, map[string]bool{"0": true, "2": true}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestObjectThatIsNoJSONIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, graves := start(t, Hook{Transport: &receiver{}})
		s.Publish(Message{ID: "x", Object: func() {}})
		synctest.Wait()
		if !strings.HasPrefix(graves.all(), "x: json") {
			t.Errorf("dead letters: %s", graves.all())
		}
		closed(t, s)
	})
}
