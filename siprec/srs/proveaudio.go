package srs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec/seal"
)

// An AudioProof is what is proved of an audio file by making it again from the packets.
type AudioProof struct {
	File    string  `json:"file"`
	Verdict Verdict `json:"verdict"`
	// Reasons say why it is not proved.
	Reasons []string `json:"reasons,omitempty"`
	// Rounded counts samples that another decoder of Opus has rounded otherwise.
	Rounded int64 `json:"rounded,omitempty"`
}

func (p *AudioProof) is(v Verdict, format string, args ...any) {
	p.Verdict, p.Reasons = Worse(p.Verdict, v), append(p.Reasons, fmt.Sprintf(format, args...))
}

// tolerable is how much of a file may be cut or covered when its pieces are put in line, without a word that is missing.
const tolerable = 100 * time.Millisecond

// proveAudio makes the file of a stream again from its dump, with the code and the decisions of the recorder, and compares them. Of a part only what is of it is compared.
func (r *Recording) proveAudio(index int, sent *seal.Stream, part bool) (p AudioProof, err error) {
	s := &r.Streams[index]
	p = AudioProof{File: s.File, Verdict: Proved}
	directory, err := os.MkdirTemp("", "parley-verify-")
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	var of *seal.Stream
	if part {
		of = sent
	}
	m, err := s.remake(filepath.Join(r.Directory, filepath.Base(s.Dump)), directory, r.StartedAt, of)
	switch {
	case errors.Is(err, errJournal), errors.Is(err, errDump), errors.Is(err, fs.ErrNotExist), errors.Is(err, errFull):
		p.is(Incomplete, "cannot be made again: %v", err)

		return p, nil
	case err != nil:
		return p, err
	}
	m.judge(&p, s)
	last := !slices.ContainsFunc(r.Streams[index+1:], func(o Stream) bool { return o.Label == s.Label })
	if name, _, _ := strings.Cut(sent.Codec, "/"); last && !strings.EqualFold(name, m.codec.String()) {
		p.is(Altered, "was decoded as %v, and sent as %s", m.codec, sent.Codec)
	}
	var c comparison
	c.from, c.to = m.span()
	if m.codec == codecs.Opus {
		c.tolerance = rounding
	}
	d, err := c.files(m.name, filepath.Join(r.Directory, filepath.Base(s.File)))
	if errors.Is(err, fs.ErrNotExist) {
		p.is(Altered, "is not there")

		return p, nil
	}
	if p.Rounded = d.rounded; err != nil || d.where == "" {
		return p, err
	}
	p.is(r.why(m, s), "is not what its packets give, %s", d.where)

	return p, nil
}

// judge says what of the packets is not in the file as it was made.
func (m *remaker) judge(p *AudioProof, s *Stream) {
	if m.twice > 0 {
		p.is(Altered, "%d packets are in it again", m.twice)
	}
	if m.odd > 0 {
		p.is(Altered, "%d packets were taken for events or comfort noise", m.odd)
	}
	if m.report.Packets != s.Packets {
		p.is(Incomplete, "was made of %d packets, %d are put in now", s.Packets, m.report.Packets)
	}
	if m.missing > 0 {
		p.is(Incomplete, "%d packets came too late for it", m.missing)
	}
	if m.report.Discarded > 0 {
		p.is(Incomplete, "%d packets could not be decoded", m.report.Discarded)
	}
	if spoilt := m.spoilt(); spoilt > tolerable {
		p.is(Incomplete, "%v of the audio were cut or covered", spoilt)
	}
}

// why is the verdict on a file that is different: altered, unless there is another reason for it.
func (r *Recording) why(m *remaker, s *Stream) Verdict {
	opus := m.codec == codecs.Opus && m.plain || m.codec != codecs.Opus && !m.plain // it was decoded or encoded
	if r.Error != "" || s.SHA256 == "" || m.report.Packets != s.Packets || opus && m.library != codecs.OpusLibrary() {
		return Incomplete
	}

	return Altered
}
