package config

import "strings"

// unknown says that there is no such key, which one was meant if one is like it, and which there are.
func (r *reader) unknown(key, name string, accepted []string) {
	if meant := nearest(name, accepted); meant != "" {
		r.fail(key, "unknown key, did you mean %s? Accepted here: %s", meant, strings.Join(accepted, ", "))
		return
	}
	r.fail(key, "unknown key; accepted here: %s", strings.Join(accepted, ", "))
}

// slips is how many letters in one word may be wrong for another to be meant: one in three.
const slips = 3

// nearest is the word that was meant; empty if none is like it.
func nearest(word string, words []string) string {
	best, least := "", len(word)/slips+1
	for _, w := range words {
		if d := distance(strings.ToLower(word), w); d < least || d == least && best == "" {
			best, least = w, d
		}
	}
	return best
}

// distance is how many letters have to be put in, taken out or changed, or neighbours to change places, to make b of a.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		now := make([]int, len(b)+1)
		now[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			now[j+1] = min(last[j+1]+1, now[j]+1, change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}
