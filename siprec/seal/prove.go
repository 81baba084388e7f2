package seal

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math"
	"slices"
	"time"
)

// Packet is one that a recorder has of a stream.
type Packet struct {
	SSRC     uint32
	Sequence uint16
	Payload  []byte
	At       time.Time // when it came; for [Stream.ProvePart]
}

// Proof says what is proved of a stream.
type Proof struct {
	Intact   bool   // all that was sent is there as it was sent, and nothing else
	Proved   uint64 // packets that are as they were sent
	Lost     uint64 // packets that were sent and are not there
	Unproved uint64 // packets that are there, but of a block of which others are missing: they may be as they were sent
	Altered  uint64 // packets of blocks of which all are there, and that are not as they were sent
	Strange  uint64 // packets that were never sent
}

// Prove compares what a recorder has of a stream, in order of arrival, with the manifest. Packets that came twice count once.
func (s *Stream) Prove(received []Packet) Proof {
	var p Proof
	have := make(map[uint64][]byte, len(received))
	var others, last uint64
	for _, packet := range received {
		ahead := uint64(packet.Sequence - s.FirstSequence)
		if packet.SSRC != s.SSRC || s.Packets == 0 {
			others++
			continue
		}
		// Of the cycles that are possible it is the one next to the packet before it.
		at := nearest(ahead, last)
		if at >= s.Span {
			p.Strange++
			continue
		}
		last = at
		if _, twice := have[at]; !twice {
			have[at] = packet.Payload
		}
	}
	if others > s.Unsealed {
		p.Strange += others - s.Unsealed
	}
	s.judge(have, others, &p)
	return p
}

// placed is a packet by its sequence number, extended by its cycles.
type placed struct {
	at int64
	Packet
}

// place puts the packets of a source in order.
func place(received []Packet, ssrc uint32) []placed {
	var own []placed
	for _, p := range received {
		if p.SSRC != ssrc {
			continue
		}
		at := int64(p.Sequence)
		if n := len(own); n > 0 { // of the cycles that are possible it is the one next to the packet before it
			at = own[n-1].at + int64(int16(p.Sequence-uint16(own[n-1].at))) //nolint:gosec // serial number arithmetic
		}
		own = append(own, placed{at, p})
	}
	slices.SortStableFunc(own, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	return own
}

// ProvePart compares what a recorder has of a stream that goes on before and after this one, which is a part of it ([Manifest.Part]) and began at a
// time. Packets of other parts do not count. Where the sequence numbers have gone round more than once, the part is where it is as it was sent, or
// else where packets came next to that time.
func (s *Stream) ProvePart(received []Packet, began time.Time) Proof {
	own := place(received, s.SSRC)
	var best Proof
	s.judge(nil, s.Unsealed, &best)
	if len(own) == 0 || s.Packets == 0 {
		return best
	}
	before := func(p placed, at int64) int { return cmp.Compare(p.at, at) }
	const cycle = 1 << 16
	span, closest := int64(s.Span), time.Duration(math.MaxInt64) //nolint:gosec // a count
	lowest := own[0].at - span
	for first := lowest + (int64(s.FirstSequence)-lowest%cycle+2*cycle)%cycle; first <= own[len(own)-1].at; first += cycle {
		from, _ := slices.BinarySearchFunc(own, first, before)
		to, _ := slices.BinarySearchFunc(own, first+span, before)
		have := make(map[uint64][]byte, to-from)
		for _, p := range own[from:to] {
			at := uint64(p.at - first) //nolint:gosec // not before the first
			if _, twice := have[at]; !twice {
				have[at] = p.Payload
			}
		}
		var p Proof
		if s.judge(have, s.Unsealed, &p); p.Intact {
			return p
		}
		if distance := own[from].At.Sub(began).Abs(); distance < closest {
			best, closest = p, distance
		}
	}
	return best
}

// judge says what the packets that are there prove, by their places from the first one. others counts those of another source.
func (s *Stream) judge(have map[uint64][]byte, others uint64, p *Proof) {
	p.Lost = s.Unsealed - min(others, s.Unsealed) + s.Packets - min(uint64(len(have)), s.Packets)
	if s.whole(have) {
		p.Proved = uint64(len(have))
	} else {
		s.proveBlocks(have, p)
	}
	p.Intact = p.Lost+p.Unproved+p.Altered+p.Strange == 0 && p.Proved == s.Packets && s.Unsealed == 0
}

// nearest is the number that is congruent to n modulo 2^16 and next to another one.
func nearest(n, to uint64) uint64 {
	const cycle = 1 << 16
	at := to/cycle*cycle + n
	switch {
	case at > to+cycle/2 && at >= cycle:
		return at - cycle
	case at+cycle/2 < to:
		return at + cycle
	}
	return at
}

// whole tells whether all payloads together have the hash of the manifest.
func (s *Stream) whole(have map[uint64][]byte) bool {
	if uint64(len(have)) != s.Packets {
		return false
	}
	h := sha256.New()
	for at := range s.Span {
		_, _ = h.Write(have[at]) // never fails (hash.Hash)
	}
	return hex.EncodeToString(h.Sum(nil)) == s.PayloadSHA256
}

// proveBlocks looks which blocks are as they were sent.
func (s *Stream) proveBlocks(have map[uint64][]byte, p *Proof) {
	size := uint64(max(0, s.BlockPackets))
	if size < blockPackets || size&(size-1) != 0 || s.Span == 0 {
		p.Unproved = uint64(len(have))
		return
	}
	first := uint64(s.FirstSequence)
	for i := first / size; i <= (first+s.Span-1)/size; i++ {
		var there, missing uint64
		for n := max(i*size, first); n < min((i+1)*size, first+s.Span); n++ {
			if _, ok := have[n-first]; ok {
				there++
			} else {
				missing++
			}
		}
		block, known := s.blockHash(have, i, size)
		n := i - first/size
		matches := known && n < uint64(len(s.Blocks)) && s.Blocks[n] == base64.RawURLEncoding.EncodeToString(block[:])
		switch {
		case matches:
			p.Proved += there
		case missing > 0:
			p.Unproved += there
		default:
			p.Altered += there
		}
	}
}

// blockHash is the hash of a block of what is there; false if nothing is.
func (s *Stream) blockHash(have map[uint64][]byte, index, size uint64) (sum, bool) {
	first := uint64(s.FirstSequence)
	if size > blockPackets {
		left, hasLeft := s.blockHash(have, 2*index, size/2)
		right, hasRight := s.blockHash(have, 2*index+1, size/2)
		switch {
		case hasRight:
			return join(&half{left, hasLeft}, &right), true
		case hasLeft:
			return join(&half{left, true}, nil), true
		}
		return sum{}, false
	}
	var parts [][]byte
	for n := max(index*size, first); n < min((index+1)*size, first+s.Span); n++ {
		if payload, ok := have[n-first]; ok {
			parts = append(parts, payload)
		}
	}
	return sha256.Sum256(slices.Concat(parts...)), len(parts) > 0
}
