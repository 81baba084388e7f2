package focus_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// Who may subscribe, and for how long.
//
// Shows CE-AUT-02, CE-AUT-03, CE-SUB-23, CE-SUB-28.
func TestWhoMaySubscribe(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{
			{ID: "open"},
			{ID: "more"},
			{ID: "closed", Roster: focus.RosterPolicy{Subscribers: focus.SubscribersParticipants}},
			{ID: "hosts", Roster: focus.RosterPolicy{Subscribers: focus.SubscribersModerators}},
		},
		NotifyInterval: -1, Limits: focus.Limits{Subscriptions: 2, SubscriptionsPerSource: 4},
	})
	phones := map[string]*phone{}
	entities := map[string]string{}
	for _, conf := range []string{"open", "closed", "hosts"} {
		phones[conf] = b.dial(conf, conftest.PhoneConfig{Name: "alice"})
		entities[conf] = b.find(conf, "alice").Entity
	}
	try := func(conf, entity string, want int) *roster {
		t.Helper()
		r, err := b.subscribeAs(conf, entity, "conference", nil)
		if got := sipua.Status(err); got != want {
			t.Errorf("%s by %s: %d, %v, want %d", conf, entity, got, err, want)
		}
		return r
	}
	try("closed", "sip:mallory@example.com", 403)
	try("hosts", entities["hosts"], 403)
	inside := try("closed", entities["closed"], 0)
	stays := try("open", entities["open"], 0)
	b.await("her in the roster", func() bool { return len(stays.users()) == 1 })
	try("open", "sip:bob@example.com", 0)
	try("open", "sip:carol@example.com", 503) // of one conference
	b.claims("closed", entities["closed"], 403)
	second := try("closed", entities["closed"], 0)
	try("more", "sip:bob@example.com", 503) // of one source
	phones["closed"].leave("closed")
	for _, r := range []*roster{inside, second} {
		b.await("the end of what was for participants", func() bool { return r.last() == "terminated;reason=rejected" })
	}
	try("closed", "sip:carol@example.com", 403)
	phones["open"].leave("open")
	b.await("her to be gone", func() bool { return len(stays.users()) == 0 })
	if got := stays.last(); !strings.HasPrefix(got, "active") {
		t.Errorf("her subscription ended with her call: %s", got)
	}
	b.dial("hosts", conftest.PhoneConfig{Name: "bob"})
	b.moderate("hosts", "bob")
	try("hosts", b.find("hosts", "bob").Entity, 0) // the place of the one that ended is free
}

// claims subscribes from another host than everybody's under somebody's identity, which is no more than a claim.
func (b *bench) claims(conf, entity string, want int) {
	b.t.Helper()
	from, err := sipua.ParseURI(entity)
	must(b.t, err)
	_, err = b.clientAt(b.t, "127.0.0.2").Subscribe(b.t.Context(), sipua.OutgoingSubscription{
		To: sipua.Address{URI: b.parse(conf)}, From: sipua.Address{URI: from}, Event: "conference", Expires: time.Hour,
	})
	if got := sipua.Status(err); got != want {
		b.t.Errorf("%s by who claims to be %s: %d, %v, want %d", conf, entity, got, err, want)
	}
}

// Who is at the door of a conference that tells only its participants is accepted at once, and told nothing until he is in, or has gone.
//
// Shows CE-SUB-10, CE-AUT-05, CE-AUT-06.
func TestSubscriberAtTheDoor(t *testing.T) {
	b := newBench(t, focus.Config{NotifyInterval: -1, Conferences: []focus.ConferenceConfig{{
		ID: "desk", Rules: conference.Rules{Lobby: true}, Roster: focus.RosterPolicy{Subscribers: focus.SubscribersParticipants},
	}}})
	rosters := map[string]*roster{}
	for _, name := range []string{"alice", "bob"} {
		b.dial("desk", conftest.PhoneConfig{Name: name})
		r, err := b.subscribeAs("desk", b.find("desk", name).Entity, "conference", nil)
		must(t, err) // 200 although nobody has decided
		b.await("the first NOTIFY of "+name, func() bool { return strings.HasPrefix(r.last(), "pending;expires=") })
		rosters[name] = r
	}
	wait := func(name string, waits bool) {
		t.Helper()
		_, err := b.focus.UpdateParticipant(t.Context(), "desk", b.find("desk", name).ID, focus.ParticipantChange{Waiting: &waits})
		must(t, err)
	}
	wait("alice", false)
	b.await("alice to be told", func() bool {
		return strings.HasPrefix(rosters["alice"].last(), "active") && rosters["alice"].user("alice").Entity != ""
	})
	if d := rosters["alice"].doc(); d.Version < 1 || len(rosters["bob"].all()) != 0 {
		t.Errorf("alice has version %d, bob %d documents", d.Version, len(rosters["bob"].all()))
	}
	must(t, b.focus.Eject(t.Context(), "desk", b.find("desk", "bob").ID, ""))
	b.await("the end for bob", func() bool { return rosters["bob"].last() == "terminated;reason=rejected" })
	wait("alice", true)
	b.await("alice to be sent back to the door", func() bool { return rosters["alice"].last() == "terminated;reason=deactivated" })
	if n := len(rosters["bob"].all()); n != 0 {
		t.Errorf("bob has got %d documents", n)
	}
}

