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
	verdict := srs.Proved
	for _, name := range names {
		m, key, err := c.manifest(name)
		if err != nil {
			return err
		}
		proof, err := recording.Prove(m)
		if err != nil {
			return err
		}
		if err := c.show(t, &proof, key); err != nil {
			return err
		}
		verdict = srs.Worse(verdict, proof.Verdict)
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

// show prints what a manifest proves: for programs an object on a line of its own.
func (c *verifyCommand) show(t *terminal, proof *srs.Proof, key string) error {
	if !c.JSON {
		c.tell(t, proof, key)
		return nil
	}
	m := &proof.Manifest
	text, err := json.Marshal(struct {
		srs.Proof

		Key        string `json:"kid"`
		Conference string `json:"conference"`
		Recording  string `json:"recording"`
		Session    string `json:"session"`
		Server     string `json:"server"`
		CallID     string `json:"call_id"`
	}{*proof, key, m.Conference, m.Recording, m.Session, m.Server, m.CallID})
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
	whole := filepath.Join(c.Dir, seal.FileName)
	if _, err := os.Stat(whole); err == nil || len(r.Manifests) == 0 {
		return []string{whole}, nil
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
	return parts, nil
}

// manifest reads a manifest and finds the key that has signed it.
func (c *verifyCommand) manifest(name string) (m seal.Manifest, id string, err error) {
	signed, err := os.ReadFile(name) //nolint:gosec // the caller names it
	if errors.Is(err, fs.ErrNotExist) {
		return m, "", fmt.Errorf("there is no seal: %w", err)
	}
	if err != nil {
		return m, "", err
	}
	for _, file := range c.Key {
		key, err := readPublicKey(file)
		if err != nil {
			return m, "", err
		}
		if m, err = seal.Verify(signed, key); err == nil {
			id, err = seal.KeyID(key)
			return m, id, err
		}
	}
	return m, "", fmt.Errorf("%s: %w", name, seal.ErrSeal)
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

// tell prints the proof for people.
func (c *verifyCommand) tell(t *terminal, p *srs.Proof, key string) {
	m := &p.Manifest
	t.printf("%s: conference %s, recording %s, by key %s\n", p.Verdict, m.Conference, m.Recording, key)
	for _, s := range p.Streams {
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
}
