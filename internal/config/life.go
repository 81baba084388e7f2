package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Life says who waits, who is heard, and when a conference ends by itself.
type Life struct {
	WaitForModerator bool            `yaml:"wait_for_moderator"` // who does not lead waits until somebody does
	Lobby            bool            `yaml:"lobby"`              // callers wait until they are admitted
	WaitTimeout      time.Duration   `yaml:"wait_timeout"`       // after which who waits is sent away; 0: never
	OnModeratorLeave string          `yaml:"on_moderator_leave" accept:"continue,wait,end"`
	ModeratorGrace   time.Duration   `yaml:"moderator_grace"` // how long one may be away before it follows
	EndWhenLeft      int             `yaml:"end_when_left"`   // ends when, after there were more, only so many are left; 0: goes on
	EndGrace         time.Duration   `yaml:"end_grace"`
	MaxDuration      time.Duration   `yaml:"max_duration"`      // 0: any
	DurationWarnings []time.Duration `yaml:"duration_warnings"` // before its end
	MuteAbove        int             `yaml:"mute_above"`        // who comes when so many are in starts muted; 0: nobody
	AllowUnmute      bool            `yaml:"allow_unmute"`      // participants may unmute themselves
	Lecture          bool            `yaml:"lecture"`
	Text             bool            `yaml:"text"`        // real-time text (RFC 4103), for those whose telephones have it
	Music            string          `yaml:"music"`       // file, for those who wait or are alone; empty: silence
	MusicAlone       bool            `yaml:"music_alone"` // false: only for those who wait
	Quiet            bool            `yaml:"quiet"`       // participants are not told by prompts what others do with them
	Goodbye          string          `yaml:"goodbye"`     // file, heard when the conference ends by its rules; empty: what is built in
}

// LifeOverrides is Life where a conference may leave everything as the defaults say.
type LifeOverrides struct {
	WaitForModerator *bool           `yaml:"wait_for_moderator"`
	Lobby            *bool           `yaml:"lobby"`
	WaitTimeout      *time.Duration  `yaml:"wait_timeout"`
	OnModeratorLeave *string         `yaml:"on_moderator_leave" accept:"continue,wait,end"`
	ModeratorGrace   *time.Duration  `yaml:"moderator_grace"`
	EndWhenLeft      *int            `yaml:"end_when_left"`
	EndGrace         *time.Duration  `yaml:"end_grace"`
	MaxDuration      *time.Duration  `yaml:"max_duration"`
	DurationWarnings []time.Duration `yaml:"duration_warnings"`
	MuteAbove        *int            `yaml:"mute_above"`
	AllowUnmute      *bool           `yaml:"allow_unmute"`
	Lecture          *bool           `yaml:"lecture"`
	Text             *bool           `yaml:"text"`
	Music            *string         `yaml:"music"`
	MusicAlone       *bool           `yaml:"music_alone"`
	Quiet            *bool           `yaml:"quiet"`
	Goodbye          *string         `yaml:"goodbye"`
}

// Over gives the life of a conference from the defaults.
func (o *LifeOverrides) Over(life Life) Life {
	assign(&life.WaitForModerator, o.WaitForModerator)
	assign(&life.Lobby, o.Lobby)
	assign(&life.WaitTimeout, o.WaitTimeout)
	assign(&life.OnModeratorLeave, o.OnModeratorLeave)
	assign(&life.ModeratorGrace, o.ModeratorGrace)
	assign(&life.EndWhenLeft, o.EndWhenLeft)
	assign(&life.EndGrace, o.EndGrace)
	assign(&life.MaxDuration, o.MaxDuration)
	if o.DurationWarnings != nil {
		life.DurationWarnings = o.DurationWarnings
	}
	assign(&life.MuteAbove, o.MuteAbove)
	assign(&life.AllowUnmute, o.AllowUnmute)
	assign(&life.Lecture, o.Lecture)
	assign(&life.Text, o.Text)
	assign(&life.Music, o.Music)
	assign(&life.MusicAlone, o.MusicAlone)
	assign(&life.Quiet, o.Quiet)
	assign(&life.Goodbye, o.Goodbye)
	return life
}

