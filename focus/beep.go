package focus

import (
	"log/slog"
	"slices"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// A participant who is told by the tone hears a first one of his own, at once, and then those that everybody hears at the same
// time: who hears the same shares an encoding, and with tones of their own no two participants of a recorded conference would.

// startTone begins with the first tone.
func (c *controller) startTone(p *participant) {
	n := c.focus.cfg.Notification
	t, err := newTone(n.ToneFrequency, n.ToneLength, n.ToneInterval)
	if err != nil {
		c.log.Error("recording tone", slog.Any("error", err))
		return
	}
	p.tone = c.newMember()
	c.sources[p.tone] = source{In: t, Audience: []conference.ParticipantID{p.id}, Steady: true}
	c.updateMix()
	c.later(n.ToneLength+2*codecs.FrameDuration, sounded{id: p.id, tone: p.tone, applied: c.applied})
}

// shareTone goes on with the tones of all. The next one is an interval after the first at the latest.
func (c *controller) shareTone(p *participant) {
	if p.tone == c.tones {
		return
	}
	shared, ok := c.sources[c.tones]
	if !ok {
		c.tones = p.tone // his go on as everybody's
		return
	}
	delete(c.sources, p.tone)
	p.tone = c.tones
	shared.Audience = append(slices.Clone(shared.Audience), p.id)
	c.sources[c.tones] = shared
	c.updateMix()
}

// endTone ends it, in the next layout.
func (c *controller) endTone(p *participant) {
	tone := p.tone
	p.tone = 0
	if tone == 0 {
		return
	}
	if shared := c.sources[tone]; tone == c.tones && len(shared.Audience) > 1 {
		shared.Audience = slices.DeleteFunc(slices.Clone(shared.Audience), func(id conference.ParticipantID) bool { return id == p.id })
		c.sources[tone] = shared
		return
	}
	delete(c.sources, tone)
	if tone == c.tones {
		c.tones = 0
	}
}

// sounded says that a first tone has had its time.
type sounded struct {
	id      conference.ParticipantID
	tone    mixer.MemberID
	applied <-chan struct{} // the layout with which it began
}

func (m sounded) handle(c *controller) {
	p := c.participants[m.id]
	if p == nil || p.tone != m.tone || p.want != conference.IndicateOn {
		return
	}
	select {
	case <-m.applied:
		c.told(p)
		c.shareTone(p)
	default: // the mixer is late; so are we
		c.later(codecs.FrameDuration, m)
	}
}
