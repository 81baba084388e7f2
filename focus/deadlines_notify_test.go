package focus_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/focus"
)

// watcher is a subscriber whose messages are written by hand, so that nothing of it comes by itself: it neither refreshes nor, if it is told so, answers.
type watcher struct {
	b       *bench
	sip     net.PacketConn
	tag     string // of the notifier
	call    string
	cseq    int
	respond func(notify string) string // the status line, with header fields after it; nil: 200
	told    chan told
}

// told is a NOTIFY.
type told struct {
	at    time.Duration // since the first SUBSCRIBE
	state string
	body  string
}

func (t told) String() string { return fmt.Sprintf("%v %s", t.at.Round(100*time.Millisecond), t.state) }

// watch subscribes to a conference, with an Event and a duration in seconds.
func (b *bench) watch(conf, event string, expires int, respond func(string) string) *watcher {
	b.t.Helper()
	conn, err := b.inside.ListenPacket(b.t.Context(), "udp4", "127.0.0.1:0")
	must(b.t, err)
	b.t.Cleanup(func() { _ = conn.Close() })
	w := &watcher{b: b, sip: conn, call: "call" + conn.LocalAddr().String(), respond: respond, told: make(chan told, 1000)}
	answer := make(chan string, 1)
	began := time.Now()
	go w.read(began, answer)
	w.subscribe(conf, event, expires)
	w.tag = toTag(<-answer)
	go func() {
		for range answer { // those to refreshes are of no interest
		}
	}()
	return w
}

func (w *watcher) read(began time.Time, answer chan<- string) {
	defer close(answer)
	seen := map[string]bool{}
	packet := make([]byte, 65536)
	for {
		n, from, err := w.sip.ReadFrom(packet)
		if err != nil {
			return
		}
		message := string(packet[:n])
		if !strings.HasPrefix(message, "NOTIFY ") {
			answer <- message
			continue
		}
		if cseq := field(message, "CSeq"); !seen[cseq] {
			seen[cseq] = true
			_, body, _ := strings.Cut(message, "\r\n\r\n")
			w.told <- told{at: time.Since(began), state: field(message, "Subscription-State"), body: body}
		}
		status := "200 OK"
		if w.respond != nil {
			status = w.respond(message)
		}
		if status == "" {
			continue
		}
		lines := []string{"SIP/2.0 " + status}
		for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
			lines = append(lines, name+": "+field(message, name))
		}
		_, _ = w.sip.WriteTo([]byte(strings.Join(lines, "\r\n")+"\r\nContent-Length: 0\r\n\r\n"), from)
	}
}

// subscribe sends a SUBSCRIBE, within the dialog if there is one.
func (w *watcher) subscribe(conf, event string, expires int) {
	w.b.t.Helper()
	w.cseq++
	to := "<" + w.b.uri(conf) + ">"
	if w.tag != "" {
		to += ";tag=" + w.tag
	}
	at := w.sip.LocalAddr()
	text := strings.Join([]string{
		"SUBSCRIBE " + w.b.uri(conf) + " SIP/2.0", fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bK%s%d", at, strings.ReplaceAll(w.call, ":", "-"), w.cseq), "Max-Forwards: 70",
		fmt.Sprintf("From: <sip:watcher@%s>;tag=w", at), "To: " + to, "Call-ID: " + w.call, fmt.Sprintf("CSeq: %d SUBSCRIBE", w.cseq),
		fmt.Sprintf("Contact: <sip:watcher@%s>", at), "Event: " + event, fmt.Sprintf("Expires: %d", expires), "Content-Length: 0",
	}, "\r\n") + "\r\n\r\n"
	_, err := w.sip.WriteTo([]byte(text), net.UDPAddrFromAddrPort(w.b.addr))
	must(w.b.t, err)
}

// all gives the NOTIFYs that have come.
func (w *watcher) all() (list []told) {
	synctest.Wait()
	for {
		select {
		case t := <-w.told:
			list = append(list, t)
		default:
			return list
		}
	}
}

// times are when they came, to the tenth of a second.
func times(list []told) (at []time.Duration) {
	for _, t := range list {
		at = append(at, t.at.Round(100*time.Millisecond))
	}
	return at
}

