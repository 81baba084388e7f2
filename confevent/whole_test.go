package confevent

import (
	"reflect"
	"testing"
	"time"
)

// execution is one with all that it can have.
func execution(by string) *Execution {
	return &Execution{When: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), Reason: "because of " + by, By: "sip:" + by + "@example.com"}
}

// everything is a document with all that a document can have.
func everything() Document {
	list := func(name string) []URI {
		return []URI{
			{URI: "sip:" + name + "@example.com", DisplayText: name, Purpose: PurposeStreaming, Modified: execution(name)},
			{URI: "tel:+1-" + name},
		}
	}
	return Document{
		Entity: "sip:conf@example.com", State: Full, Version: 7,
		Description: &Description{
			DisplayText: "d", Subject: "s", FreeText: "f", Keywords: []string{"k", "l"}, ConfURIs: list("c"), ServiceURIs: list("s"), MaximumUserCount: 9,
			AvailableMedia: []Medium{{Label: "1", DisplayText: "one", Type: "audio", Status: SendRecv}, {Label: "2", DisplayText: "two", Type: "text", Status: RecvOnly}},
		},
		Host:            &Host{DisplayText: "h", WebPage: "http://example.com/", URIs: list("h")},
		ConferenceState: &ConferenceState{UserCount: new(uint32(2)), Active: new(true), Locked: new(false)},
		Users: &Users{State: Full, Users: []User{
			{
				Entity: "sip:a@example.com", State: Full, DisplayText: "A", AssociatedAORs: list("aor"), Roles: []string{"host", "x"}, Languages: []string{"en", "it"},
				CascadedFocus: "sip:f@example.com", Endpoints: []Endpoint{
					{
						Entity: "sip:a@192.0.2.1", State: Full, DisplayText: "e", Referred: execution("r"), Status: StatusDisconnected, JoiningMethod: DialedOut,
						JoiningInfo: execution("j"), DisconnectionMethod: Booted, DisconnectionInfo: execution("d"),
						Media: []Media{
							{ID: "1", DisplayText: "m", Type: "audio", Label: "1", SrcID: "432424", Status: RecvOnly},
							{ID: "2", DisplayText: "n", Type: "text", Label: "2", SrcID: "432425", Status: SendRecv},
						},
						CallInfo: &CallInfo{DisplayText: "i", CallID: "c", FromTag: "f", ToTag: "t"},
					},
					{Entity: "sip:a@192.0.2.2", State: Full, Status: StatusConnected},
				},
			},
			{Entity: "sip:b@example.com", State: Full, Endpoints: []Endpoint{{Entity: "sip:b@192.0.2.3", State: Full, Status: StatusOnHold}}},
		}},
		SidebarsByRef: &URIs{State: Full, Entries: list("ref")},
		SidebarsByVal: &Sidebars{State: Full, Entries: []Document{
			{
				Entity: "sip:side@example.com", State: Full, Description: &Description{Subject: "aside"}, Host: &Host{DisplayText: "h"},
				ConferenceState: &ConferenceState{UserCount: new(uint32(1))}, Users: &Users{State: Full, Users: []User{{Entity: "sip:a@example.com", State: Full, DisplayText: "A"}}},
				SidebarsByRef: &URIs{State: Full, Entries: list("deeper")},
			},
			{Entity: "sip:side2@example.com", State: Full, Description: &Description{}, Users: &Users{State: Full}},
		}},
	}
}

// A document that is well formed is written as it is, and read as it was written: nothing of it gets lost.
func TestEverythingIsKept(t *testing.T) {
	d := everything()
	if got := d.Normalize(); !reflect.DeepEqual(got, d) {
		t.Errorf("normalised: %s, want %s", got.Marshal(), d.Marshal())
	}
	got, err := Unmarshal(d.Marshal())
	if err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%v: %+v, want %+v", err, got, d)
	}
	merged, err := Merge(Document{}, got)
	if err != nil || !reflect.DeepEqual(merged, d) {
		t.Errorf("%v: %+v, want %+v", err, merged, d)
	}
}

