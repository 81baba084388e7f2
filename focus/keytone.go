package focus

import (
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
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
func (c *controller) recordKey(p *conference.Participant, m keyed) {
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
			var events []mixer.MemberID
			if policy == conference.KeepKeys {
				events = c.recordEvent(p, m)
			}
			c.soundRecordedKey(p.ID, m.digit.Key, policy, events)
		}
	}
}

// recordEvent sends a key as telephone event in those recorded streams of who has pressed it whose recorder takes events (RFC 4733), and gives their
// members. An event takes the place of the audio. So it is sent only of keys that came as events, in whose place there was no audio either, and never in a
// mixed stream, which has the others in it; only where nothing waits to be sent before it; and never in a line that is lent, where what waits would come to
// the next conference.
func (c *controller) recordEvent(p *conference.Participant, m keyed) (sent []mixer.MemberID) {
	code, ok := codecs.EventCode(m.digit.Key)
	own := c.participants[p.ID]
	aside := p.Sidebar != "" || p.Coaching != "" // then his stream of the conference holds nothing of him
	if !ok || aside || m.info || own == nil || own.stream.Event.Events == (sdp.EventSet{}) {
		return nil
	}
	state := c.machine.State()
	for _, r := range c.recorders {
		recording, known := state.Recording(r.recording)
		s := r.streams[string(p.ID)]
		if !known || !recording.Captures() || recording.Config == nil || recording.Config.Keys != conference.KeepKeys || s == nil || s.line != nil {
			continue
		}
		if s.started && !s.silence && s.held == nil && s.events.Has(code) && s.capture.flows() && s.session.Press(m.digit) {
			sent = append(sent, s.member)
		}
	}
	return sent
}

// soundRecordedKey sounds a key in the recorded streams of a policy, but for those that have it as event.
func (c *controller) soundRecordedKey(id conference.ParticipantID, key byte, policy conference.KeyPolicy, events []mixer.MemberID) {
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
	c.sources[member] = source{In: a, Recorded: id, Key: true, Keys: policy, Not: events}
	c.updateMix()
	c.later(a.duration()+10*codecs.FrameDuration, keySounded{member})
}

// keySounded says that the tones of a key have sounded.
type keySounded struct{ member mixer.MemberID }

func (m keySounded) handle(c *controller) {
	delete(c.sources, m.member)
	c.updateMix()
}
