package confevent

import (
	"bytes"
	"testing"
	"time"
)

// Subscribers who know the same get the same difference, made once, under the version of each.
//
// Shows CE-DOC-03, CE-DOC-04.
func TestSnapshotIsShared(t *testing.T) {
	now := start()
	first, second := NewSnapshot(conf("a")), NewSnapshot(conf("a", "b"))
	cfg := SubscriptionConfig{MinInterval: -1}
	one, other := NewSharedSubscription(cfg, first), NewSharedSubscription(cfg, first)
	one.Subscribe(now, Request{Expires: time.Hour})
	one.Answered(now, Answer{Status: 200})
	for range 3 { // three full documents
		other.Subscribe(now, Request{Expires: time.Hour})
		other.Answered(now, Answer{Status: 200})
	}
	a, b := one.Share(now, second), other.Share(now, second)
	want(t, a, "active;expires=3600", 2, Partial)
	want(t, b, "active;expires=3600", 4, Partial)
	renumbered := bytes.Replace(a.Notify.Body, []byte(` version="2"`), []byte(` version="4"`), 1)
	if !bytes.Equal(renumbered, b.Notify.Body) || !bytes.Equal(a.Notify.Body, a.Notify.Document.Marshal()) {
		t.Errorf("%s\n%s", a.Notify.Body, b.Notify.Body)
	}
	delta, whole := second.since(first), first.full()
	if second.since(first) != delta || first.full() != whole {
		t.Error("made twice")
	}
}

// Who is told the same under the same version gets the same octets, made once; few versions are kept.
func TestNumberedIsShared(t *testing.T) {
	w := NewSnapshot(conf("a", "b")).full()
	at := func(version uint32) *byte {
		doc, body := w.numbered(version)
		if doc.Version != version || !bytes.Equal(body, doc.Marshal()) {
			t.Errorf("version %d of %d: %s", version, doc.Version, body)
		}
		return &body[0]
	}
	first := at(1)
	for version := range uint32(maxNumbered) {
		if was := at(version); at(version) != was || at(1) != first {
			t.Errorf("version %d is made twice", version)
		}
	}
	for version := range uint32(100) {
		at(1000 + version)
	}
	if len(w.kept) != maxNumbered || at(1) == first {
		t.Errorf("%d versions are kept, want %d", len(w.kept), maxNumbered)
	}
}

// A document is made when somebody is told of it, and once.
func TestLazySnapshot(t *testing.T) {
	now := start()
	made := 0
	lazy := func(users ...string) *Snapshot {
		return NewLazySnapshot(func() Document {
			made++
			return conf(users...)
		})
	}
	first := lazy("a")
	one, other := NewSharedSubscription(SubscriptionConfig{}, first), NewSharedSubscription(SubscriptionConfig{}, first)
	for _, s := range []*Subscription{one, other} {
		s.Subscribe(now, Request{Expires: time.Hour})
		s.Answered(now, Answer{Status: 200})
	}
	var last *Snapshot
	for range 4 {
		last = lazy("a", "b")
		one.Share(now, last)
		other.Share(now, last)
	}
	if made != 1 {
		t.Errorf("%d documents were made for one that was told", made)
	}
	later := now.Add(5 * time.Second)
	want(t, one.Tick(later), "active;expires=3595", 2, Partial)
	want(t, other.Tick(later), "active;expires=3595", 2, Partial)
	if made != 2 || !last.Document().Equal(conf("a", "b")) {
		t.Errorf("%d documents were made for two that were told", made)
	}
}

// Whoever has lost what he has subscribed to before he was told of it gets a NOTIFY without a document.
func TestSubscriptionToNothing(t *testing.T) {
	s := NewSharedSubscription(SubscriptionConfig{}, nil)
	out := s.Subscribe(start(), Request{Expires: time.Hour})
	if out.Notify == nil || out.Notify.Body != nil || out.Notify.SubscriptionState() != "active;expires=3600" {
		t.Fatalf("%+v", out.Notify)
	}
	s.Answered(start(), Answer{Status: 200})
	if out = s.Terminate(start(), ReasonRejected, 0); out.Notify == nil || out.Notify.SubscriptionState() != "terminated;reason=rejected" {
		t.Errorf("%+v", out.Notify)
	}
}

// A snapshot keeps neither the ones before it nor every difference to them.
func TestSnapshotForgets(t *testing.T) {
	newest := NewSnapshot(conf("a", "b"))
	for range 3 * maxDeltas {
		newest.since(NewSnapshot(conf("a")))
	}
	if n := len(newest.deltas); n > maxDeltas {
		t.Errorf("%d differences kept", n)
	}
}
