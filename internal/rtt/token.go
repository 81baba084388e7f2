package rtt

import (
	"strings"
	"unicode/utf8"
)

// kind is what a part of T.140 text does on a screen (RFC 9071, section 4.2.4).
type kind uint8

const (
	character kind = iota
	newline
	backspace
	graphic // select graphic rendition
	control // no sign of its own
)

// token is one such part.
type token struct {
	kind kind
	text string
}

const (
	lineSeparator = "\u2028"
	csi           = "\u009b"
	startString   = "\u0098"
	endString     = "\u009c"
	resetGraphic  = csi + "0m"
	maxControl    = 256 + 4 // octets of a control string
)

// scan takes the first token off text. It reports false if the text ends within it, and more may come.
func scan(text string) (token, string, bool) {
	r, size := utf8.DecodeRuneInString(text)
	switch r {
	case '\r':
		switch {
		case len(text) == size:
			return token{}, text, false
		case text[size] == '\n':
			return token{newline, text[:size+1]}, text[size+1:], true
		}
		return token{newline, text[:size]}, text[size:], true
	case '\n', '\u2028', '\u2029':
		return token{newline, text[:size]}, text[size:], true
	case '\b':
		return token{backspace, text[:size]}, text[size:], true
	case '\u009b':
		return sequence(text, size)
	case '\u0098':
		if i := strings.Index(text, endString); i >= 0 {
			return token{control, text[:i+len(endString)]}, text[i+len(endString):], true
		}
		if len(text) <= maxControl {
			return token{}, text, false
		}
		return token{control, ""}, text[size:], true
	case 0x1b:
		if len(text) == size {
			return token{}, text, false
		}
		_, next := utf8.DecodeRuneInString(text[size:])
		return token{control, text[:size+next]}, text[size+next:], true
	case bom:
		return token{control, ""}, text[size:], true
	}
	if r < ' ' || r >= 0x7f && r < 0xa0 {
		return token{control, text[:size]}, text[size:], true
	}
	n := cluster(text)
	return token{character, text[:n]}, text[n:], true
}

// sequence reads a control sequence (ISO 6429, section 5.4): parameters, and a final byte.
func sequence(text string, size int) (token, string, bool) {
	for i := size; i < len(text) && i < maxControl; i++ {
		switch c := text[i]; {
		case c == 'm':
			return token{graphic, text[:i+1]}, text[i+1:], true
		case c >= 0x40 && c <= 0x7e:
			return token{control, text[:i+1]}, text[i+1:], true
		case c < 0x20 || c >= 0x80:
			return token{control, ""}, text[i:], true // broken off
		}
	}
	if len(text) < maxControl {
		return token{}, text, false
	}
	return token{control, ""}, text[size:], true
}

// resets tells a sequence that takes all renditions back.
func resets(sequence string) bool {
	return strings.Trim(strings.TrimSuffix(strings.TrimPrefix(sequence, csi), "m"), "0") == ""
}
