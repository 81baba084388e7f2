package focus

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"golang.org/x/time/rate"

	"github.com/parley-sip/parley/focus/conference"
)

// Reconfigure checks settings that are to replace those that hold, and gives what makes them hold. Calls that are up are not touched:
//
//   - Dynamic, Defaults, Refer, Replace, Limits but for Events, RecordingRules and NotifyRate count for what comes from then on.
//
//   - Conferences that are new exist, those that are missing end when they are empty. Of one that is active, the name, locks, limits and
//     rules that differ from the configuration of before change at once, all else when it is empty.
//
//   - Recorders and RecorderCalling count for new recordings. Recordings go on with the servers that they have.
//
//   - Security, Keying, KeysInClear, HideLevels, ExtendedReports, Redundancy and Codecs count for calls that begin: those that go on agree, whenever they do so again, on what held
//     when they began. Of recordings, Security and KeysInClear count for new ones. The settings of Opus, ComfortNoise and MediaTimeout hold
//     as soon as something is agreed on or looked at.
//
//   - Door and Menu hold at once, also in conferences that are active; a PIN is one of the conference.
//
// All other fields stay as they were. apply is to be called at most once, and before the next Reconfigure. Error: ErrInvalid.
func (f *Focus) Reconfigure(cfg Config) (apply func(), err error) {
	cfg = cfg.withDefaults()
	now := f.live()
	next := *now
	next.Dynamic, next.Defaults, next.Refer, next.RecordingRules, next.Recorders = cfg.Dynamic, cfg.Defaults, cfg.Refer, cfg.RecordingRules, cfg.Recorders
	next.RecorderCalling, next.Replace = cfg.RecorderCalling, cfg.Replace
	next.Conferences, next.NotifyRate, next.Limits = cfg.Conferences, cfg.NotifyRate, cfg.Limits
	next.Door, next.Menu = cfg.Door, cfg.Menu
	next.Limits.Events = now.Limits.Events
	next.Security, next.Keying, next.KeysInClear, next.Codecs = cfg.Security, cfg.Keying, cfg.KeysInClear, cfg.Codecs
	next.HideLevels, next.ExtendedReports, next.Redundancy = cfg.HideLevels, cfg.ExtendedReports, cfg.Redundancy
	next.OpusBitrate, next.OpusComplexity, next.OpusDTX = cfg.OpusBitrate, cfg.OpusComplexity, cfg.OpusDTX
	next.ComfortNoise, next.MediaTimeout = cfg.ComfortNoise, cfg.MediaTimeout
	trial := &Focus{pool: newRecorderPool(next.Recorders, time.Now()), prompts: f.prompts}
	if err := trial.check(&next); err != nil {
		return nil, err
	}
	for _, c := range next.Conferences {
		if f.accessNumber(c.ID) != nil {
			return nil, fmt.Errorf("%w: conference %q is an access number already", ErrInvalid, c.ID)
		}
	}
	return func() { f.apply(now, &next) }, nil
}

// apply makes settings hold that have been checked.
func (f *Focus) apply(before, next *Config) {
	old := map[conference.ID]ConferenceConfig{}
	for _, c := range before.Conferences {
		old[c.ID] = c
	}
	f.mu.Lock()
	f.settings.Store(next)
	f.pool.set(next.Recorders, time.Now())
	f.pace.SetLimit(rate.Limit(next.NotifyRate))
	f.pace.SetBurst(max(1, next.NotifyRate/20)) //nolint:mnd // as in New
	for _, c := range next.Conferences {
		f.configure(c, old)
		delete(old, c.ID)
	}
	for id := range old {
		if e := f.entries[id]; e != nil && e.configured {
			e.configured, e.removed, e.successor = false, true, nil
			f.renew(e)
		}
	}
	f.equip(before, next)
	f.mu.Unlock()
	agent := f.agent.Load()
	if agent == nil {
		return
	}
	if !reflect.DeepEqual(before.Recorders, next.Recorders) {
		f.probeRecorders(agent)
	}
	f.keepPersistent(agent) // also where the same servers must be spoken to with more protection
}

// equip has active conferences take keys as a reload says. Focus.mu is held.
func (f *Focus) equip(before, next *Config) {
	if reflect.DeepEqual(before.Door, next.Door) && reflect.DeepEqual(before.Menu, next.Menu) {
		return
	}
	f.guard.limit(next.Door)
	for _, e := range f.entries {
		if e.ctl != nil {
			ctl := e.ctl
			f.spawn(func(context.Context) { ctl.post(equipping{door: next.Door, menu: next.Menu}) })
		}
	}
}

// equipping brings new settings of keys.
type equipping struct {
	door conference.DoorConfig
	menu conference.MenuConfig
}

