package main

import (
	"cmp"
	"net/netip"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
)

// doorConfig says how PINs and numbers are entered.
func doorConfig(door *config.Door) conference.DoorConfig {
	return conference.DoorConfig{
		Attempts: door.Attempts, First: door.FirstKey, Between: door.NextKey, Failures: door.Lockout.Failures,
		Total: cmp.Or(door.Lockout.Total, -1), Window: door.Lockout.Window, Lockout: door.Lockout.Duration, Name: door.NameLength,
	}
}

// menuConfig is what can be chosen by keys: each list that is there takes the place of the one that is built in.
func menuConfig(menus *config.Menus) conference.MenuConfig {
	out := focus.DefaultMenu()
	out.Timeout = menus.Timeout
	for list, menu := range map[*[]config.MenuEntry]*conference.Menu{&menus.Participant: &out.Participants, &menus.Moderator: &out.Moderators} {
		if *list == nil {
			continue
		}
		*menu = conference.Menu{}
		for _, entry := range *list {
			(*menu)[entry.Keys] = conference.Choice(entry.Action)
		}
	}
	return out
}

// accessNumbers are where callers enter the number of a conference.
func accessNumbers(list []config.Access) []focus.AccessNumber {
	out := make([]focus.AccessNumber, 0, len(list))
	for i := range list {
		out = append(out, focus.AccessNumber{ID: conference.ID(list[i].User()), Create: list[i].Create})
	}
	return out
}

// guessed counts wrong PINs like wrong passwords.
func (s *service) guessed(source netip.Addr) bool {
	s.metrics.AuthFailure()
	return s.gate.Guessed(source)
}
