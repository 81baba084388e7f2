package focus

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// Prompts are the sounds that the focus says something with, by name. They are asked by several goroutines.
type Prompts interface {
	// Sound gives mono samples at 48000 Hz, which are not written to; false if there is no such prompt.
	Sound(name string) (pcm []int16, ok bool)
	// Number gives the names that say a number of at least 0.
	Number(n int) []string
	// Keys gives the names that say keys of a telephone one by one.
	Keys(keys string) []string
}

// noPrompts says nothing.
type noPrompts struct{}

func (noPrompts) Sound(string) ([]int16, bool) { return nil, false }
func (noPrompts) Number(int) []string          { return nil }
func (noPrompts) Keys(string) []string         { return nil }

// promptRate is that of all prompts in Hz.
const promptRate = 48000

// phrase is what is said in one go.
type phrase struct {
	prompts []string
	replace bool             // the conference is not heard meanwhile
	then    func(heard bool) // called in the goroutine of the controller, once; heard: to its end. May be nil
}

// voice is what is said to one participant: one phrase after the other.
type voice struct {
	queue  []phrase       // the first is being said
	member mixer.MemberID // the source that says it, 0: none
	turn   int            // counts what was said
}

// say says a phrase to a participant, after those that are being said to him. Nobody else hears it, and no recording. Who has gone,
// or whose media are not there, has not heard it.
func (c *controller) say(id conference.ParticipantID, f phrase) {
	p := c.participants[id]
	if p == nil || !p.bridged {
		if f.then != nil {
			f.then(false)
		}
		return
	}
	p.voice.queue = append(p.voice.queue, f)
	if len(p.voice.queue) == 1 {
		c.speak(p)
	}
}

// sayAll says prompts to everybody, and to recordings.
func (c *controller) sayAll(names ...string) { c.sayToAll(c.compose(names), nil) }

// sayToAll is sayAll of what was put together; then is called when it has been said, and may be nil. False: there is nothing to say.
func (c *controller) sayToAll(s *speech, then func()) bool {
	if s.samples == 0 {
		return false
	}
	member := c.newMember()
	c.sources[member] = source{In: s}
	c.updateMix()
	c.later(s.duration(), spoken{member: member, speech: s, until: time.Now().Add(s.duration() + speechPatience), then: then})
	return true
}

// hush ends what is being said to a participant, and drops what was to follow.
func (c *controller) hush(id conference.ParticipantID) {
	p := c.participants[id]
	if p == nil || len(p.voice.queue) == 0 {
		return
	}
	c.forgetVoice(p)
	c.updateMix()
}

// forgetVoice is hush without a new layout.
func (c *controller) forgetVoice(p *participant) {
	if p.voice.member != 0 {
		delete(c.sources, p.voice.member)
		p.voice.member = 0
	}
	dropped := p.voice.queue
	p.voice.queue = nil
	for _, f := range dropped {
		if f.then != nil {
			f.then(false)
		}
	}
}

// speak begins the first phrase of the queue.
func (c *controller) speak(p *participant) {
	f := p.voice.queue[0]
	s := c.compose(f.prompts)
	p.voice.turn++
	m := said{id: p.id, turn: p.voice.turn, speech: s, until: time.Now().Add(s.duration() + speechPatience)}
	if s.samples == 0 {
		c.later(0, m)
		return
	}
	p.voice.member = c.newMember()
	c.sources[p.voice.member] = source{In: s, Audience: []conference.ParticipantID{p.id}, Replace: f.replace}
	c.updateMix()
	c.later(s.duration(), m)
}

// compose puts prompts together; those that do not exist are left out.
func (c *controller) compose(names []string) *speech {
	s := &speech{}
	for _, name := range names {
		if pcm, ok := c.soundOf(name); ok {
			s.parts = append(s.parts, pcm)
			s.samples += len(pcm)
		} else {
			c.log.Debug("no such prompt", slog.String("name", name))
		}
	}
	return s
}

// speechPatience is how long after its time something may still be said, when the mixer is late.
const speechPatience = time.Second

// said says that a phrase has had its time.
type said struct {
	id     conference.ParticipantID
	turn   int
	speech *speech
	until  time.Time
}

func (m said) handle(c *controller) {
	p := c.participants[m.id]
	if p == nil || p.voice.turn != m.turn || len(p.voice.queue) == 0 {
		return // was cut short
	}
	if !m.speech.over.Load() && m.speech.samples > 0 && time.Now().Before(m.until) {
		c.later(codecs.FrameDuration, m)
		return
	}
	f := p.voice.queue[0]
	p.voice.queue = p.voice.queue[1:]
	if p.voice.member != 0 {
		delete(c.sources, p.voice.member)
		p.voice.member = 0
		c.updateMix()
	}
	if f.then != nil {
		f.then(true)
	}
	if p = c.participants[m.id]; p != nil && p.voice.turn == m.turn && len(p.voice.queue) > 0 {
		c.speak(p)
	}
}

// spoken says that what is for everybody has had its time.
type spoken struct {
	member mixer.MemberID
	speech *speech
	until  time.Time
	then   func() // may be nil
}

func (m spoken) handle(c *controller) {
	if !m.speech.over.Load() && time.Now().Before(m.until) {
		c.later(codecs.FrameDuration, m)
		return
	}
	delete(c.sources, m.member)
	c.updateMix()
	if m.then != nil {
		m.then()
	}
}

// speech is a mixer input that plays one piece after the other.
type speech struct {
	parts   [][]int16
	samples int         // of all parts
	over    atomic.Bool // all of it has been taken
}

func (s *speech) duration() time.Duration { return time.Duration(s.samples) * time.Second / promptRate }

// Ingest writes the next 20 ms. It does not allocate.
func (s *speech) Ingest(dst []int16) codecs.Frame {
	const samples = promptRate / 50
	f := codecs.Frame{Rate: promptRate, Samples: samples}
	n := 0
	for n < samples && len(s.parts) > 0 {
		k := copy(dst[n:samples], s.parts[0])
		n += k
		if s.parts[0] = s.parts[0][k:]; len(s.parts[0]) == 0 {
			s.parts = s.parts[1:]
		}
	}
	if n == 0 {
		s.over.Store(true)
		f.Level, f.Flags = codecs.SilenceLevel, codecs.Silent
		return f
	}
	clear(dst[n:samples])
	f.Level = codecs.Level(dst[:samples])
	return f
}
