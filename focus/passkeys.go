package focus

import (
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
)

const (
	passedLevel  = -16 // dBov, of a tone that stands for a key press
	passedTone   = 100 * time.Millisecond
	longestTone  = 2 * time.Second
	passedSilent = 50 * time.Millisecond
)

// passKey makes a key press known to those who hear the participant, if the conference is to: as telephone event, made anew
// (RFC 4733), or as tones to those with whom none were agreed. It is in no recording.
func (c *controller) passKey(from *conference.Participant, d media.Digit) {
	if !c.entry.cfg.PassDTMF || !from.Speaks() || from.Coaching != "" {
		return
	}
	code, ok := codecs.EventCode(d.Key)
	if !ok {
		return
	}
	var others []conference.ParticipantID
	state := c.machine.State()
	for i := range state.Participants {
		to := state.Participants[i]
		p := c.participants[to.ID]
		if to.ID == from.ID || p == nil || !p.bridged || !to.Hears() || to.Sidebar != from.Sidebar {
			continue
		}
		if !p.stream.Event.Events.Has(code) || !p.session.Press(d) {
			others = append(others, to.ID)
		}
	}
	if len(others) > 0 {
		c.soundKey(others, code, d.Duration)
	}
}

// soundKey plays the two tones of a key.
func (c *controller) soundKey(to []conference.ParticipantID, code uint8, d time.Duration) {
	length := min(max(d, passedTone), longestTone)
	tone, ok := codecs.DTMFTone(code, passedLevel)
	if !ok {
		return
	}
	tone.Cadence = []time.Duration{length}
	generator, err := codecs.NewToneGenerator(tone, toneRate)
	if err != nil {
		c.log.Error("tones of a key", slog.Any("error", err))
		return
	}
	pcm := make([]int16, toneRate*(length+passedSilent)/time.Second)
	generator.Read(pcm[:toneRate*length/time.Second])
	c.play(&announcement{pcm: pcm, rate: toneRate}, &playback{audience: to}, false)
}
