package confevent

import (
	"strings"
	"time"
	"unicode/utf8"
)

// whenLayout is a time in UTC; milliseconds are what RFC 4575's readers expect at most.
const whenLayout = "2006-01-02T15:04:05.000Z"

// safeText makes s a text that XML 1.0 can hold and that a reader gets back the
// same: octets that are not UTF-8 and characters that XML forbids, which no
// escape can carry, become U+FFFD, and line ends and tabs a space.
func safeText(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case xmlChar(r):
			b.WriteRune(r)
		default:
			b.WriteRune(utf8.RuneError)
		}
	}

	return strings.Trim(b.String(), " ")
}

// clean reports whether safeText has nothing to do: most names are plain.
func clean(s string) bool {
	if s != "" && (s[0] == ' ' || s[len(s)-1] == ' ') {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return c >= 0x20 && cleanRunes(s)
		}
	}

	return true
}

func cleanRunes(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 || !xmlChar(r) {
			return false
		}
	}

	return true
}

// xmlChar is the production Char of XML 1.0, section 2.2, without the C1 controls,
// which it allows but discourages and which terminals obey.
func xmlChar(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	case r >= 0x7f && r <= 0x9f:
		return false
	case r >= 0xd800 && r <= 0xdfff, r == 0xfffe, r == 0xffff:
		return false
	}

	return r <= utf8.MaxRune
}

// safeWhen drops what xs:dateTime in UTC cannot say, and what is below a millisecond.
func safeWhen(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	t = t.UTC().Truncate(time.Millisecond)
	if y := t.Year(); y < 1 || y > 9999 || t.IsZero() {
		return time.Time{}
	}

	return t
}

// words splits texts into what an xs:list can hold.
func words(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, strings.Fields(safeText(s))...)
	}
	if len(out) == 0 {
		return nil
	}

	return out
}

// languages keeps what is an xs:language: [a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*.
func languages(list []string) []string {
	var out []string
	for _, s := range words(list) {
		if isLanguage(s) {
			out = append(out, s)
		}
	}

	return out
}

func isLanguage(s string) bool {
	for i, part := range strings.Split(s, "-") {
		if part == "" || len(part) > 8 {
			return false
		}
		for _, c := range []byte(part) {
			if !isAlpha(c) && (i == 0 || !isDigit(c)) {
				return false
			}
		}
	}

	return true
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
