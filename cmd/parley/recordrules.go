package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/access"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sipua"
)

// recordingRules turns the configured rules into those of the focus.
func recordingRules(cfg *config.Config, recorders []focus.Recorder) ([]focus.RecordingRule, error) {
	out := make([]focus.RecordingRule, 0, len(cfg.Recording.Rules))
	for i := range cfg.Recording.Rules {
		from := &cfg.Recording.Rules[i]
		rule := recordRule{conferences: from.Conference, headers: from.Headers}
		var err error
		if rule.callers, err = access.NewPatterns(from.Caller); err != nil {
			return nil, fmt.Errorf("recording.rules[%d].caller: %w", i, err)
		}
		for k := range from.Hours {
			h, err := newHours(&from.Hours[k])
			if err != nil {
				return nil, fmt.Errorf("recording.rules[%d].hours[%d]: %w", i, k, err)
			}
			rule.hours = append(rule.hours, h)
		}
		out = append(out, focus.RecordingRule{
			Matches: rule.matches, Personal: len(from.Caller) > 0 || len(from.Headers) > 0,
			Recording: recordingConfig(from.Recording, cfg.ConferenceDefaults.Recording, recorders),
		})
	}
	return out, nil
}

// recordRule is the condition of a rule.
type recordRule struct {
	conferences []string
	callers     access.Patterns
	headers     []config.RecordHeader
	hours       []hours
}

func (r *recordRule) matches(a focus.Arrival) bool {
	if len(r.conferences) > 0 && !slices.ContainsFunc(r.conferences, func(p string) bool { return access.Glob(p, string(a.Conference)) }) {
		return false
	}
	if len(r.hours) > 0 && !slices.ContainsFunc(r.hours, func(h hours) bool { return h.contain(a.At) }) {
		return false
	}
	if a.Request == nil {
		return len(r.headers) == 0 && (len(r.callers) == 0 || r.callers.Target(a.Target))
	}
	return r.calls(a.Request)
}

// calls tells whether a rule is about who calls in. A caller whom nobody has looked at is who From says.
func (r *recordRule) calls(request *sipua.Request) bool {
	if len(r.callers) > 0 {
		caller := sipua.Caller{Identity: request.From}
		if request.Caller != nil {
			caller = *request.Caller
		}
		if !r.callers.Caller(caller, request.Source.Addr().Unmap()) {
			return false
		}
	}
	return !slices.ContainsFunc(r.headers, func(h config.RecordHeader) bool {
		for _, field := range request.Headers {
			if strings.EqualFold(field.Name, h.Name) && (h.Value == "" || access.Glob(h.Value, field.Value)) {
				return false
			}
		}
		return true
	})
}

// hours are a part of the week.
type hours struct {
	days     [7]bool
	from, to time.Duration
	zone     *time.Location
}

func newHours(cfg *config.Hours) (hours, error) {
	from, to, zone, _, err := cfg.Span()
	if err != nil {
		return hours{}, err
	}
	h := hours{from: from, to: to, zone: zone}
	for i, day := range config.Weekdays {
		h.days[i] = len(cfg.Days) == 0 || slices.Contains(cfg.Days, day)
	}
	return h, nil
}

// contain tells whether a moment is within the hours, by the clock on the wall. What ends before it begins goes on to the next day, and
// belongs to the day on which it began.
func (h *hours) contain(at time.Time) bool {
	at = at.In(h.zone)
	day := at.Weekday()
	clock := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	if h.from < h.to {
		return h.days[day] && clock >= h.from && clock < h.to
	}
	before := (day + 6) % 7 //nolint:mnd // a week
	return h.days[day] && clock >= h.from || h.days[before] && clock < h.to
}
