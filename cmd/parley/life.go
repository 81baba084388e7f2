package main

import (
	"fmt"
	"os"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
)

// live gives a conference its rules. What config has checked cannot fail here.
func live(out *focus.ConferenceConfig, life *config.Life, entry string) {
	after, _ := conference.ParseAfterModerator(life.OnModeratorLeave)
	how, _ := conference.ParseEntry(entry)
	out.Rules = conference.Rules{
		WaitForModerator: life.WaitForModerator, Lobby: life.Lobby, WaitTimeout: life.WaitTimeout,
		ModeratorLeaves: after, ModeratorGrace: life.ModeratorGrace, EndAt: life.EndWhenLeft, EndAtGrace: life.EndGrace,
		MaxDuration: life.MaxDuration, MuteAbove: life.MuteAbove, HardMute: !life.AllowUnmute, Lecture: life.Lecture, Text: life.Text, Entry: how,
	}
	out.Warnings, out.NoMusicAlone, out.Quiet = life.DurationWarnings, !life.MusicAlone, life.Quiet
}

// callList is whom a conference calls by itself.
func callList(list *config.CallList) focus.CallList {
	out := focus.CallList{Attempts: list.Attempts, Interval: list.Interval}
	if list.When == "request" {
		out.When = focus.CallOnRequest
	}
	for _, callee := range list.Targets {
		role, _ := conference.ParseRole(callee.Role) // checked by config; nothing is a speaker
		out.Callees = append(out.Callees, focus.DialRequest{URI: callee.URI, DisplayName: callee.Name, Role: role, Marked: callee.Marked, Consent: callee.Consent})
	}
	return out
}

// addSounds reads the files that conferences play, each of them once.
func addSounds(cfg *config.Config, settings *focus.Config) error {
	known := map[string]*focus.Sound{}
	sound := func(key, file string) (*focus.Sound, error) {
		if s, ok := known[file]; ok || file == "" {
			return s, nil
		}
		data, err := os.ReadFile(file) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		s, err := focus.NewSound(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", key, file, err)
		}
		known[file] = s
		return s, nil
	}
	add := func(key string, life config.Life, to *focus.ConferenceConfig) (err error) {
		if to.Music, err = sound(key+".music", life.Music); err == nil {
			to.Goodbye, err = sound(key+".goodbye", life.Goodbye)
		}
		return err
	}
	if err := add("conference_defaults", cfg.ConferenceDefaults.Life, &settings.Defaults); err != nil {
		return err
	}
	for i := range cfg.Conferences {
		life := cfg.Conferences[i].Over(cfg.ConferenceDefaults.Life)
		if err := add(fmt.Sprintf("conferences[%d]", i), life, &settings.Conferences[i]); err != nil {
			return err
		}
	}
	return nil
}
