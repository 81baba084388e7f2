package srs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
)

// sealOf reads the element by which a client says that it is going to sign what it has sent: the identifier of its key.
func sealOf(extensions []siprec.Extension) string {
	for _, e := range extensions {
		var element struct {
			XMLName xml.Name `xml:"urn:parley:recording:seal:1 seal"`
			Key     string   `xml:"kid,attr"`
		}
		if xml.Unmarshal([]byte(e), &element) == nil && element.Key != "" {
			return element.Key
		}
	}

	return ""
}

// sealsIn reads the manifests of recordings that have ended in a session that goes on.
func sealsIn(extensions []siprec.Extension) (list []string) {
	for _, e := range extensions {
		var element struct {
			XMLName xml.Name `xml:"urn:parley:recording:seal:1 seal"`
			Signed  string   `xml:",chardata"`
		}
		if xml.Unmarshal([]byte(e), &element) == nil && strings.TrimSpace(element.Signed) != "" {
			list = append(list, strings.TrimSpace(element.Signed))
		}
	}

	return list
}

// keepSeals stores the manifests in a document, those that are there already once.
func (r *recording) keepSeals(document siprec.Recording) error {
	var fault error
	for _, s := range document.Sessions {
		for _, signed := range sealsIn(s.Extensions) {
			hash := seal.HashOf([]byte(signed))
			if r.seals[hash] || len(r.seals) >= r.cfg.MaxMetadata {
				continue
			}
			if r.seals == nil {
				r.seals = map[string]bool{}
			}
			r.seals[hash] = true
			name := fmt.Sprintf(seal.PartFileName, len(r.seals))
			if err := writeAtomic(filepath.Join(r.dir, name), []byte(signed)); err != nil {
				fault = errors.Join(fault, err)

				continue
			}
			r.report.Sealed, r.report.Manifests = true, append(r.report.Manifests, name)
		}
	}

	return fault
}

// keepSeal stores the manifest in a BYE, if there is one. Whether it is good is for those to find out who know the key.
func (r *recording) keepSeal(bye *sipua.Request) error {
	content, _ := siprec.ParseContent(bye.Headers.Get("Content-Type"), bye.Headers.Get("Content-Disposition"), bye.Body)
	if content.Seal == nil { // or it cannot be read
		return nil
	}
	err := writeAtomic(filepath.Join(r.dir, seal.FileName), content.Seal)
	if err == nil {
		r.report.Sealed = true
	}

	return err
}

// keep begins the dump of a stream whose recording is going to be sealed. In a session in which nothing is recorded yet nobody knows whether it will be:
// there it is begun all the same, and given up when it is not.
func (r *recording) keep(s *stream) error {
	idle := len(r.report.Metadata) > 0 && len(r.report.Sessions) == 0
	if r.report.SealKey == "" && !idle {
		return r.giveUp(s)
	}
	if s.dump != nil || s.closed {
		return nil
	}
	name := strings.TrimSuffix(s.report.File, filepath.Ext(s.report.File)) + ".rtpdump"
	d, err := createDump(filepath.Join(r.dir, name), s.rtp, r.began)
	if err != nil {
		return err
	}
	s.dump, s.report.Dump = d, name
	if rx := s.receiver; rx.text == nil && rx.source == nil && rx.file.length() == 0 { // or the beginning is not in it
		d.notes = true
		err = errors.Join(d.note(note{Do: noteBegin, NS: r.origin.early, Library: codecs.OpusLibrary(), Calm: rx.calm}), d.note(newAgreed(rx)))
	}

	return err
}

// giveUp takes away a dump that nobody needs.
func (r *recording) giveUp(s *stream) error {
	if s.report.Dump == "" {
		return nil
	}
	var err error
	if !s.closed {
		err = s.dump.close()
	}
	err = errors.Join(err, os.Remove(filepath.Join(r.dir, s.report.Dump)))
	s.dump, s.report.Dump = nil, ""

	return err
}

// fingerprint notes the hashes of the files of a recording that is sealed.
func (r *recording) fingerprint() error {
	var fault error
	for _, s := range r.streams {
		if r.report.SealKey == "" {
			fault = errors.Join(fault, r.giveUp(s))

			continue
		}
		hash, err := hashFile(filepath.Join(r.dir, s.report.File))
		s.report.SHA256, fault = hash, errors.Join(fault, err)
		if s.report.Transcript != "" {
			hash, err := hashFile(filepath.Join(r.dir, s.report.Transcript))
			s.report.TranscriptSHA256, fault = hash, errors.Join(fault, err)
		}
	}

	return fault
}

// hashFile is the SHA-256 of a file in hexadecimal.
func hashFile(name string) (string, error) {
	file, err := os.Open(name) //nolint:gosec // the caller's
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // was only read
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}

	return hex.EncodeToString(h.Sum(nil)), nil
}
