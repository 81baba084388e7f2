package sipua

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strconv"
	"time"
)

// randomText makes text of n random bytes.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

// randomUpTo returns a number from 0 to below n.
func randomUpTo(n uint64) uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:]) % n
}

// randomBetween returns a duration between the two.
func randomBetween(from, to time.Duration) time.Duration {
	return from + time.Duration(randomUpTo(uint64(max(0, to-from))+1)) //nolint:gosec // both are small and positive
}

// seconds renders a duration in whole seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
