package rtt

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Source is who has written a text.
type Source struct {
	// ID is the source in packets: its SSRC. It is never 0.
	ID uint32
	// Name is what the label shows to who cannot tell sources apart, already with regard to privacy.
	Name string
}

const (
	pause     = 10 * time.Second // of the source that is shown, after which another may be
	patience  = time.Minute      // of others, after which a word is enough
	impatient = 15 * time.Second // after that, in which no word has ended
	maxLabel  = 60               // characters
)

// screen makes one text of those of several sources, for a far end that knows only one (RFC 9071, section 4.2).
type screen struct {
	writers []*writer // in the order in which they came
	current *writer   // whose text is shown; nil: nobody's yet
	display int       // signs behind the label
	begun   bool      // the line has something in it
	ending  ending    // how what was sent ends
	shownAt time.Duration
	heardAt time.Duration // when the last text of current has come
}

// ending is how good a place for a change the end of a text is.
type ending uint8

const (
	within   ending = iota // a word
	between                // words
	maybe                  // a sentence or phrase, if a space follows
	complete               // a line, sentence or phrase
)

// writer is what waits of one source.
type writer struct {
	Source
	waiting []piece
	graphic string // rendition that is in force
}

type piece struct {
	text string
	at   time.Duration
}

// write takes text in.
func (s *screen) write(now time.Duration, from Source, text string) {
	i := slices.IndexFunc(s.writers, func(w *writer) bool { return w.ID == from.ID })
	if i < 0 {
		i = len(s.writers)
		s.writers = append(s.writers, &writer{Source: from})
	}
	w := s.writers[i]
	w.Name = from.Name
	if n := len(w.waiting); n > 0 && (unfinished(w.waiting[n-1].text) || len(w.waiting) > maxQueue) {
		w.waiting[n-1].text += text
	} else {
		w.waiting = append(w.waiting, piece{text: text, at: now})
	}
	if w == s.current {
		s.heardAt = now
	}
}

// unfinished tells a text that ends within a control sequence.
func unfinished(text string) bool {
	for text != "" {
		_, rest, ok := scan(text)
		if !ok {
			return true
		}
		text = rest
	}
	return false
}

// drop forgets what waits of a source. If it is shown, others go on in a new line.
func (s *screen) drop(id uint32) {
	s.writers = slices.DeleteFunc(s.writers, func(w *writer) bool { return w.ID == id })
	if s.current != nil && s.current.ID == id {
		s.current.waiting = nil // it stays for its rendition, until another is shown
		s.ending = complete
	}
}

// unsent is how many characters wait.
func (s *screen) unsent() (count int) {
	for _, w := range s.writers {
		for _, p := range w.waiting {
			count += utf8.RuneCountInString(p.text)
		}
	}
	return count
}

// clear forgets what waits; what is shown stays.
func (s *screen) clear() {
	for _, w := range s.writers {
		w.waiting = nil
	}
}

// oldest is the writer other than current who waits longest; nil: none.
func (s *screen) oldest() *writer {
	var first *writer
	for _, w := range s.writers {
		if w != s.current && w.ready() && (first == nil || w.waiting[0].at < first.waiting[0].at) {
			first = w
		}
	}
	return first
}

// ready tells that a whole token waits.
func (w *writer) ready() bool {
	if len(w.waiting) == 0 {
		return false
	}
	_, _, ok := scan(w.waiting[0].text)
	return ok
}

// read gives the text that can be shown now, up to about so many characters and octets.
func (s *screen) read(now time.Duration, characters, octets int) string {
	var b strings.Builder
	for b.Len() < octets && utf8.RuneCountInString(b.String()) < characters {
		other := s.oldest()
		own := s.current != nil && s.current.ready()
		switch {
		case !own && other == nil:
			return b.String()
		case s.current == nil, other != nil && s.changes(now, other, own):
			s.show(now, &b, other)
		case !own:
			return b.String()
		}
		s.step(&b)
	}
	return b.String()
}

// changes tells whether it is time for another writer.
func (s *screen) changes(now time.Duration, other *writer, own bool) bool {
	since := other.waiting[0].at
	switch {
	case own && s.current.waiting[0].at <= since && s.shownAt <= since:
		return false // what is shown goes on in the order of time
	case s.ending == complete, s.ending == maybe && !own:
		return true
	case !own && now >= s.heardAt+pause:
		return true
	case now >= since+patience+impatient:
		return true
	default:
		return now >= since+patience && s.ending >= between
	}
}

// next is when another writer may be shown, if nothing comes before; false: never.
func (s *screen) next() (time.Duration, bool) {
	other := s.oldest()
	if other == nil || s.current == nil {
		return 0, false
	}
	since := other.waiting[0].at
	at := min(s.heardAt+pause, since+patience+impatient)
	if s.ending >= between {
		at = min(at, since+patience)
	}
	return at, true
}

// show changes to another writer: a new line if there was none, renditions, the label.
func (s *screen) show(now time.Duration, b *strings.Builder, w *writer) {
	if s.begun {
		b.WriteString(lineSeparator)
	}
	if s.current != nil && s.current.graphic != "" {
		b.WriteString(resetGraphic)
	}
	b.WriteString(w.graphic)
	b.WriteString("[" + label(w.Name) + "] ")
	s.current, s.display, s.ending, s.heardAt, s.begun = w, 0, complete, now, true
}

// label is a name as others are shown it: in one line, and without what could be taken for its end.
func label(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '[':
			return '('
		case r == ']':
			return ')'
		case r == '\u2028' || r == '\u2029' || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, missing))
	name = strings.TrimSpace(name)
	if name == "" {
		name = "?"
	}
	return name[:split(name, maxLabel, maxBlockSize)]
}

// step sends one token of the current writer.
func (s *screen) step(b *strings.Builder) {
	w := s.current
	t, rest, _ := scan(w.waiting[0].text)
	s.shownAt = w.waiting[0].at
	if rest == "" {
		w.waiting = w.waiting[1:]
	} else {
		w.waiting[0].text = rest
	}
	switch t.kind {
	case backspace:
		s.erase(b)
		return
	case newline:
		s.display++
		s.ending, s.begun = complete, false
	case character:
		s.display++
		s.ending, s.begun = s.ended(t.text), true
	case graphic:
		w.graphic = t.text
		if resets(t.text) {
			w.graphic = ""
		}
	case control:
	}
	b.WriteString(t.text)
}

// erase passes a backspace on, but never into the label (RFC 9071, section 4.2.4).
func (s *screen) erase(b *strings.Builder) {
	s.ending, s.begun = within, true
	if s.display == 0 {
		b.WriteByte('X')
		return
	}
	s.display--
	b.WriteByte('\b')
}

// ended is what a sign makes of the end of the text.
func (s *screen) ended(sign string) ending {
	r, _ := utf8.DecodeRuneInString(sign)
	switch {
	case strings.ContainsRune("。，、！？；：", r):
		return complete
	case strings.ContainsRune(".,!?;:…؟،۔।", r):
		return maybe
	case unicode.IsSpace(r) && s.ending >= maybe:
		return complete
	case unicode.IsSpace(r):
		return between
	default:
		return within
	}
}

// readable tells that read has something to give.
func (s *screen) readable(now time.Duration) bool {
	other := s.oldest()
	own := s.current != nil && s.current.ready()
	return other != nil && (s.current == nil || s.changes(now, other, own)) || own
}
