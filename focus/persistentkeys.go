package focus

import (
	"context"

	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// Lines of a persistent session whose keys are made by handshakes (DTLS-SRTP, RFC 5763) have them with the certificate of the dialog. The first are
// made while a line is nobody's, and whoever it is lent to in that dialog goes on with them: address and fingerprint are the same (RFC 8842,
// section 4). In a line that is new, and in all lines of another dialog, what is captured waits for its keys.

// handshake is what makes the keys of a line, if something does.
func (h *persistent) handshake(a *siprec.StartMedia) *media.Handshake {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys.handshake(a)
}

// configure has a line that nobody has, or all, sent to where the server takes it. secured is called by another goroutine when a handshake has made
// its keys; when it makes none the session is lost. mu is held.
func (o *line) configure(a *siprec.StartMedia, secured func()) error {
	h := o.owner
	params := streamParams(*a, true)
	if params.DTLS = h.keys.handshake(a); params.DTLS != nil {
		certificate := a.Certificate
		o.session.OnSecured(func(err error) { // it must not wait: mu may be held by who closes the handshake
			h.focus.spawn(func(context.Context) {
				if err != nil {
					h.happened(o.unkeyed(certificate, err))
					return
				}
				secured()
			})
		})
	}
	return o.session.Configure(params)
}

// unkeyed tells the protocol that a handshake has failed.
func (o *line) unkeyed(certificate sdp.Fingerprint, err error) siprec.Unkeyed {
	return siprec.Unkeyed{Key: o.key, Certificate: certificate, Reason: err.Error()}
}

// securesAs tells whether a session is protected as one would be that began now: what calls demand may have changed.
func (f *Focus) securesAs(h *persistent, server Recorder) bool {
	security, err := f.recorderSecurity(server, false)
	return err != nil || security == h.security
}

// secured lets the line flow when its keys are there.
func (g *merged) secured(turn int) {
	g.owner.mu.Lock()
	defer g.owner.mu.Unlock()
	if turn == g.turn && g.line.session.Stats().Protected {
		g.flow()
	}
}

// flow sends what is kept, and what comes.
func (g *merged) flow() {
	g.capture.release(g.format.Codec)
	g.takes()
	g.finishLater()
}
