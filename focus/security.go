package focus

import (
	"crypto/rand"
	"fmt"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/srtp"
)

// errKeysInClear: media must be protected, and there is no way to exchange keys that nobody reads.
var errKeysInClear = fmt.Errorf("%w: signalling is not encrypted", sdp.ErrCrypto)

// security is what may be agreed with a participant, and gives it its keys when they are needed first: of this call, of this
// direction, of this suite and of nothing else (RFC 3711, section 8). Signalling that can be read on the way carries none,
// unless that is configured: then what must be protected cannot be agreed at all (RFC 4568, section 3).
func (c *controller) security(p *participant) sdp.Security {
	policy := c.focus.cfg.Security
	if policy == sdp.SecurityNone {
		return policy
	}
	if len(p.srtpKeys) == 0 && (c.focus.cfg.KeysInClear || confidential(p.transport)) {
		for suite := srtp.AEADAES256GCM; suite <= srtp.AESCM128HMACSHA132; suite++ {
			secret := make([]byte, suite.KeySize())
			_, _ = rand.Read(secret) // never fails
			p.srtpKeys = append(p.srtpKeys, srtp.Key{Suite: suite, Secret: secret})
		}
	}
	if p.peer.Secure { // what is protected does not become plain, whoever asks
		return sdp.SecurityRequired
	}
	return policy
}

// confidential tells the transports of signalling that are encrypted.
func confidential(transport string) bool { return transport == "tls" || transport == "wss" }
