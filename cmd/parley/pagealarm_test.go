package main

import (
	"strings"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
)

// TestPageAcknowledgesAlarms: a recording that was lost is an alarm until somebody acknowledges it, by name and with a note; that is kept when the page is loaded again, and can be taken back. The
// recording stays what it is.
func TestPageAcknowledgesAlarms(t *testing.T) {
	d := openDesk(t, func(cfg *config.Config) {
		cfg.Recording.Servers = []config.RecordingServer{{Name: "nowhere", URI: "sip:srs@127.0.0.1:9;transport=tcp"}}
	}, "alice")
	d.page.click("button.record")
	d.page.check("dialog .many", "nowhere (unknown)")
	d.page.press("dialog", "Record")
	d.page.until("it has failed", `document.querySelector(".recordings .label.bad")`)
	if err := d.phones["alice"].Hangup(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.page.value(`location.hash = "#/"`)
	const lost = `[...document.querySelectorAll(".alarms > div li")].some((x) => x.offsetParent && x.textContent.includes("was not recorded"))`
	d.page.until("it is an alarm", lost+` && document.querySelector(".alarms > div button:not([hidden])")`)
	one := func() focus.Assurance {
		list := d.server.focus.Assurance()
		if len(list) != 1 {
			t.Fatalf("%+v", list)
		}
		return list[0]
	}
	d.page.click(".alarms > div button:not([hidden])")
	d.page.write("dialog input[name=by]", "Jane <b>Doe</b>")
	d.page.write("dialog input[name=note]", "cable cut")
	d.page.key("Enter")
	d.page.until("it is no alarm any more", `!(`+lost+`)`)
	d.settled("Acknowledge")
	if seen := one().Acknowledged; seen == nil || seen.By != "Jane <b>Doe</b>" || seen.Note != "cable cut" || one().Verdict != "missing" {
		t.Errorf("the server has %+v", one())
	}
	d.page.value(`location.reload()`)
	d.page.until("it is still acknowledged", `document.body.dataset.live === "live" && document.querySelector(".alarms summary")?.textContent === "1 acknowledged" && !(`+lost+`)`)
	d.page.click(".alarms summary")
	text, _ := d.page.value(`document.querySelector(".alarms li.seen").innerText`).(string)
	for _, want := range []string{"was not recorded", "Jane <b>Doe</b>", "cable cut"} {
		if !strings.Contains(text, want) {
			t.Errorf("it says %q, want %q in it", text, want)
		}
	}
	d.page.click(".alarms li.seen button")
	d.page.until("it is an alarm again", lost)
	d.settled("Take back")
	d.want("taken back", one().Acknowledged == nil)
}

// TestPageShowsWhatWasRefused: what the API refuses is said in its words, the same only once, and the page shows what is so.
func TestPageShowsWhatWasRefused(t *testing.T) {
	d := openDesk(t, func(cfg *config.Config) {
		cfg.Conferences[0].Recording = &config.RecordingPolicy{Policy: "always", Exclusion: "forbidden"}
	}, "alice")
	d.panel("alice")
	for range 2 {
		d.page.press("dialog", "Off record")
		d.page.drawn()
		d.page.until("it is answered", `!document.querySelector("[aria-busy]") && document.querySelector(".toast.error")`)
	}
	d.page.until("it is counted", `document.querySelector(".toast")?.innerText.includes("(2 times)")`)
	p, _ := d.who("alice")
	d.want("alice is recorded", !p.Unrecorded)
	d.page.until("the button is what it was", `[...document.querySelectorAll("dialog button")].some((b) => b.textContent === "Off record" && b.ariaPressed === "false")`)
	d.closePanel()
	d.said("Off record alice: refused.", "policy")
}

// TestPageIsRefusedByScope: a token that may do less than when the page was opened is told so, in words.
func TestPageIsRefusedByScope(t *testing.T) {
	s := pageService(t, func(cfg *config.Config) { cfg.HTTP.Tokens = pageTokens() })
	b := openBrowser(t)
	b.open("http://" + s.control.Addr() + "/#/conferences/1000")
	b.giveToken("admin-secret")
	d := &desk{t: t, server: s, page: b}
	b.until("it may", `[...document.querySelectorAll("header button")].some((x) => x.textContent === "Lock" && x.offsetParent)`)
	narrowed := pageTokens()
	narrowed[0].Scope = "read"
	s.control.SetTokens(tokens(narrowed))
	b.press("header.conference", "Lock")
	d.said("Lock: refused.", "This token may only read.")
	d.want("not locked", !d.conference().Locked)
}

// TestPageMeters: who speaks has a meter that moves, and who is silent has one that does not.
func TestPageMeters(t *testing.T) {
	d := openDesk(t, func(*config.Config) {}, "alice", "bob")
	alice, _ := d.who("alice")
	bob, _ := d.who("bob")
	level := func(p focus.ParticipantInfo) string {
		return `Number(document.querySelector('[data-meter="` + string(p.ID) + `"] span').style.getPropertyValue("--level"))`
	}
	said := d.phones["alice"].Say(voice(t, "alice", 8000))
	d.page.until("alice's meter moves, and bob's does not", level(alice)+` > 0.3 && `+level(bob)+` === 0`)
	<-said
	d.page.until("silence", level(alice)+` === 0`)
	d.page.value(`location.hash = "#/"`)
	d.page.until("nobody follows any more", `!document.querySelector("[data-meter]")`)
}

// TestPageByKeys: everything can be reached and done by keys: what has the focus is seen, Enter does it, Escape closes, and the focus comes back.
func TestPageByKeys(t *testing.T) {
	d := openDesk(t, func(*config.Config) {}, "alice")
	const focused = `document.activeElement`
	d.page.value(`document.activeElement.blur()`)
	reached := map[string]bool{}
	for range 40 {
		d.page.key("Tab")
		name, _ := d.page.value(focused + `.getAttribute("aria-label") ?? ` + focused + `.innerText`).(string)
		reached[strings.TrimSpace(name)] = true
		if d.page.value(focused+` === document.body || (getComputedStyle(`+focused+`).outlineStyle !== "none" && `+focused+`.getBoundingClientRect().width > 0)`) != true {
			t.Errorf("that %q has the focus cannot be seen", name)
		}
		if d.page.value(focused+` !== document.body && !(`+focused+`.getAttribute("aria-label") || `+focused+`.innerText || `+focused+`.labels?.length)`) == true {
			t.Errorf("an element has no name: %v", d.page.value(focused+`.outerHTML`))
		}
	}
	for _, want := range []string{"Skip to the content", "Conferences", "Lock", "Call somebody…", "End conference…", "Find a participant", "Which participants", "Mute alice", "More about alice", "Record…", "Take aside…"} {
		if !reached[want] {
			t.Errorf("%q is not reached by Tab", want)
		}
	}
	d.page.value(`[...document.querySelectorAll("button")].find((b) => b.ariaLabel === "Mute alice").focus()`)
	d.page.key("Enter")
	d.settled("Mute")
	p, _ := d.who("alice")
	d.want("muted by Enter", p.Muted)
	d.page.until("the button keeps the focus", focused+`.ariaLabel === "Unmute alice"`)
	d.page.key("Tab")
	d.page.key("Enter")
	d.page.until("the panel opens, and has the focus", `document.querySelector("dialog[open]")?.contains(`+focused+`)`)
	d.page.key("Escape")
	d.page.until("it is closed, and the focus is back", `!document.querySelector("dialog") && `+focused+`.ariaLabel === "More about alice"`)
	d.page.value(`[...document.querySelectorAll("header button")].find((b) => b.textContent === "End conference…").focus()`)
	d.page.key("Enter")
	d.page.until("it asks", `document.querySelector("dialog[open]") && `+focused+`.textContent === "Cancel"`)
	d.page.key("Enter")
	d.page.until("nothing has been done", `!document.querySelector("dialog")`)
	d.want("it goes on", d.conference().Active)
}
