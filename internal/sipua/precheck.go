package sipua

import (
	"bytes"
	"strconv"
	"strings"
)

// verdict is what precheck says about a message as it came from the network.
type verdict int

const (
	pass   verdict = iota // may be parsed
	drop                  // is thrown away without a word
	reject                // is answered without being parsed
)

// rawMessage is a message whose parts have been found but not parsed.
type rawMessage struct {
	start    []byte   // start line
	fields   [][]byte // header fields, unfolded
	body     []byte
	complete bool // there is an empty line behind the header fields
}

// splitMessage finds the parts of a message.
func splitMessage(data []byte) rawMessage {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	message := rawMessage{complete: end >= 0}
	if message.complete {
		message.body = data[end+4:]
	} else {
		data = bytes.TrimRight(data, "\r\n")
		end = len(data)
	}
	for i, line := range bytes.Split(data[:end], []byte("\r\n")) {
		switch {
		case i == 0:
			message.start = line
		case len(line) > 0 && (line[0] == ' ' || line[0] == '\t') && len(message.fields) > 0:
			last := len(message.fields) - 1
			unfolded := append(bytes.Clone(bytes.TrimRight(message.fields[last], " \t")), ' ')
			message.fields[last] = append(unfolded, bytes.TrimSpace(line)...)
		default:
			message.fields = append(message.fields, line)
		}
	}
	return message
}

// values returns the raw values of a header field by its long name.
func (m rawMessage) values(name string) []string {
	var values []string
	for _, field := range m.fields {
		key, value, ok := bytes.Cut(field, []byte{':'})
		if ok && strings.EqualFold(canonicalName(string(bytes.TrimSpace(key))), name) {
			values = append(values, string(bytes.TrimSpace(value)))
		}
	}
	return values
}

// precheck looks at a message before anything is allocated for it: whether it
// is within the limits, and whether the parser, which throws malformed messages
// away, will understand it. A malformed request deserves a 400 (RFC 3261, section
// 21.4.1). stream tells that the length of the body is known to be right.
func precheck(data []byte, limits Limits, stream bool) (verdict, int) {
	head, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	if len(head)+len("\r\n\r\n") > limits.MaxMessageSize {
		return drop, 0
	}
	if bytes.Count(head, []byte{'\n'}) > limits.MaxHeaders || bytes.Count(head, []byte{';'}) > limits.MaxParams {
		return drop, 0
	}
	message := splitMessage(data)
	large := len(data) > limits.MaxMessageSize // its body is
	if bytes.HasPrefix(message.start, []byte("SIP/")) {
		if large || !message.wellFormed(stream) {
			return drop, 0
		}
		return pass, 0
	}
	if !bytes.Contains(bytes.ToUpper(message.start), []byte("SIP/")) {
		return drop, 0
	}
	if status := checkRequestLine(string(message.start)); status != 0 {
		return reject, status
	}
	switch {
	case large:
		return reject, 413 // RFC 3261, section 21.4.11
	case !message.wellFormed(stream):
		return reject, 400
	}
	return pass, 0
}

// checkRequestLine returns 0 for a request line that the parser understands, or
// the status to refuse it with.
func checkRequestLine(line string) int {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || parts[0] == "" || !isAll(parts[0], isMethodChar) || !strings.HasPrefix(parts[2], "SIP/") {
		return 400
	}
	uri, err := ParseURI(parts[1])
	switch {
	case err != nil:
		return 400
	case !isAll(uri.Scheme, isLetter):
		return 416
	case uri.Headers != "" && !strings.Contains(uri.Headers, "="):
		return 400
	}
	return 0
}

// wellFormed checks line ends, header fields and the length of the body.
func (m rawMessage) wellFormed(stream bool) bool {
	if !m.complete || !cleanLine(m.start) {
		return false
	}
	for _, field := range m.fields {
		name, _, ok := bytes.Cut(field, []byte{':'})
		name = bytes.TrimRight(name, " \t")
		if !ok || len(name) == 0 || !isAll(string(name), isMethodChar) || !cleanLine(field) {
			return false
		}
	}
	lengths := m.values("Content-Length")
	if stream || len(lengths) == 0 {
		return true
	}
	if len(lengths) > 1 {
		return false
	}
	length, err := strconv.ParseUint(lengths[0], 10, 31)
	// Bytes after the body of a datagram are ignored (RFC 3261, section 18.3).
	return err == nil && int(length) <= len(m.body)
}

// cleanLine refuses what could be taken for the end of a line.
func cleanLine(line []byte) bool {
	return bytes.IndexByte(line, '\r') < 0 && bytes.IndexByte(line, '\n') < 0
}

// isMethodChar tells the characters of a token (RFC 3261, section 25.1).
func isMethodChar(c byte) bool {
	return isTokenChar(c) && c != '[' && c != ']' && c != ':'
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// rawResponse renders a response to a request that cannot be parsed, from
// the raw fields that a response repeats (RFC 3261, section 8.2.6). It returns nil
// when there is nobody to answer: no Via, an ACK, or a response.
func rawResponse(data []byte, status int, tag string) []byte {
	message := splitMessage(data)
	method, _, _ := bytes.Cut(message.start, []byte{' '})
	via := message.values("Via")
	if len(via) == 0 || string(method) == "ACK" || bytes.HasPrefix(method, []byte("SIP/")) {
		return nil
	}
	var b bytes.Buffer
	b.WriteString("SIP/2.0 " + strconv.Itoa(status) + " " + ReasonPhrase(status) + "\r\n")
	field := func(name, value string) {
		if value != "" && cleanLine([]byte(value)) {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	for _, value := range via {
		field("Via", value)
	}
	first := func(name string) string {
		return strings.Join(message.values(name)[:min(1, len(message.values(name)))], "")
	}
	field("From", first("From"))
	to := first("To")
	if to != "" && !strings.Contains(strings.ToLower(to), ";tag=") {
		to += ";tag=" + tag
	}
	field("To", to)
	field("Call-ID", first("Call-ID"))
	field("CSeq", first("CSeq"))
	field("Content-Length", "0")
	b.WriteString("\r\n")
	return b.Bytes()
}
