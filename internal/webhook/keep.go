package webhook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// keptLetter is a line of the file in which a hook keeps what it has not delivered: an event, or the identifier of one that is done with.
type keptLetter struct {
	ID         string          `json:"id,omitempty"`
	Type       string          `json:"type,omitempty"`
	Conference string          `json:"conference,omitempty"`
	At         time.Time       `json:"at,omitzero"`
	Body       json.RawMessage `json:"body,omitempty"`
	Done       string          `json:"done,omitempty"`
}

const (
	// keptMode lets nobody else read: events name people.
	keptMode = 0o600
	// keptBuffer is how much is read at once.
	keptBuffer = 64 << 10
)

func keepPath(folder, hook string) string {
	return filepath.Join(folder, url.PathEscape(hook)+".jsonl")
}

// write makes the body. It may be called by the lane and by the journal at once.
func (l *letter) write() error {
	l.once.Do(func() {
		if l.body == nil {
			l.body, l.err = json.Marshal(l.Object)
		}
	})
	return l.err
}

// appendTo adds the line of a letter, or of its end, to a text. What cannot be written at all is left out: it cannot be sent either.
func (l *letter) appendTo(text *bytes.Buffer, done bool) {
	line := keptLetter{Done: l.ID}
	if !done {
		if l.write() != nil {
			return
		}
		line = keptLetter{ID: l.ID, Type: l.Type, Conference: l.Conference, At: l.at, Body: l.body}
	}
	if octets, err := json.Marshal(line); err == nil {
		text.Write(append(octets, '\n'))
	}
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

// restore goes on with what another Sender has kept, and begins to keep.
func (h *hook) restore() {
	if h.journal == nil {
		return
	}
	letters, err := readKept(h.journal.path)
	if err != nil {
		h.log.Error("events that were kept cannot all be read", slog.String("file", h.journal.path), slog.Any("error", err))
	}
	if len(letters) > 0 {
		h.log.Info("events of before are delivered", slog.Int("events", len(letters)))
	}
	for _, l := range letters {
		h.put(l)
	}
	h.journal.start()
}

// readKept reads the letters of a file that are not done with, as far as it can be read. A last line without end is what the death of a process
// has left of it.
func readKept(path string) ([]*letter, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	var order []*letter
	open := map[string]*letter{}
	var problems error
	lines := bufio.NewReaderSize(f, keptBuffer)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			problems = errors.Join(problems, err)
			break
		}
		var k keptLetter
		switch err := json.Unmarshal(line, &k); {
		case err != nil || (k.ID == "") == (k.Done == ""):
			problems = errors.Join(problems, fmt.Errorf("line %d: %w", number, errors.Join(errKept, err)))
		case k.Done != "":
			delete(open, k.Done)
		case open[k.ID] == nil:
			l := &letter{Message: Message{ID: k.ID, Type: k.Type, Conference: k.Conference}, at: k.At, body: k.Body}
			open[k.ID] = l
			order = append(order, l)
		}
	}
	letters := order[:0]
	for _, l := range order {
		if open[l.ID] == l {
			letters = append(letters, l)
		}
	}
	return letters, problems
}

var errKept = errors.New("is no event")
