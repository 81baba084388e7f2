package focus_test

import (
	"bytes"
	"slices"
	"strconv"
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

// subscribeAs follows a conference under the identity of somebody.
func (b *bench) subscribeAs(conf, entity, event string, respond func(*sipua.Request) *sipua.Response) (*roster, error) {
	b.t.Helper()
	r := &roster{}
	from, err := sipua.ParseURI(entity)
	must(b.t, err)
	_, err = b.client(b.t).Subscribe(b.t.Context(), sipua.OutgoingSubscription{
		To: sipua.Address{URI: b.parse(conf)}, From: sipua.Address{URI: from}, Event: event,
		Accept: []string{confevent.ContentType}, Expires: time.Hour, OnNotify: func(request *sipua.Request) *sipua.Response {
			r.notify(request)
			if respond != nil {
				return respond(request)
			}
			return nil
		},
	})
	return r, err
}

// doc is the merged document now.
func (r *roster) doc() confevent.Document {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.document
}

// user finds somebody in the merged document by his display text.
func (r *roster) user(name string) confevent.User {
	d := r.doc()
	if d.Users == nil {
		return confevent.User{}
	}
	for _, u := range d.Users.Users {
		if u.DisplayText == name {
			return u
		}
	}
	return confevent.User{}
}

// endpoint is his only one; the zero value while there is none or more than one.
func (r *roster) endpoint(name string) confevent.Endpoint {
	if u := r.user(name); len(u.Endpoints) == 1 {
		return u.Endpoints[0]
	}
	return confevent.Endpoint{}
}

// all are the documents so far.
func (r *roster) all() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.bodies)
}

// texts are all of them in one.
func (r *roster) texts() string { return string(bytes.Join(r.all(), nil)) }

// moderate makes somebody a moderator.
func (b *bench) moderate(conf, name string) {
	b.t.Helper()
	role := conference.Moderator
	_, err := b.focus.UpdateParticipant(b.t.Context(), conference.ID(conf), b.find(conf, name).ID, focus.ParticipantChange{Role: &role})
	must(b.t, err)
}

// What the conference is, and who offers it; a change of it comes whole.
//
// Shows CE-ELM-01, CE-ELM-02, CE-ELM-03, CE-ELM-04, CE-ELM-05, CE-ELM-06, CE-ELM-08, CE-ELM-09, CE-ELM-10, CE-ELM-11, CE-WHN-05, CE-WHN-06,
// CE-WHN-08, CE-DOC-02, CE-DOC-12, CE-DOC-13, CE-DOC-17, CE-DOC-18, CE-SUB-14, CE-SUB-24, FO-ID-04.
func TestDescription(t *testing.T) {
	b := newBench(t, focus.Config{NotifyInterval: -1, Conferences: []focus.ConferenceConfig{{
		ID: "desk", Name: "Desk", MaxParticipants: 7, About: focus.About{
			Subject: "Morning call", Text: "What happened <overnight>", Keywords: []string{"trading", "morning"},
			Services: []focus.Service{{URI: "https://example.com/desk", Purpose: "web-page", Name: "The desk"}},
			Host:     focus.Host{Name: "Example", WebPage: "https://example.com/", URIs: []string{"tel:+442079460000"}},
		},
	}}})
	r := b.subscribe("desk", time.Hour)
	b.await("the first document", func() bool { return r.last() != "" })
	first := r.doc()
	d := first.Description
	if first.Version != 1 || first.Entity != b.state("desk").URI || d.DisplayText != "Desk" || d.Subject != "Morning call" ||
		d.FreeText != "What happened <overnight>" || strings.Join(d.Keywords, " ") != "trading morning" || d.MaximumUserCount != 7 {
		t.Errorf("document %+v, description %+v", first, d)
	}
	if len(d.ConfURIs) != 1 || d.ConfURIs[0].URI != first.Entity || d.ConfURIs[0].Purpose != "participation" {
		t.Errorf("conf-uris %+v", d.ConfURIs)
	}
	if len(d.ServiceURIs) != 1 || d.ServiceURIs[0].URI != "https://example.com/desk" || d.ServiceURIs[0].Purpose != "web-page" {
		t.Errorf("service-uris %+v", d.ServiceURIs)
	}
	if len(d.AvailableMedia) != 1 || d.AvailableMedia[0].Label == "" || d.AvailableMedia[0].Type != "audio" {
		t.Errorf("available-media %+v", d.AvailableMedia)
	}
	if h := first.Host; h == nil || h.DisplayText != "Example" || h.WebPage != "https://example.com/" || h.URIs[0].URI != "tel:+442079460000" {
		t.Errorf("host-info %+v", first.Host)
	}
	if s := first.ConferenceState; *s.UserCount != 0 || !*s.Active || *s.Locked {
		t.Errorf("conference-state %+v", s)
	}
	b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	b.await("alice to be counted", func() bool { return *r.doc().ConferenceState.UserCount == 1 })
	name := "Trading desk"
	_, err := b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Name: &name})
	must(t, err)
	b.await("the new name", func() bool { return r.doc().Description.DisplayText == name })
	if d := r.doc().Description; d.Subject != "Morning call" || len(d.ServiceURIs) != 1 {
		t.Errorf("the change lost %+v", d)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, body := range r.bodies {
		if !bytes.Contains(body, []byte(` version="`+strconv.Itoa(i+1)+`"`)) {
			t.Errorf("document %d:\n%s", i+1, body)
		}
	}
	lint(t, "conference-info-strict.xsd", r.bodies)
}

