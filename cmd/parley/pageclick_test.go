package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
)

// desk is a conference with some phones, looked at by its page. What the page has done is asked of the focus, not of the page.
type desk struct {
	t      *testing.T
	server *service
	page   *browser
	phones map[string]*conftest.Phone
}

// openDesk has phones in conference 1000, and opens its page.
func openDesk(t *testing.T, change func(*config.Config), names ...string) *desk {
	t.Helper()
	d := &desk{t: t, server: pageService(t, change), phones: map[string]*conftest.Phone{}}
	for i, name := range names {
		phone, err := conftest.NewPhone(t.Context(), conftest.PhoneConfig{Name: fmt.Sprintf("phone%d", i), DisplayName: name, Codec: codecs.PCMU, Origin: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = phone.Close(context.Background()) }) // its server may have gone
		d.phones[name] = phone
		if err = phone.Call(t.Context(), fmt.Sprintf("sip:1000@%v", d.server.agent.Addr("udp"))); err != nil {
			t.Fatal(err)
		}
	}
	d.page = openBrowser(t)
	d.page.open("http://" + d.server.control.Addr() + "/#/conferences/1000")
	d.page.until("the roster", fmt.Sprintf(`document.body.dataset.live === "live" && document.querySelectorAll(".roster tbody tr .main:enabled").length === %d`, len(names)))
	return d
}

// who is a participant, as the focus knows him; false: he is not there.
func (d *desk) who(name string) (focus.ParticipantInfo, bool) {
	d.t.Helper()
	found, err := d.server.focus.Participants(d.t.Context(), "1000")
	if err != nil {
		d.t.Fatal(err)
	}
	i := slices.IndexFunc(found, func(p focus.ParticipantInfo) bool { return p.DisplayName == name })
	if i < 0 {
		return focus.ParticipantInfo{}, false
	}
	return found[i], true
}

// conference is what the focus knows of it.
func (d *desk) conference() *conference.State {
	d.t.Helper()
	state, err := d.server.focus.Conference("1000")
	if err != nil {
		d.t.Fatal(err)
	}
	return state
}

// want holds the focus to something.
func (d *desk) want(what string, ok bool) {
	d.t.Helper()
	if !ok {
		d.t.Errorf("the page has acknowledged it, the focus has not: %s", what)
	}
}

// settled waits until nothing is under way on the page, and wants that nothing has gone wrong.
func (d *desk) settled(what string) {
	d.t.Helper()
	d.page.drawn()
	d.page.until(what+" is acknowledged", `!document.querySelector("[aria-busy]")`)
	if said := d.page.value(`document.getElementById("toasts").innerText`); said != "" {
		d.t.Errorf("%s: the page says %q", what, said)
	}
}

// said waits for an error that the page shows, once, and clicks it away.
func (d *desk) said(parts ...string) {
	d.t.Helper()
	d.page.until("an error", `document.querySelectorAll(".toast.error[role=alert]").length === 1`)
	text, _ := d.page.value(`document.querySelector(".toast").innerText`).(string)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			d.t.Errorf("the page says %q, want %q in it", text, part)
		}
	}
	d.page.click(".toast button")
	d.page.until("it is gone", `document.querySelectorAll(".toast").length === 0`)
}

// panel opens what can be done with a participant.
func (d *desk) panel(name string) focus.ParticipantInfo {
	d.t.Helper()
	p, ok := d.who(name)
	if !ok {
		d.t.Fatalf("%s is not there", name)
	}
	d.page.click(`tr[data-participant="` + string(p.ID) + `"] .more`)
	d.page.until("the panel", `document.querySelector("dialog.panel[open]")`)
	return p
}

func (d *desk) closePanel() {
	d.t.Helper()
	d.page.key("Escape")
	d.page.until("it is closed", `!document.querySelector("dialog")`)
}

