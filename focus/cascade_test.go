package focus_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// Two conferences in a cascade list who is in the other one, each once and none as an echo, for as long as they are linked.
//
// Shows CE-ELM-17, CE-ELM-18, CE-SBR-01, FO-CAS-01.
func TestCascadeRoster(t *testing.T) {
	policy := focus.RosterPolicy{Cascades: focus.CascadesAll}
	b := newBench(t, focus.Config{
		NotifyInterval: -1, DialTimeout: 20 * time.Second, Conferences: []focus.ConferenceConfig{{ID: "one", Roster: policy}, {ID: "two", Roster: policy}},
	})
	b.dial("one", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("two", conftest.PhoneConfig{Name: "bob"})
	rosters := map[string]*roster{"one": b.subscribe("one", time.Hour), "two": b.subscribe("two", time.Hour)}
	id, err := b.focus.Dial(t.Context(), "one", b.uri("two"))
	must(t, err)
	afar := func(conf, name, other string) bool {
		u := rosters[conf].user(name)
		return len(u.Endpoints) == 1 && u.Endpoints[0].Status == confevent.StatusConnected && strings.HasPrefix(u.CascadedFocus, "sip:"+other+"@")
	}
	b.await("bob in the roster of one", func() bool { return afar("one", "bob", "two") })
	b.await("alice in the roster of two", func() bool { return afar("two", "alice", "one") })
	if e := rosters["one"].endpoint("bob"); e.CallInfo != nil || len(e.Media) != 0 {
		t.Errorf("of his call and media it says %+v", e)
	}
	b.dial("two", conftest.PhoneConfig{Name: "carol"})
	b.await("carol in the roster of one", func() bool { return afar("one", "carol", "two") })
	bob.leave("two")
	b.await("bob to be gone from one", func() bool { return rosters["one"].user("bob").Entity == "" })
	for conf, want := range map[string]int{"one": 3, "two": 3} { // alice, carol, and the other focus
		b.await("a roster of three in "+conf, func() bool { return len(rosters[conf].doc().Users.Users) == want })
	}
	must(t, b.focus.Eject(t.Context(), "one", id, ""))
	b.await("both to be alone again", func() bool {
		return len(rosters["one"].doc().Users.Users) == 1 && len(rosters["two"].doc().Users.Users) == 1
	})
	for _, r := range rosters {
		lint(t, "conference-info-strict.xsd", r.all())
		if r.err != nil {
			t.Error(r.err)
		}
	}
}

// otherFocus is one that is played: calls to it are answered with isfocus, and its documents are what a test says.
type otherFocus struct {
	ignore

	raw       *raw
	agent     *sipua.Agent
	events    chan *sipua.IncomingSubscription
	dialogs   chan *sipua.NotifierDialog
	refreshed chan time.Duration
	over      chan sipua.EndReason
	refuse    func(*sipua.IncomingSubscription) bool // whether it has been dealt with; nil: it is taken
	grants    time.Duration
}

// otherFocus begins one, which is called but does not call.
func (b *bench) otherFocus() *otherFocus {
	b.t.Helper()
	other := &otherFocus{
		raw: b.raw(), events: make(chan *sipua.IncomingSubscription, 64), dialogs: make(chan *sipua.NotifierDialog, 64),
		refreshed: make(chan time.Duration, 64), over: make(chan sipua.EndReason, 64), grants: time.Hour,
	}
	agent, err := sipua.New(sipua.Config{Network: b.network()}, other)
	must(b.t, err)
	other.agent = agent
	must(b.t, agent.Start(b.t.Context()))
	b.peers = append(b.peers, func(ctx context.Context) { _ = agent.Shutdown(ctx) })
	return other
}

// tell sends a document of its conference, as far as there is a list.
func (o *otherFocus) tell(d *sipua.NotifierDialog, version uint32, state confevent.State, names ...string) error {
	doc := confevent.Document{Entity: o.contact(), State: state, Version: version, Description: &confevent.Description{}, Users: &confevent.Users{State: state}}
	for _, name := range names {
		doc.Users.Users = append(doc.Users.Users, confevent.User{Entity: "sip:" + name + "@example.com", DisplayText: name})
	}
	if state == confevent.Deleted {
		doc.Description, doc.Users = nil, nil
	}
	return d.Notify(o.raw.b.t.Context(), "active", confevent.ContentType, doc.Marshal())
}

func (o *otherFocus) contact() string { return o.agent.Contact("other").String() }

func (o *otherFocus) Invite(c *sipua.IncomingCall) {
	o.raw.answer(c, sipua.Header{Name: "Contact", Value: "<" + o.contact() + ">;isfocus"})
}

func (o *otherFocus) Subscribe(s *sipua.IncomingSubscription) {
	o.events <- s
	if o.refuse != nil && o.refuse(s) {
		return
	}
	dialog, err := s.Accept(o.grants, sipua.Address{}, otherEvents{o})
	if err == nil {
		o.dialogs <- dialog
	}
}

// otherEvents is a subscription to it.
type otherEvents struct{ *otherFocus }

func (o otherEvents) Refresh(_ *sipua.Request, wanted time.Duration) (time.Duration, *sipua.Response) {
	return min(wanted, o.grants), nil
}
func (o otherEvents) Refreshed(granted time.Duration) { o.refreshed <- granted }
func (o otherEvents) Ended(reason sipua.EndReason)    { o.over <- reason }

// receive waits for something of a channel.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// What another focus says is merged by the rules, and given up with its participant; one that only calls us is not asked where the policy is to ask
// those whom we call.
//
// Shows CE-SBR-01, CE-SBR-02, CE-SBR-03, CE-SBR-04, CE-SBR-05, CE-SBR-06.
func TestCascadeIsFollowed(t *testing.T) {
	b := newBench(t, focus.Config{NotifyInterval: -1, Conferences: []focus.ConferenceConfig{{ID: "desk", Roster: focus.RosterPolicy{Cascades: focus.CascadesCalled}}}})
	other := b.otherFocus()
	agent := other.agent
	r := b.subscribe("desk", time.Hour)
	_, err := b.focus.Dial(t.Context(), "desk", "sip:other@"+agent.Addr("udp").String())
	must(t, err)
	first := receive(t, other.events, "SUBSCRIBE").Request()
	if call := b.find("desk", "other").Session.CallID; first.CallID == call || first.Event() != "conference" || first.From.URI.Bare().String() != b.state("desk").URI {
		t.Errorf("SUBSCRIBE of %s with Call-ID %s, the call has %s", first.From.URI, first.CallID, call)
	}
	dialog := receive(t, other.dialogs, "a dialog")
	tell := func(version uint32, state confevent.State, names ...string) {
		t.Helper()
		must(t, other.tell(dialog, version, state, names...))
	}
	has := func(names ...string) func() bool {
		return func() bool {
			return len(r.users()) == len(names)+1 && !slices.ContainsFunc(names, func(name string) bool { return r.user(name).Entity == "" })
		}
	}
	tell(1, confevent.Full, "ann")
	b.await("the first document", has("ann"))
	tell(2, confevent.Partial, "ben")
	b.await("the second", has("ann", "ben"))
	tell(2, confevent.Full, "nobody") // is stale
	tell(4, confevent.Partial, "eve") // one is missing
	if granted := receive(t, other.refreshed, "a refresh"); granted == 0 {
		t.Error("it has left")
	}
	tell(5, confevent.Full, "ann", "cat")
	b.await("what is there now", has("ann", "cat"))
	if r.user("ben").Entity != "" || strings.Contains(r.texts(), "nobody") || strings.Contains(r.texts(), "eve") {
		t.Errorf("the roster has been\n%s", r.texts())
	}
	tell(6, confevent.Deleted)
	b.await("nobody afar", has())
	if granted := receive(t, other.refreshed, "the end"); granted != 0 {
		t.Errorf("it subscribes for another %v", granted)
	}
	must(t, dialog.Notify(t.Context(), "terminated;reason=timeout", "", nil))
	caller := b.raw()
	_, _, err = caller.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("desk")}, From: sipua.Address{URI: caller.agent.Contact("caller")},
		Contact:     sipua.Address{URI: agent.Contact("third")}.With("isfocus", ""),
		ContentType: "application/sdp", Body: caller.describe(codecs.PCMU),
	}, caller)
	must(t, err)
	b.await("the focus that calls us", func() bool { p := b.find("desk", "caller"); return p.Status == conference.Connected && p.Session.Focus })
	locked := true // one more version
	_, err = b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &locked})
	must(t, err)
	if len(other.events) != 0 {
		t.Error("it is asked, too")
	}
}
