package rtt

import (
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxPayload = 1200 // octets of a packet
	maxQueue   = 8192 // characters that wait for one receiver from one source
)

// SenderConfig is where a stream begins: random numbers (RFC 3550, section 5.1).
type SenderConfig struct {
	SSRC      uint32
	Sequence  uint16
	Timestamp uint32 // of now 0
}

// sender makes the one stream of packets that a far end gets, with the text of all sources (RFC 4103, section 5; RFC 9071, section 3).
type sender struct {
	cfg      SenderConfig
	format   Format
	interval time.Duration
	sources  []*origin // in the order in which they had text first
	pace     pace
	sequence uint16
	last     uint32 // timestamp, once something was sent
	sent     bool
	sentAt   time.Duration
	textAt   time.Duration // when the last packet with new text went
	idle     bool
	packets  uint32
	octets   uint32
}

// origin is what is to be sent of one source. 0 is the sender itself.
type origin struct {
	id      uint32
	waiting []waiting
	count   int        // characters of waiting
	lost    bool       // waiting was full, and the end of it says so
	earlier []repeated // what is to be repeated, the youngest first
	repeat  time.Duration
	closing bool // an empty block is due, without redundancy (RFC 4103, section 5.2)
}

// waiting is one T.140 block that was not sent.
type waiting struct {
	text  string
	count int
}

// repeated is one T.140 block that was sent, at the timestamp.
type repeated struct {
	text      string
	timestamp uint32
}

func newSender(cfg SenderConfig, f Format) *sender {
	return &sender{cfg: cfg, format: f.normal(), interval: Interval, sequence: cfg.Sequence, idle: true}
}

// configure changes the format. What was sent is not repeated in another number of generations, but goes on.
func (s *sender) configure(f Format) {
	s.format = f.normal()
	for _, o := range s.sources {
		if len(o.earlier) > s.format.Generations {
			o.earlier = o.earlier[:s.format.Generations]
		}
	}
}

// congestion stretches the interval by what the far end says it has lost, of 1, instead of repeating less (RFC 4103, section 9).
func (s *sender) congestion(lost float64) {
	switch {
	case lost < 0.1:
		s.interval = Interval
	case lost < 0.3:
		s.interval = 2 * Interval
	default:
		s.interval = 3 * Interval
	}
}

func (s *sender) origin(id uint32) *origin {
	for _, o := range s.sources {
		if o.id == id {
			return o
		}
	}
	o := &origin{id: id}
	s.sources = append(s.sources, o)
	return o
}

// queue takes text in, in blocks that can be sent whole. What is too much, because somebody pastes a book, is lost and marked as that: this
// is not a way for files (RFC 4103, section 9). It returns how many characters were too many.
func (s *sender) queue(id uint32, text string) (lost int) {
	o := s.origin(id)
	for text != "" {
		n := split(text, s.format.CPS, s.blockSize())
		count := utf8.RuneCountInString(text[:n])
		if o.count+count > maxQueue {
			if !o.lost {
				o.lost = true
				o.waiting = append(o.waiting, waiting{text: missing, count: 1})
				o.count++
			}
			return utf8.RuneCountInString(text)
		}
		o.lost = false
		o.waiting = append(o.waiting, waiting{text: text[:n], count: count})
		o.count += count
		text = text[n:]
	}
	return 0
}

// drop forgets what waits of a source.
func (s *sender) drop(id uint32) {
	for i, o := range s.sources {
		if o.id == id {
			o.waiting, o.count, o.lost = nil, 0, false
			o.earlier, o.closing = nil, false
			s.sources = append(s.sources[:i:i], s.sources[i+1:]...)
			return
		}
	}
}

// clear forgets what waits and what would be repeated, of all sources.
func (s *sender) clear() { s.sources, s.idle = nil, true }

// blockSize is the most octets of a new block, so that it can be repeated with its like.
func (s *sender) blockSize() int { return min(maxBlockSize, maxPayload/(s.format.Generations+1)) }

// due is when a packet with text of a source may go; false if it has nothing to send.
func (s *sender) due(now time.Duration, o *origin) (time.Duration, bool) {
	at, found := time.Duration(0), false
	if len(o.earlier) > 0 || o.closing {
		at, found = o.repeat, true
	}
	if len(o.waiting) > 0 {
		fresh := s.fresh(now, s.charge(o.waiting[0]))
		if !found || fresh < at {
			at, found = fresh, true
		}
	}
	return at, found
}

// fresh is when so many new characters may go.
func (s *sender) fresh(now time.Duration, count int) time.Duration {
	at := s.pace.when(now, s.format.CPS, count)
	if s.interval > Interval && s.sent { // stretched: new text waits, too
		at = max(at, s.textAt+s.interval)
	}
	return at
}

// free is when new text of the sender itself would go at once; never: there is some that waits.
func (s *sender) free(now time.Duration) time.Duration {
	for _, o := range s.sources {
		if o.id == 0 && len(o.waiting) > 0 {
			return never
		}
	}
	return s.fresh(now, 1)
}

