package focus_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
)

// Of hundreds who subscribe, refresh, leave, or whose time runs out in the same moment each is told what he is to be told, soon, but not all of them at once; and nothing of them is left.
//
// Shows CE-NOT-03, CE-RAT-14.
func TestManyAtOnceTakeTurns(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		const many, least, expires = 200, 60, 120
		b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
		crowd := make([]*watcher, many)
		come := func() {
			for i := range crowd {
				crowd[i] = b.watch("desk", "conference", expires, nil)
			}
		}
		all := func(seconds int) {
			for _, w := range crowd {
				w.subscribe("desk", "conference", seconds)
			}
		}
		spread := func(what, state string, from, within time.Duration) {
			t.Helper()
			var at []time.Duration
			for _, w := range crowd {
				list := w.all()
				if len(list) != 1 || !strings.HasPrefix(list[0].state, state) {
					t.Errorf("%s: told %v", what, list)
				}
				for _, n := range list {
					at = append(at, n.at)
				}
			}
			slices.Sort(at)
			if len(at) == 0 {
				t.Fatalf("%s: nothing", what)
			}
			if first, last := at[0], at[len(at)-1]; first < from || last > from+within || last < from+100*time.Millisecond {
				t.Errorf("%s: the first is told after %v, the last after %v", what, first, last)
			}
			for i := range at {
				n := 0
				for _, other := range at[i:] {
					if other < at[i]+10*time.Millisecond {
						n++
					}
				}
				if n > least+10 {
					t.Fatalf("%s: %d are told within 10 ms", what, n)
				}
			}
		}
		come()
		pass(10 * time.Second)
		spread("subscribing", "active", 0, time.Second)
		all(expires)
		pass(10 * time.Second)
		spread("refreshing", "active", 10*time.Second, time.Second)
		all(0)
		pass(10 * time.Second)
		spread("leaving", "terminated;reason=timeout", 20*time.Second, time.Second)
		b.await("nobody to follow", func() bool { return b.focus.Stats().Subscriptions == 0 })
		come()
		pass(10 * time.Second)
		spread("subscribing again", "active", 0, time.Second)
		pass(5 * time.Minute)
		spread("time to run out", "terminated;reason=timeout", expires*time.Second, time.Second)
		if n := b.focus.Stats().Subscriptions; n != 0 {
			t.Errorf("%d subscriptions are left", n)
		}
	})
}
