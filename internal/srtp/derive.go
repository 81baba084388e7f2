package srtp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA1 is the transform of RFC 3711
	"encoding/binary"
	"fmt"
	"hash"
)

// Labels of the key derivation (RFC 3711, section 4.3.1); those of RTCP are three more (section 4.3.2).
const (
	labelEncryption     = 0
	labelAuthentication = 1
	labelSalt           = 2
	labelReports        = 3
)

// counterSize is the block of AES.
const counterSize = aes.BlockSize

// transform is the cipher of one direction of one protocol with its session keys. What is passed through interfaces lives
// in it, so that nothing escapes per packet.
type transform struct {
	block cipher.Block // AES-CM
	mac   hash.Hash    // AES-CM
	aead  cipher.AEAD  // GCM
	salt  [14]byte
	iv    [counterSize]byte
	pad   [counterSize]byte // key stream
	aad   [12]byte          // associated data of SRTCP
	sum   [sha1.Size]byte
	tail  [4]byte // what the authentication covers beyond the packet
	tag   int
	mki   [maxMKI]byte
	named int // octets of mki
}

// init derives the session keys (RFC 3711, section 4.3, with a key derivation rate of 0; RFC 7714, section 11).
func (t *transform) init(k Key, label byte) error {
	if err := k.Validate(); err != nil {
		return err
	}
	p := k.Suite.parameters()
	master, err := aes.NewCipher(k.Secret[:p.key])
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	salt := k.Secret[p.key:]
	t.named = copy(t.mki[:], k.MKI)
	derive(t.salt[:p.salt], master, salt, label+labelSalt)
	var key [32]byte
	defer clear(key[:])
	derive(key[:p.key], master, salt, label+labelEncryption)
	block, err := aes.NewCipher(key[:p.key])
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	t.tag = p.tag
	if p.aead {
		t.aead, err = cipher.NewGCM(block)
		return err
	}
	if label == labelReports {
		t.tag = reportTagSize
	}
	var auth [authKeySize]byte
	defer clear(auth[:])
	derive(auth[:], master, salt, label+labelAuthentication)
	t.block, t.mac = block, hmac.New(sha1.New, auth[:])
	return nil
}

// derive is the AES-CM pseudo-random function. A salt of 96 bits stands at the left of the 112 (RFC 7714, section 11).
func derive(out []byte, master cipher.Block, salt []byte, label byte) {
	var x, stream [counterSize]byte
	defer clear(stream[:])
	copy(x[:], salt)
	x[7] ^= label
	for n := uint16(0); len(out) > 0; n++ {
		binary.BigEndian.PutUint16(x[14:], n)
		master.Encrypt(stream[:], x[:])
		out = out[copy(out, stream[:]):]
	}
}

// wipe forgets the keys, as far as it is up to us: the ciphers' own copies go with them to the garbage collector.
func (t *transform) wipe() { *t = transform{} }

// counter prepares the vector of AES-CM (RFC 3711, section 4.1.1).
func (t *transform) counter(ssrc uint32, index uint64) {
	clear(t.iv[:])
	binary.BigEndian.PutUint32(t.iv[4:], ssrc)
	binary.BigEndian.PutUint64(t.iv[6:14], index|uint64(t.iv[6])<<56|uint64(t.iv[7])<<48)
	for i, s := range t.salt {
		t.iv[i] ^= s
	}
}

// stream adds the key stream to octets, in place. A packet has fewer than 2^16 blocks.
func (t *transform) stream(octets []byte) {
	for n := uint16(0); len(octets) > 0; n++ {
		binary.BigEndian.PutUint16(t.iv[14:], n)
		t.block.Encrypt(t.pad[:], t.iv[:])
		part := octets[:min(len(octets), counterSize)]
		for i := range part {
			part[i] ^= t.pad[i]
		}
		octets = octets[len(part):]
	}
}

// authenticate returns the tag over octets and tail.
func (t *transform) authenticate(octets []byte, tail uint32, withTail bool) []byte {
	t.mac.Reset()
	t.mac.Write(octets)
	if withTail {
		binary.BigEndian.PutUint32(t.tail[:], tail)
		t.mac.Write(t.tail[:])
	}
	return t.mac.Sum(t.sum[:0])[:t.tag]
}

// nonce prepares the vector of GCM: two octets of zeros, the source and the packet's counters under the salt (RFC 7714,
// sections 8.1 and 9.1).
func (t *transform) nonce(ssrc uint32, index uint64) []byte {
	clear(t.iv[:12])
	binary.BigEndian.PutUint64(t.iv[4:12], index)
	binary.BigEndian.PutUint32(t.iv[2:6], ssrc) // the index has 48 bits
	for i, s := range t.salt[:12] {
		t.iv[i] ^= s
	}
	return t.iv[:12]
}
