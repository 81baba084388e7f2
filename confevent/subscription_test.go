package confevent

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A watcher is the subscriber of a test: it applies what it gets as RFC 4575, section 4.6, says.
type watcher struct {
	doc   Document
	first bool
}

func (w *watcher) apply(n *Notify) error {
	if n.Body == nil {
		return nil
	}
	d, err := Unmarshal(n.Body)
	if err != nil {
		return err
	}
	if w.first = w.first || d.State != Partial; !w.first {
		return errors.New("partial document first")
	}
	if d.Version != w.doc.Version+1 {
		return fmt.Errorf("version %d after %d", d.Version, w.doc.Version)
	}
	w.doc, err = Merge(w.doc, d)

	return err
}

func start() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

func conf(names ...string) Document {
	u := &Users{}
	for _, n := range names {
		u.Users = append(u.Users, User{Entity: "sip:" + n + "@example.com", Endpoints: []Endpoint{{Entity: n, Status: StatusConnected}}})
	}

	return Document{Entity: "sip:c@example.com", Description: &Description{}, Users: u}
}

func want(t *testing.T, o Output, state string, version uint32, document State) {
	t.Helper()
	if o.Notify == nil {
		t.Fatalf("no NOTIFY, wake %v, done %v", o.Wake, o.Done)
	}
	n := o.Notify
	if n.SubscriptionState() != state || n.Document.Version != version || n.Document.State != document {
		t.Fatalf("%s version %d %v", n.SubscriptionState(), n.Document.Version, n.Document.State)
	}
}

func none(t *testing.T, o Output, wake time.Time) {
	t.Helper()
	if o.Notify != nil || !o.Wake.Equal(wake) {
		t.Fatalf("NOTIFY %v, wake %v, want none and %v", o.Notify, o.Wake, wake)
	}
}

// CE-SUB-11, CE-SUB-12, CE-DOC-04, CE-DOC-05, CE-NOT-03, CE-NOT-10, CE-RAT-01
// (RFC 4575, sections 3.2, 3.9 and 5.2; RFC 6665, section 4.2.2).
func TestSubscriptionLife(t *testing.T) {
	now := start()
	s := NewSubscription(SubscriptionConfig{}, conf("a"))
	want(t, s.Subscribe(now, Request{Expires: ExpiresAbsent}), "active;expires=3600", 1, Full)
	// Nothing else while it is unanswered, whatever happens.
	now = now.Add(6 * time.Second)
	none(t, s.Update(now, conf("a", "b")), start().Add(time.Hour))
	// Answered, the interval over: all changes in one partial document.
	want(t, s.Answered(now, Answer{Status: 200}), "active;expires=3594", 2, Partial)
	sent := now
	none(t, s.Answered(now, Answer{Status: 200}), start().Add(time.Hour))
	// Within the interval: held back, and woken for.
	now = now.Add(time.Second)
	none(t, s.Update(now, conf("a", "b", "c")), sent.Add(5*time.Second))
	none(t, s.Tick(now.Add(time.Second)), sent.Add(5*time.Second))
	// A refresh gives the full document at once (CE-RAT-02).
	want(t, s.Subscribe(now, Request{Expires: time.Minute}), "active;expires=60", 3, Full)
	none(t, s.Answered(now, Answer{Status: 200}), now.Add(time.Minute))
	// Expiry (CE-SUB-21, CE-NOT-04).
	out := s.Tick(now.Add(time.Minute))
	want(t, out, "terminated;reason=timeout", 4, Full)
	if out = s.Answered(now, Answer{Status: 200}); !out.Done || s.Phase() != PhaseTerminated {
		t.Errorf("%+v", out)
	}
}

// CE-SUB-13 (RFC 6665, section 4.4.3): a fetch.
func TestFetch(t *testing.T) {
	s := NewSubscription(SubscriptionConfig{}, conf("a"))
	want(t, s.Subscribe(start(), Request{}), "terminated;reason=timeout", 1, Full)
	if out := s.Answered(start(), Answer{Status: 200}); !out.Done {
		t.Errorf("%+v", out)
	}
}

