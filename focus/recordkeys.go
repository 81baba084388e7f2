package focus

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/srtp"
	"github.com/parley-sip/parley/siprec"
)

// keysPatience is how long a recorder may take for a handshake: less than is held by default, so that nothing is lost when it never comes.
const keysPatience = 4 * time.Second

// shakes tells whether a server is offered keys by a handshake: where it is preferred, or keys in the description would be read by everybody.
func (f *Focus) shakes(server Recorder) bool {
	if server.Security == sdp.SecurityNone {
		return false
	}
	return server.PreferDTLS || server.DTLS && !f.secretive(server)
}

// secretive tells whether keys in a description for a server are read by nobody else, or by whom it is allowed.
func (f *Focus) secretive(server Recorder) bool {
	target, err := sipua.ParseURI(server.URI)
	return err == nil && encrypted(target) || f.live().KeysInClear
}

// recorderKeys are where the protocol has its keys from: those in descriptions, nil if they would be read, and certificates for handshakes, nil if
// there are none.
func (f *Focus) recorderKeys(server Recorder, k *certifier) (keys func() []srtp.Key, certify func() sdp.Fingerprint) {
	keys = newKeys
	if !f.shakes(server) {
		return keys, nil
	}
	if !f.secretive(server) {
		keys = nil
	}
	return keys, func() sdp.Fingerprint { return k.certify(f.log) }
}

// certifier has the certificate of the present dialog with a recorder: of that dialog alone. It belongs to who steps the protocol. The one before is
// for streams of a persistent session that have not heard yet that its dialog is another.
type certifier struct{ current, before *dtls.Certificate }

// certify makes a certificate. Without one the offer has nothing that could be accepted.
func (k *certifier) certify(log *slog.Logger) sdp.Fingerprint {
	made, err := dtls.NewCertificate()
	if err != nil {
		log.Error("no certificate for a recording session", slog.Any("error", err))
		return sdp.Fingerprint{}
	}
	k.current, k.before = made, k.current
	return sdp.Fingerprint(made.Fingerprint())
}

// handshake is what makes the keys of a stream; nil: nothing does.
func (k *certifier) handshake(a *siprec.StartMedia) *media.Handshake {
	if a.DTLS == nil {
		return nil
	}
	certificate := k.current
	if k.before != nil && a.Certificate == sdp.Fingerprint(k.before.Fingerprint()) {
		certificate = k.before
	}
	h := &media.Handshake{Certificate: certificate, Client: a.DTLS.Setup == sdp.SetupActive, Timeout: keysPatience}
	for _, f := range a.DTLS.Peer {
		h.Peer = append(h.Peer, dtls.Fingerprint(f))
	}
	return h
}

// handshake is what makes the keys of a stream; nil: nothing does.
func (r *recorder) handshake(a *siprec.StartMedia) *media.Handshake {
	if l, lent := r.client.(*lease); lent {
		return l.session.handshake(a)
	}
	return r.certificates.handshake(a)
}

// listenForKeys has the outcome of the handshake of a recorded stream told.
func (r *recorder) listenForKeys(c *controller, s *recorded, a *siprec.StartMedia) {
	if a.DTLS == nil {
		return
	}
	s.session.OnSecured(c.securedTo(s.line, a.Certificate, func(err error) message {
		return recorderKeyed{recorder: r, stream: s, certificate: a.Certificate, err: err}
	}))
}

// securedTo brings the outcome of a handshake to the controller, or of one that has failed in a line to the session that lends it.
func (c *controller) securedTo(one *line, certificate sdp.Fingerprint, outcome func(error) message) func(error) {
	return func(err error) { // it must not wait: the controller may be about to close that handshake
		c.focus.spawn(func(context.Context) {
			if err != nil && one != nil { // the line may be somebody else's by now, and its session is lost in any case
				one.owner.happened(one.unkeyed(certificate, err))
				return
			}
			c.post(outcome(err))
		})
	}
}

// recorderKeyed is the outcome of a handshake with a recorder.
type recorderKeyed struct {
	recorder    *recorder
	stream      *recorded
	certificate sdp.Fingerprint
	err         error
}

func (m recorderKeyed) handle(c *controller) {
	r, s := m.recorder, m.stream
	if r.over || r.streams[s.key] != s {
		return
	}
	if m.err != nil {
		c.recorderStep(r, siprec.Unkeyed{Key: s.key, Certificate: m.certificate, Reason: m.err.Error()})
		return
	}
	s.keyless = s.keyless && !s.session.Stats().Protected
	s.flow()
}

// flow lets a stream go to the server, what was kept first, if nothing keeps it back: a change of the codec, or keys that are not there yet.
func (s *recorded) flow() {
	if s.started && !s.keyless && s.held == nil && s.capture.holding.Load() {
		s.capture.release(s.format.Codec)
	}
}

// keyless tells whether a stream that the server takes waits for its keys.
func (r *recorder) keyless() bool {
	for _, s := range r.streams {
		if s.started && s.keyless || r.waitsApart(s) {
			return true
		}
	}
	for _, t := range r.texts {
		if t.started && t.keyless {
			return true
		}
	}
	return false
}

// listenForKeys has nothing played before the keys of a stream are there.
func (p *replay) listenForKeys(s *replayStream, a *siprec.StartMedia) {
	if a.DTLS == nil {
		return
	}
	key, certificate := a.Key, a.Certificate
	p.unkeyed[key] = true
	s.onSecured(func(err error) {
		m := replayEvent{keyed: key}
		if err != nil {
			m = replayEvent{event: siprec.Unkeyed{Key: key, Certificate: certificate, Reason: err.Error()}}
		}
		p.focus.spawn(func(context.Context) {
			select {
			case p.events <- m:
			case <-p.done:
			}
		})
	})
}

// onSecured has the outcome of handshakes told.
func (s *replayStream) onSecured(told func(error)) {
	if s.text != nil {
		s.text.OnSecured(told)
		return
	}
	s.session.OnSecured(told)
}

// configure has a stream sent to where the server takes it.
func (p *replay) configure(s *replayStream, a *siprec.StartMedia) error {
	p.listenForKeys(s, a)
	params := streamParams(*a, false)
	params.DTLS = p.keys.handshake(a)
	return s.session.Configure(params)
}

// streamParams send to where a server takes a stream. What makes its keys, if they are not in the description, is to be added. All silence of a line of a persistent session is
// sent: where nobody has it that is what keeps the bindings of NATs, and who has it next goes on where the one before has stopped.
func streamParams(a siprec.StartMedia, line bool) media.Params {
	quiet := a.ComfortNoise && !line
	return media.Params{
		Remote: a.Remote, RemoteRTCP: a.RemoteRTCP, Send: true, SendCodec: a.Format.Codec, SendPayloadType: a.PayloadType, Protection: protection(a.Protection),
		Quiet: quiet, QuietPayloadType: a.ComfortNoisePayloadType, QuietExact: quiet,
	}
}
