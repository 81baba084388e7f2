package media

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

const (
	// quietClock is the clock rate of the payload type 13 (RFC 3389, section 4).
	quietClock = 8000
	// hushHold is after how long silence is no longer sent as it is, in units of that clock: 200 ms.
	hushHold = quietClock / 5
	// hushRefresh is how often comfort noise is sent again: it says that we are there, and 500 ms are soon over if one is lost.
	hushRefresh = quietClock / 2
	// hushLevel is the level of the noise in -dBov: what a good telephone is heard at when nobody speaks.
	hushLevel = 78
	// pressVolume is that of key presses that we send, in -dBm0.
	pressVolume = 10
	// pressPause is between two key presses, so that far ends tell two of the same key apart.
	pressPause = 60 * time.Millisecond
	// shortestPress and longestPress bound what is passed on (RFC 4733, section 2.3.5 has no limit; a key that is stuck is one press).
	shortestPress = 80 * time.Millisecond
	longestPress  = 5 * time.Second
)

// pressing is a key press on its way out. It belongs to the tick.
type pressing struct {
	sender codecs.EventSender
	start  uint32 // timestamp of all its packets (RFC 4733, section 2.5.1.2)
	busy   bool
	pause  int    // RTP units before the next
	known  uint32 // of the ring: what was forgotten
	octets [8]byte
	packet codecs.Packet
}

// Press sends a key press in place of the audio (RFC 4733). It reports false if events have not been agreed, the key is none, or sixteen
// presses are waiting.
func (s *Session) Press(d Digit) bool {
	if _, ok := codecs.EventCode(d.Key); !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.offered.Load(); s.closed || a == nil || a.presses == nil {
		return false
	}
	d.Duration = min(max(d.Duration, shortestPress), longestPress)
	return s.presses.put(d)
}

// DropPresses forgets the key presses that have not been sent, also the one that is being sent.
func (s *Session) DropPresses() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.presses != nil {
		s.presses.forgotten.Store(s.presses.write.Load())
	}
}

// instead sends what goes in place of a packet, or nothing, and reports whether it has taken the packet's place.
func (s *Session) instead(a *agreement, p *codecs.Packet) bool {
	if a.presses != nil && s.press(a, p) {
		return true
	}
	return a.params.Quiet && s.hush(a, p)
}

// press sends the packets of a key press that are due.
func (s *Session) press(a *agreement, p *codecs.Packet) bool {
	o := &s.out
	k := &o.key
	if until := a.presses.forgotten.Load(); until != k.known {
		k.known, k.busy = until, false
		for int32(until-a.presses.read.Load()) > 0 {
			a.presses.take()
		}
	}
	if !k.busy {
		if k.pause > 0 {
			k.pause -= p.Samples
			return false
		}
		d, ok := a.presses.take()
		if !ok {
			return false
		}
		code, _ := codecs.EventCode(d.Key)
		k.sender = codecs.NewEventSender(code, pressVolume, unitsBetween(0, d.Duration, o.clock), uint32(p.Samples))
		k.start, k.busy = o.timestamp, true
	}
	spurt := o.spurt
	for {
		e, more := k.sender.Next()
		if !more { // the repetitions have followed the end at once
			k.busy, k.pause = false, int(unitsBetween(0, pressPause, o.clock))
			break
		}
		s.flush() // the octets may be those of the packet before
		k.packet = codecs.Packet{Payload: codecs.AppendEvent(k.octets[:0], e.Event), Marker: e.Marker, Level: codecs.SilenceLevel}
		s.transmit(a, &k.packet, a.params.EventPayloadType, k.start+e.Offset)
		if !e.Event.End {
			break
		}
	}
	o.spurt = spurt
	return true
}

// hush leaves out digital silence, but for comfort noise now and then.
func (s *Session) hush(a *agreement, p *codecs.Packet) bool {
	o := &s.out
	if p.Level < codecs.SilenceLevel || len(p.CSRC) > 0 || a.params.QuietExact && !a.params.SendCodec.Silent(p.Payload) {
		o.quiet, o.refresh = 0, 0
		return false
	}
	if o.quiet += p.Samples; o.quiet <= hushHold {
		return false
	}
	o.quiet = hushHold + 1 // it has to count no further
	if o.refresh -= p.Samples; o.refresh < 0 {
		k := &o.key
		k.octets[0] = hushLevel
		if a.params.QuietExact {
			k.octets[0] = codecs.SilenceLevel
		}
		k.packet = codecs.Packet{Payload: k.octets[:1], Level: codecs.SilenceLevel}
		s.transmit(a, &k.packet, a.params.QuietPayloadType, o.timestamp)
		o.refresh = hushRefresh - p.Samples
	}
	o.spurt = true
	return true
}
