package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/siprec/seal"
)

// sealer signs manifests and keeps them in a directory. It may be used by any goroutine.
type sealer struct {
	directory string
	key       ed25519.PrivateKey
	id        string
}

const (
	sealKeyFile = "seal.key" // in the directory, unless the configuration names one
	sealKeyMode = 0o600
	sealDirMode = 0o750
	sealMode    = 0o640
)

// openSealer makes the directory, and the key if none is configured and none is there.
func openSealer(cfg config.Seal) (*sealer, error) {
	if cfg.Directory == "" {
		return nil, nil //nolint:nilnil // nothing is sealed
	}
	if err := os.MkdirAll(cfg.Directory, sealDirMode); err != nil {
		return nil, err
	}
	key, err := sealKey(cfg)
	if errors.Is(err, fs.ErrNotExist) && cfg.KeyFile == "" {
		key, err = newSealKey(filepath.Join(cfg.Directory, sealKeyFile))
	}
	if err != nil {
		return nil, fmt.Errorf("recording.seal: %w", err)
	}
	id, err := seal.KeyID(public(key))
	return &sealer{directory: cfg.Directory, key: key, id: id}, err
}

func public(key ed25519.PrivateKey) ed25519.PublicKey {
	return key.Public().(ed25519.PublicKey) //nolint:forcetypeassert // it is one (crypto/ed25519)
}

// sealKey reads the private key.
func sealKey(cfg config.Seal) (ed25519.PrivateKey, error) {
	name := cfg.KeyFile
	if name == "" {
		name = filepath.Join(cfg.Directory, sealKeyFile)
	}
	text, err := os.ReadFile(name) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	key, err := seal.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// newSealKey makes a key that only we can read.
func newSealKey(name string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), sealKeyMode)
}

// KeyID implements focus.Sealer.
func (s *sealer) KeyID() string { return s.id }

// Seal implements focus.Sealer. The file is named after the time, the conference, the server and the dialog.
func (s *sealer) Seal(m seal.Manifest) ([]byte, error) {
	signed, err := seal.Sign(m, s.key)
	if err != nil {
		return nil, err
	}
	dialog := seal.HashOf([]byte(m.CallID))[:12]
	parts := []string{m.Started.Format("20060102T150405Z"), plain(m.Conference), plain(m.Recording), plain(m.Server), dialog}
	if m.Chain != nil && m.Chain.Last { // of no recording
		parts = slices.Delete(parts, 1, 3)
	}
	name := strings.Join(parts, "-") + ".jws"
	return signed, os.WriteFile(filepath.Join(s.directory, name), signed, sealMode)
}

// plain makes a text part of the name of a file.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' {
			return r
		}
		return '_'
	}, text)
}

var _ focus.Sealer = (*sealer)(nil)

type sealCommands struct {
	Key sealKeyCommand `cmd:"" help:"Print the public key that recordings are sealed with, in PEM, and its identifier."`
}

type sealKeyCommand struct{ configured }

// Run prints the public key. The identifier goes first, as a comment that PEM readers skip.
func (c *sealKeyCommand) Run(t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	s, err := openSealer(cfg.Recording.Seal)
	if err != nil {
		return err
	}
	if s == nil {
		return errors.New("nothing is sealed: recording.seal.directory is empty")
	}
	text, err := publicPEM(s.key)
	t.printf("kid %s\n%s", s.id, text)
	return err
}

// publicPEM is the public half of a key.
func publicPEM(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public(key))
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// openSeal has the focus seal what it sends, if it is to.
func (s *service) openSeal(ctx context.Context, cfg config.Seal) (focus.Sealer, error) {
	made, err := openSealer(cfg)
	if err != nil || made == nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "recordings are sealed", slog.String("kid", made.id), slog.String("directory", cfg.Directory))
	return made, nil
}
