package mixer

import "fmt"

// Sound says what is done to the frames of an Input before they are mixed. The zero value leaves them as they are, at no cost. Who hears
// Only some members, as a recording of one member does, is given the frames as they came in.
type Sound struct {
	// RemoveDC takes away what is below 20 Hz: the offset of a bad converter, which eats headroom and clicks at each mute.
	RemoveDC bool
	// Gate keeps background noise out of the mix.
	Gate Gate
	// Gain brings talkers to the same loudness.
	Gain AutoGain
	// Gaps: while the member dominates, its background is heard in its pauses as well, however faint: what it sends, or, where nothing comes and
	// nothing has said that there is silence, noise like that between its words. Not for who is to hear it [Member.AsSent].
	Gaps bool
}

// Gate is a noise gate. It looks back 10 ms, by which it delays what it is used on, so that no beginning of a word is cut off.
type Gate struct {
	// Threshold is the level in -dBov at which it opens, 1 to 126; 0: there is no gate. It closes 6 dB below, after 200 ms.
	Threshold uint8
}

// AutoGain follows the loudness of speech by a slow gain. What would exceed full scale is limited.
type AutoGain struct {
	// Target is the level of speech in -dBov that it aims at, 1 to 60; 0: there is no automatic gain.
	Target uint8
	// MaxDB bounds the gain both ways, up to [MaxGainDB]; 0: 18.
	MaxDB float64
	// RateDB is the most by which the gain rises in a second of speech, up to 60 dB; it falls four times as fast. 0: 6.
	RateDB float64
}

const (
	defaultAutoMax  = 18
	defaultAutoRate = 6
	maxAutoRate     = 60
	maxAutoTarget   = 60
	maxThreshold    = 126
)

// Enabled reports whether anything is done.
func (s Sound) Enabled() bool { return s.changes() || s.Gaps }

// changes reports whether anything is done to what comes in.
func (s Sound) changes() bool { return s.RemoveDC || s.Gate.Threshold > 0 || s.Gain.Target > 0 }

// Validate reports what [Mix.Apply] would refuse; the error is [ErrSound] with the field and its value.
func (s Sound) Validate() error {
	switch {
	case s.Gate.Threshold > maxThreshold:
		return fmt.Errorf("%w: gate at -%d dBov", ErrSound, s.Gate.Threshold)
	case s.Gain.Target > maxAutoTarget:
		return fmt.Errorf("%w: automatic gain to -%d dBov", ErrSound, s.Gain.Target)
	case !(s.Gain.MaxDB >= 0 && s.Gain.MaxDB <= MaxGainDB):
		return fmt.Errorf("%w: automatic gain of %g dB", ErrSound, s.Gain.MaxDB)
	case !(s.Gain.RateDB >= 0 && s.Gain.RateDB <= maxAutoRate):
		return fmt.Errorf("%w: automatic gain that moves by %g dB/s", ErrSound, s.Gain.RateDB)
	}

	return nil
}

// withDefaults fills in the defaults.
func (s Sound) withDefaults() Sound {
	if s.Gain.MaxDB == 0 {
		s.Gain.MaxDB = defaultAutoMax
	}
	if s.Gain.RateDB == 0 {
		s.Gain.RateDB = defaultAutoRate
	}

	return s
}
