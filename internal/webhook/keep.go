package webhook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// keptLetter is a line of the file in which a hook keeps what it has not delivered.
type keptLetter struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Conference string          `json:"conference"`
	At         time.Time       `json:"at"`
	Body       json.RawMessage `json:"body"`
}

const (
	// keptMode lets nobody else read: events name people.
	keptMode = 0o600
	// maxKept bounds a line.
	maxKept = 1 << 20
)

func keepPath(folder, hook string) string {
	return filepath.Join(folder, url.PathEscape(hook)+".jsonl")
}

// write makes the body.
func (l *letter) write() error {
	if l.body != nil {
		return nil
	}
	body, err := json.Marshal(l.Object)
	if err != nil {
		return err
	}
	l.body = body
	return nil
}

// save writes what is to be kept, in place of what was kept before.
func (h *hook) save() error {
	if h.path == "" {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.kept) == 0 {
		return discard(h.path)
	}
	var text bytes.Buffer
	for _, l := range h.kept {
		if err := l.write(); err != nil {
			return err
		}
		line, err := json.Marshal(keptLetter{ID: l.ID, Type: l.Type, Conference: l.Conference, At: l.at, Body: l.body})
		if err != nil {
			return err
		}
		text.Write(append(line, '\n'))
	}
	if err := replace(h.path, text.Bytes()); err != nil {
		return err
	}
	h.log.Info("events are kept for later", slog.Int("events", len(h.kept)))
	return nil
}

// replace writes a file as a whole or not at all.
func replace(path string, text []byte) error {
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, keptMode) //nolint:gosec // the operator names the folder
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return os.Rename(next, path)
}

func discard(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// restore goes on with what another Sender has kept. The file stays until all of it is done with: should this process die before, it is sent
// once more, under the same identifiers.
func (h *hook) restore() {
	if h.path == "" {
		return
	}
	letters, err := readKept(h.path)
	if err != nil {
		h.log.Error("events that were kept cannot be read", slog.String("file", h.path), slog.Any("error", err))
	}
	h.mu.Lock()
	h.restored = len(letters)
	h.mu.Unlock()
	for _, l := range letters {
		h.put(l)
	}
}

// readKept reads the letters of a file, as far as it can be read.
func readKept(path string) ([]*letter, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	var letters []*letter
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxKept)
	for lines.Scan() {
		var k keptLetter
		if err := json.Unmarshal(lines.Bytes(), &k); err != nil || k.ID == "" {
			return letters, fmt.Errorf("line %d: %w", len(letters)+1, errors.Join(errKept, err))
		}
		letters = append(letters, &letter{
			Message: Message{ID: k.ID, Type: k.Type, Conference: k.Conference}, at: k.At, body: k.Body, restored: true,
		})
	}
	return letters, lines.Err()
}

var errKept = errors.New("is no event")

// settle notes that a letter is done with, delivered or given up.
func (h *hook) settle(l *letter) {
	if !l.restored {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.restored--; h.restored > 0 || h.closing {
		return
	}
	if err := discard(h.path); err != nil {
		h.log.Error("events that were kept are delivered, and stay in their file", slog.Any("error", err))
	}
}
