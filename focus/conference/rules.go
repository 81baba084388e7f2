package conference

import (
	"fmt"
	"slices"
	"time"
)

// Rules are what a conference does by itself with those who come and go. The zero value lets everybody in at once, lets everybody
// speak, and goes on until the last one has left.
type Rules struct {
	WaitForModerator bool           // who does not lead waits until somebody is there who does
	Lobby            bool           // who calls in and does not lead waits until he is admitted
	WaitTimeout      time.Duration  // after which who waits is sent away; 0: never
	ModeratorLeaves  AfterModerator // what follows when nobody is left who leads
	ModeratorGrace   time.Duration  // how long one may be away before it follows
	EndAt            int            // ends when, after there were more, only so many are left; 0: goes on
	EndAtGrace       time.Duration  // how long there may be so few before it ends
	MaxDuration      time.Duration  // from the first participant; 0: any
	MuteAbove        int            // who comes as speaker when so many are in already starts muted; 0: nobody
	HardMute         bool           // participants cannot unmute themselves, only a moderator can
	Lecture          bool           // only moderators and those who have been given the floor are heard
	Text             bool           // there is real-time text (RFC 4103), for those whose user agents have it
	Entry            Entry          // how the others learn that somebody comes or goes
}

// RulesChange changes rules; a nil field stays.
type RulesChange struct {
	WaitForModerator, Lobby, HardMute, Lecture, Text     *bool
	EndAt, MuteAbove                                     *int
	WaitTimeout, ModeratorGrace, EndAtGrace, MaxDuration *time.Duration
	ModeratorLeaves                                      *AfterModerator
	Entry                                                *Entry
}

// Valid refuses what has no meaning. Error: ErrRange.
func (r *Rules) Valid() error {
	shortest := min(r.WaitTimeout, r.ModeratorGrace, r.EndAtGrace, r.MaxDuration)
	if shortest < 0 || r.EndAt < 0 || r.MuteAbove < 0 || r.ModeratorLeaves > EndConference || r.Entry > EntryAnnounce {
		return ErrRange
	}
	return nil
}

// With gives the rules as a change makes them. Error: ErrRange.
func (r Rules) With(c RulesChange) (Rules, error) {
	assign(&r.WaitForModerator, c.WaitForModerator)
	assign(&r.Lobby, c.Lobby)
	assign(&r.HardMute, c.HardMute)
	assign(&r.Lecture, c.Lecture)
	assign(&r.Text, c.Text)
	assign(&r.EndAt, c.EndAt)
	assign(&r.MuteAbove, c.MuteAbove)
	assign(&r.WaitTimeout, c.WaitTimeout)
	assign(&r.ModeratorGrace, c.ModeratorGrace)
	assign(&r.EndAtGrace, c.EndAtGrace)
	assign(&r.MaxDuration, c.MaxDuration)
	assign(&r.ModeratorLeaves, c.ModeratorLeaves)
	assign(&r.Entry, c.Entry)
	return r, r.Valid()
}

// AfterModerator is what follows when nobody is left who leads.
type AfterModerator uint8

// The consequences. WaitAgain has an effect with Rules.WaitForModerator only.
const (
	GoOn AfterModerator = iota
	WaitAgain
	EndConference
)

// String gives the name used in the configuration.
func (a AfterModerator) String() string { return name(afterNames[:], int(a)) }

// ParseAfterModerator is the inverse of String; any other text gives ErrRange.
func ParseAfterModerator(s string) (AfterModerator, error) {
	i := slices.Index(afterNames[:], s)
	if i < 0 {
		return 0, fmt.Errorf("%q: %w", s, ErrRange)
	}
	return AfterModerator(i), nil //nolint:gosec // an index of the table
}

// Entry is how the others learn that somebody comes or goes.
type Entry uint8

// The ways of announcing.
const (
	EntryNone Entry = iota
	EntryTone
	EntryAnnounce // who calls in says his name at the door, and the others hear it
)

// String gives the name used in the configuration.
func (e Entry) String() string { return name(entryNames[:], int(e)) }

// ParseEntry is the inverse of String; any other text gives ErrRange.
func ParseEntry(s string) (Entry, error) {
	i := slices.Index(entryNames[:], s)
	if i < 0 {
		return 0, fmt.Errorf("entry %q: %w", s, ErrRange)
	}
	return Entry(i), nil //nolint:gosec // an index of the table
}

//nolint:gochecknoglobals // tables
var (
	afterNames = [...]string{"continue", "wait", "end"}
	entryNames = [...]string{"none", "tone", "announce"}
)
