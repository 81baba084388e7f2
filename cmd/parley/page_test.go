package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
)

// markup is a display name that would run in a page that took it for HTML.
const markup = `<img src=x onerror=globalThis.owned=1>`

// TestPageShowsAndOperates uses the operator's page as he does, in a browser: the roster, a mute, a recording, and a server that is started anew.
func TestPageShowsAndOperates(t *testing.T) {
	port := freePort(t)
	fixed := func(cfg *config.Config) { cfg.HTTP.Listen = fmt.Sprintf("127.0.0.1:%d", port) }
	s := pageService(t, fixed)
	alice := testPhone(t, "alice")
	to := fmt.Sprintf("sip:1000@%v", s.agent.Addr("udp"))
	if err := alice.Call(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	mallory, err := conftest.NewPhone(t.Context(), conftest.PhoneConfig{Name: "mallory", DisplayName: markup, Codec: codecs.PCMU, Origin: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	defer mallory.Close(context.Background()) //nolint:errcheck // its server may have gone
	if err = mallory.Call(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	b.open("http://" + s.control.Addr() + "/")
	b.until("the overview is live", `document.body.dataset.live === "live" && document.querySelector(".conferences tbody a")`)
	b.click(".conferences tbody a")
	b.until("two are in the roster", `document.querySelectorAll(".roster tbody tr").length === 2`)
	b.until("the name is text", `[...document.querySelectorAll(".roster .name")].some((n) => n.textContent === "`+markup+`")`)
	if b.value(`globalThis.owned === undefined && !document.querySelector("main img")`) != true {
		t.Error("a display name was taken for HTML")
	}
	muteByClick(t, b, s)
	recordByClick(t, b, s)
	if err := alice.Hangup(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.until("who has left is gone", `document.querySelectorAll(".roster tbody tr").length === 1`)

	closeService(t, s)
	b.until("it says that it is not live", `document.body.dataset.live === "lost" && !document.getElementById("banner").hidden`)
	if b.value(`[...document.querySelectorAll("main button")].every((x) => x.disabled || x.className === "more")`) != true {
		t.Error("what cannot be done is offered")
	}
	pageService(t, fixed)
	b.until("it is live again", `document.body.dataset.live === "live" && document.getElementById("banner").hidden`)
	b.until("nobody is in the conference of the new server", `document.querySelectorAll(".roster tbody tr").length === 0`)
}

// muteByClick mutes alice by her button, and wants the focus to have done it when the page shows it.
func muteByClick(t *testing.T, b *browser, s *service) {
	t.Helper()
	found, err := s.focus.Participants(t.Context(), "1000")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		if p.DisplayName != "alice" {
			continue
		}
		row := `tr[data-participant="` + string(p.ID) + `"]`
		b.click(row + " button.main")
		b.until("she is shown as muted", `document.querySelector('`+row+` .state').textContent.includes("muted")`)
		if p, err = s.focus.Participant(t.Context(), "1000", p.ID); err != nil || !p.Muted {
			t.Errorf("the page says that she is muted, the focus %+v, %v", p, err)
		}
		return
	}
	t.Fatal("alice is not there")
}

// recordByClick has the conference recorded, and wants the recorder to have agreed when the page says so.
func recordByClick(t *testing.T, b *browser, s *service) {
	t.Helper()
	b.click("button.record")
	b.click("dialog button.primary")
	b.until("it is recorded", `document.querySelector(".recordings > li > .bar .label.rec")?.textContent === "recording"`)
	found, err := s.focus.Recordings(t.Context(), "1000")
	if err != nil || len(found) != 1 || found[0].State != "recording" {
		t.Errorf("the page says that it is recorded, the focus %+v, %v", found, err)
	}
}

// TestPageAsksForAToken: the page comes without a token, asks for one, says that it was refused, and offers nothing that the token may not do.
func TestPageAsksForAToken(t *testing.T) {
	s := pageService(t, func(cfg *config.Config) { cfg.HTTP.Tokens = pageTokens() })
	b := openBrowser(t)
	b.open("http://" + s.control.Addr() + "/")
	b.giveToken("wrong")
	b.until("it says that it was refused", `document.querySelector("dialog")?.textContent.includes("did not take")`)
	b.giveToken("read-secret")
	b.until("it is live", `document.body.dataset.live === "live" && document.getElementById("scope").textContent.includes("may only read")`)
	b.until("nothing is offered", `![...document.querySelectorAll("main button")].some((x) => x.offsetParent)`)
}

func pageTokens() []config.Token {
	return []config.Token{{Name: "ops", Token: "admin-secret", Scope: "admin"}, {Name: "wall", Token: "read-secret", Scope: "read"}, {Name: "ears", Token: "listen-secret", Scope: "listen"}}
}

// giveToken enters a token when the page asks for it.
func (b *browser) giveToken(secret string) {
	b.t.Helper()
	b.until("it asks", `document.querySelector("dialog input[type=password]")`)
	b.write("dialog input", secret)
	b.key("Enter")
}

// TestPagePlaysWithAToken: who may hear plays parts of a recording (Range) with a cookie that no script sees, without the token in any address; who spoke when is shown, and played from there. After a
// restart of the server, which knows no cookie of before, it goes on.
func TestPagePlaysWithAToken(t *testing.T) {
	port, folder := freePort(t), t.TempDir()
	fixed := func(cfg *config.Config) {
		cfg.HTTP.Listen, cfg.SRS.Directory, cfg.HTTP.Tokens = fmt.Sprintf("127.0.0.1:%d", port), folder, pageTokens()
	}
	s := pageService(t, fixed)
	recordBriefly(t, s)
	b := openBrowser(t)
	b.open("http://" + s.control.Addr() + "/#/recordings")
	b.giveToken("listen-secret")
	b.click(".recorded tbody a")
	b.until("who spoke when", `document.querySelector(".timeline .said") && document.querySelector(".timeline .track").ariaLabel.startsWith("alice speaks")`)
	b.press(".timeline", "Play alice")
	const playing = `document.querySelector("audio").currentTime > 0 && !document.querySelector("audio").error`
	b.until("it plays", playing)
	b.until("in parts", `performance.getEntriesByType("resource").some((e) => e.name.includes("/streams/") && e.responseStatus === 206)`)
	if addresses, _ := b.value(`[location.href, document.querySelector("audio").src, document.cookie, ...performance.getEntriesByType("resource").map((e) => e.name)].join(" ")`).(string); strings.Contains(addresses, "secret") || strings.Contains(addresses, "parley-listen") || strings.Contains(addresses, "blob:") {
		t.Errorf("a token is in an address, or a script sees the cookie: %s", addresses)
	}
	b.until("nothing but listening is offered", `![...document.querySelectorAll("main button")].some((x) => x.offsetParent && x.textContent === "Hold")`)
	closeService(t, s)
	pageService(t, fixed)
	b.until("it is live again", `document.body.dataset.live === "live"`)
	b.value(`document.querySelector("audio").src += "?"`) // as when a part is wanted that was not read yet
	b.until("the cookie of before was refused, and another was got", `performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/listening")).length === 2`)
	b.until("it plays again", playing)
	b.click(".timeline .track")
	b.until("from the middle", `document.querySelector("audio").currentTime > 0.4`)
	if said := b.value(`document.getElementById("toasts").innerText`); said != "" {
		t.Errorf("the page says %q", said)
	}
}

// recordBriefly leaves a recording of a short call.
func recordBriefly(t *testing.T, s *service) {
	t.Helper()
	phone := testPhone(t, "alice")
	if err := phone.Call(t.Context(), fmt.Sprintf("sip:1000@%v", s.agent.Addr("udp"))); err != nil {
		t.Fatal(err)
	}
	watcher := s.focus.Watch("1000", "")
	defer watcher.Close()
	recording, err := s.focus.StartRecording(t.Context(), "1000", focus.RecordingRequest{Modes: conference.Separate})
	if err != nil {
		t.Fatal(err)
	}
	await(t, watcher, "recording.started")
	<-phone.Say(voice(t, "alice", 8000)[:16000])
	if _, err = s.focus.StopRecording(t.Context(), "1000", recording.ID); err != nil {
		t.Fatal(err)
	}
	await(t, watcher, "recording.stopped")
}

// pageService is a server whose conference 1000 stays.
func pageService(t *testing.T, change func(*config.Config)) *service {
	t.Helper()
	return testService(t, func(cfg *config.Config) {
		cfg.Conferences = []config.Conference{{ID: "1000", Name: "Trading desk"}}
		change(cfg)
	})
}

// closeService ends a server before its test does.
func closeService(t *testing.T, s *service) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.close(ctx); err != nil {
		t.Error("close:", err)
	}
}
