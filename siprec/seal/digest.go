package seal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
)

const (
	// blockPackets is how many sequence numbers a block of level 0 has. Blocks begin where the number is a multiple of it, so that who misses
	// the first packets still knows the blocks.
	blockPackets = 256
	blockShift   = 8
	// maxBlocks bounds the blocks of a stream: beyond it two become one, so that a manifest fits into a message however long a recording is.
	maxBlocks = 16
	maxLevel  = 24
)

type sum [sha256.Size]byte

// Digest hashes and counts the payloads of a stream, in the order of sending: all of them together, and in blocks, so that of a stream
// of which packets were lost the rest can still be proved. The zero value is ready for use, and allocates with the first packet; what
// [NewDigest] gives does not. It belongs to one goroutine.
//
// A block of level 0 is the payloads of up to 256 consecutive sequence numbers, a block of the next level the hashes of its one or two
// halves.
type Digest struct {
	whole, block hash.Hash
	ssrc         uint32
	first        uint64 // sequence number, extended by its cycles
	last         uint64
	packets      uint64
	octets       uint64
	strange      uint64 // packets of another source
	gaps         bool   // whole blocks were never sent: there are no blocks to compare

	level  uint8 // of blocks
	count  int
	lowest uint64 // index of the first one in blocks
	blocks [maxBlocks]sum
	halves [maxLevel]half // of each level: the left half that waits for the right one
}

type half struct {
	sum   sum
	waits bool
}

// NewDigest returns a Digest that allocates nothing any more.
func NewDigest() *Digest {
	return &Digest{whole: sha256.New(), block: sha256.New()}
}

// Add takes the payload of one packet. Sequence numbers grow. Of packets of another source than the first one only the number is kept.
func (d *Digest) Add(ssrc uint32, sequence uint16, payload []byte) {
	if d.whole == nil {
		d.whole, d.block = sha256.New(), sha256.New()
	}
	switch {
	case d.packets == 0:
		d.ssrc, d.first, d.last = ssrc, uint64(sequence), uint64(sequence)
	case d.ssrc != ssrc:
		d.strange++
		return
	default:
		next := d.last + uint64(sequence-uint16(d.last)) //nolint:gosec // serial number arithmetic
		if closed, begun := d.last>>blockShift, next>>blockShift; closed != begun {
			d.close(closed)
			d.gaps = d.gaps || begun > closed+1
		}
		d.last = next
	}
	_, _ = d.whole.Write(payload) // never fails (hash.Hash)
	_, _ = d.block.Write(payload)
	d.packets++
	d.octets += uint64(len(payload))
}

// close ends a block of level 0.
func (d *Digest) close(index uint64) {
	var s sum
	d.block.Sum(s[:0])
	d.block.Reset()
	d.raise(index, s, 0)
}

// raise takes a block of a level to the level of the blocks, if its halves are there.
func (d *Digest) raise(index uint64, s sum, level uint8) {
	for ; level < d.level; level++ {
		h := &d.halves[level]
		if index%2 == 0 {
			h.sum, h.waits = s, true
			return
		}
		s = join(h, &s)
		index /= 2
	}
	if d.count == maxBlocks {
		d.merge()
		d.raise(index, s, level)
		return
	}
	if d.count == 0 {
		d.lowest = index
	}
	d.blocks[d.count] = s
	d.count++
}

// join makes one block of the left half that waits, if any, and the right one, nil for none. The left one waits no more.
func join(left *half, right *sum) sum {
	var b [2 * sha256.Size]byte
	n := 0
	if left.waits {
		n += copy(b[n:], left.sum[:])
		left.waits = false
	}
	if right != nil {
		n += copy(b[n:], right[:])
	}
	return sha256.Sum256(b[:n])
}

// merge makes one block of every two.
func (d *Digest) merge() {
	index, n := d.lowest, 0
	for i := 0; i < d.count; {
		var left half
		if index%2 == 0 {
			left = half{d.blocks[i], true}
			i++
		}
		if i == d.count { // the right half comes later
			d.halves[d.level] = left
			break
		}
		d.blocks[n] = join(&left, &d.blocks[i])
		i++
		n++
		index = index/2*2 + 2
	}
	d.lowest /= 2
	d.count = n
	d.level++
}

// Fill writes counts and hashes into a stream of a manifest. Payloads may be added afterwards.
func (d *Digest) Fill(s *Stream) {
	s.SSRC, s.Packets, s.Octets, s.Unsealed = d.ssrc, d.packets, d.octets, d.strange
	if d.whole == nil {
		s.PayloadSHA256 = HashOf(nil)
		return
	}
	s.PayloadSHA256 = hex.EncodeToString(d.whole.Sum(nil))
	s.Span = d.last - d.first + 1
	s.FirstSequence = uint16(d.first) //nolint:gosec // it begins without cycles
	if d.gaps {
		return
	}
	end := *d // the open block is closed in a copy; the hash is not written to
	var last sum
	end.block.Sum(last[:0])
	end.finish(last)
	s.BlockPackets = blockPackets << end.level
	for _, b := range end.blocks[:end.count] {
		s.Blocks = append(s.Blocks, base64.RawURLEncoding.EncodeToString(b[:]))
	}
}

// finish brings the open block of every level to the top.
func (d *Digest) finish(s sum) {
	for level := range d.level { // no left half waits for it where it is one itself
		s = join(&d.halves[level], &s)
	}
	if d.count == maxBlocks {
		level := d.level
		d.merge()
		s = join(&d.halves[level], &s)
	}
	d.blocks[d.count] = s
	d.count++
}

// HashOf returns the hash of a document as it stands in a manifest.
func HashOf(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}
