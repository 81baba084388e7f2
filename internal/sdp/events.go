package sdp

import (
	"strconv"
	"strings"
)

// EventSet is a set of telephone events, 0 to 255 (RFC 4733, section 2.4.1).
type EventSet [4]uint64

// DigitEvents are 0 to 15: what a peer takes that gives no list (RFC 4733, section 2.5.1.1).
func DigitEvents() EventSet { return EventSet{0xffff} }

// Has reports whether the event is in the set.
func (s EventSet) Has(event uint8) bool { return s[event/64]>>(event%64)&1 == 1 }

// Add puts an event into the set.
func (s *EventSet) Add(event uint8) { s[event/64] |= 1 << (event % 64) }

// ParseEvents reads the list of a=fmtp for telephone-event, such as "0-15,66". An empty or unreadable list means
// [DigitEvents].
func ParseEvents(parameters string) EventSet {
	var set EventSet
	list, _, _ := strings.Cut(parameters, ";")
	list = strings.TrimSpace(list)
	if name, value, ok := strings.Cut(list, "="); ok && strings.EqualFold(strings.TrimSpace(name), "events") {
		list = value
	}
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.ParseUint(strings.TrimSpace(first), 10, 8)
		if err != nil {
			continue
		}
		to := from
		if isRange {
			if to, err = strconv.ParseUint(strings.TrimSpace(last), 10, 8); err != nil {
				continue
			}
		}
		for event := from; event <= to; event++ {
			set.Add(uint8(event)) //nolint:gosec // read as 8 bits
		}
	}
	if set == (EventSet{}) {
		return DigitEvents()
	}
	return set
}
