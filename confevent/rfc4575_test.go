package confevent

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func example(t *testing.T, name string) Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(schemaDir, "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}

	return d
}

// RFC 4575, section 7.1.
func TestRFC4575BasicExample(t *testing.T) {
	when := time.Date(2005, 3, 4, 20, 0, 0, 0, time.UTC)
	media := func(src string) []Media {
		return []Media{{ID: "1", DisplayText: "main audio", Type: "audio", Label: "34567", SrcID: src, Status: SendRecv}}
	}
	want := Document{
		Entity: "sips:conf233@example.com", Version: 1,
		Description: &Description{
			Subject:     "Agenda: This month's goals",
			ServiceURIs: []URI{{URI: "http://sharepoint/salesgroup/", Purpose: PurposeWebPage}},
		},
		ConferenceState: &ConferenceState{UserCount: new(uint32(33))},
		Users: &Users{Users: []User{
			{Entity: "sip:bob@example.com", DisplayText: "Bob Hoskins", Endpoints: []Endpoint{{
				Entity: "sip:bob@pc33.example.com", DisplayText: "Bob's Laptop", Status: StatusDisconnected,
				DisconnectionMethod: Departed,
				DisconnectionInfo:   &Execution{When: when, Reason: "bad voice quality", By: "sip:mike@example.com"},
				Media:               media("432424"),
			}}},
			{Entity: "sip:alice@example.com", DisplayText: "Alice", Endpoints: []Endpoint{{
				Entity: "sip:4kfk4j392jsu@example.com;grid=433kj4j3u", Status: StatusConnected, JoiningMethod: DialedOut,
				JoiningInfo: &Execution{When: when, By: "sip:mike@example.com"}, Media: media("534232"),
			}}},
		}},
	}
	if got := example(t, "rfc4575-s7.1-basic-full.xml"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%#v\nwant\n%#v", got, want)
	}
}

// RFC 4575, section 7.2. The example forgets the state of its roster, so that a
// reader by section 4.6 takes the one user listed for all there are (CE-DOC-21).
func TestRFC4575RichExample(t *testing.T) {
	rich := example(t, "rfc4575-s7.2-rich-partial.xml")
	bob := rich.Users.Users[0]
	e := bob.Endpoints[0]
	if bob.AssociatedAORs[0].URI != "mailto:bob@example.com" || bob.Roles[0] != "participant" || bob.Languages[0] != "en" ||
		e.Referred.Reason != "expert required" || e.Status != StatusDisconnecting || e.DisconnectionMethod != Booted ||
		*e.CallInfo != (CallInfo{DisplayText: "full info", CallID: "hsjh8980vhsb78", FromTag: "vav738dvbs", ToTag: "8954jgjg8432"}) {
		t.Errorf("%#v", bob)
	}
	if rich.SidebarsByRef.State != Partial || len(rich.SidebarsByRef.Entries) != 2 || len(rich.SidebarsByVal.Entries[0].Users.Users) != 3 ||
		len(rich.Description.Keywords) != 3 || rich.Description.MaximumUserCount != 100 || len(rich.Host.URIs) != 1 {
		t.Errorf("%#v", rich)
	}
	local := example(t, "rfc4575-s7.1-basic-full.xml")
	local.Version = 4
	merged, err := Merge(local, rich)
	if err != nil {
		t.Fatal(err)
	}
	if len(merged.Users.Users) != 1 || merged.Description.DisplayText != "Weekly Sales Meeting" || merged.SidebarsByRef.State != Full {
		t.Errorf("%#v", merged)
	}
}

