package focus_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// accuracy is by how much a deadline may be missed where the clock is virtual: what a layout and the looks of a test take of it, in ticks.
const accuracy = 100 * time.Millisecond

// onTime checks that so much time has passed, on the virtual clock.
func (b *bench) onTime(what string, since time.Time, want time.Duration) {
	b.t.Helper()
	if took := time.Since(since); took < want || took > want+accuracy {
		b.t.Errorf("%s after %v, want %v", what, took, want)
	}
}

// named is a caller of that name.
func (b *bench) named(name, conf string) *raw {
	b.t.Helper()
	r := b.raw()
	r.callAs(name, conf)
	return r
}

// overWith waits for the end of a call by the focus, and gives the Reason of the BYE.
func (r *raw) overWith() string {
	r.b.t.Helper()
	reason := <-r.ended
	if reason.Request == nil {
		r.b.t.Errorf("ended by %+v", reason)
		return ""
	}
	return reason.Request.Headers.Get("Reason")
}

// press sends keys one by one.
func (r *raw) press(keys string) {
	r.b.t.Helper()
	for _, key := range keys {
		_, err := r.dialog.Request(r.b.t.Context(), "INFO", sipua.Body{ContentType: "application/dtmf", Data: []byte(string(key))})
		must(r.b.t, err)
	}
}

// next waits for an event of a kind.
func next(t *testing.T, w *focus.Watcher, kind focus.EventType) {
	t.Helper()
	for {
		e, err := w.Next(t.Context())
		must(t, err)
		if e.Type == kind {
			return
		}
	}
}

// The longest duration is counted from the first participant; the warnings come before it, and the announcement at it.
//
// Shows FO-END-02.
func TestDurationOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{
			ID: "desk", Rules: conference.Rules{MaxDuration: 10 * time.Minute}, Warnings: []time.Duration{2 * time.Minute, time.Minute},
		}}})
		w := b.focus.Watch("desk", "")
		defer w.Close()
		pass(90 * time.Second) // the time before the first one does not count
		r := b.named("alice", "desk")
		began := time.Now()
		if ends := b.state("desk").EndsAt; ends.Sub(began) > 10*time.Minute || ends.Sub(began) < 10*time.Minute-accuracy {
			t.Errorf("ends in %v", ends.Sub(began))
		}
		pass(5 * time.Minute)
		b.named("bob", "desk") // nor does who comes later
		for _, at := range []time.Duration{8 * time.Minute, 9 * time.Minute, 10 * time.Minute} {
			next(t, w, focus.ConferenceEnding)
			b.onTime("told of the end", began.Add(-accuracy/2), at)
		}
		if reason := r.overWith(); !strings.Contains(reason, "longest duration") {
			t.Errorf("Reason: %s", reason)
		}
		if took := time.Since(began); took < 10*time.Minute-accuracy || took > 10*time.Minute+5*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

// An empty dynamic conference lives on for its grace, which begins anew with each who leaves it, and no longer.
func TestGraceOnTime(t *testing.T) {
	const grace = time.Minute
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Dynamic: true, Defaults: focus.ConferenceConfig{Grace: grace}})
		b.named("alice", "room").leave()
		pass(grace - time.Second)
		if len(b.focus.Conferences()) != 1 {
			t.Fatal("it has ended before its time")
		}
		bob := b.named("bob", "room")
		pass(2 * grace)
		bob.leave()
		left := time.Now()
		w := b.focus.Watch("room", "")
		defer w.Close()
		next(t, w, focus.ConferenceEnded)
		b.onTime("ended", left, grace)
		if n := len(b.focus.Conferences()); n != 0 {
			t.Errorf("%d conferences are left", n)
		}
	})
}