// Where a refusal would tell too much, those who may not subscribe see a conference with nobody in it, and those who may see all.
//
// Shows CE-AUT-04.
func TestPoliteBlock(t *testing.T) {
	b := newBench(t, focus.Config{NotifyInterval: -1, Conferences: []focus.ConferenceConfig{{
		ID: "desk", Name: "Merger", About: focus.About{Subject: "Secret"},
		Roster: focus.RosterPolicy{Subscribers: focus.SubscribersParticipants, Polite: true},
	}}})
	alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	other, err := b.subscribeAs("desk", "sip:mallory@example.com", "conference", nil)
	must(t, err)
	her, err := b.subscribeAs("desk", b.find("desk", "alice").Entity, "conference", nil)
	must(t, err)
	b.await("both documents", func() bool { return other.last() != "" && len(her.users()) == 1 })
	_, err = b.focus.OpenSidebar(t.Context(), "desk", focus.SidebarRequest{Participants: []conference.ParticipantID{b.find("desk", "alice").ID}})
	must(t, err)
	b.await("a change", func() bool { return her.doc().SidebarsByVal != nil })
	if _, err = b.subscribeTo(her.doc().SidebarsByVal.Entries[0].Entity, "sip:mallory@example.com"); sipua.Status(err) != 404 {
		t.Errorf("the sidebar: %v", err)
	}
	alice.leave("desk")
	b.await("her to see no more than others", func() bool { return len(her.users()) == 0 && her.doc().Description.Subject == "" })
	d := other.doc()
	if n := len(other.all()); n != 1 || d.Entity != b.state("desk").URI || d.Users == nil || len(d.Users.Users) != 0 || *d.ConferenceState.UserCount != 0 {
		t.Errorf("%d documents, %+v", n, d)
	}
	if text := other.texts(); strings.Contains(text, "Merger") || strings.Contains(text, "Secret") || strings.Contains(text, "alice") {
		t.Errorf("others see\n%s", text)
	}
	lint(t, "conference-info-strict.xsd", append(other.all(), her.all()...))
}

// Rates that a subscriber asks for, in SUBSCRIBE and in the answer to a NOTIFY.
//
// Shows CE-RAT-02, CE-RAT-03, CE-RAT-04, CE-RAT-10, CE-NOT-12.
func TestRates(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, NotifyInterval: -1})
	var faster atomic.Bool
	r, err := b.subscribeAs("desk", "sip:bob@example.com", "conference;max-rate=0.1", func(*sipua.Request) *sipua.Response {
		if faster.Load() {
			return sipua.NewResponse(200, sipua.Header{Name: "Event", Value: "conference;max-rate=20"})
		}
		return nil
	})
	must(t, err)
	b.await("the first document", func() bool { return strings.Contains(r.last(), ";max-rate=0.1") })
	b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	if n := len(r.users()); n != 0 {
		t.Errorf("%d users within the interval", n)
	}
	faster.Store(true)
	quick, err := b.subscribeAs("desk", "sip:carol@example.com", "conference;max-rate=0.1", func(*sipua.Request) *sipua.Response {
		return sipua.NewResponse(200, sipua.Header{Name: "Event", Value: "conference;max-rate=20"})
	})
	must(t, err)
	b.await("the first document", func() bool { return quick.last() != "" })
	b.dial("desk", conftest.PhoneConfig{Name: "dave"})
	b.await("dave at the new rate", func() bool { return quick.user("dave").Entity != "" && strings.Contains(quick.last(), ";max-rate=20") })
	if n := len(r.users()); n != 0 {
		t.Errorf("%d users within the interval of the slow one", n)
	}
}

// Every rate is spread: all subscribers together get no more than they may.
//
// Shows CE-RAT-14.
func TestNotifyRate(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, NotifyInterval: -1, NotifyRate: 20})
	rosters := make([]*roster, 12)
	for i := range rosters {
		rosters[i] = b.subscribe("desk", time.Hour)
	}
	for _, r := range rosters {
		b.await("the first document", func() bool { return r.last() != "" })
	}
	yes := true
	from := time.Now()
	_, err := b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &yes})
	must(t, err)
	for _, r := range rosters {
		b.await("the lock", func() bool { return *r.doc().ConferenceState.Locked })
	}
	if took := time.Since(from); took < 450*time.Millisecond { // eleven at 20 a second
		t.Errorf("12 NOTIFYs went within %v", took)
	}
}