// CE-NOT-05, CE-NOT-06 (RFC 4575, sections 3.3 and 4.6), also while a NOTIFY is open.
func TestConferenceEnds(t *testing.T) {
	s := NewSubscription(SubscriptionConfig{}, conf("a"))
	s.Subscribe(start(), Request{Expires: time.Hour})
	none(t, s.Terminate(start(), ReasonNoResource, 0), time.Time{})
	out := s.Answered(start(), Answer{Status: 200})
	want(t, out, "terminated;reason=noresource", 2, Deleted)
	if out.Notify.Document.Users != nil || !out.Notify.Final() {
		t.Errorf("%s", out.Notify.Body)
	}
}

// CE-NOT-16: no state goes with a refusal.
func TestTerminateReasons(t *testing.T) {
	for reason, state := range map[Reason]string{
		ReasonDeactivated: "terminated;reason=deactivated",
		ReasonRejected:    "terminated;reason=rejected",
		ReasonProbation:   "terminated;reason=probation;retry-after=30",
		ReasonGiveup:      "terminated;reason=giveup;retry-after=30",
		ReasonInvariant:   "terminated;reason=invariant",
	} {
		s := NewSubscription(SubscriptionConfig{}, conf("a"))
		s.Subscribe(start(), Request{Expires: time.Hour})
		s.Answered(start(), Answer{Status: 200})
		out := s.Terminate(start(), reason, 30*time.Second)
		if out.Notify == nil || out.Notify.SubscriptionState() != state || out.Notify.Body != nil {
			t.Errorf("%v: %+v", reason, out.Notify)
		}
	}
}

// CE-NOT-07, CE-NOT-08, CE-NOT-09 (RFC 6665, section 4.2.2).
func TestNotifyFails(t *testing.T) {
	for _, status := range []int{0, 404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604} {
		s := NewSubscription(SubscriptionConfig{}, conf("a"))
		s.Subscribe(start(), Request{Expires: time.Hour})
		if out := s.Answered(start(), Answer{Status: status}); !out.Done || out.Notify != nil {
			t.Errorf("%d: %+v", status, out)
		}
		if out := s.Update(start(), conf("b")); !out.Done {
			t.Errorf("%d: lives on", status)
		}
	}
	for _, status := range []int{400, 403, 500, 503} {
		s := NewSubscription(SubscriptionConfig{}, conf("a"))
		s.Subscribe(start(), Request{Expires: time.Hour})
		wake := start().Add(20 * time.Second)
		none(t, s.Answered(start(), Answer{Status: status, RetryAfter: 20 * time.Second}), wake)
		want(t, s.Tick(wake), "active;expires=3580", 2, Full)
	}
}

// CE-AUT-05, CE-AUT-06 (RFC 6665, section 4.2.1.3).
func TestPending(t *testing.T) {
	s := NewSubscription(SubscriptionConfig{Pending: true}, conf("a"))
	out := s.Subscribe(start(), Request{Expires: time.Hour})
	if out.Notify.SubscriptionState() != "pending;expires=3600" || out.Notify.Body != nil {
		t.Fatalf("%+v", out.Notify)
	}
	s.Answered(start(), Answer{Status: 200})
	none(t, s.Update(start(), conf("a", "b")), start().Add(time.Hour))
	want(t, s.Approve(start()), "active;expires=3600", 1, Full)

	s = NewSubscription(SubscriptionConfig{Pending: true}, conf("a"))
	s.Subscribe(start(), Request{Expires: time.Hour})
	s.Answered(start(), Answer{Status: 200})
	if out := s.Tick(start().Add(time.Hour)); out.Notify == nil || out.Notify.Body != nil {
		t.Errorf("expired while pending: %+v", out.Notify)
	}
}

// CE-SUB-05 to CE-SUB-08 (RFC 6665, section 4.2.1.1).
func TestGrant(t *testing.T) {
	c := SubscriptionConfig{MinExpires: time.Minute, MaxExpires: 30 * time.Minute}
	for _, x := range []struct {
		asked, granted time.Duration
		brief          bool
	}{
		{ExpiresAbsent, 30 * time.Minute, false},
		{0, 0, false},
		{10 * time.Second, time.Minute, true},
		{time.Minute, time.Minute, false},
		{time.Hour, 30 * time.Minute, false},
		{24 * time.Hour, 30 * time.Minute, false},
	} {
		if g, b := c.Grant(x.asked); g != x.granted || b != x.brief {
			t.Errorf("%v: %v %v", x.asked, g, b)
		}
	}
}

