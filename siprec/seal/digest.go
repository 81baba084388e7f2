package seal

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// Digest hashes and counts the payloads of a stream, in the order of sending. The zero value is ready for use. It belongs
// to one goroutine.
type Digest struct {
	hash    hash.Hash
	packets uint64
	octets  uint64
}

// Add takes the payload of one packet.
func (d *Digest) Add(payload []byte) {
	if d.hash == nil {
		d.hash = sha256.New()
	}
	_, _ = d.hash.Write(payload) // never fails (hash.Hash)
	d.packets++
	d.octets += uint64(len(payload))
}

// Fill writes count and hash into a stream of a manifest. Payloads may be added afterwards.
func (d *Digest) Fill(s *Stream) {
	s.Packets, s.Octets = d.packets, d.octets
	if d.hash == nil {
		s.PayloadSHA256 = HashOf(nil)
		return
	}
	s.PayloadSHA256 = hex.EncodeToString(d.hash.Sum(nil))
}

// HashOf returns the hash of a document as it stands in a manifest.
func HashOf(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}
