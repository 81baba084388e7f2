package media

import (
	"slices"

	"github.com/parley-sip/parley/codecs"
)

// keyLevel in -dBov: in what is fainter no key presses are looked for.
const keyLevel = 40

// keyEar listens for key presses in the audio of a far end with which no telephone events were agreed. But for its making it
// belongs to the tick.
type keyEar struct {
	rates     []int
	detectors []*codecs.DTMFDetector
	heard     *codecs.DTMFDetector // the last one used
}

// newKeyEar returns nil if the far end can send events, or no audio.
func newKeyEar(formats []format) (*keyEar, error) {
	k := &keyEar{}
	for _, f := range formats {
		switch rate := f.codec.SampleRate(); {
		case f.kind == formatEvent:
			return nil, nil //nolint:nilnil // documented
		case f.kind != formatAudio || slices.Contains(k.rates, rate):
		default:
			d, err := codecs.NewDTMFDetector(rate)
			if err != nil {
				return nil, err
			}
			k.rates, k.detectors = append(k.rates, rate), append(k.detectors, d)
		}
	}
	if len(k.detectors) == 0 {
		return nil, nil //nolint:nilnil // documented
	}
	return k, nil
}

// hear looks at a frame and returns the key that was pressed in it, 0 for none. A key that is known to be pressed is not heard
// by the others: it is for the conference (RFC 4733, section 2.5.2.2, does so with events).
func (k *keyEar) hear(f *codecs.Frame, pcm []int16) byte {
	i := slices.Index(k.rates, f.Rate)
	if i < 0 {
		return 0
	}
	d := k.detectors[i]
	if k.heard != d || f.Flags.Has(codecs.Silent) || f.Level > keyLevel {
		d.Reset()
		k.heard = d
		if f.Flags.Has(codecs.Silent) || f.Level > keyLevel {
			return 0
		}
	}
	key := d.Push(pcm[:f.Samples])
	if d.Suspects() {
		f.Flags |= codecs.Keys
	}
	if d.Sounding() {
		f.Flags, f.Level, f.Measured = codecs.Silent, codecs.SilenceLevel, false
	}
	return key
}

// listen passes on a key that was pressed in a frame.
func (s *Session) listen(f *codecs.Frame, pcm []int16) {
	a := s.in.agreed
	if a == nil || a.keys == nil || !a.params.Receiving {
		return
	}
	key := a.keys.hear(f, pcm)
	if key == 0 {
		return
	}
	if !s.digits.put(Digit{Key: key, Duration: codecs.DTMFLatency}) {
		s.shared.digitsDropped.add(1)
	}
	s.transport.service.knock()
}
