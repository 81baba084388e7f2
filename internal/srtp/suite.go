package srtp

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
)

// What can be wrong with a packet or a key. The packet errors are made once, since they come by the thousand.
var (
	// ErrKey: the key has a wrong length for its suite, or the suite is none.
	ErrKey = errors.New("srtp: unusable key")
	// ErrPacket: too short for what it claims to be, or without the protection that was agreed.
	ErrPacket = errors.New("srtp: malformed packet")
	// ErrAuthentication: somebody without the key has written or changed it.
	ErrAuthentication = errors.New("srtp: authentication failed")
	// ErrReplay: a packet with that index was here before, or is too old to tell.
	ErrReplay = errors.New("srtp: replayed packet")
	// ErrExhausted: as many packets as the key is good for were protected with it (RFC 3711, section 9.2).
	ErrExhausted = errors.New("srtp: key is used up")
)

// Suite is a combination of cipher and authentication under its name of RFC 4568 and RFC 7714.
type Suite uint8

// Suites, strongest first; the zero value is no protection.
const (
	None Suite = iota
	AEADAES256GCM
	AEADAES128GCM
	AESCM128HMACSHA180
	AESCM128HMACSHA132
)

// parameters are what a suite is made of, in octets.
type parameters struct {
	name      string
	key, salt int
	tag       int // of RTP; RTCP has 10 with HMAC-SHA1 always (RFC 4568, section 6.2.2)
	aead      bool
}

const (
	authKeySize   = 20 // HMAC-SHA1 (RFC 3711, section 5.2)
	reportTagSize = 10
	gcmTagSize    = 16 // no truncation (RFC 7714, section 5)
)

// parameters returns those of the suite; the zero value for none.
func (s Suite) parameters() parameters {
	switch s {
	case AEADAES256GCM:
		return parameters{"AEAD_AES_256_GCM", 32, 12, gcmTagSize, true}
	case AEADAES128GCM:
		return parameters{"AEAD_AES_128_GCM", 16, 12, gcmTagSize, true}
	case AESCM128HMACSHA180:
		return parameters{"AES_CM_128_HMAC_SHA1_80", 16, 14, 10, false}
	case AESCM128HMACSHA132:
		return parameters{"AES_CM_128_HMAC_SHA1_32", 16, 14, 4, false}
	case None:
		return parameters{}
	default:
		return parameters{}
	}
}

// String is the registered name, empty for None.
func (s Suite) String() string { return s.parameters().name }

// KeySize is the length of master key and master salt together: what `inline:` carries (RFC 4568, section 6.1).
func (s Suite) KeySize() int { p := s.parameters(); return p.key + p.salt }

// MaxOverhead is the most that protection adds to a packet of ours.
const MaxOverhead = gcmTagSize + indexSize

// Key is a master key with its salt, and what was agreed about its use.
type Key struct {
	Suite Suite
	// Secret is master key and master salt, one behind the other; [Suite.KeySize] octets.
	Secret []byte
	// MKI is the master key identifier that every packet carries; empty: none.
	MKI []byte
	// Lifetime is the number of packets that the key may protect, 0: as many as are secure. It counts RTP and RTCP apart and
	// so never more than was agreed.
	Lifetime uint64
}

// Validate tells whether contexts can be made of the key.
func (k Key) Validate() error {
	if k.Suite.KeySize() == 0 || len(k.Secret) != k.Suite.KeySize() {
		return fmt.Errorf("%w: %d octets for %q", ErrKey, len(k.Secret), k.Suite)
	}
	if len(k.MKI) > maxMKI {
		return fmt.Errorf("%w: identifier of %d octets", ErrKey, len(k.MKI))
	}
	return nil
}

const maxMKI = 128 // RFC 4568, section 9.2

// Equal tells whether both are the same key, in constant time.
func (k Key) Equal(other Key) bool {
	return k.Suite == other.Suite && k.Lifetime == other.Lifetime && string(k.MKI) == string(other.MKI) &&
		subtle.ConstantTimeCompare(k.Secret, other.Secret) == 1
}

// Wipe overwrites the secret.
func (k Key) Wipe() { clear(k.Secret) }

// String never tells the secret.
func (k Key) String() string { return k.Suite.String() + " [secret]" }

// GoString never tells the secret.
func (k Key) GoString() string { return k.String() }

// LogValue never tells the secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

var _ slog.LogValuer = Key{}
