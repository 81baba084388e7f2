package focus

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/prefetch"
	"github.com/parley-sip/parley/internal/sdp"
)

// indicate tells a participant about recording (RFC 7866, section 6.1.2) and reports when it is done.
func (c *controller) indicate(id conference.ParticipantID, i conference.Indication, via string) {
	if p := c.participants[id]; p != nil {
		p.want, p.wantVia = i, via
		c.tell(p)
	}
}

// tell brings a participant to what it is to be told: by an offer with a=record where the user agent understands it, by
// the tone otherwise. It may be called at any time; what is under way is waited for.
func (c *controller) tell(p *participant) {
	switch {
	case p.text.stale && !p.telling && !p.answering && p.dialog != nil:
		c.offerText(p)
		if !p.telling {
			c.tell(p)
		}
	case c.announces(p): // comes again when it has been said
	case !p.peer.RecordAware || p.untold:
		c.sound(p)
	case p.telling, p.answering:
	case c.tells(p):
		c.told(p)
	case p.dialog != nil:
		c.offerIndication(p)
	}
}

// announces says in words that the conference is recorded, where that is wanted, and tells whether it is being said: until it has been, the
// participant knows of nothing, and so no recording holds what he says.
func (c *controller) announces(p *participant) bool {
	switch {
	case !c.focus.cfg.Notification.Announce || p.want == conference.IndicatePaused:
		return false
	case p.want != conference.IndicateOn:
		p.warned = unwarned
		return false
	case p.warned == unwarned:
		p.warned = warning
		at := c.legOf(p)
		c.say(p.id, phrase{prompts: []string{"recorded"}, then: func(heard bool) { c.later(0, warned{leg: at, heard: heard}) }})
	}
	return p.warned == warning
}

// How far the announcement of a recording has come for a participant.
const (
	unwarned = iota
	warning
	isWarned
)

// warned says that the announcement of a recording is over. Who has cut it short hears it again.
type warned struct {
	leg   leg
	heard bool
}

func (m warned) handle(c *controller) {
	p := m.leg.find()
	if p == nil || p.warned != warning {
		return
	}
	p.warned = unwarned
	if m.heard {
		p.warned = isWarned
	}
	c.tell(p)
}

// told reports that the participant knows.
func (c *controller) told(p *participant) {
	if s, ok := c.machine.State().Participant(p.id); ok && s.Told != p.want {
		_ = c.step(conference.Indicated{ID: p.id, Indication: p.want})
	}
}

// heardOf reports what an answer of ours has said.
func (c *controller) heardOf(p *participant) {
	if p.peer.RecordAware && !p.telling && c.tells(p) && !c.announces(p) {
		c.told(p)
	}
}

// offerIndication sends an offer whose only news is a=record (RFC 7866, section 7.1.2).
func (c *controller) offerIndication(p *participant) { c.offerChange(p, false) }

// offerChange sends an offer of what has changed; text: real-time text.
func (c *controller) offerChange(p *participant, text bool) {
	offer, said := c.offer(p)
	p.telling = true
	p.attempt++
	dialog, at, gone := p.dialog, c.legOf(p), p.gone
	contact := c.contact(p)
	c.background(func(ctx context.Context) message {
		ctx, cancel := context.WithTimeout(ctx, offerTimeout)
		defer cancel()
		c.focus.spawn(func(context.Context) { // nobody waits for the answer of a participant that has left
			select {
			case <-gone:
				cancel()
			case <-ctx.Done():
			}
		})
		m, _ := ask(gone, func() message {
			body, err := reoffer(ctx, dialog, contact, offer)
			return reoffered{leg: at, offer: offer, said: said, body: body, err: err, text: text}
		})
		return m
	})
	c.later(c.focus.cfg.Notification.Timeout, overdue{leg: at, attempt: p.attempt})
}

// reoffered is the outcome of an offer of ours in a dialog.
type reoffered struct {
	leg   leg
	offer *sdp.Description
	said  statement
	body  []byte
	err   error
	text  bool // is what was new
}

func (m reoffered) handle(c *controller) {
	p := m.leg.find()
	if p == nil {
		return
	}
	p.telling = false
	before := p.peer
	if m.err == nil {
		m.err = c.accept(p, m.offer, m.said, m.body)
	}
	switch {
	case m.err != nil && m.text:
		c.log.Warn("participant does not take the change of text", slog.String("participant", string(p.id)), slog.Any("error", m.err))
	case m.err != nil:
		c.log.Warn("participant does not take the recording indication, it gets the tone",
			slog.String("participant", string(p.id)), slog.Any("error", m.err))
		p.untold = true
	default:
		p.untold = false
		c.silence(p)
	}
	if p.peer != before {
		c.sessionChanged(p)
	}
	c.tell(p)
}

// overdue says that a record-aware user agent had its time to answer.
type overdue struct {
	leg     leg
	attempt int
}

func (m overdue) handle(c *controller) {
	if p := m.leg.find(); p != nil && p.telling && p.attempt == m.attempt {
		p.untold = true
		c.tell(p)
	}
}

// sound tells by the tone: it begins, and when it was heard once the participant counts as told.
func (c *controller) sound(p *participant) {
	if p.want != conference.IndicateOn {
		c.silence(p)
		c.told(p)
		return
	}
	if p.tone != 0 {
		return // the first tone will report
	}
	c.startTone(p)
}

// silence ends the tone.
func (c *controller) silence(p *participant) {
	if p.tone != 0 {
		c.endTone(p)
		c.updateMix()
	}
}

// toneRate is enough for 1400 Hz.
const toneRate = 8000

// tone is a mixer input that sounds at the beginning of each interval.
type tone struct {
	generator *codecs.ToneGenerator
	period    int // ticks
	tick      int
	over      bool // it has sounded in this interval: nothing but this struct is looked at until the next
}

// PrefetchIngest implements [mixer.InputPrefetcher].
func (t *tone) PrefetchIngest(near bool) {
	if !near {
		prefetch.Value(t)
	}
}

// newTone makes a tone of a frequency in hertz.
func newTone(frequency int, length, interval time.Duration) (*tone, error) {
	generator, err := codecs.NewToneGenerator(codecs.Tone{
		Frequencies: []float64{float64(frequency)}, Level: -18, Cadence: []time.Duration{length}, Once: true,
	}, toneRate)
	if err != nil {
		return nil, err
	}
	return &tone{generator: generator, period: max(1, int(interval/codecs.FrameDuration))}, nil
}

// Ingest writes the next 20 ms. It does not allocate.
func (t *tone) Ingest(dst []int16) codecs.Frame {
	const samples = toneRate / 50
	if t.tick == 0 {
		t.generator.Reset()
		t.over = false
	}
	if t.tick++; t.tick >= t.period {
		t.tick = 0
	}
	t.over = t.over || t.generator.Done()
	if t.over {
		return codecs.Frame{Rate: toneRate, Samples: samples, Level: 127, Flags: codecs.Silent}
	}
	t.generator.Read(dst[:samples])
	return codecs.Frame{Rate: toneRate, Samples: samples, Level: codecs.Level(dst[:samples])}
}
