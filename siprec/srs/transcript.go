package srs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// lull is after which silence of a writer his text begins a new line in a transcript.
const lull = 10 * time.Second

// identifyWriters finds out who the writers of a stream are: by the CNAME, which is the identifier of a participant where the client says so, or
// because there is only one who can be.
func (r *recording) identifyWriters(s *Stream) {
	for i := range s.Writers {
		w := &s.Writers[i]
		if w.Participant != "" {
			continue
		}
		for _, p := range r.known.Participants {
			if w.cname != "" && p.ID.Text() == w.cname {
				w.Participant = string(p.ID)
			}
		}
		if w.Participant == "" && len(s.Participants) == 1 {
			w.Participant = s.Participants[0]
		}
	}
}

// transcribe writes what is in a stream of text for people to read, when it is complete.
func (r *recording) transcribe(s *Stream) error {
	if s.Medium != MediumText {
		return nil
	}
	r.identifyWriters(s)
	lines, err := ReadText(filepath.Join(r.dir, s.File))
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(s.File, textExtension) + transcriptExtension
	text := transcript(lines, func(ssrc uint32) string {
		i := slices.IndexFunc(s.Writers, func(w Writer) bool { return w.SSRC == ssrc })
		if i < 0 {
			return fmt.Sprintf("%08x", ssrc)
		}
		return r.writerName(&s.Writers[i])
	})
	if err := writeAtomic(filepath.Join(r.dir, name), []byte(text)); err != nil {
		return err
	}
	s.Transcript = name

	return nil
}

// writerName is what to call a writer: as the metadata do, or else as RTCP does.
func (r *recording) writerName(w *Writer) string {
	if w.Participant != "" {
		if p := r.participant(w.Participant); p.Name != "" {
			return p.Name
		} else if p.AOR != "" {
			return p.AOR
		}
	}
	if w.Name != "" {
		return w.Name
	}

	return fmt.Sprintf("%08x", w.SSRC)
}

// transcript is text as lines "time name: text", with erased characters left out. A line begins with a writer, after a line end, or after a lull;
// the time, in UTC, is that of its beginning.
func transcript(lines []TextLine, name func(ssrc uint32) string) string {
	var out, line strings.Builder
	var writer uint32
	var at, last time.Time
	end := func() {
		if line.Len() > 0 {
			fmt.Fprintf(&out, "%s %s: %s\n", at.UTC().Format("2006-01-02T15:04:05.000Z"), printable(name(writer)), line.String())
			line.Reset()
		}
	}
	for _, l := range lines {
		if l.SSRC != writer || l.At.Sub(last) > lull {
			end()
		}
		writer, last = l.SSRC, l.At
		for _, c := range l.Text {
			switch {
			case c == '\b':
				text := line.String()
				_, size := utf8.DecodeLastRuneInString(text)
				line.Reset()
				line.WriteString(text[:len(text)-size])
			case c == '\n', c == '\r', c == '\u2028', c == '\u2029':
				end()
			case c < ' ' || c >= 0x7f && c < 0xa0: // no sign of its own
			default:
				if line.Len() == 0 {
					at = l.At
				}
				line.WriteRune(c)
			}
		}
	}
	end()

	return out.String()
}

// printable is a name without what moves the cursor, ends the line, or turns the direction of writing: a client could make a line of its own of it.
func printable(name string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029' {
			return -1
		}
		return c
	}, name)
}
