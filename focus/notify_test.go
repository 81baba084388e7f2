package focus_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// roster is a subscriber that merges what it gets (RFC 4575, section 4.6).
type roster struct {
	mu       sync.Mutex
	document confevent.Document
	states   []confevent.State
	bodies   [][]byte
	final    string
	err      error
}

func (r *roster) notify(request *sipua.Request) *sipua.Response {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.final = request.Headers.Get("Subscription-State")
	if len(request.Body) == 0 {
		return nil
	}
	r.bodies = append(r.bodies, request.Body)
	d, err := confevent.Unmarshal(request.Body)
	if err == nil {
		r.states = append(r.states, d.State)
		r.document, err = confevent.Merge(r.document, d)
	}
	if err != nil && r.err == nil {
		r.err = err
	}
	return nil
}

// users maps each entity to the status of its first endpoint.
func (r *roster) users() map[string]confevent.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]confevent.Status{}
	if r.document.Users == nil {
		return out
	}
	for _, u := range r.document.Users.Users {
		out[u.DisplayText] = confevent.StatusNone
		for _, e := range u.Endpoints {
			out[u.DisplayText] = e.Status
		}
	}
	return out
}

func (r *roster) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.final
}

// subscribe follows a conference from a user agent of its own.
func (b *bench) subscribe(conf string, expires time.Duration) *roster {
	b.t.Helper()
	r := &roster{}
	_, err := b.client(b.t).Subscribe(b.t.Context(), sipua.OutgoingSubscription{
		To: sipua.Address{URI: b.parse(conf)}, Event: "conference", Accept: []string{confevent.ContentType},
		Expires: expires, OnNotify: r.notify,
	})
	must(b.t, err)
	return r
}

// CE-SUB-01, CE-SUB-12, CE-ELM-25 (RFC 4575, section 3.6): full, then partial, and always what is true in the end.
func TestRosterConverges(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", Name: "Desk"}}, NotifyInterval: -1})
	r := b.subscribe("desk", time.Hour) // CE-SUB-27: before anybody is there
	b.await("the first document", func() bool { return r.last() != "" })
	if got := r.document; got.Entity != b.state("desk").URI || len(r.users()) != 0 {
		t.Errorf("first document: %+v", got)
	}
	alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("desk", conftest.PhoneConfig{Name: "bob"})
	b.await("both", func() bool {
		u := r.users()
		return u["alice"] == confevent.StatusConnected && u["bob"] == confevent.StatusConnected
	})
	yes := true
	_, err := b.focus.UpdateParticipant(t.Context(), "desk", b.find("desk", "bob").ID, focus.ParticipantChange{Muted: &yes})
	must(t, err)
	b.await("bob to be muted", func() bool { return r.users()["bob"] == confevent.StatusMutedViaFocus })
	alice.leave("desk")
	b.await("alice to be gone", func() bool { return len(r.users()) == 1 })
	_, err = b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &yes})
	must(t, err)
	b.await("the lock", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.document.ConferenceState != nil && *r.document.ConferenceState.Locked
	})
	// CE-NOT-05: the end
	must(t, b.focus.Delete(t.Context(), "desk"))
	b.await("the last NOTIFY", func() bool { return r.last() == "terminated;reason=noresource" })
	<-bob.Over()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		t.Errorf("a document could not be merged: %v", r.err)
	}
	if r.states[0] != confevent.Full || r.states[1] != confevent.Partial {
		t.Errorf("documents were %v", r.states)
	}
	lint(t, "conference-info-strict.xsd", r.bodies)
}

