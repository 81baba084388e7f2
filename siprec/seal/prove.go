package seal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
)

// Packet is one that a recorder has of a stream.
type Packet struct {
	SSRC     uint32
	Sequence uint16
	Payload  []byte
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
	p.Lost = s.Unsealed - min(others, s.Unsealed) + s.Packets - min(uint64(len(have)), s.Packets)
	if s.whole(have) {
		p.Proved = uint64(len(have))
	} else {
		s.proveBlocks(have, &p)
	}
	p.Intact = p.Lost+p.Unproved+p.Altered+p.Strange == 0 && p.Proved == s.Packets && s.Unsealed == 0
	return p
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
