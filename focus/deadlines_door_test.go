package focus_test

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// knock calls a conference that has a door.
func (b *bench) knock(name, conf string) *raw {
	b.t.Helper()
	r := b.raw()
	dialog, _, err := r.agent.Invite(b.t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse(conf)}, From: sipua.Address{URI: r.agent.Contact(name)},
		ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
	}, r)
	must(b.t, err)
	r.dialog = dialog
	b.await("him to be at the door", func() bool { return b.find(conf, name).Status == conference.Pending })
	return r
}

// Who has to enter a PIN has 10 s for its first key, 5 s for each more, and three attempts; each question begins the time anew.
func TestDoorOnTime(t *testing.T) {
	for _, c := range []struct {
		name string
		keys func(r *raw)
		want time.Duration
	}{
		{"presses nothing", func(*raw) {}, 30 * time.Second},
		{"begins late", func(r *raw) { pass(9 * time.Second); r.press("4") }, 34 * time.Second},
		{"goes slowly", func(r *raw) {
			for range 3 {
				pass(4 * time.Second)
				r.press("4")
			}
		}, 37 * time.Second},
		{"begins anew", func(r *raw) { pass(4 * time.Second); r.press("4*") }, 34 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				t.Helper()
				b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", PIN: "4711"}}})
				r := b.knock("mallory", "desk")
				began := time.Now()
				c.keys(r)
				if reason := r.overWith(); !strings.Contains(reason, "cause=403") {
					t.Errorf("Reason: %s", reason)
				}
				b.onTime("sent away", began.Add(-accuracy/2), c.want)
			})
		})
	}
}

// Who has guessed too often within the window is kept out for the lock-out, and no longer; guesses that are older do not count.
func TestLockoutOnTime(t *testing.T) {
	const window, lockout = 2 * time.Minute, time.Minute
	virtual(t, func(t *testing.T) {
		t.Helper()
		var guesses atomic.Int32
		b := newVirtualBench(t, focus.Config{
			Door:    conference.DoorConfig{Failures: 2, Window: window, Lockout: lockout},
			Guessed: func(netip.Addr) bool { guesses.Add(1); return false }, Conferences: []focus.ConferenceConfig{{ID: "desk", PIN: "4711"}},
		})
		guess := func(name string) *raw {
			before, r := guesses.Load(), b.knock(name, "desk")
			r.press("0000")
			b.await("the guess to be heard", func() bool { return guesses.Load() > before })
			return r
		}
		may := func() bool {
			r := b.raw()
			_, _, err := r.agent.Invite(t.Context(), sipua.OutgoingCall{To: sipua.Address{URI: b.parse("desk")}, ContentType: "application/sdp", Body: r.describe(codecs.PCMU)}, r)
			return sipua.Status(err) != 403
		}
		guess("one").leave()
		pass(window + time.Second)
		guess("two").leave()
		if !may() {
			t.Fatal("kept out for what is over")
		}
		pass(window - 10*time.Second)
		last := guess("three")
		locked := time.Now()
		if reason := last.overWith(); !strings.Contains(reason, "cause=403") {
			t.Errorf("Reason: %s", reason)
		}
		if n := guesses.Load(); n != 3 {
			t.Errorf("%d guesses", n)
		}
		pass(time.Until(locked.Add(lockout - time.Second)))
		if may() {
			t.Error("let in before the lock-out is over")
		}
		pass(2 * time.Second)
		if !may() {
			t.Error("kept out although the lock-out is over")
		}
	})
}

// Who is called and asked for his consent is waited for only so long.
//
// Shows FO-OUT-10.
func TestConsentOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
		r := b.raw()
		mailbox := b.callee(func(c *sipua.IncomingCall) { r.answer(c) })
		_, err := b.focus.DialAs(t.Context(), "desk", focus.DialRequest{URI: "sip:carol@" + mailbox.Addr("udp").String(), Consent: true})
		must(t, err)
		b.await("the question", func() bool { return b.find("desk", "carol").Status == conference.Pending })
		asked := time.Now()
		if reason := r.overWith(); !strings.Contains(reason, "cause=603") {
			t.Errorf("Reason: %s", reason)
		}
		b.onTime("given up", asked.Add(-accuracy/2), 30*time.Second)
	})
}

// A caller who is gone without a word is missed by the session timer at the latest: half of the interval after the last refresh he is asked, and has
// the time of a transaction to answer (RFC 4028, section 10).
//
// Shows FO-END-07.
func TestSessionTimerOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Dynamic: true}, func(c *sipua.Config) {
			c.SessionTimer = sipua.SessionTimer{Interval: 2 * time.Minute, Min: 90 * time.Second}
		})
		r := b.raw()
		var refreshes atomic.Int32
		r.offer = func(*sipua.Request) *sipua.Response {
			refreshes.Add(1)
			return sipua.NewResponse(200)
		}
		r.callAs("alice", "room")
		pass(5*time.Minute + time.Second)                                      // refreshed, and there
		if n := refreshes.Load(); n != 5 || b.find("room", "alice").ID == "" { // every minute
			t.Fatalf("%d refreshes, and then %+v", n, b.find("room", "alice"))
		}
		defer b.inside.Cut(r.agent.Addr("udp"))()
		cut := time.Now()
		b.awaitLong("him to be missed", func() bool { return b.find("room", "alice").ID == "" })
		if took := time.Since(cut); took > time.Minute+33*time.Second || took < 32*time.Second {
			t.Errorf("missed after %v", took)
		}
	})
}
