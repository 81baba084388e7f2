package focus_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/sipua"
)

// linked calls another focus into a conference that follows it, under a virtual clock.
func linked(t *testing.T, change func(*otherFocus)) (*bench, *otherFocus) {
	t.Helper()
	b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", Roster: focus.RosterPolicy{Cascades: focus.CascadesCalled}}}})
	other := b.otherFocus()
	change(other)
	_, err := b.focus.Dial(t.Context(), "desk", "sip:other@"+other.agent.Addr("udp").String())
	must(t, err)
	return b, other
}

// afar tells whether the roster has somebody of another conference.
func (b *bench) afar(r *roster, names ...string) bool {
	b.t.Helper()
	return !slices.ContainsFunc(names, func(name string) bool { return r.user(name).CascadedFocus == "" })
}

// Who cannot be subscribed to for now is asked again half a minute later, counted from the answer, or from when none has come in the time of a
// transaction; who says that there is nothing to be had is not asked any more.
//
// Shows CE-SBR-01.
func TestCascadeRetriesOnTime(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name string
		with int // status; 0: no answer
		want []time.Duration
	}{
		{"is busy", 503, []time.Duration{0, 30 * s, 60 * s, 90 * s}},
		{"fails", 500, []time.Duration{0, 30 * s, 60 * s, 90 * s}},
		{"is silent", 0, []time.Duration{0, 62 * s, 124 * s}},
		{"does not want to", 403, []time.Duration{0}},
		{"knows no events", 489, []time.Duration{0}},
	} {
		runVirtual(t, c.name, func(t *testing.T) {
			t.Helper()
			release := make(chan struct{})
			defer close(release)
			_, other := linked(t, func(o *otherFocus) {
				o.refuse = func(i *sipua.IncomingSubscription) bool {
					if c.with == 0 {
						<-release
					}
					_ = i.Reject(sipua.NewResponse(max(c.with, 480)))
					return true
				}
			})
			var asked []time.Duration
			<-other.events
			began := time.Now()
			asked = append(asked, 0)
			timeout := time.After(c.want[len(c.want)-1] + 29*s)
			for over := false; !over; {
				select {
				case <-other.events:
					asked = append(asked, time.Since(began).Round(100*time.Millisecond))
				case <-timeout:
					over = true
				}
			}
			if !slices.Equal(asked, c.want) {
				t.Errorf("asked at %v, want %v", asked, c.want)
			}
		})
	}
}

// A subscription to another focus is refreshed before it ends, so that the roster has who is there for as long as the call lasts; it ends with the call,
// and so does what was known by it.
//
// Shows CE-SBR-01, CE-SBR-06.
func TestCascadeLastsOnTime(t *testing.T) {
	const granted = 2 * time.Minute
	virtual(t, func(t *testing.T) {
		t.Helper()
		b, other := linked(t, func(o *otherFocus) { o.grants = granted })
		r := b.subscribe("desk", time.Hour)
		dialog := receive(t, other.dialogs, "a subscription")
		must(t, other.tell(dialog, 1, confevent.Full, "ann"))
		b.awaitLong("ann", func() bool { return b.afar(r, "ann") })
		for range 3 {
			began := time.Now()
			if wanted := <-other.refreshed; wanted == 0 {
				t.Fatal("it has left")
			}
			if took := time.Since(began); took > granted {
				t.Errorf("refreshed %v after it was granted for %v", took, granted)
			}
		}
		if !b.afar(r, "ann") || len(other.events) > 1 {
			t.Errorf("after three refreshes: %v, %d subscriptions", r.users(), len(other.events))
		}
		must(t, b.focus.Eject(t.Context(), "desk", b.find("desk", "other").ID, ""))
		ended := time.Now()
		for wanted := time.Duration(1); wanted != 0; {
			wanted = <-other.refreshed
		}
		b.onTime("given up", ended, 0)
		b.awaitLong("nobody afar", func() bool { return r.user("ann").Entity == "" })
		b.onTime("gone from the roster", ended, 0)
	})
}

// Of who cannot be reached any more the roster keeps what was known until the subscription has ended, and no longer. When he can be reached again he is
// followed again.
//
// Shows CE-SBR-01.
func TestCascadeIsLostAndFoundOnTime(t *testing.T) {
	const granted = 2 * time.Minute
	virtual(t, func(t *testing.T) {
		t.Helper()
		b, other := linked(t, func(o *otherFocus) { o.grants = granted })
		r := b.subscribe("desk", time.Hour)
		must(t, other.tell(receive(t, other.dialogs, "a subscription"), 1, confevent.Full, "ann"))
		b.awaitLong("ann", func() bool { return b.afar(r, "ann") })
		<-other.events
		mend := b.inside.Cut(other.agent.Addr("udp"))
		lost := time.Now()
		b.awaitLong("ann to be gone", func() bool { return r.user("ann").Entity == "" })
		if took := time.Since(lost); took < granted || took > granted+33*time.Second {
			t.Errorf("gone after %v", took)
		}
		if b.find("desk", "other").ID == "" {
			t.Fatal("the call has ended")
		}
		pass(5 * time.Minute)
		mend()
		found := time.Now()
		b.awaitLong("it to be asked again", func() bool { return len(other.dialogs) > 0 })
		dialog := <-other.dialogs
		if took := time.Since(found); took > 63*time.Second {
			t.Errorf("asked %v after it can be reached", took)
		}
		must(t, other.tell(dialog, 1, confevent.Full, "ben"))
		b.awaitLong("ben", func() bool { return b.afar(r, "ben") })
		synctest.Wait()
	})
}
