package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// harmless shows what a terminal would obey. Names and reasons come from whoever calls: control characters could move the cursor, hide lines
// or set what is typed next, and direction overrides (Unicode, UAX #9) could have a line read otherwise than it is.
func harmless(text string) string { return replace(text, obeyed) }

// harmlessLines is harmless, but for the ends of lines.
func harmlessLines(text string) string {
	return replace(text, func(r rune) bool { return r != '\n' && obeyed(r) })
}

// harmlessJSON is the same value in JSON. The encoder has escaped what is below a blank.
func harmlessJSON(text json.RawMessage) string { return harmlessLines(string(text)) }

func obeyed(r rune) bool {
	return unicode.IsControl(r) || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// replace writes each rune that bad holds for as an escape, which is also one of JSON.
func replace(text string, bad func(rune) bool) string {
	if strings.IndexFunc(text, bad) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if bad(r) {
			_, _ = fmt.Fprintf(&out, `\u%04x`, r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