// CE-SUB-02, CE-SUB-08, CE-SUB-13, CE-SUB-15, CE-SUB-26: refused subscriptions, and a fetch.
func TestSubscriptionsRefused(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
	client := b.client(t)
	for _, test := range []struct {
		name, conf, event, accept string
		expires                   time.Duration
		status                    int
	}{
		{"unknown conference", "nowhere", "conference", confevent.ContentType, time.Hour, 404},
		{"unknown package", "desk", "presence", confevent.ContentType, time.Hour, 489},
		{"other type", "desk", "conference", "text/plain", time.Hour, 406},
		{"too brief", "desk", "conference", confevent.ContentType, 5 * time.Second, 423},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := client.Subscribe(t.Context(), sipua.OutgoingSubscription{
				To: sipua.Address{URI: b.parse(test.conf)}, Event: test.event, Accept: []string{test.accept}, Expires: test.expires,
			})
			if got := sipua.Status(err); got != test.status {
				t.Errorf("%v, want %d", err, test.status)
			}
		})
	}
	r := b.subscribe("desk", 0)
	b.await("the only NOTIFY", func() bool { return r.last() == "terminated;reason=timeout" })
	if len(r.states) != 1 || r.states[0] != confevent.Full {
		t.Errorf("a fetch got %v", r.states)
	}
}

// The events of an application: in order, numbered without gap, resumable.
func TestEvents(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	w := b.focus.Watch("room", "")
	defer w.Close()
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	bob.hum(900, 400*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []focus.Event
	next := func(kind focus.EventType) focus.Event {
		t.Helper()
		for {
			e, err := w.Next(ctx)
			if err != nil {
				t.Fatalf("waiting for %s: %v, after %+v", kind, err, got)
			}
			got = append(got, e)
			if e.Type == kind {
				return e
			}
		}
	}
	next(focus.ConferenceStarted)
	next(focus.ParticipantJoined)
	joined := next(focus.ParticipantJoined)
	if p, ok := joined.Object.(focus.ParticipantInfo); !ok || p.DisplayName != "bob" || p.Method != "dialed-in" || p.Codec != "pcmu/8000" {
		t.Errorf("joined: %+v", joined.Object)
	}
	spoke := next(focus.SpeakerChanged)
	if s, ok := spoke.Object.(focus.SpeakersInfo); !ok || len(s.Speakers) != 1 || s.Speakers[0] != b.find("room", "bob").ID {
		t.Errorf("speakers: %+v", spoke.Object)
	}
	if got := b.find("room", "bob").Session.SSRC; got == 0 {
		t.Error("bob's SSRC is not known although he has spoken")
	}
	alice.Press('5')
	digit := next(focus.DigitReceived)
	if d, ok := digit.Object.(focus.DigitInfo); !ok || d.Digit != "5" || d.Participant != b.find("room", "alice").ID {
		t.Errorf("digit: %+v", digit.Object)
	}
	body := sipua.Body{ContentType: "application/dtmf-relay", Data: []byte("Signal=#\r\nDuration=120\r\n")}
	_, err := bob.Dialog().Request(ctx, "INFO", body)
	must(t, err)
	digit = next(focus.DigitReceived)
	if d, ok := digit.Object.(focus.DigitInfo); !ok || d.Digit != "#" || d.DurationMS != 120 || d.Participant != b.find("room", "bob").ID {
		t.Errorf("digit by INFO: %+v", digit.Object)
	}
	body.ContentType = "application/xml"
	if _, err = bob.Dialog().Request(ctx, "INFO", body); sipua.Status(err) != 415 {
		t.Errorf("INFO of another type: %v", err)
	}
	alice.leave("room")
	bob.leave("room")
	next(focus.ConferenceEnded)
	for i, e := range got {
		if e.Sequence != uint64(i+1) {
			t.Errorf("event %d has sequence %d: %+v", i, e.Sequence, e)
		}
	}
	again := b.focus.Watch("room", joined.ID)
	defer again.Close()
	e, err := again.Next(ctx)
	must(t, err)
	if e.Sequence != joined.Sequence+1 {
		t.Errorf("resumed at %d after %d", e.Sequence, joined.Sequence)
	}
}

// answering is a user agent that can be called.
type answering struct {
	ignore
	invite func(*sipua.IncomingCall)
}

func (a answering) Invite(c *sipua.IncomingCall) { a.invite(c) }

// callee is somebody to be dialed.
func (b *bench) callee(invite func(*sipua.IncomingCall)) *sipua.Agent {
	b.t.Helper()
	agent, err := sipua.New(sipua.Config{Network: b.network()}, answering{invite: invite})
	must(b.t, err)
	must(b.t, agent.Start(b.t.Context()))
	b.peers = append(b.peers, func(ctx context.Context) { _ = agent.Shutdown(ctx) })
	return agent
}

// outcome waits for the departure of a dialed participant.
func departure(t *testing.T, w *focus.Watcher) focus.ParticipantInfo {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		e, err := w.Next(ctx)
		must(t, err)
		if p, ok := e.Object.(focus.ParticipantInfo); ok && e.Type == focus.ParticipantLeft {
			return p
		}
	}
}

