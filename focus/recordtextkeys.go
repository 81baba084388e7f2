package focus

import (
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// Keys of recorded text are made as those of the audio beside it, by handshakes with the certificate of the dialog. What is written until they are there is
// kept, and one that fails ends the session, as all of it has the same certificate.

// listenForTextKeys has the outcome of the handshake of a recorded stream of text told.
func (r *recorder) listenForTextKeys(c *controller, t *recordedText, a *siprec.StartMedia) {
	if a.DTLS == nil {
		return
	}
	t.session.OnSecured(c.securedTo(t.line, a.Certificate, func(err error) message {
		return recorderTextKeyed{recorder: r, text: t, certificate: a.Certificate, err: err}
	}))
}

// recorderTextKeyed is the outcome of a handshake of text with a recorder.
type recorderTextKeyed struct {
	recorder    *recorder
	text        *recordedText
	certificate sdp.Fingerprint
	err         error
}

func (m recorderTextKeyed) handle(c *controller) {
	r, t := m.recorder, m.text
	switch {
	case r.over || r.texts[t.key] != t:
	case m.err != nil:
		c.recorderStep(r, siprec.Unkeyed{Key: t.key, Certificate: m.certificate, Reason: m.err.Error()})
	case t.started && t.keyless && t.session.Stats().Protected:
		t.keyless = false
		t.capture.release(t.aware)
	}
}
