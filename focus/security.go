package focus

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/srtp"
)

// errKeysInClear: media must be protected, and there is no way to exchange keys that nobody reads.
var errKeysInClear = fmt.Errorf("%w: signalling is not encrypted", sdp.ErrCrypto)

// security is what may be agreed with a participant, and gives it its keys when they are needed first: of this call, of this
// direction, of this suite and of nothing else (RFC 3711, section 8). Signalling that can be read on the way carries none,
// unless that is configured: then what must be protected cannot be agreed at all (RFC 4568, section 3).
func (c *controller) security(p *participant) sdp.Security {
	policy := p.settings.Security
	if policy == sdp.SecurityNone {
		return policy
	}
	if len(p.srtpKeys) == 0 && (p.settings.KeysInClear || confidential(p.transport)) {
		p.srtpKeys = newKeys()
	}
	if p.peer.Secure { // what is protected does not become plain, whoever asks
		return sdp.SecurityRequired
	}
	return policy
}

// newKeys makes a key for each suite, the best first.
func newKeys() []srtp.Key {
	var keys []srtp.Key
	for suite := srtp.AEADAES256GCM; suite <= srtp.AESCM128HMACSHA132; suite++ {
		secret := make([]byte, suite.KeySize())
		_, _ = rand.Read(secret) // never fails
		keys = append(keys, srtp.Key{Suite: suite, Secret: secret})
	}
	return keys
}

// errUnprotected: recording would be less protected than what is recorded.
var errUnprotected = errors.New("the recorder is less protected than the calls")

// recorderSecurity is what a recorder is offered. A recording session is at least as protected as the calls that it is of, whoever comes in
// later, or there is none (RFC 7866, section 12): where calls may be protected it must be, unless that is overridden. What stays on this
// machine needs no protection. secret tells that somebody has called by TLS.
func (f *Focus) recorderSecurity(server Recorder, secret bool) (sdp.Security, error) {
	target, err := sipua.ParseURI(server.URI)
	if err != nil {
		return sdp.SecurityNone, err
	}
	local := hostAddress(target).IsLoopback()
	security := server.Security
	if f.live().Security != sdp.SecurityNone && !f.cfg.AllowInsecure && (!local || security != sdp.SecurityNone) {
		if security == sdp.SecurityNone {
			return security, fmt.Errorf("%w: it takes no SRTP", errUnprotected)
		}
		security = sdp.SecurityRequired
	}
	open := !encrypted(target)
	if secret && open && !local && !f.cfg.AllowInsecure {
		return security, fmt.Errorf("%w: metadata would go there without TLS", errUnprotected)
	}
	readable := open && !f.live().KeysInClear && !f.shakes(server)
	switch {
	case readable && security == sdp.SecurityRequired:
		return security, errKeysInClear
	case readable:
		return sdp.SecurityNone, nil
	}
	return security, nil
}

// secret tells whether somebody's signalling is encrypted.
func (c *controller) secret() bool {
	for _, p := range c.participants {
		if confidential(p.transport) {
			return true
		}
	}
	return false
}

// protection are the keys of a recorded stream as its media session wants them; nil: there are none.
func protection(p *sdp.Protection) *media.Protection {
	if p == nil {
		return nil
	}
	return &media.Protection{Local: p.Local, Remote: p.Remote}
}

// confidential tells the transports of signalling that are encrypted.
func confidential(transport string) bool { return transport == "tls" || transport == "wss" }
