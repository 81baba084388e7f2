package rtt

import (
	"unicode"
	"unicode/utf8"
)

const joiner = '\u200d'

// extends tells characters that are drawn together with the one before: marks, variation selectors, the tones of skin.
func extends(r rune) bool {
	return unicode.Is(unicode.M, r) || r == joiner || r >= 0x1F3FB && r <= 0x1F3FF || r >= 0xE0020 && r <= 0xE007F
}

func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// cluster is the size in octets of what stands at the beginning of text as one sign: a character with its marks, an emoji with its
// modifiers, a flag. It is never more than longestCluster octets. The text is UTF-8.
func cluster(text string) int {
	first, n := utf8.DecodeRuneInString(text)
	if first == '\r' && n < len(text) && text[n] == '\n' {
		return n + 1
	}
	flag, joined := regional(first), false
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		switch {
		case n+size > longestCluster:
			return n
		case joined || first >= ' ' && extends(r):
			joined = r == joiner
		case flag && regional(r):
			flag = false
		default:
			return n
		}
		n += size
	}
	return n
}

const longestCluster = 128

// split gives the size of a part of text that has at most so many characters and octets, and ends between signs. It has at least one sign,
// or as much of it as fits into the octets.
func split(text string, characters, octets int) int {
	n, count := 0, 0
	for n < len(text) {
		size := cluster(text[n:])
		count += utf8.RuneCountInString(text[n : n+size])
		if n > 0 && (count > characters || n+size > octets) {
			return n
		}
		n += size
	}
	return n
}
