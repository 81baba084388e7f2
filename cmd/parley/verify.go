package main

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-sip/parley/siprec/seal"
	"github.com/parley-sip/parley/siprec/srs"
)

// errPartly says that nothing is altered, but not everything is proved.
var errPartly = errors.New("not all of it is there")

var errAltered = errors.New("what is stored is not what was sent")

type verifyCommand struct {
	list
	Dir      string   `arg:"" type:"path" help:"Folder of a recording."`
	Key      []string `name:"key" short:"k" required:"" type:"path" placeholder:"FILE" help:"Public key in PEM, as parley seal key prints it; may be repeated, for keys of former times."`
	Manifest string   `name:"manifest" type:"path" placeholder:"FILE" help:"Manifest as the recording client has kept it; left out: the one that the recorder got."`
}

// Run compares what is stored with the signed manifests of what was sent, and the audio with what the packets give. Exit status: 0 all is proved, 3 something is missing and nothing
// altered, 1 something is altered or there is no proof.
func (c *verifyCommand) Run(t *terminal) error {
	recording, err := srs.ReadRecording(c.Dir)
	if err != nil {
		return err
	}
	names, err := c.manifests(&recording)
	if err != nil {
		return err
	}
	all := make([]found, 0, len(names))
	for _, name := range names {
		f, err := c.manifest(name)
		if err != nil {
			return err
		}
		if f.proof, err = recording.Prove(f.proof.Manifest); err != nil {
			return err
		}
		all = append(all, f)
	}
	if c.Manifest == "" { // or there is one alone because only one was named
		follow(all, recording.Over())
	}
	verdict := srs.Proved
	for i := range all {
		if err := c.show(t, &all[i]); err != nil {
			return err
		}
		verdict = srs.Worse(verdict, all[i].proof.Verdict)
	}
	switch verdict {
	case srs.Proved:
		return nil
	case srs.Incomplete:
		return fmt.Errorf("%s: %w", c.Dir, errPartly)
	case srs.Altered:
	}
	return fmt.Errorf("%s: %w", c.Dir, errAltered)
}

// found is a manifest that is sealed by one of the keys, and what it proves.
type found struct {
	proof   srs.Proof
	key     string
	link    seal.Linked
	ongoing bool // more may follow, which nobody misses yet
}

// follow looks whether the manifests are all of those of their session.
func follow(list []found, over bool) {
	links := make([]seal.Linked, len(list))
	for i := range list {
		links[i] = list[i].link
		list[i].ongoing = !over && list[i].link.Link != nil
	}
	for _, b := range seal.Breaks(links, over) {
		p, v := &list[b.At].proof, srs.Altered
		if b.Missing {
			v = srs.Incomplete
		}
		p.Verdict, p.Problems = srs.Worse(p.Verdict, v), append(p.Problems, b.Text)
	}
}

// show prints what a manifest proves: for programs an object on a line of its own.
func (c *verifyCommand) show(t *terminal, f *found) error {
	if !c.JSON {
		c.tell(t, f)
		return nil
	}
	m := &f.proof.Manifest
	text, err := json.Marshal(struct {
		srs.Proof

		Key        string `json:"kid"`
		Conference string `json:"conference"`
		Recording  string `json:"recording"`
		Session    string `json:"session"`
		Server     string `json:"server"`
		CallID     string `json:"call_id"`

		Chain   *seal.Link `json:"chain,omitempty"`
		Ongoing bool       `json:"ongoing,omitempty"`
	}{f.proof, f.key, m.Conference, m.Recording, m.Session, m.Server, m.CallID, m.Chain, f.ongoing})
	if err != nil {
		return err
	}
	return t.json(text)
}

// manifests are the files to prove by: the one that is named, or what the recorder has got. In a session that several recordings are in each has
// its own.
func (c *verifyCommand) manifests(r *srs.Recording) ([]string, error) {
	if c.Manifest != "" {
		return []string{c.Manifest}, nil
	}
	parts, err := filepath.Glob(filepath.Join(c.Dir, strings.ReplaceAll(seal.PartFileName, "%04d", "*")))
	if err != nil {
		return nil, err
	}
	for _, name := range r.Manifests { // one that is gone is missed
		if file := filepath.Join(c.Dir, filepath.Base(name)); !slices.Contains(parts, file) {
			parts = append(parts, file)
		}
	}
	slices.Sort(parts)
	whole := filepath.Join(c.Dir, seal.FileName) // or the last of the parts
	if _, err := os.Stat(whole); err == nil || len(parts) == 0 {
		parts = append(parts, whole)
	}
	return parts, nil
}

// manifest reads a manifest and finds the key that has signed it.
func (c *verifyCommand) manifest(name string) (f found, err error) {
	signed, err := os.ReadFile(name) //nolint:gosec // the caller names it
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("there is no seal: %w", err)
	}
	if err != nil {
		return f, err
	}
	for _, file := range c.Key {
		key, err := readPublicKey(file)
		if err != nil {
			return f, err
		}
		m, err := seal.Verify(signed, key)
		if err != nil {
			continue
		}
		f.proof.Manifest, f.link = m, seal.NewLinked(signed, &m)
		f.key, err = seal.KeyID(key)
		return f, err
	}
	return f, fmt.Errorf("%s: %w", name, seal.ErrSeal)
}

func readPublicKey(file string) (ed25519.PublicKey, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the caller names it
	if err != nil {
		return nil, err
	}
	key, err := seal.ParsePublicKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// title says what a manifest is of.
func (f *found) title() string {
	m := &f.proof.Manifest
	if m.Chain != nil && m.Chain.Last {
		return fmt.Sprintf("end of the session, after %d recordings in it", m.Chain.Number-1)
	}
	title := fmt.Sprintf("conference %s, recording %s", m.Conference, m.Recording)
	if m.Chain != nil {
		title += fmt.Sprintf(", number %d in the session", m.Chain.Number)
	}
	return title
}

// tell prints the proof for people.
func (c *verifyCommand) tell(t *terminal, f *found) {
	p := &f.proof
	t.printf("%s: %s, by key %s\n", p.Verdict, f.title(), f.key)
	for i := range p.Streams {
		c.tellStream(t, &p.Streams[i])
	}
	for _, d := range p.Documents {
		file := d.File
		if file == "" {
			file = "missing"
		}
		t.printf("  document %d %s: %s\n", d.Sequence, d.Verdict, file)
	}
	for _, problem := range p.Problems {
		t.printf("  %s\n", problem)
	}
	if f.ongoing {
		t.printf("  the session goes on: whether recordings came after this one is known at its end\n")
	}
}

// tellStream prints what is proved of a stream.
func (c *verifyCommand) tellStream(t *terminal, s *srs.StreamProof) {
	t.printf("  stream %-4s %-10s %d of %d packets", s.Label, s.Verdict, s.Proved, s.Sent)
	for _, n := range []struct {
		count uint64
		what  string
	}{{s.Lost, "lost"}, {s.Unproved, "beside lost ones"}, {s.Altered, "altered"}, {s.Strange, "never sent"}} {
		if n.count > 0 {
			t.printf(", %d %s", n.count, n.what)
		}
	}
	if len(s.Changed) > 0 {
		t.printf(", changed: %s", strings.Join(s.Changed, " "))
	}
	t.printf("\n")
	for _, a := range s.Audio {
		t.printf("    audio %s: %s", a.Verdict, a.File)
		if a.Rounded > 0 {
			t.printf(", %d samples rounded otherwise", a.Rounded)
		}
		t.printf("\n")
		for _, reason := range a.Reasons {
			t.printf("      %s\n", reason)
		}
	}
}