// An endpoint from its call to its end: how it came, what it sends, on whose hold it is, and what is said of it last.
//
// Shows CE-ELM-13, CE-ELM-15, CE-ELM-16, CE-ELM-20, CE-ELM-22, CE-ELM-23, CE-ELM-24, CE-ELM-27, CE-ELM-28, CE-ELM-29, CE-ELM-33, CE-ELM-34,
// CE-ELM-36, CE-ELM-37, CE-ELM-38, CE-ELM-07, CE-WHN-01, CE-WHN-02, CE-WHN-03, CE-DOC-10, CE-DOC-11, CE-DOC-14, CE-DOC-20.
func TestEndpointLife(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, NotifyInterval: -1})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	r := b.subscribe("room", time.Hour)
	began := time.Now().Add(-time.Second)
	raw := b.raw()
	raw.call("room", sipua.Header{Name: "Accept-Language", Value: "en-GB, de;q=0.7"})
	b.await("him", func() bool { return r.endpoint("").Status == confevent.StatusConnected })
	user, e := r.user(""), r.endpoint("")
	if strings.Join(user.Languages, " ") != "en-GB de" || strings.Join(user.Roles, " ") != "participant" {
		t.Errorf("user %+v", user)
	}
	if !strings.Contains(e.Entity, raw.agent.Addr("udp").String()) || e.JoiningMethod != confevent.DialedIn || e.JoiningInfo.When.Before(began) || e.Referred != nil {
		t.Errorf("endpoint %+v", e)
	}
	m := e.Media
	if len(m) != 1 || m[0].ID == "" || m[0].Type != "audio" || m[0].Label != r.doc().Description.AvailableMedia[0].Label || m[0].Status != confevent.SendRecv {
		t.Errorf("media %+v", m)
	}
	offer := string(raw.describe(codecs.PCMU))
	_, err := raw.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: []byte(strings.Replace(offer, "a=sendrecv", "a=sendonly", 1) + map[bool]string{true: "", false: "a=sendonly\r\n"}[strings.Contains(offer, "a=sendrecv")])})
	must(t, err)
	b.await("the hold", func() bool {
		e := r.endpoint("")
		return e.Status == confevent.StatusOnHold && e.Media[0].Status == confevent.SendOnly && e.Media[0].ID == m[0].ID
	})
	must(t, raw.dialog.Bye(t.Context(), sipua.Header{Name: "Reason", Value: `SIP;cause=200;text="Battery"`}))
	b.await("him to be gone", func() bool { return len(r.users()) == 1 })
	last := ""
	for _, body := range r.all() {
		if strings.Contains(string(body), "<status>disconnected</status>") {
			last = string(body)
		}
	}
	for _, want := range []string{"<disconnection-method>departed</disconnection-method>", "<disconnection-info><when>", "Battery", "Z</when>"} {
		if !strings.Contains(last, want) {
			t.Errorf("the last report lacks %s:\n%s", want, last)
		}
	}
	lint(t, "conference-info-strict.xsd", r.all())
}

