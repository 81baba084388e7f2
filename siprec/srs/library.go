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
)

// A Library is a directory of recordings. Its methods may be called from any goroutine, also while a
// Server writes there.
type Library struct {
	// Directory is that of the Server.
	Directory string
}

// A Query selects recordings. The zero value selects all.
type Query struct {
	// From and To bound when a recording started; zero: no bound. To is exclusive.
	From, To time.Time
	// State selects those in one state; empty: all.
	State State
	// Text has to be part of a participant's name or address, or of the ID of recording or session.
	Text string
	// Before is the name of a folder: those that come after it in the list, as they are older; empty: all.
	Before string
	// Limit is how many are returned at most, 0: all.
	Limit int
}

// deletedPrefix marks folders that are being deleted; who dies in between leaves them to the next start.
const deletedPrefix = ".deleted-"

// folders lists the names of the folders of recordings, which sort by time.
func (l Library) folders() ([]string, error) {
	entries, err := os.ReadDir(l.Directory)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}

	return names, nil
}

// List returns the recordings that a query selects, the newest first. Folders without a readable
// recording.json are none.
func (l Library) List(q Query) ([]Recording, error) {
	names, err := l.folders()
	if err != nil {
		return nil, err
	}
	found := []Recording{}
	for _, name := range slices.Backward(names) {
		if q.Before != "" && name >= q.Before {
			continue
		}
		if started, ok := startOf(name); ok && (!q.From.IsZero() && started.Before(q.From.Truncate(time.Second)) || !q.To.IsZero() && !started.Before(q.To)) {
			continue
		}
		r, err := ReadRecording(filepath.Join(l.Directory, name))
		if err != nil || !q.selects(&r) {
			continue
		}
		if found = append(found, r); q.Limit > 0 && len(found) >= q.Limit {
			break
		}
	}

	return found, nil
}

// startOf reads the time in the name of a folder.
func startOf(folder string) (time.Time, bool) {
	stamp, _, _ := strings.Cut(folder, "-")
	t, err := time.Parse(folderLayout, stamp)

	return t, err == nil
}

// folderLayout is how the start of a recording stands in the name of its folder.
const folderLayout = "20060102T150405Z"

func (q *Query) selects(r *Recording) bool {
	switch {
	case q.State != "" && r.State != q.State:
		return false
	case !q.From.IsZero() && r.StartedAt.Before(q.From), !q.To.IsZero() && !r.StartedAt.Before(q.To):
		return false
	case q.Text == "" || strings.Contains(r.ID, q.Text):
		return true
	}
	text := strings.ToLower(q.Text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }

	return slices.ContainsFunc(r.Sessions, func(s Session) bool { return s.ID == q.Text }) ||
		slices.ContainsFunc(r.Participants, func(p Participant) bool { return has(p.Name) || slices.ContainsFunc(p.AORs, has) })
}

// Find returns the recording with an ID, or in the folder of that name. The error is ErrNoRecording.
func (l Library) Find(id string) (Recording, error) {
	names, err := l.folders()
	if err != nil {
		return Recording{}, fmt.Errorf("%w: %w", ErrNoRecording, err)
	}
	for _, name := range slices.Backward(names) {
		if name != id && !strings.HasSuffix(name, "-"+id) {
			continue
		}
		if r, err := ReadRecording(filepath.Join(l.Directory, name)); err == nil && (r.ID == id || name == id) {
			return r, nil
		}
	}

	return Recording{}, fmt.Errorf("%w: %q", ErrNoRecording, id)
}

// File returns the path of the file of a stream: of that with the label, or else of that in the file of this name. When a label came
// again it is the first one's. A transcript is found by its name. The error is ErrNoStream.
func (r *Recording) File(label string) (string, error) {
	if slices.ContainsFunc(r.Streams, func(s Stream) bool { return s.Transcript != "" && s.Transcript == label }) && label == filepath.Base(label) {
		return filepath.Join(r.Directory, label), nil
	}
	i := slices.IndexFunc(r.Streams, func(s Stream) bool { return s.Label == label })
	if i < 0 {
		i = slices.IndexFunc(r.Streams, func(s Stream) bool { return s.File == label })
	}
	if i < 0 || r.Streams[i].File != filepath.Base(r.Streams[i].File) {
		return "", fmt.Errorf("%w: %q", ErrNoStream, label)
	}

	return filepath.Join(r.Directory, r.Streams[i].File), nil
}

// Over reports whether nothing is written any more.
func (r *Recording) Over() bool { return r.State != StateRecording && r.State != StatePaused }

// Delete removes a recording that is over. The errors are ErrNoRecording, ErrActive, ErrHeld and those of the file system.
func (l Library) Delete(id string) error {
	r, err := l.Find(id)
	switch {
	case err != nil:
		return err
	case !r.Over():
		return fmt.Errorf("%w: %q", ErrActive, id)
	case r.Held:
		return fmt.Errorf("%w: %q", ErrHeld, id)
	}

	return l.remove(filepath.Base(r.Directory))
}

// remove renames first, so that half a recording is never taken for a whole one.
func (l Library) remove(folder string) error {
	doomed := filepath.Join(l.Directory, deletedPrefix+folder)
	if err := os.Rename(filepath.Join(l.Directory, folder), doomed); err != nil {
		return err
	}

	return os.RemoveAll(doomed)
}

// sweep removes what was being deleted when the process died.
func (l Library) sweep() error {
	names, err := filepath.Glob(filepath.Join(l.Directory, deletedPrefix+"*"))
	for _, name := range names {
		err = errors.Join(err, os.RemoveAll(name))
	}

	return err
}

// holdFile marks a recording that must be kept.
const holdFile = "hold"

// Hold keeps a recording from being deleted, by hand or by age and size, until it is released.
func (l Library) Hold(id string, hold bool) error {
	r, err := l.Find(id)
	if err != nil {
		return err
	}
	name := filepath.Join(r.Directory, holdFile)
	if !hold {
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}

		return nil
	}

	return writeAtomic(name, nil)
}

// sizeOf adds up what the files of a folder take on the disk: holes cost nothing.
func sizeOf(directory string) int64 {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return 0
	}
	var sum int64
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			sum += occupied(info)
		}
	}

	return sum
}
