package focus_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// aside are the names in the only sidebar of a merged document, and the name of that; none: nil.
func (r *roster) aside() (name string, members []string) {
	all := r.doc().SidebarsByVal
	if all == nil || len(all.Entries) != 1 || all.Entries[0].Users == nil {
		return "", nil
	}
	for _, u := range all.Entries[0].Users.Users {
		members = append(members, u.DisplayText)
	}
	if d := all.Entries[0].Description; d != nil {
		name = d.DisplayText
	}
	return name, members
}

// subscribeTo follows what has a URI, under the identity of somebody.
func (b *bench) subscribeTo(uri, entity string) (*roster, error) {
	b.t.Helper()
	r := &roster{}
	to, err := sipua.ParseURI(uri)
	must(b.t, err)
	from, err := sipua.ParseURI(entity)
	must(b.t, err)
	_, err = b.client(b.t).Subscribe(b.t.Context(), sipua.OutgoingSubscription{
		To: sipua.Address{URI: to}, From: sipua.Address{URI: from}, Event: "conference", Accept: []string{confevent.ContentType},
		Expires: time.Hour, OnNotify: r.notify,
	})
	return r, err
}

// Of a private sidebar only those hear who are in it, as it comes, changes and goes; not even who moderates sees it, nor that its members do not speak
// to the conference. One that is not private is there for all.
//
// Shows CE-SID-02, CE-SID-05, CE-SID-06, CE-WHN-04, CE-AUT-09.
func TestPrivateSidebar(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, NotifyInterval: -1})
	ids, views := map[string]conference.ParticipantID{}, map[string]*roster{}
	for _, name := range []string{"alice", "bob", "carol"} {
		b.dial("room", conftest.PhoneConfig{Name: name})
		ids[name] = b.find("room", name).ID
	}
	b.moderate("room", "carol")
	for name := range ids {
		var err error
		views[name], err = b.subscribeAs("room", b.find("room", name).Entity, "conference", nil)
		must(t, err)
		b.await("the first document", func() bool { return len(views[name].users()) == 3 })
	}
	made, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{
		Name: "Whispers", Participants: []conference.ParticipantID{ids["alice"], ids["bob"]}, HearMain: true, Private: true,
	})
	must(t, err)
	main := func(viewer, of string) confevent.MediaStatus {
		if m := views[viewer].endpoint(of).Media; len(m) == 1 {
			return m[0].Status
		}
		return confevent.MediaNone
	}
	for _, name := range []string{"alice", "bob"} {
		b.await(name+" to see where both are", func() bool {
			text, members := views[name].aside()
			return text == "Whispers" && len(members) == 2 && main(name, "bob") == confevent.RecvOnly
		})
	}
	inside := views["alice"].doc().SidebarsByVal.Entries[0]
	if m := inside.Users.Users[0].Endpoints[0].Media; len(m) != 1 || m[0].Status != confevent.SendRecv || m[0].Label != inside.Description.AvailableMedia[0].Label {
		t.Errorf("in the sidebar their media are %+v", m)
	}
	_, err = b.focus.ChangeSidebar(t.Context(), "room", made.ID, focus.SidebarChange{Participants: []conference.ParticipantID{ids["alice"]}})
	must(t, err)
	b.await("alice to hear that bob has left it", func() bool { _, members := views["alice"].aside(); return len(members) == 1 })
	b.await("bob not to see it any more", func() bool {
		_, members := views["bob"].aside()
		return members == nil && main("bob", "bob") == confevent.SendRecv && main("bob", "alice") == confevent.SendRecv
	})
	locked := true // what comes after all that, so that carol has heard what there was
	_, err = b.focus.Update(t.Context(), "room", focus.ConferenceChange{Locked: &locked})
	must(t, err)
	b.await("the lock", func() bool { return *views["carol"].doc().ConferenceState.Locked })
	if text := views["carol"].texts(); strings.Contains(text, "sidebar") || strings.Contains(text, "Whispers") || strings.Contains(text, "recvonly") {
		t.Errorf("carol, who moderates, sees\n%s", text)
	}
	no := false
	_, err = b.focus.ChangeSidebar(t.Context(), "room", made.ID, focus.SidebarChange{Private: &no})
	must(t, err)
	b.await("carol to see what is not private", func() bool {
		_, members := views["carol"].aside()
		return len(members) == 1 && members[0] == "alice" && main("carol", "alice") == confevent.RecvOnly
	})
	for _, r := range views {
		lint(t, "conference-info-strict.xsd", r.all())
	}
}

