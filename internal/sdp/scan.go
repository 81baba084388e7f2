package sdp

import (
	"hash/fnv"
	"strconv"
	"strings"
)

const (
	// maxText bounds what a peer can make us read. A recording session of 500 streams needs about 150 kB.
	maxText = 512 << 10
	// maxMedia bounds the m= lines of one description.
	maxMedia = 2048
)

// section is the session level or one m= line with what follows it, as lines without type letter.
type section struct {
	m, c             string
	bandwidth, times []string
	attributes       []string
}

// document is a description sorted into sections, its lines repaired where peers err.
type document struct {
	origin, name string
	session      section
	media        []section
}

// scan sorts the lines. Within a section only the order of lines of one type means something, so any order is taken;
// RFC 8866, section 5, fixes it, but not all peers keep it.
func scan(text string) (document, error) {
	var doc document
	if len(text) > maxText {
		return doc, malformed(-1, "too long")
	}
	if strings.IndexByte(text, 0) >= 0 {
		return doc, malformed(-1, "NUL octet")
	}
	number := 0
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		line = strings.TrimRight(line, " \t")
		if line == "" {
			continue
		}
		if len(line) < 2 || line[1] != '=' {
			return doc, malformed(-1, "line without type: "+strconv.Quote(line))
		}
		if number++; number == 1 && line != "v=0" {
			return doc, malformed(-1, "does not begin with v=0")
		}
		if err := doc.add(line[0], line[2:], number); err != nil {
			return doc, err
		}
	}
	if doc.origin == "" {
		return doc, malformed(-1, "no o= line")
	}
	if doc.name == "" {
		doc.name = "-"
	}
	if len(doc.session.times) == 0 {
		doc.session.times = []string{"0 0"}
	}
	return doc, nil
}

func (doc *document) add(letter byte, value string, number int) error {
	switch {
	case letter == 'v' && number == 1:
		return nil
	case letter == 'm':
		if len(doc.media) == maxMedia {
			return malformed(-1, "too many streams")
		}
		doc.media = append(doc.media, section{m: words(value)})
		return nil
	case len(doc.media) > 0:
		return doc.media[len(doc.media)-1].add(letter, value, len(doc.media)-1)
	case letter == 'o':
		if doc.origin != "" {
			return malformed(-1, "second o= line")
		}
		origin, ok := repairOrigin(value)
		if !ok {
			return malformed(-1, "o="+strconv.Quote(value))
		}
		doc.origin = origin
		return nil
	case letter == 's':
		if doc.name == "" {
			doc.name = strings.TrimSpace(value)
		}
		return nil
	case letter == 't':
		doc.session.times = append(doc.session.times, words(value))
		return nil
	case strings.IndexByte("uepzr", letter) >= 0: // nothing for a call
		return nil
	default:
		return doc.session.add(letter, value, -1)
	}
}

func (s *section) add(letter byte, value string, index int) error {
	switch letter {
	case 'c':
		// A second line is a further layer of a multicast stream (RFC 8866, section 5.7), which is refused anyway.
		if s.c == "" {
			s.c = repairConnection(value)
		}
	case 'b':
		if bandwidth, ok := repairBandwidth(value); ok {
			s.bandwidth = append(s.bandwidth, bandwidth)
		}
	case 'a':
		if value != "" && value[0] != ':' {
			s.attributes = append(s.attributes, value)
		}
	case 'i', 'k': // a title has no use here; k= is not to be used (RFC 8866, section 5.12)
	default:
		// A parser must ignore or reject a description with a type it does not know (RFC 8866, section 5).
		return malformed(index, "unexpected line of type "+strconv.QuoteRune(rune(letter)))
	}
	return nil
}

// repairOrigin takes user names with blanks, missing user names, and identifiers that are no 64-bit numbers.
func repairOrigin(value string) (string, bool) {
	fields := strings.Fields(value)
	if len(fields) == 5 {
		fields = append([]string{"-"}, fields...)
	}
	if len(fields) < 6 {
		return "", false
	}
	rest := fields[len(fields)-5:]
	rest[0], rest[1] = foldNumber(rest[0]), foldNumber(rest[1])
	rest[2], rest[3] = strings.ToUpper(rest[2]), strings.ToUpper(rest[3])
	return fields[0] + " " + strings.Join(rest, " "), true
}

// foldNumber makes a 64-bit number of what should be a string of digits of any length (RFC 8866, section 5.2). Equal
// strings stay equal, which is all that is ever asked of a peer's identifiers.
func foldNumber(text string) string {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return strconv.FormatUint(n, 10)
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text)) // never fails
	return strconv.FormatUint(hash.Sum64(), 10)
}

func repairConnection(value string) string {
	fields := strings.Fields(value)
	for i := range min(2, len(fields)) {
		fields[i] = strings.ToUpper(fields[i])
	}
	return strings.Join(fields, " ")
}

// repairBandwidth leaves out what must be ignored: unknown types (RFC 8866, section 5.8), and what cannot be read.
func repairBandwidth(value string) (string, bool) {
	kind, number, ok := strings.Cut(strings.TrimSpace(value), ":")
	kind = strings.ToUpper(strings.TrimSpace(kind))
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 63)
	if !ok || err != nil {
		return "", false
	}
	switch kind {
	case "CT", "AS", "TIAS", "RS", "RR":
		return kind + ":" + strconv.FormatUint(n, 10), true
	default:
		return "", false
	}
}

func words(value string) string { return strings.Join(strings.Fields(value), " ") }

// text is the description in the exact form that the parser of pion takes. It knows a closed list of media types and
// transports, but a stream of any other must be refused in its place (RFC 3264, section 6); so it gets neutral m= lines,
// and [parseMediaLine] reads the real ones.
func (doc *document) text() string {
	var b strings.Builder
	b.WriteString("v=0\r\no=" + doc.origin + "\r\ns=" + doc.name + "\r\n")
	doc.session.write(&b)
	for i := range doc.media {
		b.WriteString("m=application 9 UDP 0\r\n")
		doc.media[i].write(&b)
	}
	return b.String()
}

func (s *section) write(b *strings.Builder) {
	if s.c != "" {
		b.WriteString("c=" + s.c + "\r\n")
	}
	for _, part := range []struct {
		letter string
		lines  []string
	}{{"b=", s.bandwidth}, {"t=", s.times}, {"a=", s.attributes}} {
		for _, line := range part.lines {
			b.WriteString(part.letter + line + "\r\n")
		}
	}
}

func malformed(index int, detail string) *StreamError {
	return &StreamError{Index: index, Err: ErrMalformed, Detail: brief(detail)}
}

// brief keeps what a peer wrote from filling a log.
func brief(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
