package siprec

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/srtp"
)

// Config of a [Client]. Zero durations take the defaults named, negative ones mean none.
type Config struct {
	Profile    Profile
	Address    netip.Addr    // of our media, for o= and c=
	SDPSession uint64        // session id of o=; the same for all dialogs of the session
	Coalesce   time.Duration // wait for more changes before a request, half of it while they come all the time; 200 ms
	Snapshot   time.Duration // between two snapshots on request; 1 s
	Retry      RetryPolicy
	Seed       uint64 // of the jitter

	// Passive leaves the beginning to the recorder (RFC 7866, section 7.2): there is no INVITE of ours, a session that is lost is over, and one
	// that the recorder ends has stopped.
	Passive bool

	// Security says whether streams must be SRTP (RFC 7866, section 12.2), or are offered so first, and plainly only after a
	// refusal with 488 or 606, which is an [Alarm]. It needs Keys, which returns new ones, one for each suite, the best first. It is
	// called for every stream of every dialog: no key is ever used for two of them.
	Security sdp.Security
	Keys     func() []srtp.Key

	// Certify makes the keys by handshakes (DTLS-SRTP, RFC 5763), and returns the fingerprint of a new certificate of ours. It is called for every
	// dialog. Nil: no handshakes.
	Certify func() sdp.Fingerprint
}

// RetryPolicy says how a lost or refused session is tried again.
type RetryPolicy struct {
	Initial  time.Duration // before the first retry; 1 s
	Max      time.Duration // between two retries at most; 1 min
	Jitter   float64       // share of each delay that is random, 0 to 1
	Attempts int           // retries in a row before giving up; 0: no limit; negative: never retry
	Stable   time.Duration // a dialog this old resets the count; 30 s
}

// normalize fills in the defaults.
func (c Config) normalize() (Config, error) {
	c.Profile = c.Profile.Normalize()
	if err := c.Profile.Validate(); err != nil {
		return c, err
	}
	if c.Security != sdp.SecurityNone && c.Keys == nil && c.Certify == nil {
		return c, fmt.Errorf("%w: no keys for SRTP", ErrProfile)
	}
	if !c.Address.IsValid() {
		return c, fmt.Errorf("%w: no media address", ErrProfile)
	}
	if c.Retry.Jitter < 0 || c.Retry.Jitter > 1 {
		return c, fmt.Errorf("%w: jitter of %v", ErrProfile, c.Retry.Jitter)
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&c.Coalesce, 200 * time.Millisecond},
		{&c.Snapshot, time.Second},
		{&c.Retry.Initial, time.Second},
		{&c.Retry.Max, time.Minute},
		{&c.Retry.Stable, 30 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.standard
		}
		*d.value = max(*d.value, 0)
	}
	return c, nil
}

// random is a small generator (splitmix64), so that a session can be replayed.
type random uint64

// fraction returns a number from 0 up to but not including 1.
func (r *random) fraction() float64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	z ^= z >> 31
	return float64(z>>11) / (1 << 53)
}

// delay returns the pause before retry number attempt, counted from 0: exponential,
// bounded, the jitter's share of it random.
func (p RetryPolicy) delay(attempt int, r *random) time.Duration {
	d := p.Initial
	for range min(attempt, 62) {
		if d >= p.Max/2 {
			d = p.Max
			break
		}
		d *= 2
	}
	d = min(d, p.Max)
	return time.Duration(float64(d) * (1 - p.Jitter*r.fraction()))
}
