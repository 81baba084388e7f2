package siprec

import (
	"bytes"
	"hash/fnv"
	"strconv"
	"strings"
)

// Media types beside those of the metadata.
const (
	sdpType       = "application/sdp"
	multipartType = "multipart/mixed"
)

// Part is one part of a multipart body.
type Part struct {
	ContentType string   // empty: none given
	Disposition string   // Content-Disposition; empty: none given
	Headers     []Header // further header fields
	Body        []byte
}

// Is reports whether the part is of this media type, which is in lower case and without parameters.
func (p Part) Is(media string) bool { return mediaType(p.ContentType) == media }

// Use is the disposition type (RFC 3261, section 20.11), such as `session` or `by-reference`; empty: none given.
func (p Part) Use() string {
	use, _, _ := strings.Cut(p.Disposition, ";")
	return strings.TrimSpace(use)
}

// Handling is what who does not understand the part shall do: `required` or `optional`; empty: it does not say.
func (p Part) Handling() string { return strings.ToLower(parameter(p.Disposition, "handling")) }

// BuildMultipart returns the Content-Type and the body of a multipart/mixed message
// (RFC 2046, section 5.1). The boundary is derived from the parts, occurs in none of
// them and needs no quotes, since parsers in the field fail on quoted ones; the result
// depends on nothing else. Lines end in CRLF, header fields have one blank after the
// colon, there is no preamble.
func BuildMultipart(parts []Part) (contentType string, body []byte) {
	boundary := boundaryFor(parts)
	var out bytes.Buffer
	for _, p := range parts {
		out.WriteString("--" + boundary + "\r\n")
		writeHeader(&out, "Content-Type", p.ContentType)
		writeHeader(&out, "Content-Disposition", p.Disposition)
		for _, h := range p.Headers {
			writeHeader(&out, h.Name, h.Value)
		}
		out.WriteString("\r\n")
		out.Write(p.Body)
		out.WriteString("\r\n")
	}
	out.WriteString("--" + boundary + "--\r\n")
	return multipartType + ";boundary=" + boundary, out.Bytes()
}

// writeHeader writes a header field. A line break in a value would end the header, so
// it becomes a blank.
func writeHeader(out *bytes.Buffer, name, value string) {
	if value == "" {
		return
	}
	value = strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' {
			return ' '
		}
		return r
	}, value)
	out.WriteString(name + ": " + value + "\r\n")
}

// boundaryFor returns a boundary that no part contains.
func boundaryFor(parts []Part) string {
	digest := fnv.New64a()
	for _, p := range parts {
		_, _ = digest.Write(p.Body) // a hash returns no error
	}
	for sum := digest.Sum64(); ; sum++ {
		boundary := "parley" + strconv.FormatUint(sum, 36)
		taken := false
		for _, p := range parts {
			taken = taken || bytes.Contains(p.Body, []byte(boundary))
		}
		if !taken {
			return boundary
		}
	}
}
