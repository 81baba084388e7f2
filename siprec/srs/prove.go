package srs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/parley-sip/parley/siprec/seal"
)

// Verdict says how much of a recording, or of a part of it, is proved to be as it was sent.
type Verdict string

// The verdicts, the best first.
const (
	// Proved is what is there as it was sent, all of it.
	Proved Verdict = "proved"
	// Incomplete is what is as it was sent, but for parts that are missing and those that cannot be told apart from them.
	Incomplete Verdict = "incomplete"
	// Altered is what is not as it was sent.
	Altered Verdict = "altered"
)

// Worse is the worse of two verdicts.
func Worse(a, b Verdict) Verdict {
	order := []Verdict{Proved, Incomplete, Altered}
	if slices.Index(order, a) > slices.Index(order, b) {
		return a
	}

	return b
}

// A Proof is what the comparison of a recording with the manifest of its client says.
type Proof struct {
	Verdict  Verdict       `json:"verdict"`
	Manifest seal.Manifest `json:"-"`
	// Problems concern the recording as a whole.
	Problems  []string        `json:"problems,omitempty"`
	Streams   []StreamProof   `json:"streams"`
	Documents []DocumentProof `json:"documents"`
}

// A StreamProof is what is proved of a stream, in packets.
type StreamProof struct {
	Label    string  `json:"label"`
	Verdict  Verdict `json:"verdict"`
	Sent     uint64  `json:"sent"`
	Proved   uint64  `json:"proved"`
	Lost     uint64  `json:"lost"`
	Unproved uint64  `json:"unproved"` // there, but others of their block are lost
	Altered  uint64  `json:"altered"`
	Strange  uint64  `json:"strange"` // never sent
	// Changed are files that are not as the recorder has written them, by the hashes that it has noted.
	Changed []string `json:"changed,omitempty"`
	// Audio are the files that were made again from the packets.
	Audio []AudioProof `json:"audio,omitempty"`
}

// A DocumentProof is what is proved of a metadata document.
type DocumentProof struct {
	Sequence int     `json:"sequence"` // as sent
	Verdict  Verdict `json:"verdict"`
	File     string  `json:"file,omitempty"` // empty: it is missing
}

// Prove compares what is on the disk with the manifest, whose signature the caller has verified. The packets are the evidence; an audio
// file, which was made from them, is made again and compared, in a temporary directory that needs as much room as the largest file. Errors are those
// of the file system.
func (r *Recording) Prove(m seal.Manifest) (Proof, error) {
	p := Proof{Verdict: Proved, Manifest: m, Streams: []StreamProof{}, Documents: []DocumentProof{}}
	problem := func(v Verdict, text string) {
		p.Problems, p.Verdict = append(p.Problems, text), Worse(p.Verdict, v)
	}
	if m.CallID != r.CallID {
		problem(Altered, "the manifest is that of another session: "+m.CallID)
	}
	known := map[string]bool{}
	for i := range m.Streams {
		known[m.Streams[i].Label] = true
		s, err := r.proveStream(&m.Streams[i], m.Part, m.Started)
		if err != nil {
			return p, err
		}
		p.Streams, p.Verdict = append(p.Streams, s), Worse(p.Verdict, s.Verdict)
	}
	for _, s := range r.Streams {
		if !m.Part && !known[s.Label] && s.Packets > 0 {
			problem(Altered, "nothing was sent of stream "+s.Label)
		}
	}
	if err := r.proveDocuments(&p); err != nil {
		return p, err
	}

	return p, nil
}

