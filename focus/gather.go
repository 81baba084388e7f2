package focus

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

const (
	// layoutShare is the least time between two layouts for each participant, so that they take a share of a processor that does not grow with
	// the conference: a layout costs about a microsecond for each.
	layoutShare = 10 * time.Microsecond
	// layoutPeriod is the most: half a tick, in which no two of them could both take effect.
	layoutPeriod = 10 * time.Millisecond
	// gatherFrom is from how many participants on changes are gathered beyond one message.
	gatherFrom = 50
)

// gathered is what the mixer does not know of yet: one layout for all changes.
type gathered struct {
	applied chan struct{}   // closed when it is in effect
	before  <-chan struct{} // of the layout before
}

// updateMix has the mixer get the layout that belongs to the State, with all other changes of the present message, or of the last few
// milliseconds where the conference is large. From now on applied is closed when it is in effect.
func (c *controller) updateMix() {
	if c.unmixed == nil {
		c.unmixed = &gathered{applied: make(chan struct{}), before: c.applied}
		c.applied = c.unmixed.applied
	}
}

// arrangeMix gives the mixer the changes that are gathered when it is time, or sets the timer to it.
func (c *controller) arrangeMix() {
	if c.unmixed == nil {
		return
	}
	if wait := c.layoutPeriod() - time.Since(c.mixed); wait > 0 {
		c.mixTimer.Reset(wait)
		return
	}
	c.giveLayout()
}

func (c *controller) layoutPeriod() time.Duration {
	if len(c.participants) < gatherFrom {
		return 0
	}
	return min(layoutPeriod, time.Duration(len(c.participants))*layoutShare)
}

// giveLayout gives the mixer the changes that are gathered.
func (c *controller) giveLayout() {
	if c.unmixed == nil {
		return
	}
	given := c.unmixed
	c.unmixed = nil
	c.mixTimer.Stop()
	ports, room := c.draft.take(len(c.participants))
	for id, p := range c.participants {
		if p.session != nil && p.bridged {
			ports[id] = port{Member: p.member, In: p.input(), Out: p.session, Format: p.stream.Format, Sound: c.entry.cfg.Audio}
		}
	}
	var taps []tap
	for _, r := range c.recorders {
		taps = r.taps(taps, c.focus.cfg.Encode)
	}
	c.markMasks(c.machine.State())
	c.markUnheld(c.machine.State(), time.Now())
	l := layout(room, c.machine.State(), ports, taps, c.sources)
	l.Applied = given.applied
	if _, err := c.mix.Apply(l); err != nil {
		c.log.Error("layout refused by the mixer", slog.Any("error", err))
		c.focus.spawn(func(ctx context.Context) { // what was in effect, or will be, still is
			select {
			case <-given.before:
			case <-ctx.Done():
			}
			close(given.applied)
		})
	}
	c.draft.give(ports, l.Members)
	c.mixed = time.Now()
}

// draft is what the layouts of a large conference are drawn up in, one after the other: they come by the dozen in a second, each as large as the one
// before. The zero value is empty.
type draft struct {
	ports   map[conference.ParticipantID]port
	members []mixer.Member
}

// take gives room for that many.
func (d *draft) take(participants int) (map[conference.ParticipantID]port, []mixer.Member) {
	if d.ports == nil {
		return make(map[conference.ParticipantID]port, participants), nil
	}
	return d.ports, d.members
}

// give takes the room back when the mixer has read the layout: empty, so that it holds nobody who has gone, and none if it was small, or is much
// larger than what it is needed for.
func (d *draft) give(ports map[conference.ParticipantID]port, members []mixer.Member) {
	*d = draft{}
	if n := len(members); n < gatherFrom || cap(members) > 4*n { //nolint:mnd // a map does not become smaller
		return
	}
	clear(ports)
	clear(members)
	d.ports, d.members = ports, members[:0]
}

// newIdleTimer is a timer that is not running.
func newIdleTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}
