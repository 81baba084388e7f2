package srs

import "github.com/parley-sip/parley/codecs"

// keyLevel of each of the two tones of a key, in dBm0.
const keyLevel = -12

// A key is a telephone event that is being put into the file as its two tones: who listens to a WAV hears it, and what finds keys in audio finds
// it.
type key struct {
	timestamp int64 // extended, of its packets
	code      uint8
	begun     bool
	tone      *codecs.ToneGenerator // nil: none, or nothing that sounds
	done      int64                 // RTP units of it that are in the file
}

// event takes a packet of a telephone event (RFC 4733, section 2.5.2): all of an event have the same timestamp, and each tells how long it has lasted. So
// a lost one is made up for by the next. What is no key has no sound.
func (r *receiver) event(s *source, e entry) error {
	event, ok := eventOf(e.payload)
	if !ok {
		r.report.Discarded++
		return nil
	}
	ts := s.extend(e.header.timestamp)
	if r.watch != nil {
		r.watch.put(e.payload, s.line.place(ts)+s.line.samples(r.origin.early))
	}
	fresh := r.key.timestamp != ts || r.key.code != event.Code || !r.key.begun
	if !s.begun || fresh && r.strange(s, ts, e.at) {
		r.bound = r.next
		s.line.start(ts, e.at, r.next)
		s.begun, s.nextTS, s.next = true, ts, s.line.anchor
		r.decoder.Reset()
	}
	if fresh {
		r.key = key{timestamp: ts, code: event.Code, begun: true}
		if tone, ok := codecs.DTMFTone(event.Code, keyLevel); ok {
			tone.Cadence = nil
			var err error
			if r.key.tone, err = codecs.NewToneGenerator(tone, r.rate); err != nil {
				return err
			}
		}
	}
	until := int64(event.Duration)
	for r.key.done < until {
		n := min((until-r.key.done)*s.line.ratio, int64(codecs.MaxPacketSamples/r.channels)) / s.line.ratio
		if n == 0 {
			break
		}
		pcm := r.pcm[:n*s.line.ratio]
		clear(pcm)
		if r.key.tone != nil {
			r.key.tone.Read(pcm)
		}
		if err := r.write(s, s.line.place(ts+r.key.done), spread(r.pcm[:], len(pcm), r.channels)); err != nil {
			return err
		}
		r.key.done += n
	}
	s.lastTS, s.lastAt = ts, e.at
	s.nextTS = max(s.nextTS, ts+until)

	return nil
}

func eventOf(payload []byte) (codecs.Event, bool) {
	event, err := codecs.ParseEvent(payload)

	return event, err == nil
}