// TestPageOperatesAParticipant clicks everything in the panel of a participant, there and back.
func TestPageOperatesAParticipant(t *testing.T) {
	d := openDesk(t, func(*config.Config) {}, "alice", "bob")
	d.panel("alice")
	for _, c := range []struct {
		on, off string
		is      func(focus.ParticipantInfo) bool
	}{
		{"Mute", "Unmute", func(p focus.ParticipantInfo) bool { return p.Muted }},
		{"Deafen", "Undeafen", func(p focus.ParticipantInfo) bool { return p.Deafened }},
		{"Hold", "Take from hold", func(p focus.ParticipantInfo) bool { return p.Held }},
		{"Mask", "Unmask", func(p focus.ParticipantInfo) bool { return p.Masked }},
		{"Off record", "On record", func(p focus.ParticipantInfo) bool { return p.Unrecorded }},
	} {
		for _, button := range []string{c.on, c.off} {
			d.page.press("dialog", button)
			d.settled(button)
			p, _ := d.who("alice")
			d.want(button, c.is(p) == (button == c.on))
			other := map[string]string{c.on: c.off, c.off: c.on}[button]
			d.page.until("the button says what it does now", fmt.Sprintf(`[...document.querySelectorAll("dialog button")].some((b) => b.textContent === %q && b.ariaPressed === "%t")`, other, button == c.on))
		}
	}
	for _, role := range []string{"moderator", "listener", "speaker"} {
		d.page.choose("dialog select", role)
		d.settled(role)
		p, _ := d.who("alice")
		d.want(role, p.Role == role)
	}
	for i, gain := range []func(focus.ParticipantInfo) float64{
		func(p focus.ParticipantInfo) float64 { return p.GainDB }, func(p focus.ParticipantInfo) float64 { return p.ListenGainDB },
	} {
		slider := fmt.Sprintf(`document.querySelectorAll("dialog input[type=range]")[%d]`, i)
		for _, c := range []struct {
			key  string
			want float64
		}{{"ArrowRight", 1}, {"ArrowLeft", 0}, {"ArrowLeft", -1}} {
			if c.want == 1 {
				d.page.value(slider + `.focus()`) // and keeps it
			}
			d.page.key(c.key)
			d.page.drawn()
			d.page.until("it is acknowledged", fmt.Sprintf(`!document.querySelector("[aria-busy]") && %s.value === "%v" && %[1]s.previousSibling.textContent.includes("%[2]v dB")`, slider, c.want))
			p, _ := d.who("alice")
			d.want(fmt.Sprintf("gain %d of %v dB", i, c.want), gain(p) == c.want)
		}
	}
	d.closePanel()
}

// TestPageMovesAndDisconnects: one goes to another conference, one is disconnected; who asks twice is asked once.
func TestPageMovesAndDisconnects(t *testing.T) {
	d := openDesk(t, func(cfg *config.Config) {
		cfg.Conferences = append(cfg.Conferences, config.Conference{ID: "2000", Name: "Settlement"})
	}, "alice", "bob", "carol")
	moved := d.panel("alice")
	d.page.press("dialog.panel", "Move…")
	d.page.choose("dialog:not(.panel) select", "Settlement (2000)")
	d.page.press("dialog:not(.panel)", "Move")
	d.page.until("alice is gone", `document.querySelectorAll(".roster tbody tr").length === 2`)
	there, err := d.server.focus.Participant(t.Context(), "2000", moved.ID)
	_, here := d.who("alice")
	d.want("moved", err == nil && there.JoinedAt != nil && !here)
	d.page.until("the panel says so", `document.querySelector("dialog.panel .empty:not([hidden])")`)
	d.closePanel()

	d.panel("bob")
	d.page.press("dialog.panel", "Disconnect…")
	d.page.press("dialog:not(.panel)", "Cancel")
	d.page.until("he is asked for no more", `document.querySelectorAll("dialog").length === 1`)
	_, here = d.who("bob")
	d.want("not disconnected after Cancel", here)
	d.page.press("dialog.panel", "Disconnect…")
	d.page.press("dialog:not(.panel)", "Disconnect")
	d.page.until("bob is gone", `document.querySelectorAll(".roster tbody tr").length === 1 && !document.querySelector("dialog")`)
	_, here = d.who("bob")
	d.want("disconnected", !here)
	select {
	case <-d.phones["bob"].Over():
	case <-time.After(10 * time.Second):
		t.Error("the call goes on")
	}
	d.settled("Disconnect")
}