// CE-RAT-02 to CE-RAT-11 (RFC 6446).
func TestRates(t *testing.T) {
	for _, x := range []struct {
		event, state string
	}{
		{"conference;max-rate=0.1", "active;expires=600;max-rate=0.1"},
		{"conference;max-rate=10", "active;expires=600;max-rate=0.2"},                            // our own limit, told
		{"conference;max-rate=0.0001", "active;expires=600;max-rate=0.0017"},                     // CE-RAT-05
		{"conference;max-rate=0.1;min-rate=0.2", "active;expires=600;max-rate=0.1;min-rate=0.1"}, // CE-RAT-09
		{"conference;adaptive-min-rate=1;id=7", "active;expires=600"},                            // CE-RAT-08
		{"conference;max-rate=-1;min-rate=1e3", "active;expires=600"},
	} {
		e, err := ParseEvent(x.event)
		if err != nil || e.Package != EventPackage {
			t.Fatal(e, err)
		}
		s := NewSubscription(SubscriptionConfig{}, conf("a"))
		if got := s.Subscribe(start(), Request{Expires: 10 * time.Minute, Rates: e.Rates}).Notify.SubscriptionState(); got != x.state {
			t.Errorf("%s: %s", x.event, got)
		}
	}
	if _, err := ParseEvent(" ;id=1"); err == nil {
		t.Error("no package passed")
	}
	if e, _ := ParseEvent("conference ; ID = 7"); e.ID != "7" {
		t.Errorf("%+v", e)
	}
}

// CE-RAT-07, CE-RAT-10, CE-RAT-11.
func TestMinRate(t *testing.T) {
	now := start()
	s := NewSubscription(SubscriptionConfig{}, conf("a"))
	s.Subscribe(now, Request{Expires: time.Hour, Rates: Rates{Max: 0.1, Min: 0.05}})
	none(t, s.Answered(now, Answer{Status: 200}), now.Add(20*time.Second))
	now = now.Add(20 * time.Second)
	want(t, s.Tick(now), "active;expires=3580;max-rate=0.1;min-rate=0.05", 2, Partial)
	none(t, s.Answered(now, Answer{Status: 200, Rates: &Rates{Max: 0.05}}), start().Add(time.Hour))
	none(t, s.Update(now, conf("b")), now.Add(20*time.Second))
	want(t, s.Subscribe(now, Request{Expires: time.Hour}), "active;expires=3600", 3, Full)
}

// CE-RAT-12: what came and went inside the interval leaves no trace.
func TestChangeUndone(t *testing.T) {
	s := NewSubscription(SubscriptionConfig{}, conf("a"))
	s.Subscribe(start(), Request{Expires: time.Hour})
	s.Answered(start(), Answer{Status: 200})
	s.Update(start(), conf("a", "b"))
	s.Update(start(), conf("a"))
	none(t, s.Tick(start().Add(time.Minute)), start().Add(time.Hour))
}

// CE-DOC-16: a partial document that is not smaller than the full one is not sent.
func TestFullWhereSmaller(t *testing.T) {
	s := NewSubscription(SubscriptionConfig{MinInterval: -1}, conf("a", "b", "c"))
	s.Subscribe(start(), Request{Expires: time.Hour})
	s.Answered(start(), Answer{Status: 200})
	want(t, s.Update(start(), conf()), "active;expires=3600", 2, Full)
}

