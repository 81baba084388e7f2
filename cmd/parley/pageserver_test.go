package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/control"
)

// endingSoon gives a server a certificate that ends within the hour: an alarm from the start.
func endingSoon(t *testing.T) func(*config.Config) {
	t.Helper()
	cert, key := selfSigned(t)
	return func(cfg *config.Config) {
		cfg.SIP.Listen = append(cfg.SIP.Listen, "tls://127.0.0.1:0")
		cfg.SIP.TLS = config.TLS{Cert: cert, Key: config.Secret(key)}
	}
}

// TestPageShowsAlarmsOfTheServer: what the API has as alarms of the server itself is on the page, is acknowledged by name there for everybody, and comes back when it is taken back.
func TestPageShowsAlarmsOfTheServer(t *testing.T) {
	d := openDesk(t, endingSoon(t))
	one := func() control.AlarmInfo {
		for _, a := range d.server.Alarms() {
			if a.Name == "certificate" && a.About == "sip.tls" {
				return a
			}
		}
		t.Fatalf("%+v", d.server.Alarms())
		return control.AlarmInfo{}
	}
	d.page.value(`location.hash = "#/"`)
	const (
		title = "The certificate of sip.tls ends soon"
		open  = `[...document.querySelectorAll(".alarms > div li.bad")].some((x) => x.checkVisibility() && x.textContent.includes("` + title + `") && x.textContent.includes("renew it"))`
	)
	d.page.until("it is an alarm", open)
	d.page.press(".alarms > div", "Acknowledge: "+title)
	d.page.until("it is said what stays", `document.querySelector("dialog p")?.textContent.includes("goes on to be so")`)
	d.page.write("dialog input[name=by]", "Jane")
	d.page.write("dialog input[name=note]", "ordered <i>today</i>")
	d.page.key("Enter")
	d.page.until("it is folded away", `!(`+open+`) && document.querySelector(".alarms summary").textContent.includes("acknowledged")`)
	d.settled("Acknowledge")
	if seen := one().Acknowledged; seen == nil || seen.By != "Jane" || seen.Note != "ordered <i>today</i>" || seen.Severity != "critical" {
		t.Errorf("the server has %+v", one())
	}
	d.page.value(`location.reload()`)
	d.page.until("it still is", `document.body.dataset.live === "live" && document.querySelector(".alarms details:not([hidden])") && !(`+open+`)`)
	d.page.click(".alarms summary")
	text, _ := d.page.value(`[...document.querySelectorAll(".alarms li.seen")].find((x) => x.textContent.includes("` + title + `")).innerText`).(string)
	for _, want := range []string{"Jane", "ordered <i>today</i>", "renew it"} {
		if !strings.Contains(text, want) {
			t.Errorf("it says %q, want %q in it", text, want)
		}
	}
	d.page.press(".alarms details", "Take back: "+title)
	d.page.until("it is an alarm again", open)
	d.settled("Take back")
	d.want("taken back", one().Acknowledged == nil)

	d.page.press(".alarms > div", "Acknowledge: "+title)
	d.page.until("the form", `document.querySelector("dialog form")`)
	d.server.alarms.look(time.Now(), nil) // it is over while somebody is at it
	d.page.press("dialog", "Acknowledge")
	d.said("Acknowledge: refused.", "No such alarm")
}

// TestPageLetsIn: who waits is let in one by one, and all together.
func TestPageLetsIn(t *testing.T) {
	lobby := true
	d := openDesk(t, func(cfg *config.Config) { cfg.Conferences[0].Lobby = &lobby }, "alice", "bob", "carol")
	waiting := func() (names []string) {
		for _, name := range []string{"alice", "bob", "carol"} {
			if p, there := d.who(name); there && p.Waiting {
				names = append(names, name)
			}
		}
		return names
	}
	d.page.until("three wait", `[...document.querySelectorAll("header.conference button")].some((b) => b.textContent === "Let in 3" && b.offsetParent)`)
	d.want("three wait", len(waiting()) == 3)
	d.page.press(".roster tbody", "Let in bob")
	d.page.until("two wait", `[...document.querySelectorAll("header.conference button")].some((b) => b.textContent === "Let in 2") && document.querySelectorAll(".roster tr.waiting").length === 2`)
	d.settled("Let in bob")
	d.want("bob is in", strings.Join(waiting(), " ") == "alice carol")
	d.page.press("header.conference", "Let in 2")
	d.page.until("nobody waits", `document.querySelectorAll(".roster tr.waiting").length === 0 && ![...document.querySelectorAll("header.conference button")].some((b) => b.textContent.startsWith("Let in") && b.offsetParent)`)
	d.settled("Let in")
	d.want("all are in", len(waiting()) == 0 && d.conference().PresentCount() == 3)
}

// TestPageLowersHands: who wants to speak is shown, and all hands go down by one click.
func TestPageLowersHands(t *testing.T) {
	d := openDesk(t, func(*config.Config) {}, "alice", "bob", "carol")
	const offered = `[...document.querySelectorAll("header.conference button")].some((b) => b.textContent === "Lower hands" && b.offsetParent)`
	if d.page.value(offered) == true {
		t.Error("hands can be lowered, and there is none")
	}
	raised := true
	for _, name := range []string{"alice", "carol"} {
		p, _ := d.who(name)
		if _, err := d.server.focus.UpdateParticipant(t.Context(), "1000", p.ID, focus.ParticipantChange{Hand: &raised}); err != nil {
			t.Fatal(err)
		}
	}
	d.page.until("two hands come first", `[...document.querySelectorAll(".roster tbody tr")].slice(0, 2).every((r) => r.querySelector(".state").textContent.includes("hand"))`)
	d.page.press("header.conference", "Lower hands")
	d.page.until("no hand is up", `!(`+offered+`) && ![...document.querySelectorAll(".roster .state")].some((s) => s.textContent.includes("hand"))`)
	d.settled("Lower hands")
	d.want("no hand is up", len(d.conference().Hands()) == 0)
}

