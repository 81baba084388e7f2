package conference

import "time"

// maxGuessers bounds the sources that are remembered.
const maxGuessers = 4096

// Guard counts wrong entries, and keeps out who guesses. It is not safe for concurrent use.
type Guard struct {
	limits  DoorConfig
	sources map[string]*guesser
}

// guesser is a source of wrong entries.
type guesser struct {
	failures int
	since    time.Time // of the first within the window
	until    time.Time // kept out
}

// everybody is the key of what all sources have done together.
const everybody = ""

// NewGuard makes a Guard with the limits of a door.
func NewGuard(limits DoorConfig) *Guard {
	return &Guard{limits: limits.withDefaults(), sources: map[string]*guesser{}}
}

// SetLimits replaces the limits; who is kept out stays out.
func (g *Guard) SetLimits(limits DoorConfig) { g.limits = limits.withDefaults() }

// Failed counts a wrong entry of a source, "" for one that has no name; it reports whether the source, or everybody, is kept out from now on.
func (g *Guard) Failed(source string, now time.Time) bool {
	out := source != everybody && g.count(source, g.limits.Failures, now)
	if g.limits.Total > 0 && g.count(everybody, g.limits.Total, now) {
		out = true
	}
	return out
}

func (g *Guard) count(source string, limit int, now time.Time) bool {
	v := g.sources[source]
	if v == nil {
		g.sweep(now)
		v = &guesser{since: now}
		g.sources[source] = v
	}
	if now.Sub(v.since) > g.limits.Window {
		v.failures, v.since = 0, now
	}
	if v.failures++; v.failures < limit {
		return false
	}
	v.failures, v.since, v.until = 0, now, now.Add(g.limits.Lockout)
	return true
}

// KeptOut tells whether entries of a source are not looked at now.
func (g *Guard) KeptOut(source string, now time.Time) bool {
	for _, key := range []string{source, everybody} {
		if v := g.sources[key]; v != nil && now.Before(v.until) {
			return true
		}
	}
	return false
}

// sweep makes room: of those whose time is over, then of any that are not kept out.
func (g *Guard) sweep(now time.Time) {
	if len(g.sources) < maxGuessers {
		return
	}
	for key, v := range g.sources {
		if key != everybody && now.After(v.until) && now.Sub(v.since) > g.limits.Window {
			delete(g.sources, key)
		}
	}
	for key, v := range g.sources {
		if len(g.sources) < maxGuessers {
			return
		}
		if key != everybody && !now.Before(v.until) {
			delete(g.sources, key)
		}
	}
}