// A subscription that is not refreshed ends when its time is over, with a NOTIFY that says so; a refresh sets the time anew, and one that asks for less
// shortens it. The time that is left is told and falls.
//
// Shows CE-SUB-20, CE-SUB-21, CE-NOT-03.
func TestSubscriptionExpiresOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
		w := b.watch("desk", "conference", 120, nil)
		pass(100 * time.Second)
		w.subscribe("desk", "conference", 90)
		pass(60 * time.Second) // 160 s: the first duration is over
		locked := true
		_, err := b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &locked})
		must(t, err)
		pass(10 * time.Minute)
		want := []string{"0s active;expires=120", "1m40s active;expires=90", "2m40s active;expires=30", "3m10s terminated;reason=timeout"}
		if got := fmt.Sprint(w.all()); got != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
		if n := b.focus.Stats().Subscriptions; n != 0 {
			t.Errorf("%d subscriptions are left", n)
		}
	})
}

// A subscriber who does not answer has the time of a transaction (RFC 3261, section 17.1.2.2), and then no subscription any more.
//
// Shows CE-NOT-08.
func TestSilentSubscriberOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
		began := time.Now()
		w := b.watch("desk", "conference", 3600, func(string) string { return "" })
		b.await("the subscription to be counted", func() bool { return b.focus.Stats().Subscriptions == 1 }) // may be after its 200
		b.awaitLong("the subscription to be dropped", func() bool { return b.focus.Stats().Subscriptions == 0 })
		b.onTime("dropped", began, 32*time.Second)
		locked := true
		_, err := b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &locked})
		must(t, err)
		pass(time.Minute)
		if list := w.all(); len(list) != 1 {
			t.Errorf("told %v", list)
		}
	})
}

// A subscriber who cannot take a NOTIFY now gets the next one when he wants it, and no sooner; it makes up for what he has missed.
//
// Shows CE-NOT-09.
func TestBusySubscriberOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", Name: "Desk"}}})
		refusals := 1
		w := b.watch("desk", "conference", 3600, func(string) string {
			if refusals--; refusals >= 0 {
				return "503 Busy\r\nRetry-After: 45"
			}
			return "200 OK"
		})
		pass(10 * time.Second)
		locked := true
		_, err := b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &locked})
		must(t, err)
		pass(2 * time.Minute)
		list := w.all()
		if at := times(list); !slices.Equal(at, []time.Duration{0, 45 * time.Second}) {
			t.Fatalf("told at %v", at)
		}
		if body := list[1].body; !strings.Contains(body, `state="full"`) || !strings.Contains(body, "<locked>true</locked>") {
			t.Errorf("after the pause:\n%s", body)
		}
	})
}

// Changes are told at once and then no more often than every 5 s, or than the subscriber wants; he who wants to hear at least so often does although
// nothing changes; a refresh without a rate takes it back (RFC 6446).
//
// Shows CE-RAT-01, CE-RAT-02, CE-RAT-04, CE-RAT-07, CE-RAT-08, CE-RAT-11.
func TestRatesOnTime(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		event  string
		params string // in Subscription-State
		want   []time.Duration
	}{
		{"conference", "", []time.Duration{0, 7 * s, 12 * s, 17 * s, 60 * s, 65 * s}},
		{"conference;max-rate=0.1", ";max-rate=0.1", []time.Duration{0, 10 * s, 20 * s, 60 * s, 65 * s}},
		{"conference;min-rate=0.05", ";min-rate=0.05", []time.Duration{0, 7 * s, 12 * s, 17 * s, 37 * s, 57 * s, 60 * s, 65 * s}},
		{"conference;adaptive-min-rate=0.05", "", []time.Duration{0, 7 * s, 12 * s, 17 * s, 60 * s, 65 * s}},
	} {
		t.Run(c.event, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				t.Helper()
				b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
				w := b.watch("desk", c.event, 3600, nil)
				change := func(name string) {
					t.Helper()
					_, err := b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Name: &name})
					must(t, err)
				}
				pass(7 * s)
				for i := range 20 { // until 17 s
					change(fmt.Sprint("name", i))
					pass(s / 2)
				}
				pass(43 * s)
				w.subscribe("desk", "conference", 3600) // without a rate
				pass(s)
				change("last")
				pass(60 * s)
				list := w.all()
				if at := times(list); !slices.Equal(at, c.want) {
					t.Errorf("told at %v, want %v", at, c.want)
				}
				for _, told := range list {
					_, params, _ := strings.Cut(strings.TrimPrefix(told.state, "active;"), ";")
					if want := strings.TrimPrefix(c.params, ";"); told.at < 60*s && params != want || told.at >= 60*s && params != "" {
						t.Errorf("%v: %s", told.at, told.state)
					}
				}
				if last := list[len(list)-1].body; !strings.Contains(last, "<display-text>last</display-text>") {
					t.Errorf("the last one:\n%s", last)
				}
			})
		})
	}
}