func (m equipping) handle(c *controller) { _ = c.step(conference.Equip{Door: m.door, Menu: m.menu}) }

// configure makes a conference what a reload says, now or when it begins anew. Focus.mu is held.
func (f *Focus) configure(c ConferenceConfig, old map[conference.ID]ConferenceConfig) {
	e := f.entries[c.ID]
	if e == nil {
		f.entries[c.ID] = newEntry(c, true, false)
		return
	}
	was, configured := old[c.ID]
	e.configured, e.removed = true, false
	if reflect.DeepEqual(e.cfg, c) {
		e.successor = nil
	} else {
		e.successor = &c
	}
	if f.renew(e) != e || !configured {
		return
	}
	change := difference(&was, &c)
	if reflect.DeepEqual(change, conference.Configure{}) {
		return
	}
	f.spawn(func(ctx context.Context) {
		if _, err := f.command(ctx, c.ID, change); err != nil {
			f.log.WarnContext(ctx, "the conference keeps its settings", slog.String("conference", string(c.ID)), slog.Any("error", err))
		}
	})
}

// next is what a conference of the configuration is when it begins anew.
func (e *entry) next() ConferenceConfig {
	if e.successor != nil {
		return *e.successor
	}
	return e.cfg
}

// renew gives the entry that takes the place of one for which a reload has other settings, or none, as soon as that is idle and nobody
// observes it. Nil: there is none any more. Focus.mu is held.
func (f *Focus) renew(e *entry) *entry {
	if e == nil || e.successor == nil && !e.removed || e.ctl != nil || e.observerCount() > 0 {
		return e
	}
	defer e.retire()
	if e.removed {
		delete(f.entries, e.cfg.ID)
		return nil
	}
	n := newEntry(*e.successor, true, false)
	f.entries[e.cfg.ID] = n
	return n
}

// unwatch ends an observation; the last one may have been what a reload has waited for.
func (f *Focus) unwatch(e *entry, o *observer) {
	e.unobserve(o)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.entries[e.cfg.ID] == e {
		f.renew(e)
	}
}

// difference is what has to be changed in an active conference. What the operator has changed beside the configuration stays.
func difference(old, next *ConferenceConfig) conference.Configure {
	var c conference.Configure
	changed(&c.Name, old.Name, next.Name)
	changed(&c.Locked, old.Locked, next.Locked)
	changed(&c.MutedOnEntry, old.MutedOnEntry, next.MutedOnEntry)
	changed(&c.MaxParticipants, old.MaxParticipants, next.MaxParticipants)
	r, x, y := &c.Rules, &old.Rules, &next.Rules
	changed(&r.WaitForModerator, x.WaitForModerator, y.WaitForModerator)
	changed(&r.Lobby, x.Lobby, y.Lobby)
	changed(&r.HardMute, x.HardMute, y.HardMute)
	changed(&r.Lecture, x.Lecture, y.Lecture)
	changed(&r.Text, x.Text, y.Text)
	changed(&r.EndAt, x.EndAt, y.EndAt)
	changed(&r.MuteAbove, x.MuteAbove, y.MuteAbove)
	changed(&r.WaitTimeout, x.WaitTimeout, y.WaitTimeout)
	changed(&r.ModeratorGrace, x.ModeratorGrace, y.ModeratorGrace)
	changed(&r.EndAtGrace, x.EndAtGrace, y.EndAtGrace)
	changed(&r.MaxDuration, x.MaxDuration, y.MaxDuration)
	changed(&r.ModeratorLeaves, x.ModeratorLeaves, y.ModeratorLeaves)
	changed(&r.Entry, x.Entry, y.Entry)
	return c
}

func changed[T comparable](field **T, old, next T) {
	if old != next {
		*field = &next
	}
}

// Refuse has nobody called out any more, ahead of Shutdown. Who is in a conference stays. New calls and subscriptions are for the agent to
// refuse.
func (f *Focus) Refuse() { f.refusing.Store(true) }

// Farewell ends all conferences after their participants have been told, and returns when all have ended, or with ctx.
func (f *Focus) Farewell(ctx context.Context) error {
	f.Refuse()
	var watching []chan struct{}
	f.mu.Lock()
	var active []*controller
	for _, e := range f.entries {
		if e.ctl != nil {
			active = append(active, e.ctl)
		}
	}
	f.mu.Unlock()
	for _, c := range active {
		if c.post(goodbye{}) {
			watching = append(watching, c.done)
		}
	}
	for _, done := range watching {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// goodbye ends the conference after its participants have been told.
type goodbye struct{}

func (goodbye) handle(c *controller) {
	_ = c.step(conference.End{Reason: `SIP;cause=503;text="Shutting down"`, Delete: true, Announce: true})
}