// Who waits for his turn among many is told what is so then, all of it at once; the end of a conference is spread likewise.
//
// Shows CE-RAT-12, CE-RAT-14, CE-NOT-05.
func TestTurnOfASubscriber(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, NotifyInterval: -1, NotifyRate: 10})
	rosters := make([]*roster, 10)
	for i := range rosters {
		rosters[i] = b.subscribe("desk", time.Hour)
		b.await("the first document", func() bool { return rosters[i].last() != "" })
	}
	told := func(what func(*roster) bool) (count int) {
		for _, r := range rosters {
			if what(r) {
				count++
			}
		}
		return count
	}
	yes, name := true, "Board"
	_, err := b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &yes})
	must(t, err)
	b.await("one to know of the lock", func() bool { return told(func(r *roster) bool { return *r.doc().ConferenceState.Locked }) > 0 })
	_, err = b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Name: &name})
	must(t, err)
	b.await("all to know the name", func() bool {
		return told(func(r *roster) bool { return r.doc().Description.DisplayText == name }) == len(rosters)
	})
	if once := told(func(r *roster) bool { return len(r.all()) == 2 }); once < len(rosters)/2 {
		t.Errorf("%d of %d were told of both by one document", once, len(rosters))
	}
	from := time.Now()
	must(t, b.focus.Delete(t.Context(), "desk"))
	b.await("the end for all", func() bool {
		return told(func(r *roster) bool { return r.last() == "terminated;reason=noresource" }) == len(rosters)
	})
	if took := time.Since(from); took < 700*time.Millisecond { // nine at 10 a second, and what was left of before
		t.Errorf("the last NOTIFYs went within %v", took)
	}
}

// What needs no answer of substance: a filter nobody knows, a dialog of a call, services that do not exist. What we say that can be subscribed to
// can be.
//
// Shows CE-SUB-04, CE-SUB-16, CE-SUB-03, CE-SUB-09, CE-SUB-19, FO-ID-08.
func TestSubscribeForm(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
	client := b.client(t)
	for handling, want := range map[string]int{"": 415, "render;handling=optional": 0} {
		s := sipua.OutgoingSubscription{
			To: sipua.Address{URI: b.parse("desk")}, Event: "conference", Expires: time.Hour, ContentType: "application/simple-filter+xml", Body: []byte("<filter/>"),
		}
		if handling != "" {
			s.Headers = sipua.Headers{{Name: "Content-Disposition", Value: handling}}
		}
		if _, err := client.Subscribe(t.Context(), s); sipua.Status(err) != want {
			t.Errorf("filter with handling %q: %v", handling, err)
		}
	}
	target := make(chan string, 8)
	_, err := client.Subscribe(t.Context(), sipua.OutgoingSubscription{
		To: sipua.Address{URI: b.parse("desk")}, Event: "conference", Expires: time.Hour,
		OnNotify: func(request *sipua.Request) *sipua.Response {
			contact, _ := request.Contact()
			target <- contact.URI.Bare().String()
			return nil
		},
	})
	must(t, err)
	select {
	case got := <-target:
		if got != b.state("desk").URI {
			t.Errorf("Contact of the NOTIFY %s", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no NOTIFY")
	}
	response, err := client.Request(t.Context(), sipua.OutgoingRequest{Method: "OPTIONS", URI: b.parse("desk")})
	must(t, err)
	if got := response.Headers.Get("Allow-Events"); got != "conference" {
		t.Errorf("Allow-Events of OPTIONS: %q", got)
	}
	listed := response.Headers.List("Allow-Events")
	for _, event := range listed {
		if _, err = b.subscribeAs("desk", "sip:bob@example.com", event, nil); err != nil {
			t.Errorf("%s is listed and gives %v", event, err)
		}
	}
	if _, err = b.subscribeAs("desk", "sip:bob@example.com", "refer", nil); sipua.Status(err) != 489 || slices.Contains(listed, "refer") {
		t.Errorf("refer is listed in %v and gives %v", listed, err)
	}
	p := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	if _, err := p.Dialog().Request(t.Context(), "SUBSCRIBE", sipua.Body{Headers: sipua.Headers{{Name: "Event", Value: "conference"}, {Name: "Expires", Value: "600"}}}); sipua.Status(err) != 403 {
		t.Errorf("SUBSCRIBE in the dialog of a call: %v", err)
	}
}

// A service without a registered purpose is no configuration.
func TestServicesAreChecked(t *testing.T) {
	b := newBench(t, focus.Config{})
	for _, services := range [][]focus.Service{
		{{URI: "https://example.com", Purpose: "fun"}},
		{{URI: "", Purpose: "event"}},
		{{URI: "a:b", Purpose: "event"}, {URI: "a:b", Purpose: "web-page"}},
	} {
		if _, err := b.focus.Create(t.Context(), focus.ConferenceConfig{About: focus.About{Services: services}}); !errors.Is(err, focus.ErrInvalid) {
			t.Errorf("%+v: %v", services, err)
		}
	}
}