func assign[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// CallList is whom a conference calls by itself.
type CallList struct {
	When     string        `yaml:"when" accept:"start,request"` // with its first participant, or only when the API asks for it; empty: start
	Targets  []Callee      `yaml:"targets"`
	Attempts int           `yaml:"attempts"` // to reach each of them; 0: one
	Interval time.Duration `yaml:"interval"` // from a failure to the next attempt; 0: 30s
}

// Callee is one of a CallList.
type Callee struct {
	URI     string `yaml:"uri"`
	Name    string `yaml:"name"` // for people
	Role    string `yaml:"role" accept:"moderator,speaker,listener"`
	Consent bool   `yaml:"consent"` // he is asked to press 1 before he comes in
	Marked  bool   `yaml:"marked"`  // others need not wait when he is there
}

// checkLife finds what is wrong with the life of a conference, or of the defaults. What a conference has from the defaults is theirs.
func (r *reader) checkLife(key string, life *Life, defaults bool) {
	fail := func(problem string, args ...any) func(names ...string) {
		return func(names ...string) {
			for _, name := range names { // the first that stands here
				list, _, _ := strings.Cut(name, "[")
				if defaults || r.lines[key+"."+list] > 0 {
					r.fail(key+"."+name, problem, args...)
					return
				}
			}
		}
	}
	for name, n := range map[string]int{"end_when_left": life.EndWhenLeft, "mute_above": life.MuteAbove} {
		if n < 0 {
			fail("wants 0 or more, has %d", n)(name)
		}
	}
	if life.OnModeratorLeave == "wait" && !life.WaitForModerator {
		fail("wait needs wait_for_moderator: true")("on_moderator_leave", "wait_for_moderator")
	}
	for i, warning := range life.DurationWarnings {
		if warning == 0 || life.MaxDuration > 0 && warning >= life.MaxDuration {
			fail("a warning %v before the end wants more than 0 and less than max_duration (%v)", warning, life.MaxDuration)(
				fmt.Sprintf("duration_warnings[%d]", i), "max_duration")
		}
	}
}

// Times are when a conference opens and closes; zero: always, never. The error says what is wrong with one of them.
func (c *Conference) Times() (opens, closes time.Time, err error) {
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{{"opens", c.Opens, &opens}, {"closes", c.Closes, &closes}} {
		if t.text == "" {
			continue
		}
		if *t.to, err = time.Parse(time.RFC3339, t.text); err != nil {
			return opens, closes, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return opens, closes, nil
}

// checkTimes looks at when a conference opens and closes.
func (r *reader) checkTimes(key string, c *Conference) {
	opens, closes, err := c.Times()
	name := ".closes"
	if err != nil && strings.HasPrefix(err.Error(), "opens") {
		name = ".opens"
	}
	switch {
	case err != nil:
		r.fail(key+name, "wants a time such as 2026-12-01T09:00:00Z or 2026-12-01T10:00:00+01:00")
	case !closes.IsZero() && !closes.After(opens):
		r.fail(key+name, "wants a time after opens (%s), has %s", c.Opens, c.Closes)
	}
}

func (r *reader) checkCallList(key string, list *CallList) {
	if list.Attempts < 0 {
		r.fail(key+".attempts", "wants 0 or more, has %d", list.Attempts)
	}
	for i, callee := range list.Targets {
		u, err := url.Parse(callee.URI)
		if err != nil || !slices.Contains([]string{"sip", "sips"}, u.Scheme) || u.Opaque == "" || strings.ContainsAny(callee.URI, " <>") {
			r.fail(fmt.Sprintf("%s.targets[%d].uri", key, i), "wants a SIP URI such as sip:bob@example.com, has %q", callee.URI)
		}
	}
}