// The source of what somebody says, as soon as it is known, and no word of who speaks.
//
// Shows CE-ELM-37, CE-WHN-10, CE-ELM-25, CE-ELM-38.
func TestSourceAndMute(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, NotifyInterval: -1})
	r := func() *roster {
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
		r := b.subscribe("room", time.Hour)
		alice.hum(500, 1500*time.Millisecond)
		return r
	}()
	b.await("the source", func() bool {
		ssrc := b.find("room", "alice").Session.SSRC
		m := r.endpoint("alice").Media
		return ssrc != 0 && len(m) == 1 && m[0].SrcID == strconv.FormatUint(uint64(ssrc), 10)
	})
	b.await("her silence after she has spoken", func() bool { return !b.state("room").Speaking(b.find("room", "alice").ID) })
	r.mu.Lock()
	n := len(r.bodies)
	r.mu.Unlock()
	yes := true
	_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "alice").ID, focus.ParticipantChange{Muted: &yes})
	must(t, err)
	b.await("the mute", func() bool {
		e := r.endpoint("alice")
		return e.Status == confevent.StatusMutedViaFocus && e.Media[0].Status == confevent.RecvOnly
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := len(r.bodies) - n; got != 1 || n > 3 {
		t.Errorf("%d documents before she was muted, %d for that", n, got)
	}
}

// Who moderates sees calls, who is on the way, and how it ended; others do not.
//
// Shows CE-NOT-15, CE-AUT-09, CE-AUT-13, CE-AUT-15, CE-ELM-21, CE-ELM-26, CE-ELM-30, CE-ELM-31, CE-ELM-32, CE-ELM-39, CE-ELM-40, CE-WHN-07,
// FO-LST-15.
func TestViews(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "desk"}}, NotifyInterval: -1, DialTimeout: time.Minute,
		Refer: focus.ReferPolicy{From: focus.ReferModerators, Targets: []string{"*"}},
	})
	host := b.asks("desk", conference.Moderator)
	b.dial("desk", conftest.PhoneConfig{Name: "bob"})
	sees, err := b.subscribeAs("desk", b.find("desk", "raw").Entity, "conference", nil)
	must(t, err)
	other, err := b.subscribeAs("desk", b.find("desk", "bob").Entity, "conference", nil)
	must(t, err)
	b.await("both views", func() bool { return len(sees.users()) == 2 && len(other.users()) == 2 })
	id := host.dialog.ID()
	call := sees.endpoint("").CallInfo
	if call == nil || call.CallID != id.CallID || call.FromTag != id.LocalTag || call.ToTag != id.RemoteTag {
		t.Errorf("call-info %+v, dialog %+v", call, id)
	}
	answer := make(chan int, 1)
	ringing := b.callee(func(c *sipua.IncomingCall) {
		_ = c.Provisional(sipua.NewResponse(180))
		select {
		case code := <-answer:
			_ = c.Reject(sipua.NewResponse(code))
		case <-c.Done():
		}
	})
	for code, method := range map[int]confevent.DisconnectionMethod{486: confevent.Busy, 480: confevent.Failed} {
		if got, _ := host.refer("Refer-To", "<sip:carol@"+ringing.Addr("udp").String()+">"); got != 202 && got != 0 {
			t.Fatalf("REFER: %d", got)
		}
		b.await("her to be alerted", func() bool { return sees.endpoint("carol").Status == confevent.StatusAlerting })
		if e := sees.endpoint("carol"); e.Referred == nil || e.Referred.By != b.find("desk", "raw").Entity || e.JoiningMethod != confevent.DialedOut {
			t.Errorf("referred %+v, endpoint %+v", e.Referred, e)
		}
		answer <- code
		b.await("her to be gone", func() bool { return sees.user("carol").Entity == "" })
		if text := sees.texts(); !strings.Contains(text, "<disconnection-method>"+method.String()) || !strings.Contains(text, "cause="+strconv.Itoa(code)) {
			t.Errorf("no word of %v:\n%s", method, text)
		}
	}
	must(t, b.focus.Eject(t.Context(), "desk", b.find("desk", "bob").ID, "enough"))
	b.await("him to be gone", func() bool { return len(sees.users()) == 1 && len(other.users()) == 1 })
	if !strings.Contains(sees.texts(), "<disconnection-method>booted") || !strings.Contains(other.texts(), "<disconnection-method>booted") {
		t.Error("no word of the ejection")
	}
	if text := other.texts(); strings.Contains(text, "carol") || strings.Contains(text, id.CallID) || strings.Contains(text, "call-info") {
		t.Errorf("others see\n%s", text)
	}
	lint(t, "conference-info-strict.xsd", append(sees.all(), other.all()...))
}