// A sidebar has a URI of its own, whose documents are its own: numbered from 1, full, then partial, until it is closed. Nobody gets into it, or into
// the conference, by calling it.
//
// Shows CE-SID-03, CE-SID-07, CE-DOC-03, CE-DOC-14, CE-DOC-17, CE-SUB-26.
func TestSidebarURI(t *testing.T) {
	b := newBench(t, focus.Config{NotifyInterval: -1, Conferences: []focus.ConferenceConfig{{ID: "desk", Roster: focus.RosterPolicy{Sidebars: focus.SidebarsByReference}}}})
	ids := make([]conference.ParticipantID, 0, 3)
	for _, name := range []string{"alice", "bob", "carol"} {
		b.dial("desk", conftest.PhoneConfig{Name: name})
		ids = append(ids, b.find("desk", name).ID)
	}
	entity, other := b.find("desk", "alice").Entity, b.find("desk", "carol").Entity
	whole := b.subscribe("desk", time.Hour)
	listed := func() []confevent.URI {
		if d := whole.doc(); d.SidebarsByRef != nil {
			return d.SidebarsByRef.Entries
		}
		return nil
	}
	var made [2]focus.SidebarInfo
	for i := range made {
		var err error
		made[i], err = b.focus.OpenSidebar(t.Context(), "desk", focus.SidebarRequest{Name: "Aside", Participants: ids[i : i+1]})
		must(t, err)
	}
	b.await("both to be listed", func() bool { return len(listed()) == 2 })
	if whole.doc().SidebarsByVal != nil {
		t.Error("they are there by value, too")
	}
	uri := listed()[0].URI
	r, err := b.subscribeTo(uri, other)
	must(t, err)
	b.await("the first document of the sidebar", func() bool { return len(r.users()) == 1 })
	if d := r.doc(); d.Entity != uri || d.Version != 1 || d.Description.DisplayText != "Aside" || *d.ConferenceState.UserCount != 1 || !*d.ConferenceState.Locked {
		t.Errorf("%+v", d)
	}
	_, err = b.focus.ChangeSidebar(t.Context(), "desk", made[0].ID, focus.SidebarChange{Participants: []conference.ParticipantID{ids[0], ids[2]}})
	must(t, err)
	b.await("carol in it", func() bool { return r.user("carol").Entity == other && r.doc().Version == 2 })
	if err = b.phone(conftest.PhoneConfig{Name: "dave"}).Call(t.Context(), uri); sipua.Status(err) != 403 {
		t.Errorf("who calls it gets %v", err)
	}
	to, err := sipua.ParseURI(uri)
	must(t, err)
	if _, failed := b.client(t).Request(t.Context(), sipua.OutgoingRequest{Method: "OPTIONS", URI: to}); sipua.Status(failed) != 403 {
		t.Errorf("who asks gets %v", failed)
	}
	b.closesSidebar(t.Context(), made[0].ID, r, func() bool { return len(listed()) == 1 })
	if _, err = b.subscribeTo(uri, entity); sipua.Status(err) != 404 {
		t.Errorf("of what is closed: %v", err)
	}
	b.privately(made[1].ID, ids[0], listed()[0].URI, entity, other)
	b.await("none to be listed", func() bool { return len(listed()) == 0 })
	for _, all := range [][][]byte{r.all(), whole.all()} {
		lint(t, "conference-info-strict.xsd", all)
	}
}

// closesSidebar closes one that somebody follows.
func (b *bench) closesSidebar(ctx context.Context, id conference.SidebarID, r *roster, gone func() bool) {
	b.t.Helper()
	must(b.t, b.focus.CloseSidebar(ctx, "desk", id))
	b.await("the end of its subscription", func() bool { return r.last() == "terminated;reason=noresource" })
	b.await("it to be listed no more", gone)
	if got := r.states; len(got) < 2 || got[0] != confevent.Full || got[1] != confevent.Partial || r.err != nil {
		b.t.Errorf("its documents were %v, %v", got, r.err)
	}
}

// privately makes a sidebar private in which somebody is alone then: he can follow it until he leaves, others find nothing.
func (b *bench) privately(id conference.SidebarID, member conference.ParticipantID, uri, entity, other string) {
	b.t.Helper()
	watched, err := b.subscribeTo(uri, other)
	must(b.t, err)
	b.await("a document for everybody", func() bool { return len(watched.users()) == 1 })
	yes := true
	_, err = b.focus.ChangeSidebar(b.t.Context(), "desk", id, focus.SidebarChange{Private: &yes, Participants: []conference.ParticipantID{member}})
	must(b.t, err)
	b.await("the end for the others", func() bool { return watched.last() == "terminated;reason=rejected" })
	if _, err = b.subscribeTo(uri, other); sipua.Status(err) != 404 {
		b.t.Errorf("somebody else: %v", err)
	}
	inside, err := b.subscribeTo(uri, entity)
	must(b.t, err)
	b.await("a document for who is in it", func() bool { return len(inside.users()) == 1 })
	must(b.t, b.focus.CloseSidebar(b.t.Context(), "desk", id))
	b.await("the end", func() bool { return inside.last() == "terminated;reason=noresource" })
}
