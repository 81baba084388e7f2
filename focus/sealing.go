package focus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
)

// Sealer signs what was sent to recording servers, and keeps it. Its methods may be called by any goroutine.
type Sealer interface {
	// KeyID names the key, for the metadata of sessions that are going to be sealed.
	KeyID() string
	// Seal signs a manifest and keeps it. What it returns goes to the server; with an error nothing does.
	Seal(m seal.Manifest) ([]byte, error)
}

// sealSpan is the element in the metadata of a session that says that a signed manifest follows, so that a recorder keeps what it needs to
// prove it.
func sealSpan(key string) siprec.Extension {
	return siprec.Extension(fmt.Sprintf(`%s kid="%s"/>`, sealElement, key))
}

const sealElement = `<seal xmlns="urn:parley:recording:seal:1"`

// sealing collects what is going to be sealed of one session with a recording server: one dialog. It belongs to the controller, but
// for the digests, which are the tick's until the mix has let go of the streams.
type sealing struct {
	manifest seal.Manifest // without streams and documents
	streams  []sealedStream
	sent     *sentDocuments
	part     *lease // of a persistent session, whose documents after the first ones (from) it has; nil: all of a dialog of its own
	from     int
	chain    *sealChain     // of the manifests of that dialog; nil: there is one only
	closing  sync.WaitGroup // streams of which the rest goes out
}

// sentDocuments are the metadata documents of a dialog. It belongs to who has the dialog.
type sentDocuments struct {
	before    int // those that are forgotten
	list      []seal.Document
	exchanges map[uint32]int // of documents that are not acknowledged yet: their sequence, by exchange
}

func newSentDocuments() *sentDocuments { return &sentDocuments{exchanges: map[uint32]int{}} }

// count is how many there have been.
func (d *sentDocuments) count() int {
	if d == nil {
		return 0
	}
	return d.before + len(d.list)
}

// since gives those after the first n.
func (d *sentDocuments) since(n int) []seal.Document {
	return append([]seal.Document{}, d.list[max(0, n-d.before):]...)
}

// forget lets go of the first n.
func (d *sentDocuments) forget(n int) {
	if d != nil && n > d.before {
		d.list = append([]seal.Document{}, d.list[n-d.before:]...)
		d.before = n
	}
}

// sealedStream is a stream of it.
type sealedStream struct {
	label  string
	codec  string
	digest *seal.Digest
	shared *feedSeal // of a line that conferences share, which knows the codec; nil: it has its own
}

// witnesses are the digests that a stream is in: one, or that of each conference that shares it.
type witnesses []*seal.Digest

// witnessed are those of a stream; nil: there are none.
func witnessed(list ...*seal.Digest) *witnesses {
	var w witnesses
	for _, d := range list {
		if d != nil {
			w = append(w, d)
		}
	}
	if len(w) == 0 {
		return nil
	}
	return &w
}

// Add implements [media.Witness].
func (w *witnesses) Add(ssrc uint32, sequence uint16, payload []byte) {
	for _, d := range *w {
		d.Add(ssrc, sequence, payload)
	}
}

func newSealing(id conference.ID, recording conference.RecordingID, session siprec.ID, server string) *sealing {
	return &sealing{
		manifest: seal.Manifest{
			Conference: string(id), Recording: string(recording), Session: session.Text(), Server: server, Started: time.Now().UTC(),
		},
		sent: newSentDocuments(),
	}
}

// note takes the metadata of a message. What there is none of is not sealed.
func (s *sealing) note(m siprec.Message) {
	if s != nil {
		s.sent.note(m)
	}
}

// outcome takes note of what the server has answered.
func (s *sealing) outcome(e siprec.Event) {
	if s != nil {
		s.sent.outcome(e)
	}
}

func (d *sentDocuments) note(m siprec.Message) {
	if d == nil || len(m.Body) == 0 {
		return
	}
	content, err := siprec.ParseContent(m.ContentType, m.Disposition, m.Body)
	if err != nil || content.Metadata == nil {
		return
	}
	d.exchanges[m.Exchange] = d.count() + 1
	d.list = append(d.list, seal.Document{Sequence: d.count() + 1, SHA256: seal.HashOf(content.Metadata)})
}

