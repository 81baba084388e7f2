package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Access is a number at which callers enter that of a conference, its identifier.
type Access struct {
	URI    string `yaml:"uri"`    // sip:8000@conf.example.com, or its user part alone
	Create bool   `yaml:"create"` // an unknown number makes a conference, where conference_defaults.dynamic lets a call do so
}

// User is the part of the URI that counts.
func (a *Access) User() string {
	user := strings.TrimPrefix(strings.TrimPrefix(a.URI, "sips:"), "sip:")
	user, _, _ = strings.Cut(user, "@")
	return user
}

// Door says how PINs and numbers are entered by key presses.
type Door struct {
	Attempts int           `yaml:"attempts"`  // of one call
	FirstKey time.Duration `yaml:"first_key"` // time for it after what was said
	NextKey  time.Duration `yaml:"next_key"`  // after each; then the entry is taken as it is
	Lockout  Lockout       `yaml:"lockout"`
	// NameLength is how long a name may be that a caller says where entry is announce.
	NameLength time.Duration `yaml:"name_length"`
}

const (
	defaultName = 5 * time.Second
	maxName     = 10 * time.Second
)

// Lockout keeps out who enters what is wrong too often.
type Lockout struct {
	Failures int           `yaml:"failures"` // of one source within the window
	Total    int           `yaml:"total"`    // of all sources at one conference; 0: no such limit
	Window   time.Duration `yaml:"window"`
	Duration time.Duration `yaml:"duration"`
}

// Menus are what participants can do by key presses. Moderators have both; their own goes first.
type Menus struct {
	Participant []MenuEntry   `yaml:"participant"`
	Moderator   []MenuEntry   `yaml:"moderator"`
	Timeout     time.Duration `yaml:"timeout"` // between two keys of a sequence
}

// MenuEntry is one sequence of keys.
type MenuEntry struct {
	Keys   string `yaml:"keys"`
	Action string `yaml:"action"`
}

// NoPIN says that a conference has none although conference_defaults has one.
const NoPIN = "none"

// actions are what menus may do.
//
//nolint:gochecknoglobals // a table
var actions = []string{
	"admit_all", "coach", "count", "end", "end_coaching", "floor", "hand", "leave", "lecture", "lock", "louder", "main", "menu", "mute", "mute_all", "normal",
	"pause_recording", "quieter", "record", "remove_last", "roll_call", "sidebar",
}

// pinPattern is what can be entered at a telephone, and not be guessed at once.
var pinPattern = regexp.MustCompile(`^[0-9]{4,32}$`)

// menuKeys are sequences that a telephone can send.
var menuKeys = regexp.MustCompile(`^[0-9*#]{1,8}$`)

// PINs are those that hold at a conference; empty: none.
func (c *Conference) PINs(defaults *ConferenceDefaults) (pin, moderator Secret) {
	pin, moderator = cmp.Or(c.PIN, defaults.PIN), cmp.Or(c.ModeratorPIN, defaults.ModeratorPIN)
	if pin == NoPIN {
		pin = ""
	}
	if moderator == NoPIN {
		moderator = ""
	}
	return pin, moderator
}

// checkDoor looks at PINs, which no error shows, and at how they are entered.
func (r *reader) checkDoor(cfg *Config) {
	pin := func(key string, value Secret, none bool) {
		if value != "" && (value != NoPIN || !none) && !pinPattern.MatchString(value.Reveal()) {
			r.fail(key, "wants 4 to 32 digits")
		}
	}
	pin("conference_defaults.pin", cfg.ConferenceDefaults.PIN, false)
	pin("conference_defaults.moderator_pin", cfg.ConferenceDefaults.ModeratorPIN, false)
	if p := cfg.ConferenceDefaults; p.PIN != "" && p.PIN == p.ModeratorPIN {
		r.fail("conference_defaults.moderator_pin", "is the same as the other PIN")
	}
	for i := range cfg.Conferences {
		c, key := &cfg.Conferences[i], fmt.Sprintf("conferences[%d]", i)
		pin(key+".pin", c.PIN, true)
		pin(key+".moderator_pin", c.ModeratorPIN, true)
		if mine, moderator := c.PINs(&cfg.ConferenceDefaults); mine != "" && mine == moderator && (c.PIN != "" || c.ModeratorPIN != "") {
			r.fail(key+".moderator_pin", "is the same as the other PIN")
		}
	}
	r.checkAccess(cfg)
	door := &cfg.Door
	for key, n := range map[string]int{"door.attempts": door.Attempts, "door.lockout.failures": door.Lockout.Failures} {
		if n < 1 {
			r.fail(key, "wants 1 or more, has %d", n)
		}
	}
	if door.NameLength < time.Second || door.NameLength > maxName {
		r.fail("door.name_length", "wants 1s to %v, has %v", maxName, door.NameLength)
	}
	if door.Lockout.Total < 0 {
		r.fail("door.lockout.total", "wants 0 or more, has %d", door.Lockout.Total)
	}
	if door.FirstKey <= 0 || door.NextKey <= 0 || door.Lockout.Window <= 0 || door.Lockout.Duration <= 0 {
		r.fail("door", "wants first_key, next_key, lockout.window and lockout.duration above 0")
	}
}

func (r *reader) checkAccess(cfg *Config) {
	for i := range cfg.Access {
		key, user := fmt.Sprintf("access[%d].uri", i), cfg.Access[i].User()
		switch {
		case user == "" || strings.ContainsAny(user, " @<>\"\r\n\t/?#:;"):
			r.fail(key, "wants sip:NUMBER@host or NUMBER, has %q", cfg.Access[i].URI)
		case user == cfg.SIP.Factory:
			r.fail(key, "%q is sip.factory already", user)
		case slices.ContainsFunc(cfg.Access[:i], func(a Access) bool { return a.User() == user }):
			r.fail(key, "%q stands twice", user)
		case slices.ContainsFunc(cfg.Conferences, func(c Conference) bool { return c.ID == user }):
			r.fail(key, "%q is a conference already", user)
		}
	}
}

func (r *reader) checkMenus(menus *Menus) {
	if menus.Timeout <= 0 {
		r.fail("menus.timeout", "wants more than 0, has %v", menus.Timeout)
	}
	for name, list := range map[string][]MenuEntry{"participant": menus.Participant, "moderator": menus.Moderator} {
		for i, entry := range list {
			key := fmt.Sprintf("menus.%s[%d]", name, i)
			if !menuKeys.MatchString(entry.Keys) {
				r.fail(key+".keys", "wants up to 8 of 0 to 9, * and #, has %q", entry.Keys)
			} else if slices.ContainsFunc(list[:i], func(e MenuEntry) bool { return e.Keys == entry.Keys }) {
				r.fail(key+".keys", "%q stands twice", entry.Keys)
			}
			if !slices.Contains(actions, entry.Action) {
				r.fail(key+".action", "wants one of %s, has %q", strings.Join(actions, ", "), entry.Action)
			}
		}
	}
}
