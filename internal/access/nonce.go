package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

const (
	nonceSize = 8 + 8 + 16 // time, salt, keyed hash
	// ncWindow is how far behind the highest nonce count one may come that was
	// overtaken on the way.
	ncWindow = 64
	// maxNonces bounds those that are remembered.
	maxNonces = 1 << 14
)

// nonces makes and checks nonces (RFC 7616, section 3.3).
type nonces struct {
	key [32]byte

	mu     sync.Mutex
	used   map[string]*counter
	queue  []string // of used, oldest first
	cutoff time.Time
}

// counter is which nonce counts were seen: bit i is highest-i.
type counter struct {
	highest int
	seen    uint64
	issued  time.Time
}

func newNonces() *nonces {
	n := &nonces{used: map[string]*counter{}}
	_, _ = rand.Read(n.key[:]) // never fails
	return n
}

func (n *nonces) seal(data []byte, source netip.Addr) []byte {
	mac := hmac.New(sha256.New, n.key[:])
	mac.Write(data)
	address := source.As16()
	mac.Write(address[:])
	return mac.Sum(nil)[:16]
}

// issue makes a nonce for a source.
func (n *nonces) issue(source netip.Addr) string {
	data := make([]byte, 16, nonceSize)
	binary.BigEndian.PutUint64(data, uint64(time.Now().UnixNano()))
	_, _ = rand.Read(data[8:]) // never fails
	return base64.RawURLEncoding.EncodeToString(append(data, n.seal(data, source)...))
}

// issued tells when a nonce was made for this source; false when it was not.
func (n *nonces) issued(nonce string, source netip.Addr) (time.Time, bool) {
	data, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(data) != nonceSize || !hmac.Equal(data[16:], n.seal(data[:16], source)) {
		return time.Time{}, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(data))), true //nolint:gosec // our own
}

// take uses up a nonce count. False: the nonce is too old, or this count was used
// (RFC 7616, section 3.4).
func (n *nonces) take(nonce string, nc int, issued time.Time, life time.Duration) bool {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forget(now, life)
	if nc < 1 || now.Sub(issued) > life || !issued.After(n.cutoff) {
		return false
	}
	c := n.used[nonce]
	if c == nil {
		c = &counter{issued: issued}
		n.used[nonce] = c
		n.queue = append(n.queue, nonce)
	}
	switch behind := c.highest - nc; {
	case behind < 0:
		c.highest, c.seen = nc, c.seen<<uint(-behind)|1 // a shift by 64 or more gives 0
	case behind >= ncWindow || c.seen&(1<<uint(behind)) != 0:
		return false
	default:
		c.seen |= 1 << uint(behind)
	}
	return true
}

// forget drops counters of old nonces. When there are too many the oldest go, and
// nothing that was issued before them counts any more. Called with the lock held.
func (n *nonces) forget(now time.Time, life time.Duration) {
	drop := 0
	for drop < len(n.queue) {
		c := n.used[n.queue[drop]]
		if now.Sub(c.issued) <= life && len(n.queue)-drop < maxNonces {
			break
		}
		if c.issued.After(n.cutoff) {
			n.cutoff = c.issued
		}
		delete(n.used, n.queue[drop])
		drop++
	}
	n.queue = append(n.queue[:0], n.queue[drop:]...)
}