func (d *sentDocuments) outcome(e siprec.Event) {
	if d == nil {
		return
	}
	if _, ok := e.(siprec.PeerAck); ok { // a document in a 200 of ours has no exchange
		e = siprec.Answered{Status: 200}
	}
	a, ok := e.(siprec.Answered)
	if !ok || a.Status < 200 {
		return
	}
	if n, ok := d.exchanges[a.Exchange]; ok {
		if n > d.before {
			d.list[n-d.before-1].Acknowledged = a.Status < 300
		}
		delete(d.exchanges, a.Exchange)
	}
}

// digest is that of the stream with a label, which goes on with another codec.
func (s *sealing) digest(label, codec string) *seal.Digest {
	if s == nil {
		return nil
	}
	for i := range s.streams {
		if s.streams[i].label == label {
			s.streams[i].codec = codec
			return s.streams[i].digest
		}
	}
	d := seal.NewDigest()
	s.streams = append(s.streams, sealedStream{label: label, codec: codec, digest: d})
	return d
}

// seal makes the manifest and has it signed, when nobody sends any more. The message is that of the BYE, to which it is added.
func (s *sealing) seal(f *Focus, m siprec.Message, callID string, omit bool) siprec.Message {
	if s == nil {
		return m
	}
	s.closing.Wait()
	s.note(m)
	s.manifest.CallID, s.manifest.Documents = callID, s.sent.since(0)
	signed := s.sign(f)
	if signed == nil || omit {
		return m
	}
	return withSeal(m, signed)
}

// sign makes the manifest of what nobody adds to any more, and has it signed. Nil: it could not be.
func (s *sealing) sign(f *Focus) []byte {
	s.manifest.Ended = time.Now().UTC()
	s.manifest.Streams = make([]seal.Stream, len(s.streams))
	for i, stream := range s.streams {
		if stream.shared != nil {
			stream.codec = stream.shared.codec
		}
		s.manifest.Streams[i] = seal.Stream{Label: stream.label, Codec: stream.codec}
		stream.digest.Fill(&s.manifest.Streams[i])
	}
	signed, err := s.chain.seal(f.sealer, s.manifest)
	if err != nil {
		f.log.Error("a recording cannot be sealed", slog.String("recording", s.manifest.Recording), slog.String("server", s.manifest.Server), slog.Any("error", err))
		if h := f.hooks.RecordingFailure; h != nil {
			h(s.manifest.Server, "seal")
		}
		return nil
	}
	return signed
}

// withSeal adds a part to a message that whoever does not know it ignores (RFC 3261, section 20.11).
func withSeal(m siprec.Message, signed []byte) siprec.Message {
	part := siprec.Part{ContentType: seal.ContentType, Disposition: sealDisposition, Body: signed}
	if len(m.Body) == 0 {
		m.ContentType, m.Disposition, m.Body = part.ContentType, part.Disposition, part.Body
		return m
	}
	parts, err := siprec.ParseParts(m.ContentType, m.Disposition, m.Body)
	if err != nil { // it is one of ours
		return m
	}
	m.ContentType, m.Body = siprec.BuildMultipart(append(parts, part))
	m.Disposition = ""
	return m
}

const sealDisposition = "seal;handling=optional"

// sealing begins a new manifest for a dialog that begins.
func (c *controller) sealing(r *recorder) *sealing {
	if c.focus.sealer == nil {
		return nil
	}
	return newSealing(c.id, r.recording, c.session, r.server.Name)
}

// sealUp seals a session that has no dialog any more: what was sent in it is kept here.
func (c *controller) sealUp(r *recorder) {
	s, applied, silent := r.sealing, c.applied, c.silent
	r.sealing = nil
	if s == nil || s.manifest.CallID == "" { // it has never begun
		return
	}
	c.focus.spawn(func(context.Context) {
		select {
		case <-applied:
		case <-silent:
		}
		if s.part != nil {
			s.closing.Wait()
			s.signPart(c.focus)
			return
		}
		s.seal(c.focus, siprec.Message{}, s.manifest.CallID, true)
	})
}

// byeBody is a message as the body of a BYE.
func byeBody(m siprec.Message) sipua.Body {
	return sipua.Body{ContentType: m.ContentType, Data: m.Body, Headers: messageHeaders(m)}
}

// emitSealed sends a packet and takes it into the digest, nil for none. It reports nothing: what cannot be sent is lost like on the way.
func emitSealed(session *media.Session, d *seal.Digest, p *codecs.Packet, age time.Duration) {
	if d == nil {
		session.EmitLate(p, age)
		return
	}
	session.EmitWitnessed(p, age, d)
}