// Whatever changes, or goes away, is told, and whoever follows has the same as who asks for everything (RFC 4575, section 4.6). One change is told without
// the rest of the conference.
func TestEveryChangeIsTold(t *testing.T) {
	endpoint := func(d *Document) *Endpoint { return &d.Users.Users[0].Endpoints[0] }
	side := func(d *Document) *Document { return &d.SidebarsByVal.Entries[0] }
	for name, change := range map[string]func(*Document){
		"subject":            func(d *Document) { d.Description.Subject = "other" },
		"maximum":            func(d *Document) { d.Description.MaximumUserCount = 0 },
		"keyword":            func(d *Document) { d.Description.Keywords[1] = "other" },
		"conference URI":     func(d *Document) { d.Description.ConfURIs[0].Purpose = PurposeEvent },
		"service URI":        func(d *Document) { d.Description.ServiceURIs[0].Modified.By = "sip:other@example.com" },
		"available media":    func(d *Document) { d.Description.AvailableMedia[0].Status = Inactive },
		"host":               func(d *Document) { d.Host.WebPage = "http://example.org/" },
		"URI of the host":    func(d *Document) { d.Host.URIs[0].DisplayText = "other" },
		"user count":         func(d *Document) { *d.ConferenceState.UserCount = 3 },
		"active":             func(d *Document) { *d.ConferenceState.Active = false },
		"locked":             func(d *Document) { *d.ConferenceState.Locked = true },
		"lock is not told":   func(d *Document) { d.ConferenceState.Locked = nil },
		"name":               func(d *Document) { d.Users.Users[0].DisplayText = "other" },
		"no name":            func(d *Document) { d.Users.Users[0].DisplayText = "" },
		"address":            func(d *Document) { d.Users.Users[0].AssociatedAORs[1].DisplayText = "other" },
		"no addresses":       func(d *Document) { d.Users.Users[0].AssociatedAORs = nil },
		"role":               func(d *Document) { d.Users.Users[0].Roles = []string{"other"} },
		"no roles":           func(d *Document) { d.Users.Users[0].Roles = nil },
		"language":           func(d *Document) { d.Users.Users[0].Languages = []string{"de"} },
		"no languages":       func(d *Document) { d.Users.Users[0].Languages = nil },
		"focus":              func(d *Document) { d.Users.Users[0].CascadedFocus = "sip:other@example.com" },
		"no focus":           func(d *Document) { d.Users.Users[0].CascadedFocus = "" },
		"text":               func(d *Document) { endpoint(d).DisplayText = "other" },
		"no text":            func(d *Document) { endpoint(d).DisplayText = "" },
		"referred":           func(d *Document) { endpoint(d).Referred.Reason = "other" },
		"not referred":       func(d *Document) { endpoint(d).Referred = nil },
		"status":             func(d *Document) { endpoint(d).Status = StatusConnected },
		"no status":          func(d *Document) { endpoint(d).Status = 0 },
		"joining method":     func(d *Document) { endpoint(d).JoiningMethod = DialedIn },
		"no joining method":  func(d *Document) { endpoint(d).JoiningMethod = 0 },
		"joining info":       func(d *Document) { endpoint(d).JoiningInfo.When = time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC) },
		"no joining info":    func(d *Document) { endpoint(d).JoiningInfo = nil },
		"disconnection":      func(d *Document) { endpoint(d).DisconnectionMethod = Departed },
		"no disconnection":   func(d *Document) { endpoint(d).DisconnectionMethod = 0 },
		"disconnection info": func(d *Document) { endpoint(d).DisconnectionInfo.By = "sip:other@example.com" },
		"no more of that":    func(d *Document) { endpoint(d).DisconnectionInfo = nil },
		"call info":          func(d *Document) { endpoint(d).CallInfo.ToTag = "other" },
		"no call info":       func(d *Document) { endpoint(d).CallInfo = nil },
		"medium":             func(d *Document) { endpoint(d).Media[0].Status = SendRecv },
		"one medium less":    func(d *Document) { endpoint(d).Media = endpoint(d).Media[:1] },
		"one medium more":    func(d *Document) { endpoint(d).Media = append(endpoint(d).Media, Media{ID: "3", Type: "audio"}) },
		"endpoint":           func(d *Document) { d.Users.Users[0].Endpoints = d.Users.Users[0].Endpoints[:1] },
		"user":               func(d *Document) { d.Users.Users = d.Users.Users[:1] },
		"another user": func(d *Document) {
			d.Users.Users = append(d.Users.Users, User{Entity: "sip:c@example.com", State: Full})
		},
		"reference": func(d *Document) { d.SidebarsByRef.Entries[0].DisplayText = "other" },
		"another reference": func(d *Document) {
			d.SidebarsByRef.Entries = append(d.SidebarsByRef.Entries, URI{URI: "sip:z@example.com"})
		},
		"sidebar":      func(d *Document) { d.SidebarsByVal.Entries = d.SidebarsByVal.Entries[:1] },
		"its subject":  func(d *Document) { side(d).Description.Subject = "other" },
		"its host":     func(d *Document) { side(d).Host.DisplayText = "other" },
		"its count":    func(d *Document) { *side(d).ConferenceState.UserCount = 5 },
		"its user":     func(d *Document) { side(d).Users.Users[0].DisplayText = "other" },
		"its sidebars": func(d *Document) { side(d).SidebarsByRef.Entries[0].DisplayText = "other" },
		"another sidebar": func(d *Document) {
			d.SidebarsByVal.Entries = append(d.SidebarsByVal.Entries, Document{Entity: "sip:side3@example.com", State: Full, Description: &Description{}, Users: &Users{State: Full}})
		},
		"no sidebar of value": func(d *Document) { d.SidebarsByVal.Entries = nil },
	} {
		old, next := everything(), everything()
		next.Version++
		change(&next)
		d := Diff(old, next)
		if d.State != Partial || d.Empty() || 2*len(d.Marshal()) > len(next.Marshal()) {
			t.Errorf("%s is told by %s", name, d.Marshal())
		}
		read, err := Unmarshal(d.Marshal())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := Merge(old, read)
		if err != nil || !got.Equal(next.Normalize()) {
			t.Errorf("%s: %v, %s after %s", name, err, got.Marshal(), d.Marshal())
		}
		if old.Equal(next) || !old.Equal(everything()) {
			t.Errorf("%s: equal", name)
		}
	}
}

