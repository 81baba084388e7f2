package focus

import (
	"log/slog"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
)

// prefer takes the wish of a participant out of its description (RFC 7866, section 6.2), and reports whether it is a new one. What comes of
// it is in the next description of ours.
func (c *controller) prefer(p *participant, plan *sdp.Plan) bool {
	stream, ok := plan.Audio()
	if !ok {
		return false
	}
	wish := preferenceOf(stream.RecordPreference)
	if s, ok := c.machine.State().Participant(p.id); !ok || s.Prefers == wish {
		return false
	}
	p.answering = true // what there is to tell goes with the answer
	err := c.step(conference.Prefer{ID: p.id, Preference: wish})
	p.answering = false
	if err != nil {
		c.log.Warn("recording preference", slog.String("participant", string(p.id)), slog.Any("error", err))
	}
	return true
}

func preferenceOf(p sdp.RecordPreference) conference.Preference {
	switch p {
	case sdp.PreferenceOn:
		return conference.PreferOn
	case sdp.PreferenceOff:
		return conference.PreferOff
	case sdp.PreferencePause:
		return conference.PreferPause
	case sdp.PreferenceNone, sdp.PreferenceUnspecified:
		return conference.NoPreference
	default:
		return conference.NoPreference
	}
}
