package codecs

// eventMemory is how many timestamps a detector remembers against repeats that come late.
const eventMemory = 8

// maxEventsPerPacket bounds the work that one packet can ask for (RFC 4733, section 2.5.1.5).
const maxEventsPerPacket = 16

// eventRecord is what is kept of one event.
type eventRecord struct {
	timestamp uint32
	duration  uint16
	code      uint8
	ended     bool
	used      bool
}

// EventDetector turns the packets of telephone events into one report per event, whatever of them is lost, repeated or
// reordered (RFC 4733, section 2.5.2.2). It belongs to one sender (SSRC) and is used by one goroutine at a time. The zero value
// is ready.
type EventDetector struct {
	seen [eventMemory]eventRecord
	next int
	last int
}

// EventReport is what a detector tells about a packet.
type EventReport struct {
	// Event as it is known by this packet; its Duration is what was reported in this segment.
	Event Event
	// Timestamp in RTP units at which the event, or this segment of it, began.
	Timestamp uint32
	// Started: this is the first that is heard of the event. It is true once for every event, even if only its last packet
	// arrives.
	Started bool
	// Ended: this is the first packet that ends the event.
	Ended bool
}

// Push looks at one packet, whose RTP timestamp is given in units, and calls report for every event of which it tells something
// new: usually one or none, more if the packet holds several. What is malformed, or has no duration, tells nothing
// (RFC 4733, section 2.3.5). It does not allocate, provided that report does not escape.
func (d *EventDetector) Push(timestamp uint32, payload []byte, report func(EventReport)) {
	for range maxEventsPerPacket {
		e, err := ParseEvent(payload)
		if err != nil {
			return
		}
		if e.Duration > 0 {
			if r := d.push(timestamp, e); r.Started || r.Ended {
				report(r)
			}
		}
		timestamp += uint32(e.Duration)
		payload = payload[EventSize:]
	}
}

// Digit is Push for a receiver that only wants to know which key was pressed: it returns the code of the first event that
// begins with this packet, and false if none does.
func (d *EventDetector) Digit(timestamp uint32, payload []byte) (code uint8, pressed bool) {
	d.Push(timestamp, payload, func(r EventReport) {
		if r.Started && !pressed {
			code, pressed = r.Event.Code, true
		}
	})

	return code, pressed
}

// Reset forgets everything, as for a new sender.
func (d *EventDetector) Reset() { *d = EventDetector{} }

// push files one event block.
func (d *EventDetector) push(timestamp uint32, e Event) EventReport {
	r := EventReport{Event: e, Timestamp: timestamp}
	rec := d.find(timestamp)
	if rec == nil {
		same, ended := d.overlaps(timestamp, e)
		r.Started = !same && !d.continues(timestamp, e)
		rec = d.record(timestamp, e.Code)
		rec.ended = ended
	}
	if e.Duration > rec.duration {
		rec.duration = e.Duration
	}
	if e.End && !rec.ended {
		rec.ended = true
		r.Ended = true
	}
	r.Event.Code = rec.code
	r.Event.Duration = rec.duration

	return r
}

// find returns the record of an event that began at the timestamp.
func (d *EventDetector) find(timestamp uint32) *eventRecord {
	for i := range d.seen {
		if rec := &d.seen[i]; rec.used && rec.timestamp == timestamp {
			return rec
		}
	}

	return nil
}

// record takes the place of the oldest record.
func (d *EventDetector) record(timestamp uint32, code uint8) *eventRecord {
	d.last = d.next
	d.next = (d.next + 1) % eventMemory
	rec := &d.seen[d.last]
	*rec = eventRecord{timestamp: timestamp, code: code, used: true}

	return rec
}

// overlaps reports whether an event is the last one under another timestamp, and whether that has ended: nobody presses a key again before it is up. Some
// senders move the timestamp on with each packet of an event, and a PIN would be of many more digits. One that begins exactly where another has ended is another.
func (d *EventDetector) overlaps(timestamp uint32, e Event) (same, ended bool) {
	prev := &d.seen[d.last]
	gap := timestamp - prev.timestamp
	if !prev.used || prev.code != e.Code || gap == 0 || gap > uint32(prev.duration) || prev.ended && gap == uint32(prev.duration) {
		return false, false
	}

	return true, prev.ended
}

// continues reports whether an event is a further segment of a long one: the segment before lasted 0xFFFF units and had no end
// (RFC 4733, section 2.5.1.3). Up to two segments of which nothing arrived are bridged.
func (d *EventDetector) continues(timestamp uint32, e Event) bool {
	prev := &d.seen[d.last]
	if !prev.used || prev.ended || prev.code != e.Code {
		return false
	}
	gap := timestamp - prev.timestamp

	return gap > 0 && gap <= 3*0xFFFF && gap%0xFFFF == 0
}
