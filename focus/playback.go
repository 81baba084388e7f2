package focus

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// PlaybackID names something that is being played; unique for ever.
type PlaybackID string

// Playback is a prompt, an announcement or music. It is a source of the mix, not a call: no roster shows it.
type Playback struct {
	// WAV is RIFF, linear PCM of 16 bits, mono or stereo, 8, 16 or 48 kHz; or Opus in Ogg (RFC 7845).
	WAV []byte
	// Prompts are names of prompts that are said instead of WAV, one after the other.
	Prompts []string
	// RollCall says, instead of WAV, how many are in, and the names that they have said at the door.
	RollCall bool
	// Participants are the only ones who hear it; no recording does then. Empty: everybody, who comes later and recordings among them.
	Participants []conference.ParticipantID
	// Replace takes the conference away from who hears it, until it is over. Those whom Participants names hear it then even if they are
	// held or deafened: of the conference they hear nothing anyway. So it is what music on hold is made of.
	Replace bool
	// Duck turns the conference down by 15 dB for who hears it, until it is over.
	Duck bool
	// Loop plays it again and again until it is stopped, or nobody is left who could hear it.
	Loop bool
	// Done is called once, when nobody hears it any more; stopped: before its end. It must not block. May be nil.
	Done func(stopped bool)
}

// playback is one that is under way.
type playback struct {
	id       PlaybackID
	audience []conference.ParticipantID // empty: everybody
	done     func(stopped bool)         // may be nil
	duck     bool
}

// Play plays something to all participants or some. It returns when it has begun. Errors: ErrInvalid, ErrNoParticipant,
// conference.ErrNotActive.
func (f *Focus) Play(ctx context.Context, id conference.ID, p Playback) (PlaybackID, error) {
	pcm, rate, err := f.sound(p)
	if err != nil {
		return "", err
	}
	m := playing{
		playback: &playback{id: PlaybackID(newName()), audience: slices.Clone(p.Participants), done: p.Done, duck: p.Duck},
		source:   &announcement{pcm: pcm, rate: rate, loop: p.Loop}, replace: p.Replace, rollCall: p.RollCall, reply: make(chan result, 1),
	}
	if _, err := f.send(ctx, id, false, m); err != nil {
		return "", err
	}
	if err := (<-m.reply).err; err != nil {
		return "", err
	}
	return m.playback.id, nil
}

// sound is what a playback plays.
func (f *Focus) sound(p Playback) (pcm []int16, rate int, err error) {
	if p.RollCall {
		return nil, promptRate, nil // when it is known who is there
	}
	if len(p.Prompts) == 0 {
		return readSound(p.WAV)
	}
	for _, name := range p.Prompts {
		part, ok := f.prompts.Sound(name)
		if !ok {
			return nil, 0, fmt.Errorf("%w: there is no prompt %q", ErrInvalid, name)
		}
		pcm = append(pcm, part...)
	}
	return pcm, promptRate, nil
}

// StopPlayback ends one before its time. When it returns nobody hears it any more. Error: ErrNoPlayback.
func (f *Focus) StopPlayback(ctx context.Context, id conference.ID, pid PlaybackID) error {
	var applied <-chan struct{}
	_, err := f.query(ctx, id, func(c *controller) {
		for member, p := range c.playbacks {
			if p.id == pid {
				c.endPlayback(member, true)
				applied = c.applied
			}
		}
	})
	if err != nil {
		return err
	}
	if applied == nil {
		return fmt.Errorf("%w: %q", ErrNoPlayback, pid)
	}
	select {
	case <-applied:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// playing asks to play something.
type playing struct {
	playback *playback
	source   *announcement
	replace  bool
	rollCall bool
	reply    chan result // of capacity 1
}

func (m playing) handle(c *controller) {
	state := c.machine.State()
	if state.PresentCount() == 0 && len(m.playback.audience) == 0 {
		m.reply <- result{err: conference.ErrNotActive}
		return
	}
	for _, id := range m.playback.audience {
		if p, ok := state.Participant(id); !ok || !p.Status.Present() {
			m.reply <- result{err: fmt.Errorf("%w: %q", ErrNoParticipant, id)}
			return
		}
	}
	if m.rollCall {
		m.source.pcm = slices.Concat(c.compose(c.rollCall()).parts...)
	}
	c.play(m.source, m.playback, m.replace)
	m.reply <- result{}
}

// play begins to play something.
func (c *controller) play(a *announcement, p *playback, replace bool) {
	member := c.newMember()
	c.playbacks[member] = p
	c.sources[member] = source{In: a, Audience: p.audience, Replace: replace, Duck: p.duck}
	c.updateMix()
	if !a.loop {
		c.later(a.duration()+10*codecs.FrameDuration, played{member})
	}
}

// played says that something has been played to its end.
type played struct{ member mixer.MemberID }

func (m played) handle(c *controller) { c.endPlayback(m.member, false) }

// endPlayback takes something out of the mix, and tells who wanted to know when it is.
func (c *controller) endPlayback(member mixer.MemberID, stopped bool) {
	p, ok := c.playbacks[member]
	if !ok {
		return // has been stopped already
	}
	delete(c.playbacks, member)
	delete(c.sources, member)
	c.updateMix()
	if p.done == nil {
		return
	}
	applied := c.applied
	c.background(func(ctx context.Context) message {
		select {
		case <-applied:
		case <-ctx.Done():
		}
		p.done(stopped)
		return nil
	})
}

// endUnheard ends what nobody is left to hear.
func (c *controller) endUnheard() {
	if len(c.playbacks) == 0 {
		return
	}
	state := c.machine.State()
	for member, p := range c.playbacks {
		heard := len(p.audience) == 0 && state.PresentCount() > 0
		for _, id := range p.audience {
			_, there := state.Participant(id)
			heard = heard || there
		}
		if !heard {
			c.endPlayback(member, true)
		}
	}
}
