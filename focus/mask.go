package focus

import (
	"log/slog"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// The tone that stands in recorded streams for who is masked: short and often, so that nobody takes it for a fault.
const (
	maskFrequency = 440 // hertz
	maskLength    = 200 * time.Millisecond
	maskInterval  = time.Second
)

// markMasks gives each participant who is masked a tone in the recorded streams, where the policy wants one.
func (c *controller) markMasks(state *conference.State) {
	for id, member := range c.masks {
		if p, ok := state.Participant(id); !ok || !p.Masked {
			delete(c.sources, member)
			delete(c.masks, id)
		}
	}
	for i := range state.Participants {
		p := state.Participants[i]
		if !p.Masked || c.masks[p.ID] != 0 || !marked(state) {
			continue
		}
		tone, err := newTone(maskFrequency, maskLength, maskInterval)
		if err != nil {
			c.log.Error("mask tone", slog.Any("error", err))
			return
		}
		c.masks[p.ID] = c.newMember()
		c.sources[c.masks[p.ID]] = source{In: tone, Recorded: p.ID}
	}
}

// marked tells whether any recording wants a tone where somebody is masked.
func marked(s *conference.State) bool {
	for i := range s.Recordings {
		if r := &s.Recordings[i]; r.Captures() && r.Config != nil && r.Config.MaskTone {
			return true
		}
	}
	return false
}
