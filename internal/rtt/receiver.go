package rtt

import (
	"strings"
	"time"
)

const (
	maxHeld    = 64 // packets that wait for one before
	maxSources = 64 // whose time is remembered
)

// Text is what has come from one source.
type Text struct {
	// Source is the contributor that the packet names, else its sender.
	Source uint32
	Text   string
}

// Receiver puts the packets of one far end in order, repairs what redundancy can, and marks what is lost by U+FFFD (RFC 4103, section 5.4;
// RFC 9071, section 3.16). Byte order marks are taken out.
type Receiver struct {
	format  Format
	started bool
	ssrc    uint32
	expect  uint16
	held    []held // in order of their sequence numbers
	latest  map[uint32]uint32
	cycles  uint32
	losses  []time.Duration // of single packets, for streams of several sources
	mixed   bool            // several sources are known to be in the stream
	stats   ReceiverStats
}

// ReceiverStats counts packets.
type ReceiverStats struct {
	// Received are all that were of a known format, Lost those that have never come, Repaired those whose text redundancy has brought.
	Received, Lost, Repaired uint64
	// Marked is how often U+FFFD was put in for lost text.
	Marked uint64
	// Source is the SSRC of the last packet, Highest the sequence number up to which all has come or was given up, with how often it went round.
	Source, Highest uint32
}

type held struct {
	packet Packet
	blocks []Block
	at     time.Duration
}

// NewReceiver makes a receiver for a stream that has not begun.
func NewReceiver(f Format) *Receiver {
	return &Receiver{format: f.normal(), latest: map[uint32]uint32{}}
}

// Configure changes the format.
func (r *Receiver) Configure(f Format) { r.format = f.normal() }

// Stats returns what was counted.
func (r *Receiver) Stats() ReceiverStats { return r.stats }

// Put takes a packet and returns the text that can be read now, in order. The packet may be used again.
func (r *Receiver) Put(now time.Duration, p Packet) []Text {
	blocks, ok := r.open(p)
	if !ok {
		return nil
	}
	r.stats.Received++
	if !r.started || p.SSRC != r.ssrc {
		list := r.flush(now)
		r.started, r.ssrc, r.expect, r.mixed = true, p.SSRC, p.Sequence, false
		clear(r.latest)
		r.losses = nil
		return append(list, r.accept(now, held{packet: p, blocks: blocks, at: now})...)
	}
	ahead := int16(p.Sequence - r.expect)
	if ahead < 0 { // too late, or twice
		return nil
	}
	p.Payload = nil
	for i := range blocks {
		blocks[i].Text = append([]byte(nil), blocks[i].Text...)
	}
	r.hold(held{packet: p, blocks: blocks, at: now})
	return r.Poll(now)
}

// open reads the blocks of a packet of a known format.
func (r *Receiver) open(p Packet) ([]Block, bool) {
	switch {
	case p.PayloadType == r.format.Red && r.format.Generations > 0:
		blocks, err := ParseBlocks(p.Payload)
		return blocks, err == nil
	case p.PayloadType == r.format.Text:
		return []Block{{PayloadType: p.PayloadType, Text: p.Payload}}, true
	default:
		return nil, false
	}
}

// hold puts a packet into its place.
func (r *Receiver) hold(h held) {
	i := len(r.held)
	for i > 0 && int16(h.packet.Sequence-r.held[i-1].packet.Sequence) < 0 {
		i--
	}
	if i > 0 && r.held[i-1].packet.Sequence == h.packet.Sequence {
		return
	}
	r.held = append(r.held[:i], append([]held{h}, r.held[i:]...)...)
}

// Poll returns the text that can be read now although packets before it are missing.
func (r *Receiver) Poll(now time.Duration) []Text {
	var list []Text
	for len(r.held) > 0 {
		h := r.held[0]
		gap := int(int16(h.packet.Sequence - r.expect))
		if gap > 0 && !r.covers(h, gap) && now < h.at+Reordering && len(r.held) <= maxHeld {
			break
		}
		r.held = r.held[1:]
		list = append(list, r.accept(now, h)...)
	}
	return list
}

// Next is when Poll has something to say if nothing comes before; false: never.
func (r *Receiver) Next() (time.Duration, bool) {
	if len(r.held) == 0 {
		return 0, false
	}
	return r.held[0].at + Reordering, true
}

// flush is what is held when nothing more can come before it.
func (r *Receiver) flush(now time.Duration) []Text {
	list := make([]Text, 0, len(r.held))
	for _, h := range r.held {
		list = append(list, r.accept(now, h)...)
	}
	r.held = nil
	return list
}

// covers tells that a packet repeats all that a gap before it has taken away. Of streams with several sources nobody can know.
func (r *Receiver) covers(h held, gap int) bool {
	return !h.packet.Mixed && !r.mixed && gap < len(h.blocks)
}

// accept reads one packet after all that came before it.
func (r *Receiver) accept(now time.Duration, h held) []Text {
	source := h.packet.SSRC
	if h.packet.Mixed {
		source = h.packet.Contributor
		r.mixed = true
	}
	var list []Text
	gap := int(int16(h.packet.Sequence - r.expect))
	if gap > 0 {
		list = r.gap(now, h, gap, source)
	}
	if h.packet.Sequence < r.expect && gap >= 0 && r.stats.Source == h.packet.SSRC { // went round
		r.cycles += 1 << 16
	}
	r.expect = h.packet.Sequence + 1
	r.stats.Source, r.stats.Highest = h.packet.SSRC, r.cycles+uint32(h.packet.Sequence)
	var b strings.Builder
	latest, known := r.latest[source]
	for i, block := range h.blocks {
		t := h.packet.Timestamp - uint32(block.Offset)
		if len(block.Text) == 0 && i < len(h.blocks)-1 || known && int32(t-latest) <= 0 || block.PayloadType != r.format.Text {
			continue
		}
		if i < len(h.blocks)-1 {
			r.stats.Repaired++
		}
		b.Write(block.Text)
		latest, known = t, true
	}
	if _, there := r.latest[source]; known && (there || len(r.latest) < maxSources) { // not if nothing of it could be read
		r.latest[source] = latest
	}
	if text := clean(b.String()); text != "" {
		list = append(list, Text{Source: source, Text: text})
	}
	return list
}

// gap counts lost packets and marks what they may have taken with them: in a stream of one source more than is repeated, in one of several
// as many as that within a second, and then it is unknown whose text it was (RFC 9071, section 3.16.2).
func (r *Receiver) gap(now time.Duration, h held, gap int, source uint32) []Text {
	r.stats.Lost += uint64(gap)
	if !r.mixed {
		if gap < len(h.blocks) {
			return nil
		}
		r.stats.Marked++
		return []Text{{Source: source, Text: missing}}
	}
	for range min(gap, maxHeld) {
		r.losses = append(r.losses, now)
	}
	for len(r.losses) > 0 && r.losses[0] <= now-time.Second {
		r.losses = r.losses[1:]
	}
	if len(r.losses) <= r.format.Generations {
		return nil
	}
	r.losses = nil
	r.stats.Marked++
	return []Text{{Source: r.ssrc, Text: missing}}
}

// clean takes byte order marks out and replaces what is not UTF-8.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, missing), string(bom), "")
}
