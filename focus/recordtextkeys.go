package focus

import (
	"context"

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
	certificate, one := a.Certificate, t.line
	t.session.OnSecured(func(err error) { // it must not wait: the controller may be about to close that handshake
		c.focus.spawn(func(context.Context) {
			if err != nil && one != nil { // the line may be somebody else's by now, and its session is lost in any case
				one.owner.happened(one.unkeyed(certificate, err))
				return
			}
			c.post(recorderTextKeyed{recorder: r, text: t, certificate: certificate, err: err})
		})
	})
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
