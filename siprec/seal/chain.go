package seal

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// Link is the place of a manifest among those of one session with a recorder (one dialog), in the order in which they were sealed.
type Link struct {
	Number   int    `json:"number"`             // counted from 1
	Previous string `json:"previous,omitempty"` // [HashOf] the sealed manifest before it; empty: it is the first
	// Last tells that the session has ended and that none follows: there are as many as its number. It is of no recording, and has neither
	// streams nor documents.
	Last bool `json:"last,omitempty"`
}

// Linked is a manifest with its place, as it was found.
type Linked struct {
	Link *Link  // nil: it has none
	Hash string // as [HashOf] gives it
}

// NewLinked gives the place of a manifest whose seal has been verified.
func NewLinked(sealed []byte, m *Manifest) Linked {
	return Linked{Link: m.Chain, Hash: HashOf(bytes.TrimSpace(sealed))}
}

// Break is a place where the manifests of a session do not follow each other.
type Break struct {
	At      int  // index of the manifest at which it was found
	Missing bool // manifests are not there; else those that are there are not those of one session
	Text    string
}

// Breaks tells what is missing among the manifests of a session, or does not belong there, in whatever order they are. Of a session that is over
// the last one is missed, too. Where none has a place nothing is known.
func Breaks(list []Linked, over bool) (found []Break) {
	var order []int
	for i := range list {
		if list[i].Link != nil {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		return nil
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(list[a].Link.Number, list[b].Link.Number) })
	for i := range list {
		if list[i].Link == nil {
			found = append(found, Break{At: i, Text: "it has no place among the manifests of the session"})
		}
	}
	before := Linked{Link: &Link{}}
	for _, i := range order {
		if text, missing := list[i].follows(&before); text != "" {
			found = append(found, Break{At: i, Missing: missing, Text: text})
		}
		before = list[i]
	}
	if over && !before.Link.Last {
		found = append(found, Break{
			At: order[len(order)-1], Missing: true, Text: fmt.Sprintf("the session has ended without its last manifest: what came after number %d may be missing", before.Link.Number),
		})
	}
	return found
}

// follows tells what is wrong with one behind another; empty: nothing.
func (l *Linked) follows(before *Linked) (text string, missing bool) {
	number, next := l.Link.Number, before.Link.Number+1
	switch {
	case number < next && l.Hash == before.Hash: // the same one twice
		return "", false
	case number < next:
		return fmt.Sprintf("it is not the only number %d", number), false
	case before.Link.Last:
		return fmt.Sprintf("it comes after the last one, number %d", before.Link.Number), false
	case number == next+1:
		return fmt.Sprintf("manifest number %d is missing", next), true
	case number > next:
		return fmt.Sprintf("the manifests number %d to %d are missing", next, number-1), true
	case l.Link.Previous != before.Hash:
		return "it was sealed behind another one than that before it", false
	}
	return "", false
}
