package focus_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// sendTo asks for somebody to be sent to a conference, and waits for what comes of it.
func (a *asker) sendTo(who, conf string) string {
	a.b.t.Helper()
	before := len(strings.Split(a.told(), "\n"))
	to := "<" + who + ";method=REFER?Refer-To=" + strings.ReplaceAll(a.b.uri(conf), ":", "%3A") + ">"
	code, _ := a.refer("Refer-To", to)
	if code != 202 {
		return sipua.ReasonPhrase(code)
	}
	var last string
	a.b.await("the outcome of the REFER", func() bool {
		list := strings.Split(a.told(), "\n")
		last = list[len(list)-1]
		return len(list) > before && strings.Contains(last, "terminated;reason=noresource")
	})
	_, last, _ = strings.Cut(last, "SIP/2.0 ")
	return last[4:]
}

// A moderator moves a participant to another conference by REFER, and hears of it; the call goes on. Others may move themselves only, nobody gets where
// he could not have called, or past a PIN, and strangers move nobody.
//
// Shows FO-REF-17.
func TestReferMoves(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{
			{ID: "one"}, {ID: "two"}, {ID: "locked", Locked: true}, {ID: "closed"}, {ID: "hers"}, {ID: "secret", PIN: "4711"},
		},
		Refer: focus.ReferPolicy{From: focus.ReferModerators}, Factory: "factory", NotifyInterval: -1,
		MayEnter: func(id conference.ID, request *sipua.Request) bool {
			return id != "closed" && (id != "hers" || request.From.URI.UserPart() == "alice")
		},
	})
	host := b.asks("one", conference.Moderator)
	alice := b.dial("one", conftest.PhoneConfig{Name: "alice"})
	carol := b.dial("two", conftest.PhoneConfig{Name: "carol"})
	who := b.find("one", "alice")
	for conf, want := range map[string]string{
		"locked": "Forbidden", "closed": "Forbidden", "hers": "Forbidden", "nowhere": "Not Found", "factory": "Not Found",
	} {
		if got := host.sendTo(who.Entity, conf); got != want {
			t.Errorf("to %s: %s, want %s", conf, got, want)
		}
	}
	if got := host.sendTo("sip:nobody@example.com", "two"); got != "Forbidden" {
		t.Errorf("somebody who is not here: %s", got)
	}
	b.vouch.Store(nil)
	stranger := b.client(t)
	_, err := stranger.Request(t.Context(), sipua.OutgoingRequest{
		Method: "REFER", URI: b.parse("one"), Headers: sipua.Headers{
			{Name: "Refer-To", Value: "<" + who.Entity + ";method=REFER?Refer-To=" + b.uri("two") + ">"}, {Name: "Contact", Value: "<" + stranger.Contact("x").String() + ">"},
		},
	})
	if sipua.Status(err) != 403 {
		t.Errorf("a stranger: %v", err)
	}
	if p := b.find("one", "alice"); p.ID != who.ID || p.Status != conference.Connected {
		t.Fatalf("alice is %+v after what was refused", p)
	}
	if got := host.sendTo(who.Entity, "two"); got != "OK" {
		t.Fatalf("alice, to the second: %s", got)
	}
	b.await("alice to be there", func() bool { return b.find("two", "alice").Status.Present() })
	if p := b.find("two", "alice"); p.ID != who.ID || p.Session.CallID != who.Session.CallID || b.find("one", "alice").ID != "" {
		t.Errorf("before %+v, after %+v", who, p)
	}
	alice.hum(500, 20*time.Second)
	b.await("carol to hear alice", func() bool { return carol.hearsNow(500) > loud })
	dora := b.dial("one", conftest.PhoneConfig{Name: "dora"})
	if got := host.sendTo(b.find("one", "dora").Entity, "secret"); got != "OK" {
		t.Fatalf("dora, to where a PIN is needed: %s", got)
	}
	b.await("her to be asked for it", func() bool { return b.find("secret", "dora").Awaits == conference.AwaitsPIN })
	dora.keys("4711#")
	b.await("her to be in", func() bool {
		p := b.find("secret", "dora")
		return p.Present()
	})
	role := conference.Speaker
	_, err = b.focus.UpdateParticipant(t.Context(), "one", b.find("one", "raw").ID, focus.ParticipantChange{Role: &role})
	must(t, err)
	guest := b.dial("one", conftest.PhoneConfig{Name: "guest"})
	if got := host.sendTo(b.find("one", "guest").Entity, "two"); got != "Forbidden" {
		t.Errorf("who does not moderate moves another one: %s", got)
	}
	if got := host.sendTo(b.find("one", "raw").Entity, "secret"); got != "OK" { // himself
		t.Errorf("himself: %s", got)
	}
	b.await("him to be asked for the PIN", func() bool {
		p := b.find("secret", "raw")
		return p.Awaits == conference.AwaitsPIN && p.Barred()
	})
	guest.leave("one")
}

// Somebody is asked to call the conference himself.
//
// Shows FO-REF-19.
func TestAsk(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "desk"}},
		Way: func(target sipua.URI) (sipua.URI, *sipua.Trunk, error) {
			if target.UserPart() == "premium" {
				return target, nil, focus.ErrForbidden
			}
			return target, nil, nil
		},
	})
	phone := b.phone(conftest.PhoneConfig{Name: "bob"})
	asked := make(chan *sipua.Request, 1)
	at := b.answering(func(r *sipua.Request) *sipua.Response {
		asked <- r
		if r.URI.UserPart() == "carol" {
			return sipua.NewResponse(603)
		}
		return sipua.NewResponse(202)
	}).Addr("udp").String()
	must(t, b.focus.Ask(t.Context(), "desk", "sip:bob@"+at))
	request := <-asked
	to, err := sipua.ParseAddress(request.Headers.Get("Refer-To"))
	must(t, err)
	if from := request.From.URI.Bare().String(); request.Method != "REFER" || to.URI.String() != b.state("desk").URI || from != b.state("desk").URI || request.Headers.Get("Refer-Sub") != "false" {
		t.Errorf("%s to %s by %s", request.Method, to, from)
	}
	must(t, phone.Call(t.Context(), to.URI.String()))
	b.await("bob, who has called", func() bool { return b.find("desk", "bob").Status.Present() })
	if err = b.focus.Ask(t.Context(), "desk", "sip:premium@"+at); !errors.Is(err, focus.ErrForbidden) {
		t.Errorf("whom no rule allows: %v", err)
	}
	if err = b.focus.Ask(t.Context(), "nowhere", "sip:bob@"+at); !errors.Is(err, focus.ErrNoConference) {
		t.Errorf("to no conference: %v", err)
	}
	if err = b.focus.Ask(t.Context(), "desk", "sip:carol@"+at); !errors.Is(err, focus.ErrDeclined) || sipua.Status(err) != 603 {
		t.Errorf("who declines: %v", err)
	}
	<-asked
}
