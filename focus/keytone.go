package focus

import (
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// What stands for a key in recorded streams.
const (
	keyLength  = 100 * time.Millisecond
	keyLevel   = -12 // dBov of each tone
	keyNeutral = 620 // hertz, of a key that is not to be known: no tone of any key
)

// recordKey puts a key that a participant has pressed into the recorded streams whose policy wants it there. In those of who is masked or
// left out it is not; keys of a PIN never come here.
func (c *controller) recordKey(p *conference.Participant, key byte) {
	if !p.Recordable() {
		return
	}
	state := c.machine.State()
	for _, policy := range []conference.KeyPolicy{conference.KeepKeys, conference.MaskKeys} {
		wanted := false
		for i := range state.Recordings {
			r := &state.Recordings[i]
			wanted = wanted || r.Captures() && r.Config != nil && r.Config.Keys == policy
		}
		if wanted {
			c.soundRecordedKey(p.ID, key, policy)
		}
	}
}

// soundRecordedKey sounds a key in the recorded streams of a policy.
func (c *controller) soundRecordedKey(id conference.ParticipantID, key byte, policy conference.KeyPolicy) {
	tone := codecs.Tone{Frequencies: []float64{keyNeutral}, Level: keyLevel}
	if code, ok := codecs.EventCode(key); ok && policy == conference.KeepKeys {
		tone, _ = codecs.DTMFTone(code, keyLevel)
	}
	tone.Cadence, tone.Once = []time.Duration{keyLength}, true
	generator, err := codecs.NewToneGenerator(tone, toneRate)
	if err != nil {
		c.log.Error("tone of a key", slog.Any("error", err))
		return
	}
	pcm := make([]int16, toneRate*keyLength/time.Second)
	generator.Read(pcm)
	a := &announcement{pcm: pcm, rate: toneRate}
	member := c.newMember()
	c.sources[member] = source{In: a, Recorded: id, Key: true, Keys: policy}
	c.updateMix()
	c.later(a.duration()+10*codecs.FrameDuration, keySounded{member})
}

// keySounded says that the tones of a key have sounded.
type keySounded struct{ member mixer.MemberID }

func (m keySounded) handle(c *controller) {
	delete(c.sources, m.member)
	c.updateMix()
}
