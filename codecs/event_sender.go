package codecs

// eventRepeats is how often the last packet of an event is sent in all (RFC 4733, section 2.5.1.4).
const eventRepeats = 3

// EventSender makes the packets of one telephone event, also of one that lasts longer than a packet can tell
// (RFC 4733, section 2.5.1). The zero value has nothing to send. It is used by one goroutine at a time.
type EventSender struct {
	total   uint32
	elapsed uint32
	segment uint32
	step    uint32
	repeats uint8
	code    uint8
	volume  uint8
	begun   bool
}

// EventPacket is one packet to send. Every one takes the next sequence number, repeats too (RFC 4733, section 2.5.1.6).
type EventPacket struct {
	// Event to put into the payload.
	Event Event
	// Offset in RTP units of the packet's timestamp from that of the first: it is 0 for all packets of an event, and grows
	// by 0xFFFF for every further segment of a long one.
	Offset uint32
	// Marker is set on the first packet of the event only.
	Marker bool
	// Repeat: the packet repeats the one before and may follow it at once.
	Repeat bool
}

// NewEventSender returns the sender of an event that lasts for duration RTP units and reports its progress every step units,
// which is the packet time. Volume is in -dBm0, 0 to 63. A duration or step of 0 is taken as 1: a DTMF event without a
// duration must not be sent (RFC 4733, section 2.3.5).
func NewEventSender(code, volume uint8, duration, step uint32) EventSender {
	return EventSender{code: code, volume: min(volume, 63), total: max(duration, 1), step: max(step, 1)}
}

// Next returns the packet to send after one more step, and false when the event is over. The first call is due one step after
// the event began, as a packet reports what has passed.
func (s *EventSender) Next() (EventPacket, bool) {
	switch {
	case s.step == 0:
		return EventPacket{}, false
	case s.elapsed < s.total:
		return s.progress(), true
	case s.repeats < eventRepeats-1:
		s.repeats++
		p := s.packet()
		p.Repeat = true

		return p, true
	default:
		return EventPacket{}, false
	}
}

// progress moves one step on, or less if a segment or the event ends.
func (s *EventSender) progress() EventPacket {
	if s.elapsed-s.segment >= 0xFFFF {
		s.segment += 0xFFFF
	}
	step := min(s.step, s.total-s.elapsed, s.segment+0xFFFF-s.elapsed)
	s.elapsed += step
	p := s.packet()
	p.Marker = !s.begun
	s.begun = true

	return p
}

// packet describes the present state.
func (s *EventSender) packet() EventPacket {
	return EventPacket{
		Event: Event{
			Code:     s.code,
			Volume:   s.volume,
			Duration: uint16(s.elapsed - s.segment),
			End:      s.elapsed >= s.total,
		},
		Offset: s.segment,
	}
}