// Rules that end the stay of somebody some time after something else do so at that time, and not when the cause has gone before.
//
// Shows FO-END-02, FO-END-08.
func TestRulesOnTime(t *testing.T) {
	const grace = time.Minute
	for _, c := range []struct {
		name   string
		rules  conference.Rules
		reason string
		starts func(b *bench, host *raw) (undo func()) // what the time runs from
	}{
		{"the moderator has left", conference.Rules{ModeratorLeaves: conference.EndConference, ModeratorGrace: grace}, "last moderator", func(b *bench, host *raw) func() {
			host.leave()
			return func() { b.named("host", "room"); b.promote("room", "host") }
		}},
		{"few are left", conference.Rules{EndAt: 1, EndAtGrace: grace}, "Too few", func(b *bench, host *raw) func() {
			host.leave()
			return func() { b.named("host", "room") }
		}},
		{"nobody lets him in", conference.Rules{Lobby: true, WaitTimeout: grace}, "Waited too long", func(b *bench, _ *raw) func() {
			return func() {
				for _, wait := range []bool{false, true} {
					_, err := b.focus.UpdateParticipant(b.t.Context(), "room", b.find("room", "guest").ID, focus.ParticipantChange{Waiting: &wait})
					must(b.t, err)
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				t.Helper()
				b := newVirtualBench(t, focus.Config{Dynamic: true, Defaults: focus.ConferenceConfig{Rules: c.rules}})
				host := b.named("host", "room")
				b.promote("room", "host")
				guest := b.raw()
				guest.callAs("guest", "room")
				undo := c.starts(b, host)
				pass(grace - time.Second)
				undo()
				again := time.Now()
				if c.rules.WaitTimeout == 0 {
					pass(2 * grace)
					if b.find("room", "guest").ID == "" {
						t.Fatal("gone although the cause is")
					}
					again = time.Now()
					must(t, b.focus.Eject(t.Context(), "room", b.find("room", "host").ID, ""))
				}
				if reason := guest.overWith(); !strings.Contains(reason, c.reason) {
					t.Errorf("Reason: %s", reason)
				}
				if took := time.Since(again); took < grace-accuracy || took > grace+5*time.Second { // with the announcement
					t.Errorf("ended after %v", took)
				}
			})
		})
	}
}

// A conference lets in from its beginning to its end, and ends then, with a warning before.
func TestHoursOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		now := time.Now()
		b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{
			ID: "desk", Opens: now.Add(time.Minute), Closes: now.Add(3 * time.Minute), Warnings: []time.Duration{time.Minute},
		}}})
		refused := func() int {
			r := b.raw()
			_, _, err := r.agent.Invite(t.Context(), sipua.OutgoingCall{To: sipua.Address{URI: b.parse("desk")}, ContentType: "application/sdp", Body: r.describe(codecs.PCMU)}, r)
			return sipua.Status(err)
		}
		pass(time.Minute - time.Second)
		if status := refused(); status != 480 {
			t.Errorf("before it opens: %d", status)
		}
		pass(time.Second)
		r := b.named("alice", "desk")
		w := b.focus.Watch("desk", "")
		defer w.Close()
		next(t, w, focus.ConferenceEnding)
		b.onTime("warned", now, 2*time.Minute)
		if reason := r.overWith(); !strings.Contains(reason, "time is over") {
			t.Errorf("Reason: %s", reason)
		}
		if status := refused(); status != 404 {
			t.Errorf("after it has closed: %d", status)
		}
	})
}

// Who is called has so long to answer, whether it rings at his or nothing is heard of him at all (RFC 3261, section 17.1.1.2).
//
// Shows FO-OUT-06.
func TestDialTimeoutOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
		canceled := make(chan time.Time, 1)
		ringing := b.callee(func(c *sipua.IncomingCall) {
			must(t, c.Provisional(sipua.NewResponse(180)))
			<-c.Done()
			canceled <- time.Now()
		})
		for _, c := range []struct {
			name, uri string
			want      time.Duration
		}{
			{"rings", "sip:rings@" + ringing.Addr("udp").String(), 60 * time.Second},
			{"is not there", "sip:nobody@127.0.0.1:9", 32 * time.Second},
		} {
			w := b.focus.Watch("desk", "")
			began := time.Now()
			_, err := b.focus.Dial(t.Context(), "desk", c.uri)
			must(t, err)
			p := left(t, w)
			b.onTime(c.name+": given up", began, c.want)
			if p.Disconnection == nil || p.Disconnection.Method != "failed" || !strings.Contains(p.Disconnection.Reason, "cause=408") {
				t.Errorf("%s: %+v", c.name, p.Disconnection)
			}
			w.Close()
		}
		<-canceled
	})
}