// TestPageOperatesAConference clicks what is above the roster, there and back, and ends it.
func TestPageOperatesAConference(t *testing.T) {
	d := openDesk(t, func(*config.Config) {}, "alice", "bob")
	for _, c := range []struct {
		on, off string
		is      func(*conference.State) bool
	}{
		{"Lock", "Unlock", func(s *conference.State) bool { return s.Locked }}, {"Lecture", "End lecture", func(s *conference.State) bool { return s.Rules.Lecture }},
	} {
		for _, button := range []string{c.on, c.off} {
			d.page.press("header.conference", button)
			d.settled(button)
			d.want(button, c.is(d.conference()) == (button == c.on))
		}
	}
	for _, button := range []string{"Mute all", "Unmute all"} {
		d.page.press("header.conference", button)
		d.settled(button)
		for _, name := range []string{"alice", "bob"} {
			p, _ := d.who(name)
			d.want(button+": "+name, p.Muted == (button == "Mute all"))
		}
	}
	d.page.press("header.conference", "Lecture")
	d.settled("Lecture")
	d.panel("alice")
	d.page.press("dialog", "Give the floor")
	d.settled("Give the floor")
	p, _ := d.who("alice")
	d.want("the floor", p.Floor)
	d.page.press("dialog", "Take the floor")
	d.settled("Take the floor")
	p, _ = d.who("alice")
	d.want("the floor is taken", !p.Floor)
	d.closePanel()
	d.page.press("header.conference", "End conference…")
	d.page.press("dialog", "End conference")
	d.page.until("nobody is in it", `document.querySelectorAll(".roster tbody tr").length === 0`)
	d.settled("End conference")
	d.want("it has ended", !d.conference().Active)
	for name, phone := range d.phones {
		select {
		case <-phone.Over():
		case <-time.After(10 * time.Second):
			t.Errorf("the call of %s goes on", name)
		}
	}
}

// TestPageCallsOut: somebody who answers comes into the roster; somebody who does not is said once, with what the far end said; what is no address is refused.
func TestPageCallsOut(t *testing.T) {
	callee := pageService(t, func(*config.Config) {}) // a conference answers
	d := openDesk(t, func(*config.Config) {}, "alice")
	dial := func(uri string) {
		d.page.press("header.conference", "Call somebody…")
		d.page.write("dialog input[name=uri]", uri)
		d.page.write("dialog input[name=display_name]", "Backoffice")
		d.page.press("dialog", "Call")
	}
	dial(fmt.Sprintf("sip:1000@%v", callee.agent.Addr("udp")))
	d.page.until("the callee is in", `[...document.querySelectorAll(".roster tbody tr:not(.coming) .name")].some((n) => n.textContent === "Backoffice")`)
	d.settled("Call")
	p, ok := d.who("Backoffice")
	d.want("called", ok && p.Method == "dialed-out" && p.JoinedAt != nil)

	phone, _ := d.who("alice") // takes no calls
	dial(phone.URI)
	d.said("not answered", "480")
	dial("sip:nobody@[")
	d.said("Call sip:nobody@[: refused")
}

