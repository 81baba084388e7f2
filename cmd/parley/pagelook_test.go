package main

import (
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/config"
)

// TestPageCanBeRead: on a wall, a desk and a telephone, in light and dark, whatever names are, all text has contrast, nothing is wider than the screen, and names do not draw over each other.
func TestPageCanBeRead(t *testing.T) {
	long := strings.Repeat("A very long name ", 12)
	d := openDesk(t, func(cfg *config.Config) {
		cfg.Conferences = append(cfg.Conferences, config.Conference{ID: "2000", Name: long}, config.Conference{ID: "3000", Name: "غرفة الطوارئ"})
		cfg.Recording.Servers = []config.RecordingServer{{Name: "nowhere", URI: "sip:srs@127.0.0.1:9;transport=tcp"}}
	}, "alice", markup, strings.Repeat("verylongname", 20), "שלום", "evil \u202egnp.exe")
	d.page.until("a name has no characters that turn it round", `[...document.querySelectorAll(".name")].some((n) => n.textContent === "evil gnp.exe")`)
	d.page.click("button.record")
	d.page.check("dialog .many", "nowhere (unknown)", "embedded (unknown)")
	d.page.press("dialog", "Record")
	d.page.until("one has failed, one records", `document.querySelector(".servers .label.bad") && document.querySelector(".servers .label.rec")`)
	d.page.press(`tr[data-participant]`, "Mute alice")
	d.phones["שלום"].Say(voice(t, "alice", 8000))
	look := func(what string) {
		t.Helper()
		for _, width := range []int{1600, 1280, 390} {
			d.page.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
			for _, scheme := range []string{"light", "dark"} {
				if pale := d.page.pale(scheme); pale != "" {
					t.Errorf("%s, %s, %d pixels: without contrast are\n%s", what, scheme, width, pale)
				}
			}
			if wide := d.page.value(`[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && !e.closest(".hidden, .skip") && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map((e) => e.tagName + "." + e.className).join(" ")`); wide != "" {
				t.Errorf("%s, %d pixels: wider than the screen are %v", what, width, wide)
			}
		}
	}
	d.page.until("somebody speaks", `document.querySelector("tr.speaking")`)
	look("the conference")
	d.panel("alice")
	look("a participant")
	d.closePanel()
	d.page.press("header.conference", "Call somebody…")
	look("a form")
	d.page.key("Escape")
	d.page.press("section[aria-labelledby=sidebars]", "Take aside…")
	look("a list")
	d.page.key("Escape")
	d.page.value(`location.hash = "#/"`)
	d.page.until("the overview", `document.querySelector(".alarms li") && document.querySelectorAll(".conferences tbody tr").length === 3`)
	look("the overview")
	for _, phone := range d.phones {
		if err := phone.Hangup(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d.page.value(`location.hash = "#/recordings"`)
	d.page.until("recordings", `document.querySelector(".recorded tbody a")`)
	look("recordings")
	d.page.click(".recorded tbody a")
	d.page.until("who spoke when", `document.querySelector(".timeline .said")`)
	d.page.press(".timeline", d.page.value(`document.querySelector(".timeline button").ariaLabel`).(string)) //nolint:forcetypeassert // a label
	look("a recording")
}