// RFC 4575, section 4.6, over the documents of a whole conference (CE-SBR-03, CE-SBR-04, CE-SBR-05, CE-SBR-06).
func TestRFC4575CoherentState(t *testing.T) {
	d, err := Merge(Document{}, example(t, "made/confinfo-full.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Merge(d, example(t, "made/confinfo-mute-partial.xml")); !errors.Is(err, ErrRefreshNeeded) {
		t.Errorf("a gap gives %v", err)
	}
	if _, err = Merge(Document{}, example(t, "made/confinfo-mute-partial.xml")); !errors.Is(err, ErrRefreshNeeded) {
		t.Errorf("a partial document first gives %v", err)
	}
	for _, step := range []struct {
		name  string
		users int
	}{
		{"join-partial", 3}, {"mute-partial", 3}, {"leave-partial", 2}, {"anonymous-partial", 3}, {"sidebar-partial", 3},
	} {
		update := example(t, "made/confinfo-"+step.name+".xml")
		if d, err = Merge(d, update); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if len(d.Users.Users) != step.users {
			t.Errorf("%s: %d users", step.name, len(d.Users.Users))
		}
		if _, err = Merge(d, update); !errors.Is(err, ErrStale) {
			t.Errorf("%s again: %v", step.name, err)
		}
	}
	carol := d.Users.Users[1].Endpoints[0]
	if carol.Status != StatusMutedViaFocus || carol.JoiningMethod != DialedIn || carol.Media[0].Status != RecvOnly || carol.State != Full {
		t.Errorf("muted: %#v", carol)
	}
	if len(d.SidebarsByVal.Entries) != 1 {
		t.Errorf("sidebars: %#v", d.SidebarsByVal)
	}
	if d, err = Merge(d, example(t, "made/confinfo-deleted.xml")); err != nil || d.State != Deleted || d.Users != nil {
		t.Errorf("deleted: %#v %v", d, err)
	}
	other := example(t, "made/confinfo-join-partial.xml")
	other.Entity = "sip:other@example.com"
	if _, err = Merge(example(t, "made/confinfo-full.xml"), other); !errors.Is(err, ErrOtherConference) {
		t.Errorf("another conference gives %v", err)
	}
}

// CE-DOC-12, CE-DOC-14 (RFC 4575, section 4.4): what cannot be deleted by itself.
func TestDiffOfRemovals(t *testing.T) {
	base := func() Document {
		return Document{
			Entity: "sip:c@x", Version: 1, Description: &Description{Subject: "s", FreeText: "f"},
			SidebarsByRef: &URIs{Entries: []URI{{URI: "sip:1@x"}, {URI: "sip:2@x"}}},
			Users: &Users{Users: []User{{Entity: "sip:a@x", DisplayText: "A", Endpoints: []Endpoint{
				{Entity: "e", Media: []Media{{ID: "1"}, {ID: "2"}}},
				{Entity: "f"},
			}}}},
		}
	}
	for name, c := range map[string]struct {
		change func(*Document)
		check  func(Document) bool
	}{
		"medium": {
			func(d *Document) { d.Users.Users[0].Endpoints[0].Media = []Media{{ID: "2"}} },
			func(d Document) bool {
				u := d.Users.Users[0]

				return u.State == Partial && len(u.Endpoints) == 1 && u.Endpoints[0].State == Full && len(u.Endpoints[0].Media) == 1
			},
		},
		"name": {
			func(d *Document) { d.Users.Users[0].DisplayText = "" },
			func(d Document) bool { return d.Users.State == Partial && d.Users.Users[0].State == Full },
		},
		"endpoint": {
			func(d *Document) { d.Users.Users[0].Endpoints = d.Users.Users[0].Endpoints[:1] },
			func(d Document) bool {
				return d.Users.Users[0].Endpoints[0].State == Deleted && d.Users.Users[0].Endpoints[0].Entity == "f"
			},
		},
		"user": {
			func(d *Document) { d.Users = &Users{} },
			func(d Document) bool { return d.Users.State == Partial && d.Users.Users[0].State == Deleted },
		},
		"sidebar by reference": {
			func(d *Document) { d.SidebarsByRef.Entries = d.SidebarsByRef.Entries[:1] },
			func(d Document) bool { return d.State == Partial && d.SidebarsByRef.State == Full },
		},
		"last sidebar by reference": {
			func(d *Document) { d.SidebarsByRef = nil },
			func(d Document) bool { return d.State == Full },
		},
		"part of an atomic element": {
			func(d *Document) { d.Description.FreeText = "" },
			func(d Document) bool { return d.State == Partial && d.Description.Subject == "s" && d.Users == nil },
		},
		"atomic element": {
			func(d *Document) { d.Description = nil },
			func(d Document) bool { return d.State == Full },
		},
		"another conference": {
			func(d *Document) { d.Entity = "sip:d@x" },
			func(d Document) bool { return d.State == Full },
		},
	} {
		next := base()
		next.Version = 2
		c.change(&next)
		if d := Diff(base(), next); !c.check(d) {
			t.Errorf("%s: %s", name, d.Marshal())
		}
	}
}
