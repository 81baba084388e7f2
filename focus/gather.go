package focus

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/focus/conference"
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
	ports := make(map[conference.ParticipantID]port, len(c.participants))
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
	l := layout(c.machine.State(), ports, taps, c.sources)
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
	c.mixed = time.Now()
}

// newIdleTimer is a timer that is not running.
func newIdleTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}