// left is departure without a deadline of its own.
func left(t *testing.T, w *focus.Watcher) focus.ParticipantInfo {
	t.Helper()
	for {
		e, err := w.Next(t.Context())
		must(t, err)
		if p, ok := e.Object.(focus.ParticipantInfo); ok && e.Type == focus.ParticipantLeft {
			return p
		}
	}
}

// A list of callees is called again and again, from the failure of each attempt.
func TestCallListOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Dynamic: true})
		var at []time.Duration
		began := time.Now()
		callee := b.callee(func(c *sipua.IncomingCall) {
			at = append(at, time.Since(began))
			<-time.After(7 * time.Second)
			_ = c.Reject(sipua.NewResponse(486))
		})
		_, err := b.focus.Create(t.Context(), focus.ConferenceConfig{ID: "desk", Calls: focus.CallList{
			When: focus.CallAtCreation, Attempts: 3, Interval: time.Minute,
			Callees: []focus.DialRequest{{URI: "sip:x@" + callee.Addr("udp").String()}},
		}})
		must(t, err)
		pass(5 * time.Minute)
		synctest.Wait()
		if len(at) != 3 {
			t.Fatalf("called at %v", at)
		}
		for i, got := range at {
			if want := time.Duration(i) * 67 * time.Second; got < want || got > want+accuracy {
				t.Errorf("attempt %d at %v, want %v", i+1, got, want)
			}
		}
	})
}

// hold changes the direction of a call.
func (r *raw) hold(direction sdp.Direction) {
	r.b.t.Helper()
	r.describe(codecs.PCMU)
	r.local.Media[0].Direction = direction
	_, err := r.dialog.ReInvite(r.b.t.Context(), sipua.Body{ContentType: "application/sdp", Data: r.local.Marshal()})
	must(r.b.t, err)
}

// Whose media do not come is asked when the time is over, and again and again; who is on hold is not. Who does not answer is out.
//
// Shows ME-RCP-09, ME-AUD-05.
func TestMediaTimeoutOnTime(t *testing.T) {
	const timeout = 30 * time.Second
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Dynamic: true, MediaTimeout: timeout})
		r := b.raw()
		r.health.Store(200)
		r.call("room")
		for range 3 {
			began := time.Now()
			<-r.asked
			if took := time.Since(began); took < timeout-time.Second || took > timeout+timeout/2 {
				t.Errorf("asked after %v", took)
			}
		}
		r.hold(sdp.Inactive)
		pass(3 * timeout)
		select {
		case <-r.asked:
			t.Error("asked while on hold")
		default:
		}
		r.hold(sdp.SendRecv)
		began := time.Now()
		defer b.inside.Cut(r.agent.Addr("udp"))()
		b.awaitLong("him to be out", func() bool { return b.find("room", "raw").ID == "" })
		if took := time.Since(began); took < timeout+31*time.Second || took > timeout+timeout/2+33*time.Second { // the question has 32 s
			t.Errorf("out after %v", took)
		}
	})
}

// awaitLong is await with the patience of a virtual clock.
func (b *bench) awaitLong(what string, ok func() bool) {
	b.t.Helper()
	for range int(10 * time.Minute / (20 * time.Millisecond)) {
		if ok() {
			return
		}
		pass(20 * time.Millisecond)
	}
	b.t.Fatalf("waited in vain for %s", what)
}
