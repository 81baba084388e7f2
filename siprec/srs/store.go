package srs

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	dirMode  = 0o750
	fileMode = 0o640
	// reportFile is the name of the report in the folder of a recording.
	reportFile = "recording.json"
)

// writeAtomic replaces a file such that a reader sees the old content or the new one.
func writeAtomic(name string, data []byte) error {
	temporary := name + temporaryExtension
	//nolint:gosec // a name made here in the configured directory
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}

	if err := os.Rename(temporary, name); err != nil {
		return err
	}

	return syncDirectory(filepath.Dir(name))
}

// syncDirectory makes names that were given in a directory survive a loss of power.
func syncDirectory(name string) error {
	directory, err := os.Open(name) //nolint:gosec // a directory of ours
	if err != nil {
		return err
	}

	return errors.Join(directory.Sync(), directory.Close())
}

func writeReport(r Recording) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}

	return writeAtomic(filepath.Join(r.Directory, reportFile), append(data, '\n'))
}

// ReadRecording reads the recording.json of a folder.
func ReadRecording(directory string) (Recording, error) {
	var r Recording
	data, err := os.ReadFile(filepath.Join(directory, reportFile)) //nolint:gosec // the folder is what the caller wants to read
	if err != nil {
		return r, err
	}
	if err = json.Unmarshal(data, &r); err != nil {
		return r, err
	}
	r.Directory = directory // it may have been moved
	_, err = os.Stat(filepath.Join(directory, holdFile))
	r.Held = err == nil

	return r, nil
}

// recover marks what a dead process left behind. Its audio is as its last flush left it.
func (s *Server) recover() {
	names, err := filepath.Glob(filepath.Join(s.cfg.Directory, "*", reportFile))
	if err != nil {
		return
	}
	for _, name := range names {
		r, err := ReadRecording(filepath.Dir(name))
		if err != nil || r.State != StateRecording && r.State != StatePaused {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			continue
		}
		r.Directory = filepath.Dir(name)
		if err := clean(r.Directory); err != nil {
			s.cfg.Logger.Warn("half-written file left behind", slog.String("directory", r.Directory), slog.Any("error", err))
		}
		r.interrupt(info.ModTime())
		if err := writeReport(r); err != nil {
			s.cfg.Logger.Warn("recording left behind", slog.String("directory", r.Directory), slog.Any("error", err))
		}
	}
}

// interrupt ends a report for a process that could not.
func (r *Recording) interrupt(at time.Time) {
	r.State, r.EndReason = StateInterrupted, "process died"
	for i := range r.Streams {
		s := &r.Streams[i]
		if s.State != StateRecording && s.State != StatePaused {
			continue
		}
		s.State = StateInterrupted
		name := filepath.Join(r.Directory, s.File)
		if info, err := os.Stat(name); err == nil && s.Medium != MediumText {
			s.Samples = max(0, (info.Size()-wavHeader)/int64(sampleSize*max(1, s.Channels)))
			if filepath.Ext(name) == opusExtension {
				s.Samples, _ = oggLength(name)
			}
			if info.ModTime().After(at) {
				at = info.ModTime()
			}
		}
		s.EndedAt = at.UTC()
	}
	r.EndedAt = at.UTC()
}

// maxName bounds what a participant can add to a file name.
const maxName = 40

// safeName makes a text part of a file name: letters, digits, dot, dash and underscore.
func safeName(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case b.Len() >= maxName:
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.' && b.Len() > 0:
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}

	return strings.TrimRight(b.String(), "-.")
}
