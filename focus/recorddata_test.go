package focus_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// callData is our extension as a recorder would read it.
type callData struct {
	XMLName xml.Name
	Role    string `xml:"role,attr"`
	Headers []struct {
		Name  string `xml:"name,attr"`
		Value string `xml:",chardata"`
	} `xml:"header"`
	Fields []struct {
		Name  string `xml:"name,attr"`
		Value string `xml:",chardata"`
	} `xml:"field"`
}

// extension reads the only extension of a list.
func extension(t *testing.T, list []siprec.Extension) callData {
	t.Helper()
	var data callData
	if len(list) != 1 {
		t.Fatalf("extensions %v", list)
	}
	must(t, xml.Unmarshal([]byte(list[0]), &data))
	if data.XMLName.Space != "urn:parley:recording:call:1" {
		t.Errorf("namespace %q", data.XMLName.Space)
	}
	return data
}

// about gives what a recorder knows of a participant, by any of his names.
func (s *recordingServer) about(name string) siprec.Participant {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.merged.Participants {
		for _, n := range p.Names {
			if strings.Contains(n.AOR, name) {
				return p
			}
		}
	}
	return siprec.Participant{}
}

// Shows SR-XML-18, SR-PT-09, SR-MET-04, RQ-006. Each recorder is told what it is configured to be told of the call of a participant, while he is there and
// when he has left, and no other recorder is; nothing of who asks for privacy; all within one group.
func TestRecordData(t *testing.T) {
	one, two, three := newRecordingServer(t), newRecordingServer(t), newRecordingServer(t)
	b := serversBench(t, []*recordingServer{one, two, three}, func(c *focus.Config) {
		c.Recorders[2].Data.Names = focus.NamedByAddress
		c.Recorders[0].Data = focus.RecordData{
			Headers: []string{"Call-Info", "x-account*"}, Roles: true, Fields: []siprec.Header{{Name: "tenant", Value: "<{conference}> & co"}},
		}
		c.Recorders[1].Data = focus.RecordData{Names: focus.Unnamed}
		c.Defaults.Recording.Policy, c.Defaults.Recording.Copies = conference.Always, 3
	})
	raw := b.raw()
	raw.call("room", sipua.Header{Name: "X-Account", Value: `a<b>"&`}, sipua.Header{Name: "X-Other", Value: "no"},
		sipua.Header{Name: "Call-Info", Value: "<https://crm.example.com/7>;purpose=info"}, sipua.Header{Name: "X-Account-Long", Value: strings.Repeat("x", 600)})
	secret := b.raw()
	_, _, err := secret.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{URI: secret.agent.Contact("secret")},
		Headers:     sipua.Headers{{Name: "Privacy", Value: "id"}, {Name: "X-Account", Value: "secret"}},
		ContentType: "application/sdp", Body: secret.describe(codecs.PCMU),
	}, secret)
	must(t, err)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	b.await("all to be known", func() bool {
		return one.about("raw").ID != "" && one.about("alice").ID != "" && one.about("anonymous").ID != "" && len(two.present()) == 4 && three.about("alice").ID != ""
	})
	if full, address := one.about("alice").Names[0], three.about("alice").Names[0]; full.Name == "" || address != (siprec.NameID{AOR: full.AOR}) {
		t.Errorf("alice is %+v, by her address %+v", full, address)
	}
	data := extension(t, one.about("raw").Extensions)
	if data.Role != "speaker" || len(data.Headers) != 2 || data.Headers[0].Value != `a<b>"&` || data.Headers[1].Name != "Call-Info" {
		t.Errorf("raw: %+v", data)
	}
	for _, name := range []string{"alice", "anonymous"} {
		if data := extension(t, one.about(name).Extensions); len(data.Headers) != 0 {
			t.Errorf("%s: %+v", name, data)
		}
	}
	role := conference.Moderator
	_, err = b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "alice").ID, focus.ParticipantChange{Role: &role})
	must(t, err)
	b.await("alice to be a moderator", func() bool { return extension(t, one.about("alice").Extensions).Role == "moderator" })
	must(t, raw.dialog.Bye(t.Context()))
	alice.leave("room")
	b.await("the departure to be known", func() bool { return len(one.present()) == 2 })
	if data := extension(t, one.about("raw").Extensions); len(data.Headers) != 2 {
		t.Errorf("raw, who has left: %+v", data)
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	session := one.merged.Sessions[0]
	if data := extension(t, session.Extensions); len(data.Fields) != 1 || data.Fields[0].Value != "<room> & co" {
		t.Errorf("session: %+v", data)
	}
	if len(one.merged.Groups) != 1 || session.Group != one.merged.Groups[0].ID || session.Group == "" {
		t.Errorf("groups %+v, session %+v", one.merged.Groups, session)
	}
	two.mu.Lock()
	defer two.mu.Unlock()
	if two.merged.Groups[0].ID != session.Group {
		t.Error("the copies have different groups")
	}
	seen := map[string]bool{}
	for _, p := range two.merged.Participants {
		aor := p.Names[0].AOR
		if seen[aor] || len(p.Extensions) > 0 || strings.Contains(aor, "raw") || strings.Contains(aor, "alice") {
			t.Errorf("the second recorder knows %+v", p)
		}
		seen[aor] = true
	}
	lint(t, "recording-strict.xsd", append(one.bodies, two.bodies...))
	for _, issue := range append(one.issues, two.issues...) {
		t.Errorf("metadata: %+v", issue)
	}
}

