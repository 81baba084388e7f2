package focus_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// Every call has one record, whatever became of it.
func TestCallRecords(t *testing.T) {
	var mu sync.Mutex
	var started, answered int
	records := map[string]focus.CallRecord{}
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", MaxParticipants: 1}}}, focus.Hooks{
		CallStarted: func(string) {
			mu.Lock()
			defer mu.Unlock()
			started++
		},
		CallAnswered: func(direction string, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if direction == "inbound" {
				answered++
			}
		},
		CallEnded: func(r focus.CallRecord) {
			mu.Lock()
			defer mu.Unlock()
			records[r.Result] = r
		},
	})
	await := func(result string) focus.CallRecord {
		t.Helper()
		var r focus.CallRecord
		b.await("a record of "+result, func() bool {
			mu.Lock()
			defer mu.Unlock()
			var ok bool
			r, ok = records[result]
			return ok
		})
		return r
	}
	alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	if err := b.phone(conftest.PhoneConfig{Name: "bob"}).Call(t.Context(), b.uri("desk")); sipua.Status(err) != 486 {
		t.Errorf("bob: %v", err)
	}
	if r := await("refused"); r.Conference != "desk" || r.Reason != `SIP;cause=486;text="`+focus.ErrFull.Error()+`"` {
		t.Errorf("refused: %+v", r)
	}
	alice.hum(400, time.Second)
	pass(1600 * time.Millisecond)
	alice.leave("desk")
	r := await("answered")
	if r.Codec != "pcmu/8000" || r.AnsweredAt.IsZero() || r.EndedAt.Before(r.AnsweredAt) || r.Stats.ReceivedPackets == 0 || r.CallID == "" {
		t.Errorf("answered: %+v", r)
	}
	if r.Spoken < 700*time.Millisecond || r.Spoken > 1500*time.Millisecond {
		t.Errorf("spoke for 1 s, the record has %v", r.Spoken)
	}
	if r.SessionID == "" || !r.Peer.IsLoopback() || r.Role != "speaker" || r.Disconnection != "departed" || !strings.HasSuffix(r.To, "desk@"+b.addr.String()) || r.From != r.URI {
		t.Errorf("answered: %+v", r)
	}
	busy := b.callee(func(c *sipua.IncomingCall) { _ = c.Reject(sipua.NewResponse(486)) })
	_, err := b.focus.Dial(t.Context(), "desk", "sip:busy@"+busy.Addr("udp").String())
	must(t, err)
	if r := await("busy"); r.Direction != "outbound" || !r.AnsweredAt.IsZero() {
		t.Errorf("busy: %+v", r)
	}
	mu.Lock()
	defer mu.Unlock()
	if started != 2 || answered != 1 {
		t.Errorf("%d started, %d answered", started, answered)
	}
}

// CE-AUT-10, CE-AUT-11: who asks for privacy is nowhere named.
func TestPrivacy(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, NotifyInterval: -1})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	r := b.subscribe("room", time.Hour)
	secret := b.raw()
	dialog, _, err := secret.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{Name: "Secret", URI: secret.agent.Contact("secret")},
		Headers:     sipua.Headers{{Name: "Privacy", Value: "id;critical"}},
		ContentType: "application/sdp", Body: secret.describe(codecs.PCMU),
	}, secret)
	must(t, err)
	b.await("the roster", func() bool { return len(r.users()) == 2 })
	must(t, dialog.Bye(t.Context()))
	b.await("him to be gone", func() bool { return len(r.users()) == 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, body := range r.bodies {
		if strings.Contains(strings.ToLower(string(body)), "secret") {
			t.Errorf("his name is in\n%s", body)
		}
	}
}

// TestHangUpAtOnce: a call that its caller ends as soon as it has begun was answered, however soon after the ACK its BYE comes.
func TestHangUpAtOnce(t *testing.T) {
	const calls = 200
	records := make(chan focus.CallRecord, calls)
	b := newBench(t, focus.Config{Dynamic: true}, focus.Hooks{CallEnded: func(r focus.CallRecord) { records <- r }})
	r, err := conftest.Callers{Target: b.addr.String()}.Cycle(t.Context(), calls, 4, "one", "two", "three")
	must(t, err)
	if r.Failed > 0 {
		t.Errorf("%d of %d calls failed: %v", r.Failed, r.Calls, r.First)
	}
	for range calls - r.Failed {
		select {
		case record := <-records:
			if record.Result != "answered" || record.AnsweredAt.IsZero() || record.EndedAt.Before(record.AnsweredAt.Add(-time.Second)) {
				t.Fatalf("%+v", record)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("a record is missing")
		}
	}
}
