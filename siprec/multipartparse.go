package siprec

import (
	"bytes"
	"fmt"
	"strings"
)

// Limits of multipart bodies.
const (
	maxParts       = 32
	maxNesting     = 4
	maxPartHeaders = 64
)

// ParseParts returns the parts of a body: those of a multipart one, nested ones
// flattened, or the body itself. It takes LF line ends, a preamble, an epilogue, header
// fields without blank after the colon, quoted and unquoted boundaries, a boundary that
// the Content-Type does not tell, and a missing last one. Errors wrap [ErrMultipart] or
// [ErrTooLarge].
func ParseParts(contentType, disposition string, body []byte) ([]Part, error) {
	if len(body) > MaxDocument {
		return nil, fmt.Errorf("%w: %d octets", ErrTooLarge, len(body))
	}
	part := Part{ContentType: contentType, Disposition: disposition, Body: body}
	return flatten(nil, part, 0)
}

// mediaType returns the type of a Content-Type in lower case, without parameters.
func mediaType(contentType string) string {
	base, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(base))
}

// parameter returns a parameter of a header value, unquoted. An unquoted value ends at
// the next semicolon or blank, whatever other characters it has.
func parameter(value, name string) string {
	for rest := value; ; {
		at := strings.IndexByte(rest, ';')
		if at < 0 {
			return ""
		}
		rest = strings.TrimLeft(rest[at+1:], " \t")
		key, tail, found := strings.Cut(rest, "=")
		if !found {
			return ""
		}
		if strings.Contains(key, ";") {
			continue // a parameter without value stands before it
		}
		tail = strings.TrimLeft(tail, " \t")
		text, length := unquote(tail)
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return text
		}
		rest = tail[length:]
	}
}

// unquote returns the parameter value at the start of the text and its length there.
func unquote(text string) (value string, length int) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, "; \t")
		if end < 0 {
			end = len(text)
		}
		return text[:end], end
	}
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return out.String(), i + 1
		case text[i] == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String(), len(text)
}

// flatten appends the part, or what is inside of it.
func flatten(out []Part, p Part, depth int) ([]Part, error) {
	if !strings.HasPrefix(mediaType(p.ContentType), "multipart/") {
		if len(out) >= maxParts {
			return nil, fmt.Errorf("%w: too many parts", ErrTooLarge)
		}
		return append(out, p), nil
	}
	if depth >= maxNesting {
		return nil, fmt.Errorf("%w: nested too deep", ErrTooLarge)
	}
	sections, err := split(p)
	if err != nil {
		return nil, err
	}
	for _, section := range sections {
		inner, err := parsePart(section)
		if err != nil {
			return nil, err
		}
		if out, err = flatten(out, inner, depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// line returns the first line of data without its end, and what follows.
func line(data []byte) (text, rest []byte) {
	text, rest, _ = bytes.Cut(data, []byte("\n"))
	return bytes.TrimSuffix(text, []byte("\r")), rest
}

// split returns what stands between the delimiter lines (RFC 2046, section 5.1.1).
func split(p Part) ([][]byte, error) {
	delimiter := []byte("--" + parameter(p.ContentType, "boundary"))
	if len(delimiter) == 2 {
		delimiter = guessDelimiter(p.Body)
	}
	if len(delimiter) <= 2 || len(delimiter) > 2+256 {
		return nil, fmt.Errorf("%w: no boundary", ErrMultipart)
	}
	var sections [][]byte
	start, inside := 0, false
	for rest := p.Body; len(rest) > 0; {
		at := len(p.Body) - len(rest)
		var text []byte
		text, rest = line(rest)
		tail, found := bytes.CutPrefix(text, delimiter)
		tail = bytes.TrimRight(tail, " \t")
		last := string(tail) == "--"
		if !found || (len(tail) > 0 && !last) {
			continue
		}
		if inside {
			sections = append(sections, withoutLineEnd(p.Body[start:at]))
		}
		if last {
			return sections, nil
		}
		start, inside = len(p.Body)-len(rest), true
		if len(sections) >= maxParts {
			return nil, fmt.Errorf("%w: too many parts", ErrTooLarge)
		}
	}
	if !inside {
		return nil, fmt.Errorf("%w: boundary not found", ErrMultipart)
	}
	return append(sections, withoutLineEnd(p.Body[start:])), nil
}

// guessDelimiter returns the first line that looks like a delimiter.
func guessDelimiter(body []byte) []byte {
	for rest := body; len(rest) > 0; {
		var text []byte
		text, rest = line(rest)
		if bytes.HasPrefix(text, []byte("--")) {
			return bytes.TrimRight(text, " \t")
		}
	}
	return nil
}

// withoutLineEnd removes the line end that belongs to the delimiter behind it.
func withoutLineEnd(section []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(section, []byte("\n")), []byte("\r"))
}

// parsePart separates header and body of a part. A part need not have a header.
func parsePart(section []byte) (Part, error) {
	var p Part
	rest := section
	for count := 0; ; count++ {
		if len(rest) == 0 {
			return p, nil
		}
		if count > maxPartHeaders {
			return Part{}, fmt.Errorf("%w: too many header fields", ErrTooLarge)
		}
		var text []byte
		text, rest = line(rest)
		if len(text) == 0 {
			p.Body = rest
			return p, nil
		}
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
			var more []byte
			more, rest = line(rest)
			text = append(append(bytes.Clone(text), ' '), bytes.TrimSpace(more)...)
		}
		name, value, found := strings.Cut(string(text), ":")
		if !found {
			return Part{}, fmt.Errorf("%w: header field without colon", ErrMultipart)
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "Content-Type"), strings.EqualFold(name, "c"):
			p.ContentType = value
		case strings.EqualFold(name, "Content-Disposition"):
			p.Disposition = value
		default:
			p.Headers = append(p.Headers, Header{Name: name, Value: value})
		}
	}
}