// What has no key, or the key of another, cannot be told apart by who follows, and is not told; nor is what no schema has.
func TestRowsWithoutKeys(t *testing.T) {
	want := everything()
	d := everything()
	d.State, d.Users.State = 200, 200
	d.Description.AvailableMedia = append(d.Description.AvailableMedia, d.Description.AvailableMedia[0])
	d.Description.ConfURIs = append(d.Description.ConfURIs, d.Description.ConfURIs[0], URI{DisplayText: "none"})
	a := &d.Users.Users[0]
	a.Endpoints = append(a.Endpoints, Endpoint{Status: StatusConnected}, Endpoint{Entity: "sip:gone@192.0.2.9", State: Deleted}, a.Endpoints[0])
	a.Endpoints[0].State = 200
	a.Endpoints[0].Media = append(a.Endpoints[0].Media, Media{Type: "audio"}, a.Endpoints[0].Media[0])
	d.Users.Users = append(d.Users.Users, User{DisplayText: "nobody"}, User{Entity: "sip:gone@example.com", State: Deleted})
	d.SidebarsByVal.Entries = append(d.SidebarsByVal.Entries, Document{}, d.SidebarsByVal.Entries[1], Document{Entity: "sip:gone@example.com", State: Deleted})
	d.SidebarsByRef.Entries = append(d.SidebarsByRef.Entries, URI{}, d.SidebarsByRef.Entries[0])
	if got := d.Normalize(); !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nwant %s", got.Marshal(), want.Marshal())
	}
	deleted := Endpoint{Entity: "e", State: Deleted, DisplayText: "x", Status: StatusConnected, Media: []Media{{ID: "1"}}}
	partial := Document{Entity: "sip:c@example.com", State: Partial, Version: 2, Users: &Users{State: Partial, Users: []User{{Entity: "sip:a@x", State: Partial, Endpoints: []Endpoint{deleted}}}}}
	if got := partial.Normalize().Users.Users[0].Endpoints[0]; !reflect.DeepEqual(got, Endpoint{Entity: "e", State: Deleted}) {
		t.Errorf("%+v", got)
	}
}