// FO-OUT-01, FO-OUT-06, FO-OUT-07, FO-OUT-12: what becomes of calls that the conference makes.
func TestDialOut(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, DialTimeout: 400 * time.Millisecond})
	w := b.focus.Watch("desk", "")
	defer w.Close()
	var isFocus atomic.Bool
	busy := b.callee(func(c *sipua.IncomingCall) {
		contact, _ := c.Request().Contact()
		isFocus.Store(contact.Params.Has("isfocus"))
		_ = c.Reject(sipua.NewResponse(486))
	})
	canceled := make(chan bool, 1)
	rings := b.callee(func(c *sipua.IncomingCall) {
		_ = c.Provisional(sipua.NewResponse(180))
		<-c.Done()
		canceled <- c.Canceled()
	})
	_, err := b.focus.Dial(t.Context(), "desk", "sip:busy@"+busy.Addr("udp").String())
	must(t, err)
	if got := departure(t, w).Disconnection; got == nil || got.Method != "busy" {
		t.Errorf("busy: %+v", got)
	}
	if !isFocus.Load() {
		t.Error("INVITE without isfocus")
	}
	id, err := b.focus.Dial(t.Context(), "desk", "sip:rings@"+rings.Addr("udp").String())
	must(t, err)
	b.await("alerting", func() bool {
		p, _ := b.state("desk").Participant(id)
		return p.Status == conference.Alerting
	})
	if got := departure(t, w).Disconnection; got == nil || got.Method != "failed" {
		t.Errorf("nobody answered: %+v", got)
	}
	if !<-canceled {
		t.Error("no CANCEL after the time limit")
	}
	id, err = b.focus.Dial(t.Context(), "desk", "sip:rings@"+rings.Addr("udp").String())
	must(t, err)
	b.await("alerting again", func() bool {
		p, _ := b.state("desk").Participant(id)
		return p.Status == conference.Alerting
	})
	must(t, b.focus.Eject(t.Context(), "desk", id, ""))
	if !<-canceled {
		t.Error("no CANCEL after the ejection")
	}
	if _, err := b.focus.Dial(t.Context(), "desk", "tel:123"); err == nil {
		t.Error("a tel URI was dialed")
	}
}

// Dial-out to another conference: two foci in a cascade (FO-CAS-01), media both ways.
func TestDialOutIsBridged(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, DialTimeout: 5 * time.Second})
	alice := b.dial("one", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("two", conftest.PhoneConfig{Name: "bob"})
	id, err := b.focus.Dial(t.Context(), "one", b.uri("two"))
	must(t, err)
	b.await("the cascade", func() bool {
		p, _ := b.state("one").Participant(id)
		return p.Status == conference.Connected && p.Session.Focus
	})
	alice.hum(500, time.Second)
	from := time.Now().Add(300 * time.Millisecond)
	pass(700 * time.Millisecond)
	if got := bob.hears(500, from, from.Add(250*time.Millisecond)); got < loud {
		t.Errorf("bob hears alice through two conferences at %.0f dB", got)
	}
}

// Announcements are heard by everybody.
func TestAnnounce(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	_, err := b.focus.Play(t.Context(), "room", focus.Playback{WAV: toneWAV(700, 500*time.Millisecond)})
	must(t, err)
	from := time.Now().Add(100 * time.Millisecond)
	pass(600 * time.Millisecond)
	if got := alice.hears(700, from, from.Add(300*time.Millisecond)); got < loud {
		t.Errorf("alice hears the announcement at %.0f dB", got)
	}
	if _, err := b.focus.Play(t.Context(), "room", focus.Playback{WAV: []byte("no WAV")}); err == nil {
		t.Error("what is no WAV file was played")
	}
}