// proveStream looks at all files with a label: a stream that came again has several.
func (r *Recording) proveStream(sent *seal.Stream, part bool, began time.Time) (StreamProof, error) {
	result := StreamProof{Label: sent.Label, Sent: sent.Packets + sent.Unsealed, Verdict: Proved}
	var packets []seal.Packet
	for i := range r.Streams {
		s := &r.Streams[i]
		if s.Label != sent.Label {
			continue
		}
		more, err := r.packets(s)
		others := part && s.Medium == MediumText && err == nil && len(more) > 0 &&
			!slices.ContainsFunc(more, func(p seal.Packet) bool { return p.SSRC == sent.SSRC }) // a line of text is another stream in each part
		if (r.Over() || !part) && !others { // while it is written the file has no hash, and is not what it is going to be
			if fault := r.proveFiles(i, sent, part, &result); fault != nil {
				return result, fault
			}
		}
		switch {
		case errors.Is(err, errDump):
			result.Verdict = Altered
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return result, err
		}
		packets = append(packets, more...)
	}
	var proof seal.Proof
	if part {
		proof = sent.ProvePart(packets, began)
	} else {
		proof = sent.Prove(packets)
	}
	result.Proved, result.Lost, result.Unproved = proof.Proved, proof.Lost, proof.Unproved
	result.Altered, result.Strange = proof.Altered, proof.Strange
	switch {
	case result.Verdict == Altered || proof.Altered+proof.Strange > 0 || len(result.Changed) > 0:
		result.Verdict = Altered
	case !proof.Intact:
		result.Verdict = Worse(result.Verdict, Incomplete)
	}

	return result, nil
}

// packets reads those that are kept of a stream.
func (r *Recording) packets(s *Stream) (list []seal.Packet, err error) {
	if s.Dump == "" {
		return nil, nil
	}
	err = readDump(filepath.Join(r.Directory, filepath.Base(s.Dump)), func(data []byte, at time.Time) {
		if h, payload, ok := parseRTP(data); ok {
			list = append(list, seal.Packet{SSRC: h.ssrc, Sequence: h.seq, Payload: payload, At: at})
		}
	})

	return list, err
}

// proveFiles looks at the files that were made of the packets.
func (r *Recording) proveFiles(index int, sent *seal.Stream, part bool, result *StreamProof) error {
	s := &r.Streams[index]
	result.Changed = append(result.Changed, r.changedFiles(s)...)
	if s.Medium != "" || s.Packets == 0 && s.Dump == "" {
		return nil
	}
	audio, err := r.proveAudio(index, sent, part)
	if err != nil {
		return err
	}
	result.Audio, result.Verdict = append(result.Audio, audio), Worse(result.Verdict, audio.Verdict)

	return nil
}

// changedFiles are those of a stream that are not as the recorder has written them.
func (r *Recording) changedFiles(s *Stream) (list []string) {
	changed := func(name, want string) bool {
		hash, err := hashFile(filepath.Join(r.Directory, filepath.Base(name)))

		return err != nil || hash != want
	}
	if changed(s.File, s.SHA256) && (s.SHA256 != "" || r.State != StateInterrupted) {
		list = append(list, s.File)
	}
	if s.Transcript != "" && changed(s.Transcript, s.TranscriptSHA256) {
		list = append(list, s.Transcript)
	}

	return list
}

// proveDocuments finds every document that was sent among those that are there, and reports those that were not sent.
func (r *Recording) proveDocuments(p *Proof) error {
	files := map[string][]string{} // by hash
	for _, d := range r.Metadata {
		content, err := os.ReadFile(filepath.Join(r.Directory, filepath.Base(d.File)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		hash := seal.HashOf(content)
		files[hash] = append(files[hash], d.File)
	}
	for _, d := range p.Manifest.Documents {
		result := DocumentProof{Sequence: d.Sequence, Verdict: Proved}
		if found := files[d.SHA256]; len(found) > 0 {
			result.File = found[0]
			if files[d.SHA256] = found[1:]; len(found) == 1 {
				delete(files, d.SHA256)
			}
		} else if d.Acknowledged {
			result.Verdict = Incomplete
		} else {
			continue // the recorder may never have got it
		}
		p.Documents, p.Verdict = append(p.Documents, result), Worse(p.Verdict, result.Verdict)
	}
	if p.Manifest.Part { // the others are those of others
		return nil
	}
	for _, left := range files {
		for _, file := range left {
			p.Problems, p.Verdict = append(p.Problems, file+" was not sent like this"), Altered
		}
	}
	slices.Sort(p.Problems)

	return nil
}
