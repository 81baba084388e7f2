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
