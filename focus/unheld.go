package focus

import (
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
)

// What a recording has not that has failed, and is to be tried again. Nobody records then, so that everybody is told so, and nothing may be captured or
// kept: there are no frames that could be counted. What the recording lacks is the time, as frames of each of its streams.

// markUnheld notes since when streams are without a recording that they should have, and until when. To be called when who is in the mix may have
// changed. now is the time of that change.
func (c *controller) markUnheld(s *conference.State, now time.Time) {
	for _, r := range c.recorders {
		recording, ok := s.Recording(r.recording)
		unheld := ok && s.Unheld(&recording)
		for _, stream := range r.streams {
			if unheld && stream.unheld(r, s) {
				if stream.unheldSince.IsZero() {
					stream.unheldSince = now
				}
				continue
			}
			c.countUnheld(r, stream, now)
			stream.unheldSince = time.Time{}
		}
	}
}

// unheld tells whether there would be something to record of a stream.
func (s *recorded) unheld(r *recorder, state *conference.State) bool {
	if s.linger != nil || s.silence {
		return false
	}
	t := tap{Participant: s.participant, Sidebar: s.sidebar, Side: s.side, Pair: r.pair, First: r.first}
	for i := range state.Participants {
		if p := state.Participants[i]; t.around(p) && p.Present() && !p.Unrecorded && !p.Masked {
			return true
		}
	}
	return false
}

// countUnheld counts what a stream has not had until now. That the recording has failed is in the log already, once, and not for each stream.
func (c *controller) countUnheld(r *recorder, s *recorded, now time.Time) {
	if s.unheldSince.IsZero() {
		return
	}
	n := uint64(max(0, now.Sub(s.unheldSince)/codecs.FrameDuration))
	if n == 0 {
		return
	}
	s.unheldSince = s.unheldSince.Add(time.Duration(n) * codecs.FrameDuration) //nolint:gosec // a count of frames
	c.lack(r, r.server.Name, n)
}

// lack counts frames that nobody has.
func (c *controller) lack(r *recorder, server string, frames uint64) {
	c.focus.assurance.add(r.account, server, 0, 0, frames)
	c.focus.unrecorded.Add(frames)
}
