package focus

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
)

// recordedName is what a participant has said as his name: for as long as he is there, in memory and nowhere else.
type recordedName struct {
	pcm  []int16
	rate int // 8 or 16 kHz
}

const (
	voiceLevel = 45 // in -dBov: what is louder counts as speech
	leastVoice = 5  // frames of speech that a name has at least
	nameRest   = 75 // frames of silence that end it: 1.5 s
	nameEdge   = 3  // frames of silence that stay at either end
	keyFrames  = 5  // at the end, in which the tone of the key may be that has ended it
	nameLook   = 100 * time.Millisecond
	nameRate   = 16000 // at most
)

// nameTape stands before the session of who says his name, and takes down what passes.
type nameTape struct {
	*media.Session

	limit                 int // frames
	pcm                   []int16
	rate                  atomic.Int64 // of the first frame with sound; those of others are left out
	used                  atomic.Int64 // samples: what others may read
	over                  atomic.Bool  // it is long enough, or nothing more is said
	frames, voiced, still int
}

func newNameTape(s *media.Session, length time.Duration) *nameTape {
	limit := int(length / codecs.FrameDuration)
	return &nameTape{Session: s, limit: limit, pcm: make([]int16, limit*codecs.MaxFrameSamples)}
}

// Ingest takes down a frame. It does not allocate.
func (t *nameTape) Ingest(dst []int16) codecs.Frame {
	f := t.Session.Ingest(dst)
	t.note(f, dst)
	return f
}

func (t *nameTape) note(f codecs.Frame, dst []int16) {
	if t.over.Load() {
		return
	}
	rate, loud := int(t.rate.Load()), false
	if !f.Flags.Has(codecs.Silent) && f.Samples > 0 && (rate == 0 || rate == f.Rate) {
		rate = f.Rate
		t.rate.Store(int64(rate))
		at := int(t.used.Load())
		copy(t.pcm[at:], dst[:f.Samples])
		loud = codecs.Level(dst[:f.Samples]) <= voiceLevel
	}
	t.used.Add(int64(rate / 50)) //nolint:mnd // 20 ms; what was not written is still
	t.frames++
	t.still++
	if loud {
		t.voiced, t.still = t.voiced+1, 0
	}
	t.over.Store(t.frames >= t.limit || t.voiced >= leastVoice && t.still >= nameRest)
}

// take gives what was said, without the last frames and the silence around it; nil when it is too little. The tape may still run.
func (t *nameTape) take(without int) *recordedName {
	rate := int(t.rate.Load())
	frame := rate / 50 //nolint:mnd // 20 ms
	pcm := t.pcm[:max(0, int(t.used.Load())-without*frame)]
	first, last, voiced := 0, 0, 0
	for i := 0; (i+1)*frame <= len(pcm) && frame > 0; i++ {
		if codecs.Level(pcm[i*frame:(i+1)*frame]) > voiceLevel {
			continue
		}
		if voiced == 0 {
			first = i
		}
		last = i + 1
		voiced++
	}
	if voiced < leastVoice {
		return nil
	}
	pcm = pcm[max(0, first-nameEdge)*frame : min(len(pcm), (last+nameEdge)*frame)]
	n := &recordedName{pcm: append([]int16(nil), pcm...), rate: rate}
	if rate > nameRate {
		n.pcm, n.rate = resampled(n.pcm, n.rate, nameRate), nameRate
	}
	return n
}

// resampled changes the rate of a sound; nil for rates that there are not.
func resampled(pcm []int16, from, to int) []int16 {
	if from == to {
		return pcm
	}
	r, err := codecs.NewResampler(from, to)
	if err != nil {
		return nil
	}
	out := make([]int16, r.OutputSamples(len(pcm)))
	return out[:r.Process(out, pcm)]
}

// Names of sounds that are no prompts of the library.
const (
	nameTone = "/tone"  // after which a name is said
	nameOf   = "/name/" // with the identifier of a participant
)

// soundOf gives a prompt, the name of somebody, or the tone before it, at promptRate.
func (c *controller) soundOf(name string) ([]int16, bool) {
	if name == nameTone {
		pcm, err := melody([]note{{1000, 250 * time.Millisecond}})
		return resampled(pcm, toneRate, promptRate), err == nil
	}
	if id, ok := strings.CutPrefix(name, nameOf); ok {
		p := c.participants[conference.ParticipantID(id)]
		if p == nil || p.name == nil {
			return nil, false
		}
		return p.name.sound(), true
	}
	return c.focus.prompts.Sound(name)
}

func (n *recordedName) sound() []int16 { return resampled(n.pcm, n.rate, promptRate) }

// listen takes down the name of a participant after a tone.
func (c *controller) listen(a conference.Listen) {
	p := c.participants[a.ID]
	if p == nil {
		return
	}
	p.tape = nil // if he begins anew
	at := c.legOf(p)
	c.say(a.ID, phrase{prompts: []string{nameTone}, then: func(bool) {
		s, there := c.machine.State().Participant(a.ID)
		if q := at.find(); q == p && there && s.Awaits == conference.AwaitsName && p.session != nil {
			p.tape = newNameTape(p.session, c.focus.nameLength())
			c.updateMix()
			c.later(nameLook, saysName{leg: at, turn: a.Turn, tape: p.tape})
		}
	}})
}

// nameLength is the most that is taken down.
func (f *Focus) nameLength() time.Duration {
	if d := f.live().Door.Name; d > 0 {
		return d
	}
	return 5 * time.Second //nolint:mnd // as of conference.DoorConfig
}

// saysName looks whether somebody has said his name.
type saysName struct {
	leg  leg
	turn int
	tape *nameTape
}

func (m saysName) handle(c *controller) {
	switch p := m.leg.find(); {
	case p == nil || p.tape != m.tape: // has gone, pressed a key, begun anew
	case m.tape.over.Load():
		_ = c.step(conference.Named{ID: p.id, Turn: m.turn})
	default:
		c.later(nameLook, m)
	}
}

// keepName takes what was heard as the name of a participant.
func (c *controller) keepName(id conference.ParticipantID) {
	p := c.participants[id]
	if p == nil || p.tape == nil {
		return
	}
	without := 0
	if !p.tape.over.Load() { // a key has ended it
		without = keyFrames
	}
	p.name, p.tape = p.tape.take(without), nil
	c.log.Debug("name taken down", slog.String("participant", string(id)), slog.Bool("said", p.name != nil))
	c.updateMix()
}
