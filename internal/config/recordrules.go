package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are known wherever we run
)

// RecordingRule is a policy for some conferences, callers, header fields or hours. All that it names must fit; of several rules the first
// one that is about who joins counts, and goes before the policy of the conference.
type RecordingRule struct {
	Conference []string        `yaml:"conference"` // user parts, with * for any text; empty: all
	Caller     []string        `yaml:"caller"`     // as in allow; who is called is looked at by user@host
	Headers    []RecordHeader  `yaml:"headers"`    // of the INVITE, the value with * for any text
	Hours      []Hours         `yaml:"hours"`      // in one of which he joins; empty: always
	Recording  RecordingPolicy `yaml:"recording"`
}

// Hours are a part of the week.
type Hours struct {
	Days []string `yaml:"days"` // mon to sun; empty: each
	From string   `yaml:"from"` // 08:00; empty: 00:00
	To   string   `yaml:"to"`   // 18:00, not itself; empty: 24:00. Before from: on the next day
	Zone string   `yaml:"zone"` // such as Europe/Berlin; empty: that of the server
}

// Weekdays are the names of days, Sunday first, as time counts them.
//
//nolint:gochecknoglobals // a table
var Weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var errClock = errors.New("wants a time of day such as 08:00")

// clockForm is how a time of day is written.
const clockForm = "15:04"

// dayLength is what 24:00 means.
const dayLength = 24 * time.Hour

// Span gives when the hours begin and end after midnight, and where. The error says which key is wrong.
func (h *Hours) Span() (from, to time.Duration, zone *time.Location, key string, err error) {
	if from, err = clock(h.From, 0); err != nil {
		return 0, 0, nil, "from", err
	}
	if to, err = clock(h.To, dayLength); err != nil {
		return 0, 0, nil, "to", err
	}
	zone = time.Local
	if h.Zone != "" {
		if zone, err = time.LoadLocation(h.Zone); err != nil {
			return 0, 0, nil, "zone", err
		}
	}
	return from, to, zone, "", nil
}

func clock(text string, otherwise time.Duration) (time.Duration, error) {
	switch text {
	case "":
		return otherwise, nil
	case "24:00":
		return dayLength, nil
	}
	at, err := time.Parse(clockForm, text)
	if err != nil {
		return 0, fmt.Errorf("%w, has %q", errClock, text)
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, nil
}

func (r *reader) checkRecordingRules(cfg *Config) {
	for i := range cfg.Recording.Rules {
		rule := &cfg.Recording.Rules[i]
		key := fmt.Sprintf("recording.rules[%d]", i)
		r.checkRule(key+".caller", rule.Caller, &cfg.SIP, true)
		for k, h := range rule.Headers {
			if h.Name == "" || strings.ContainsAny(h.Name, ": \t\r\n") {
				r.fail(fmt.Sprintf("%s.headers[%d].name", key, k), "wants the name of a header field, has %q", h.Name)
			}
		}
		for k := range rule.Hours {
			r.checkHours(fmt.Sprintf("%s.hours[%d]", key, k), &rule.Hours[k])
		}
		if rule.Recording.Policy == "" {
			r.fail(key+".recording.policy", "wants always, on_demand or never")
		}
		r.checkPolicy(key+".recording", &rule.Recording, cfg)
	}
}

func (r *reader) checkHours(key string, h *Hours) {
	for i, day := range h.Days {
		if !slices.Contains(Weekdays, day) {
			r.fail(fmt.Sprintf("%s.days[%d]", key, i), "wants one of %s, has %q", strings.Join(Weekdays, ", "), day)
		}
	}
	if _, _, _, sub, err := h.Span(); err != nil {
		r.fail(key+"."+sub, "%v", err)
	}
}