// TestPageMakesSidebars makes one, takes another aside, brings him back, and ends it.
func TestPageMakesSidebars(t *testing.T) {
	d := openDesk(t, func(*config.Config) {}, "alice", "bob", "carol")
	in := func() string {
		var names []string
		for _, name := range []string{"alice", "bob", "carol"} {
			if p, ok := d.who(name); ok && p.Sidebar != "" {
				names = append(names, name)
			}
		}
		return strings.Join(names, " ")
	}
	const part = `section[aria-labelledby=sidebars]`
	d.page.press(part, "Take aside…")
	d.page.press("dialog", "Take aside")
	d.page.until("somebody has to be chosen", `document.querySelector("dialog form") && !document.querySelector("dialog form").checkValidity()`)
	d.page.check("dialog .many", "alice", "bob")
	d.page.write("dialog input[name=name]", "Side")
	d.page.press("dialog", "Take aside")
	d.page.until("it is there", `document.querySelector("`+part+` li")?.textContent.includes("Side alice, bob")`)
	d.settled("Take aside")
	d.want("alice and bob aside", in() == "alice bob")
	for _, c := range []struct{ choose []string }{{[]string{"alice", "bob", "carol"}}, {[]string{"alice", "carol"}}} {
		d.page.press(part, "Change…")
		d.page.check("dialog .many", c.choose...)
		d.page.press("dialog", "Change")
		d.page.until("it is changed", `document.querySelector("`+part+` li")?.textContent.includes("Side `+strings.Join(c.choose, ", ")+`")`)
		d.settled("Change")
		d.want(strings.Join(c.choose, ", ")+" aside", in() == strings.Join(c.choose, " "))
	}
	d.page.press(part, "Bring back")
	d.page.until("it is over", `!document.querySelector("`+part+` li")`)
	d.settled("Bring back")
	d.want("nobody aside", in() == "" && len(d.conference().Sidebars) == 0)
}

// TestPageRecords begins a recording with a mode and a server, pauses, resumes and stops it, and holds and releases what was recorded.
func TestPageRecords(t *testing.T) {
	d := openDesk(t, func(*config.Config) {}, "alice")
	one := func() focus.RecordingInfo {
		found, err := d.server.focus.Recordings(t.Context(), "1000")
		if err != nil || len(found) == 0 {
			return focus.RecordingInfo{}
		}
		return found[0]
	}
	d.page.click("button.record")
	d.page.choose("dialog select[name=mode]", "each participant")
	d.page.check("dialog .many", "embedded (unknown)")
	d.page.press("dialog", "Record")
	d.page.until("it is recorded", `document.querySelector(".recordings > li > .bar .label.rec")?.textContent === "recording"`)
	d.settled("Record")
	d.want("each participant is recorded", one().State == "recording" && slices.Equal(one().Mode, []string{"separate"}))
	<-d.phones["alice"].Say(voice(t, "alice", 8000)[:8000])
	for _, c := range [][2]string{{"Pause", "paused"}, {"Resume", "recording"}} {
		d.page.press(".recordings > li", c[0])
		d.page.until("it is "+c[1], `document.querySelector(".recordings > li > .bar .label")?.textContent === "`+c[1]+`"`)
		d.settled(c[0])
		d.want(c[1], one().State == c[1])
	}
	d.page.press(".recordings > li", "Stop")
	d.page.press("dialog", "Stop")
	d.page.until("it has stopped", `document.querySelector(".recordings > li > .bar .label")?.textContent === "stopped"`)
	d.settled("Stop")
	d.want("stopped", one().State == "stopped" || one().State == "")

	library := d.server.recorder.Library()
	d.page.open("http://" + d.server.control.Addr() + "/#/recordings")
	d.page.click(".recorded tbody a")
	for _, button := range []string{"Hold", "Release…"} {
		d.page.press(".recorded .actions", button)
		if button == "Release…" {
			d.page.press("dialog", "Release")
		}
		d.page.until("it is said", fmt.Sprintf(`document.querySelector(".recorded > .labels").textContent.includes("held") === %t`, button == "Hold"))
		d.settled(button)
		id, _ := d.page.value(`location.hash.split("/").pop()`).(string)
		id, err := url.PathUnescape(id)
		if err != nil {
			t.Fatal(err)
		}
		found, err := library.Find(id)
		d.want(button, err == nil && found.Held == (button == "Hold"))
	}
}
