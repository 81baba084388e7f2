package focus

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/siprec"
)

// spooledText is the kind of record with what somebody has written, a spoolText.
const spooledText = 'T'

// spoolText is what somebody has written, in a stream of text.
type spoolText struct {
	Stream uint16    `json:"stream"`
	At     time.Time `json:"at"`
	Source uint32    `json:"source"`
	Name   string    `json:"name,omitempty"`
	CNAME  string    `json:"cname,omitempty"`
	Text   string    `json:"text"`
}

// parseSpoolText gives a record with text as a frame that has it.
func parseSpoolText(record []byte) (spoolFrame, error) {
	var t spoolText
	if err := json.Unmarshal(record[1:], &t); err != nil {
		return spoolFrame{}, err
	}
	return spoolFrame{stream: t.Stream, at: t.At, text: &t}, nil
}

// spoolTexts writes text that no server takes, and returns what the spool does not take either.
func (c *controller) spoolTexts(r *recorder, t *recordedText, list []heldText) []heldText {
	if len(list) == 0 {
		return nil
	}
	g := c.openSegment(r)
	if g == nil {
		return list
	}
	declared := spoolStream{Key: t.key, ID: t.id, Text: true}
	if t.participant != "" {
		declared.Participant = c.identity(t.participant)
	}
	if side := c.side(t.sidebar); side != nil {
		declared.Session = side.session
	}
	index, ok := g.declare(declared)
	if !ok {
		return list
	}
	for i, h := range list {
		record, err := jsonRecord(spooledText, spoolText{
			Stream: index, At: h.at, Source: h.source.ID, Name: h.source.Name, CNAME: h.cname, Text: h.text,
		})
		if err != nil || c.refused(r, g.writer.Append(record)) {
			return list[i:]
		}
	}
	return nil
}

// spoolWritten writes the text of a stream that has waited for longer than an age.
func (c *controller) spoolWritten(r *recorder, t *recordedText, age time.Duration) {
	list := t.capture.unsent(age)
	if len(list) == 0 {
		return
	}
	c.tellLost(r, t, c.spoolTexts(r, t, list))
}

// declare gives a stream its number in the segment, and writes it before its first frame.
func (g *segment) declare(s spoolStream) (uint16, bool) {
	if index, known := g.index[s.ID]; known {
		return index, true
	}
	s.Index = uint16(len(g.index)) //nolint:gosec // a recording has not that many streams
	record, err := jsonRecord(spooledStream, s)
	if err != nil || g.writer.Append(record) != nil {
		return 0, false
	}
	g.index[s.ID] = s.Index
	return s.Index, true
}

// write has what was written sent: with its source, or as the only one to a server that knows no several ones.
func (s *replayStream) write(t *spoolText) {
	source := rtt.Source{ID: t.Source, Name: t.Name}
	if s.single && !s.aware.Load() {
		source = rtt.Source{}
	}
	s.cut += s.text.Say(source, t.CNAME, t.Text)
}

// startText lets a stream of text flow.
func (p *replay) startText(s *replayStream, a *siprec.StartMedia) {
	s.aware.Store(a.Text.Mixer)
	s.witnessed(p.sealing, a.Label) // before the first packet can leave
	p.listenForKeys(s, a)
	params := recordedTextParams(a)
	params.DTLS = p.keys.handshake(a)
	if err := s.text.Configure(params); err != nil {
		p.focus.log.Error("replayed stream of text", slog.Any("error", err))
	}
}

// witnessed has what is sent of it counted for the seal.
func (s *replayStream) witnessed(sealing *sealing, label string) {
	if s.text == nil {
		name := ""
		if s.codec != codecs.None { // the server takes it
			name = codecName(s.codec)
		}
		s.digest = sealing.digest(label, name)
	} else if d := sealing.digest(label, textCodec); d != nil {
		s.text.SetWitness(d)
	}
}

// flush sends what is left of all text. What is too much for that is lost: to deliver all of it again would be no better.
func (p *replay) flush(ctx context.Context) {
	cut := 0
	for _, s := range p.streams {
		if s.text != nil {
			cut += s.cut + s.text.Finish()
		}
	}
	if cut == 0 {
		return
	}
	p.focus.log.ErrorContext(ctx, "captured text is lost", slog.String("server", p.server.Name), slog.String("recording", string(p.content.header.Recording)),
		slog.Int("characters", cut))
	if h := p.focus.hooks.RecordingFailure; h != nil {
		h(p.server.Name, "unrecorded")
	}
}