// Who asks for privacy has a name that tells nothing and stays the same, or is left out but counted.
//
// Shows CE-AUT-12, CE-AUT-14, CE-AUT-17, CE-ELM-09, FO-PRI-03.
func TestAnonymous(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences:    []focus.ConferenceConfig{{ID: "masked"}, {ID: "hidden", Roster: focus.RosterPolicy{HideAnonymous: true}}},
		NotifyInterval: -1,
	})
	for _, conf := range []string{"masked", "hidden"} {
		b.dial(conf, conftest.PhoneConfig{Name: "alice"})
		b.moderate(conf, "alice")
		r := b.subscribe(conf, time.Hour)
		host, err := b.subscribeAs(conf, b.find(conf, "alice").Entity, "conference", nil)
		must(t, err)
		for range 2 {
			secret := b.raw()
			_, _, err = secret.agent.Invite(t.Context(), sipua.OutgoingCall{
				To: sipua.Address{URI: b.parse(conf)}, From: sipua.Address{Name: "Secret", URI: secret.agent.Contact("secret")},
				Headers: sipua.Headers{{Name: "Privacy", Value: "id"}}, ContentType: "application/sdp", Body: secret.describe(codecs.PCMU),
			}, secret)
			must(t, err)
		}
		b.await("all to be counted", func() bool {
			d, h := r.doc(), host.doc()
			return d.ConferenceState != nil && *d.ConferenceState.UserCount == 3 && h.ConferenceState != nil && *h.ConferenceState.UserCount == 3
		})
		if got := host.user("Anonymous2").Entity; got != "sip:anonymous2@anonymous.invalid" {
			t.Errorf("%s: to the host the second is %s", conf, got)
		}
		if host.endpoint("Anonymous1").CallInfo != nil {
			t.Errorf("%s: the call of somebody who wants privacy is told", conf)
		}
		if got, want := len(r.users()), map[string]int{"masked": 3, "hidden": 1}[conf]; got != want {
			t.Errorf("%s: %d users", conf, got)
		}
		yes := true
		_, err = b.focus.UpdateParticipant(t.Context(), conference.ID(conf), b.find(conf, "anonymous1").ID, focus.ParticipantChange{Muted: &yes})
		must(t, err)
		b.await("the mute", func() bool { return host.endpoint("Anonymous1").Status == confevent.StatusMutedViaFocus })
		if strings.Contains(strings.ToLower(r.texts()+host.texts()), "secret") {
			t.Errorf("%s: the name is told", conf)
		}
	}
}

// Two phones of one user are two endpoints, each with a dialog of its own with the focus.
//
// Shows CE-ELM-12, CE-ELM-19, FO-IN-15, FO-ID-13.
func TestTwoDevices(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, NotifyInterval: -1})
	identity, err := sipua.ParseURI("sip:dave@example.com")
	must(t, err)
	dialogs := make([]*sipua.Dialog, 2)
	for i := range dialogs {
		device := b.raw()
		dialogs[i], _, err = device.agent.Invite(t.Context(), sipua.OutgoingCall{
			To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{Name: "dave", URI: identity}, Contact: sipua.Address{URI: device.agent.Contact("device")},
			ContentType: "application/sdp", Body: device.describe(codecs.PCMU),
		}, device)
		must(t, err)
	}
	r := b.subscribe("room", time.Hour)
	b.await("both devices", func() bool { return len(r.user("dave").Endpoints) == 2 })
	if u := r.user("dave"); len(r.users()) != 1 || u.Endpoints[0].Entity == u.Endpoints[1].Entity || u.Entity != "sip:dave@example.com" {
		t.Errorf("%+v", u)
	}
	held := map[sipua.DialogID]bool{}
	for _, p := range b.state("room").Participants {
		held[sipua.DialogID{CallID: p.Session.CallID, LocalTag: p.Session.RemoteTag, RemoteTag: p.Session.LocalTag}] = true
	}
	if len(held) != 2 || !held[dialogs[0].ID()] || !held[dialogs[1].ID()] {
		t.Errorf("the focus has %v", held)
	}
	must(t, dialogs[0].Bye(t.Context()))
	b.await("one device", func() bool { return len(r.user("dave").Endpoints) == 1 && *r.doc().ConferenceState.UserCount == 1 })
	if _, err = dialogs[1].Request(t.Context(), "OPTIONS", sipua.Body{}); err != nil {
		t.Errorf("the dialog of the other: %v", err)
	}
}