// next is when a packet is due; false: never.
func (s *sender) next(now time.Duration) (time.Duration, bool) {
	_, at := s.choose(now)
	return at, at != never
}

const never = time.Duration(1<<63 - 1)

// choose is the source whose turn is next.
func (s *sender) choose(now time.Duration) (*origin, time.Duration) {
	var first *origin
	at := never
	for _, o := range s.sources {
		if t, ok := s.due(now, o); ok && t < at {
			first, at = o, t
		}
	}
	return first, at
}

// poll gives the packet that is due; false: none.
func (s *sender) poll(now time.Duration) (Packet, bool) {
	o, at := s.choose(now)
	if o == nil || at > now {
		return Packet{}, false
	}
	p := s.packet(now, o)
	for i, other := range s.sources { // whose turn it was is last now
		if other == o {
			s.sources = append(append(s.sources[:i:i], s.sources[i+1:]...), o)
			break
		}
	}
	s.tidy()
	return p, true
}

// tidy forgets sources that have nothing to send, and tells whether all is said.
func (s *sender) tidy() {
	busy := s.sources[:0]
	for _, o := range s.sources {
		if len(o.waiting) > 0 || len(o.earlier) > 0 || o.closing {
			busy = append(busy, o)
		}
	}
	clear(s.sources[len(busy):])
	s.sources = busy
	s.idle = len(busy) == 0
}

// take is the new text of a packet: all that waits, as far as it fits and may be sent.
func (s *sender) take(now time.Duration, o *origin) string {
	var b strings.Builder
	room := s.pace.room(now, s.format.CPS)
	if s.interval > Interval && s.sent && now < s.textAt+s.interval {
		room = 0
	}
	count := 0
	for len(o.waiting) > 0 {
		w := o.waiting[0]
		if s.charge(w) > room-count || b.Len() > 0 && b.Len()+len(w.text) > s.blockSize() {
			break
		}
		b.WriteString(w.text)
		count += s.charge(w)
		o.count -= w.count
		o.waiting = o.waiting[1:]
	}
	if count > 0 {
		s.pace.add(now, count)
		s.textAt = now
	}
	return b.String()
}

// charge is how many characters a block counts for: never more than may be sent at all.
func (s *sender) charge(w waiting) int { return min(w.count, s.format.CPS*int(window/time.Second)) }

// packet builds a packet with the text of a source: new, and repeated.
func (s *sender) packet(now time.Duration, o *origin) Packet {
	p := Packet{
		Marker: !s.sent || s.idle, PayloadType: s.format.Text, Sequence: s.sequence, Timestamp: s.stamp(now), SSRC: s.cfg.SSRC,
		Contributor: o.id, Mixed: o.id != 0,
	}
	text := s.take(now, o)
	if s.format.Generations == 0 {
		p.Payload = []byte(text)
		o.closing = text != ""
	} else {
		p.PayloadType = s.format.Red
		p.Payload = appendBlocks(nil, s.blocks(o, p.Timestamp, text))
		o.remember(text, p.Timestamp, s.format.Generations)
	}
	o.repeat = now + s.interval
	s.sequence++
	s.last, s.sent, s.sentAt, s.idle = p.Timestamp, true, now, false
	s.packets++
	s.octets += uint32(len(p.Payload))
	return p
}

// stamp is the timestamp of now. No two packets have the same (RFC 4103, section 3.5).
func (s *sender) stamp(now time.Duration) uint32 {
	t := s.cfg.Timestamp + uint32(now.Milliseconds())
	if s.sent && int32(t-s.last) <= 0 {
		t = s.last + 1
	}
	return t
}

// blocks are those of a packet, the oldest first. What is too old to be repeated, or was nothing, is an empty block (RFC 4103, section 4.1;
// RFC 9071, section 3.10).
func (s *sender) blocks(o *origin, timestamp uint32, text string) []Block {
	n := s.format.Generations
	list := make([]Block, 0, n+1)
	for age := n; age > 0; age-- {
		b := Block{PayloadType: s.format.Text, Offset: uint16(min(time.Duration(age)*Interval, maxOffset*time.Millisecond).Milliseconds())}
		if age <= len(o.earlier) {
			if e := o.earlier[age-1]; timestamp-e.timestamp <= maxOffset {
				b.Offset, b.Text = uint16(timestamp-e.timestamp), []byte(e.text)
			}
		}
		list = append(list, b)
	}
	return append(list, Block{PayloadType: s.format.Text, Text: []byte(text)})
}

// remember takes what was sent for repetition, until it has been repeated often enough.
func (o *origin) remember(text string, timestamp uint32, generations int) {
	o.earlier = append([]repeated{{text: text, timestamp: timestamp}}, o.earlier...)
	if len(o.earlier) > generations {
		o.earlier = o.earlier[:generations]
	}
	for _, e := range o.earlier {
		if e.text != "" {
			return
		}
	}
	o.earlier = nil
}
