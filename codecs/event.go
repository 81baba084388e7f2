package codecs

import "encoding/binary"

// EventSize is the length in octets of one event block (RFC 4733, section 2.3).
const EventSize = 4

// EventFlash is the code of the flash event; 0 to 9 are the digits, 10 is *, 11 is #, 12 to 15 are A to D
// (RFC 4733, section 3.2).
const EventFlash = 16

// eventDigits are the characters of the codes 0 to 15.
const eventDigits = "0123456789*#ABCD"

// Event is one telephone-event block (RFC 4733, section 2.3):
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     event     |E|R| volume    |          duration             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
type Event struct {
	// Code of the event.
	Code uint8
	// Volume of a DTMF tone in -dBm0, 0 (loudest) to 63.
	Volume uint8
	// Duration so far in RTP units, from the packet's timestamp on.
	Duration uint16
	// End marks the last packet of the event.
	End bool
}

// ParseEvent reads the first event block of a payload. The reserved bit is ignored (RFC 4733, section 2.3.3). A payload of fewer
// than [EventSize] octets is [ErrMalformed].
func ParseEvent(payload []byte) (Event, error) {
	if len(payload) < EventSize {
		return Event{}, ErrMalformed
	}

	return Event{
		Code:     payload[0],
		End:      payload[1]&0x80 != 0,
		Volume:   payload[1] & 0x3F,
		Duration: binary.BigEndian.Uint16(payload[2:4]),
	}, nil
}

// AppendEvent appends the event block to dst, the reserved bit 0 and the volume cut to 63, and returns the result.
func AppendEvent(dst []byte, e Event) []byte {
	flags := min(e.Volume, 63)
	if e.End {
		flags |= 0x80
	}

	return append(dst, e.Code, flags, byte(e.Duration>>8), byte(e.Duration))
}

// Digit returns the character of a DTMF event's code, and false for another event.
func (e Event) Digit() (byte, bool) { return EventDigit(e.Code) }

// EventDigit returns the character of a DTMF code, one of 0123456789*#ABCD, and false for another event.
func EventDigit(code uint8) (byte, bool) {
	if int(code) >= len(eventDigits) {
		return 0, false
	}

	return eventDigits[code], true
}

// EventCode returns the code of a DTMF character, and false if it is none of 0123456789*#ABCD and abcd.
func EventCode(digit byte) (uint8, bool) {
	if digit >= 'a' && digit <= 'd' {
		digit -= 'a' - 'A'
	}
	for code := range len(eventDigits) {
		if eventDigits[code] == digit {
			return uint8(code), true
		}
	}

	return 0, false
}