// TestPageMakesConferences: a new conference is what the form says, and is shown; a number that is taken is refused in words.
func TestPageMakesConferences(t *testing.T) {
	d := openDesk(t, func(*config.Config) {})
	fill := func(id string) {
		d.page.value(`location.hash = "#/"`)
		d.page.press(".conferences", "New conference")
		d.page.write("dialog input[name=id]", id)
		d.page.write("dialog input[name=name]", "Crisis <b>team</b>")
		d.page.write("dialog input[name=pin]", "4711")
		d.page.click("dialog input[name=lobby]")
		d.page.press("dialog", "Create")
	}
	fill("7000")
	d.page.until("it is shown", `location.hash === "#/conferences/7000" && document.querySelector("header.conference h1").textContent === "Crisis <b>team</b>"`)
	d.settled("Create a conference")
	made, err := d.server.focus.Conference("7000")
	d.want("it is there", err == nil && made.Name == "Crisis <b>team</b>" && made.Rules.Lobby && made.URI != "")
	d.want("it has its PIN", err == nil && focus.DescribeConference(made).Protected)
	fill("1000")
	d.said("Create a conference: refused.")
	if name := d.conference().Name; name != "Trading desk" {
		t.Errorf("the conference that was there is now %q", name)
	}
	d.page.press(".conferences", "New conference")
	d.page.write("dialog input[name=pin]", "12")
	d.page.press("dialog", "Create")
	d.page.until("a PIN of two digits is not sent", `document.querySelector("dialog form") && !document.querySelector("dialog form").checkValidity()`)
	d.page.key("Escape")
	if n := len(d.server.focus.Conferences()); n != 2 {
		t.Errorf("%d conferences", n)
	}
}

// TestPageDownloads: a stream, all of it in one file, and a vCon come as files, with a token by a cookie; each is what it is called.
func TestPageDownloads(t *testing.T) {
	s := pageService(t, func(cfg *config.Config) { cfg.HTTP.Tokens = pageTokens() })
	recordBriefly(t, s)
	b := openBrowser(t)
	folder := t.TempDir()
	page := b.page
	b.page = "" // of the whole browser
	b.call("Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": folder}, nil)
	b.page = page
	b.open("http://" + s.control.Addr() + "/#/recordings")
	b.giveToken("listen-secret")
	b.click(".recorded tbody a")
	for _, c := range []struct{ below, button, end, begins string }{
		{".streams", "Download", ".wav", "RIFF"}, {".recorded > .actions", "All in one WAV", ".wav", "RIFF"}, {".recorded > .actions", "vCon", ".vcon.json", "{"},
	} {
		b.press(c.below, c.button)
		name, content := downloaded(t, folder)
		if !strings.HasSuffix(name, c.end) || !strings.HasPrefix(content, c.begins) {
			t.Errorf("%s gives %s of %d octets, %.20q", c.button, name, len(content), content)
		}
		switch c.end {
		case ".wav":
			if len(content) < 16000 { // a second of PCMU at least, of the two that were said
				t.Errorf("%s: %d octets", c.button, len(content))
			}
		default:
			if !json.Valid([]byte(content)) {
				t.Errorf("%s: %.200s", c.button, content)
			}
		}
	}
	if said := b.value(`document.getElementById("toasts").innerText`); said != "" {
		t.Errorf("the page says %q", said)
	}
}

// downloaded waits for the only file of a folder to be whole, and takes it away.
func downloaded(t *testing.T, folder string) (name, content string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); ; {
		found, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 && !strings.HasSuffix(found[0].Name(), ".crdownload") && !strings.HasPrefix(found[0].Name(), ".") {
			file := filepath.Join(folder, found[0].Name())
			data, err := os.ReadFile(file)
			if err == nil && len(data) > 0 {
				if err = os.Remove(file); err != nil {
					t.Fatal(err)
				}
				return found[0].Name(), string(data)
			}
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("nothing is downloaded: %v", found)
		}
	}
}

// The command line acknowledges an alarm, shows who has, and takes it back.
func TestAlarmCommands(t *testing.T) {
	s := testService(t, endingSoon(t))
	api := server{API: "http://" + s.control.Addr()}
	shown := func() string {
		t.Helper()
		var out strings.Builder
		if err := (&alarmList{server: api}).Run(t.Context(), &terminal{out: &out, err: &out}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "sip.tls") {
				return line
			}
		}
		t.Fatal(out.String())
		return ""
	}
	for _, c := range []struct {
		change alarmAcknowledge
		want   string
	}{{alarmAcknowledge{Name: "certificate", About: "sip.tls", By: "Jane"}, " Jane "}, {alarmAcknowledge{Name: "certificate", About: "sip.tls", Undo: true}, " - "}} {
		c.change.server = api
		if err := c.change.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if line := shown(); !strings.HasPrefix(line, "critical") || !strings.Contains(line, c.want) {
			t.Errorf("after %+v: %s", c.change, line)
		}
	}
	if err := (&alarmAcknowledge{server: api, Name: "ports"}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("what is no alarm: %v", err)
	}
}