// CE-DOC-15 under throttling, failures and refreshes: whenever the notifier is at
// rest the subscriber has the newest state; never two NOTIFYs open; never faster
// than the interval but for what a SUBSCRIBE asks.
func TestSubscriptionModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := start()
		doc := genDocument(0, 1).Draw(t, "document")
		cfg := SubscriptionConfig{MinInterval: time.Duration(rapid.IntRange(-1, 10).Draw(t, "interval")) * time.Second}
		s := NewSubscription(cfg, doc)
		w, open := watcher{}, false
		var wake time.Time
		handle := func(o Output) {
			wake = o.Wake
			if o.Notify == nil {
				return
			}
			if open {
				t.Fatal("two NOTIFYs open")
			}
			open = true
			if err := w.apply(o.Notify); err != nil {
				t.Fatal(err)
			}
		}
		handle(s.Subscribe(now, Request{Expires: time.Hour}))
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 7000).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 4).Draw(t, "input") {
			case 0:
				doc = genNext(doc).Draw(t, "next")
				handle(s.Update(now, doc))
			case 1:
				handle(s.Subscribe(now, Request{Expires: time.Hour}))
			case 2:
				handle(s.Tick(now))
			default:
				if open {
					open = false
					handle(s.Answered(now, Answer{Status: 200}))
				}
			}
		}
		for open || wake.Before(s.Expires()) {
			if open {
				open = false
				handle(s.Answered(now, Answer{Status: 200}))
			} else {
				now = wake
				handle(s.Tick(now))
			}
		}
		final := doc.Normalize()
		final.Version = w.doc.Version
		if !w.doc.Equal(final) {
			t.Fatalf("subscriber has\n%s\nnot\n%s", w.doc.Marshal(), final.Marshal())
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	f.Add("conference;id=7;max-rate=0.1")
	f.Add("conference;min-rate=99.9999999999;max-rate=00.0")
	f.Fuzz(func(t *testing.T, header string) {
		e, err := ParseEvent(header)
		if err != nil {
			return
		}
		g := e.Rates.granted(5*time.Second, time.Hour)
		if g.Max > 0 && (g.Max > 0.2 || g.Max < 1.0/3600) || g.Min > 0.2 || g.Max > 0 && g.Min > g.Max {
			t.Fatalf("%+v granted as %+v", e.Rates, g)
		}
	})
}

// A change may be told when nothing is on its way and the interval is over; what is shown in between is in what goes out next.
func TestFree(t *testing.T) {
	s := NewSubscription(SubscriptionConfig{}, conf("a"))
	free := func(from time.Time, ok bool) {
		t.Helper()
		if at, now := s.Free(); now != ok || ok && !at.Equal(from) {
			t.Errorf("free %t from %v, want %t from %v", now, at, ok, from)
		}
	}
	want(t, s.Subscribe(start(), Request{Expires: time.Hour}), "active;expires=3600", 1, Full)
	free(start(), false)
	s.Answered(start(), Answer{Status: 200})
	free(start().Add(5*time.Second), true)
	s.Show(NewSnapshot(conf("a", "b")))
	o := s.Subscribe(start().Add(time.Second), Request{Expires: time.Hour})
	want(t, o, "active;expires=3600", 2, Full)
	if d, err := Unmarshal(o.Notify.Body); err != nil || len(d.Users.Users) != 2 {
		t.Errorf("the refresh is answered with %+v, %v", d.Users, err)
	}
	s.Answered(start().Add(time.Second), Answer{Status: 500, RetryAfter: 20 * time.Second})
	free(start().Add(21*time.Second), true)
	s.Terminate(start().Add(2*time.Second), ReasonNoResource, 0)
	free(start(), false)
	pending := NewSubscription(SubscriptionConfig{Pending: true}, conf("a"))
	if _, ok := pending.Free(); ok {
		t.Error("who waits for a decision may be told")
	}
}

// A subscriber that fails again and again gets the full document less and less often, until he takes one.
func TestFailuresAreTriedLessAndLess(t *testing.T) {
	s := NewSubscription(SubscriptionConfig{}, conf("a"))
	now := start()
	s.Subscribe(now, Request{Expires: time.Hour})
	for i, pause := range []int{5, 10, 20, 40, 80, 160, 320, 320} {
		o := s.Answered(now, Answer{Status: 500})
		if wait := o.Wake.Sub(now); o.Notify != nil || wait != time.Duration(pause)*time.Second {
			t.Fatalf("after failure %d the next is in %v", i+1, wait)
		}
		now = o.Wake
		want(t, s.Tick(now), fmt.Sprintf("active;expires=%d", int(s.Expires().Sub(now).Seconds())), uint32(i+2), Full)
	}
	s.Answered(now, Answer{Status: 200})
	want(t, s.Update(now.Add(5*time.Second), conf("a", "b")), fmt.Sprintf("active;expires=%d", int(s.Expires().Sub(now).Seconds())-5), 10, Partial)
	now = now.Add(5 * time.Second)
	if o := s.Answered(now, Answer{Status: 500}); o.Wake.Sub(now) != 5*time.Second {
		t.Errorf("after a success a failure waits for %v", o.Wake.Sub(now))
	}
}