// Shows SR-GRP-02. Each conference is a group of its own.
func TestGroups(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) { c.Defaults.Recording.Policy = conference.Always })
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	b.dial("other", conftest.PhoneConfig{Name: "bob"})
	b.await("both conferences to be known", func() bool {
		srs.mu.Lock()
		defer srs.mu.Unlock()
		sessions, groups := map[siprec.ID]bool{}, map[siprec.ID]bool{}
		for _, d := range srs.documents {
			for _, s := range d.Sessions {
				sessions[s.ID], groups[s.Group] = true, true
			}
		}
		return len(sessions) == 2 && len(groups) == 2
	})
}

// Shows SR-PT-02, SR-PT-03. A caller for whom a trusted trunk vouches has all the addresses that it asserts, the SIP address first. What somebody says
// of himself is no such address.
func TestRecordAliases(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) { c.Defaults.Recording.Policy = conference.Always })
	uri, err := sipua.ParseURI("sip:+4930123@carrier.example")
	must(t, err)
	b.vouch.Store(&sipua.Caller{Identity: sipua.Address{URI: uri, Name: "Desk"}, Asserted: true, Trunk: "carrier"})
	r := b.raw()
	_, _, err = r.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{URI: r.agent.Contact("raw")},
		Headers:     sipua.Headers{{Name: "P-Asserted-Identity", Value: `"Desk" <sip:+4930123@carrier.example>, <tel:+4930123>`}},
		ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
	}, r)
	must(t, err)
	b.await("the caller", func() bool { return srs.about("4930123").ID != "" })
	if got := srs.about("4930123").Names; len(got) != 2 || got[0].AOR != "sip:+4930123@carrier.example" || got[0].Name != "Desk" || got[1].AOR != "tel:+4930123" {
		t.Errorf("names %+v", got)
	}
	b.vouch.Store(nil) // for whom nobody vouches
	other := b.raw()
	_, _, err = other.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{URI: other.agent.Contact("other")},
		Headers:     sipua.Headers{{Name: "P-Asserted-Identity", Value: `<tel:+4930456>`}},
		ContentType: "application/sdp", Body: other.describe(codecs.PCMU),
	}, other)
	must(t, err)
	b.await("who says so himself", func() bool { return srs.about("other").ID != "" })
	if got := srs.about("other").Names; len(got) != 1 {
		t.Errorf("names %+v", got)
	}
	srs.mu.Lock()
	defer srs.mu.Unlock()
	lint(t, "recording-strict.xsd", srs.bodies)
}
