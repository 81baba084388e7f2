package main

import (
	"slices"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
)

// The configuration accepts exactly the actions that there are, and a list replaces only its own menu.
func TestMenus(t *testing.T) {
	for _, name := range focus.Choices() {
		source := "menus: {participant: [{keys: \"1\", action: " + name + "}]}"
		cfg, err := config.Parse("parley.yml", []byte(source), nil)
		if err != nil {
			t.Error(err)
			continue
		}
		menu := menuConfig(&cfg.Menus)
		if len(menu.Participants) != 1 || menu.Participants["1"] != conference.Choice(name) || len(menu.Moderators) != len(focus.DefaultMenu().Moderators) {
			t.Errorf("%s: %+v", name, menu)
		}
	}
	_, err := config.Parse("parley.yml", []byte("menus: {participant: [{keys: \"1\", action: dance}]}"), nil)
	if err == nil {
		t.Error("any action is accepted")
	}
	for _, menu := range []conference.Menu{focus.DefaultMenu().Participants, focus.DefaultMenu().Moderators} {
		for keys, name := range menu {
			if !slices.Contains(focus.Choices(), string(name)) {
				t.Errorf("%s chooses %s, which there is not", keys, name)
			}
		}
	}
}

// PINs of a conference are its own, those of the defaults, or none.
func TestPINsOfConferences(t *testing.T) {
	cfg, err := config.Parse("parley.yml", []byte(`conference_defaults: {pin: "1111", moderator_pin: "2222"}
conferences: [{id: a}, {id: b, pin: "3333"}, {id: c, pin: none, moderator_pin: none}]
door: {lockout: {total: 0}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := focusConfig(&cfg, nil)
	for i, want := range []focus.ConferenceConfig{{PIN: "1111", ModeratorPIN: "2222"}, {PIN: "3333", ModeratorPIN: "2222"}, {}} {
		if c := got.Conferences[i]; c.PIN != want.PIN || c.ModeratorPIN != want.ModeratorPIN {
			t.Errorf("%s: %q %q", c.ID, string(c.PIN), string(c.ModeratorPIN))
		}
	}
	if got.Defaults.PIN != "1111" || got.Door.Total != -1 || got.Door.Attempts != 3 {
		t.Errorf("%+v", got.Door)
	}
}
