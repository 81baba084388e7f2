package siprec

import (
	"cmp"
	"slices"
)

// pairKey is the key of an element: its ID, or the two it ties together.
type pairKey struct{ first, second ID }

func (k pairKey) compare(other pairKey) int {
	return cmp.Or(cmp.Compare(k.first, other.first), cmp.Compare(k.second, other.second))
}

// element is what every kind of element of a document can do.
type element[T any] interface {
	key() pairKey
	equal(other T) bool
}

func (g Group) key() pairKey              { return pairKey{first: g.ID} }
func (s Session) key() pairKey            { return pairKey{first: s.ID} }
func (p Participant) key() pairKey        { return pairKey{first: p.ID} }
func (s Stream) key() pairKey             { return pairKey{first: s.ID} }
func (a SessionRecording) key() pairKey   { return pairKey{first: a.Session} }
func (a ParticipantSession) key() pairKey { return pairKey{a.Participant, a.Session} }
func (a ParticipantStream) key() pairKey  { return pairKey{first: a.Participant} }

func (g Group) equal(o Group) bool {
	return g.ID == o.ID && g.Associate.Equal(o.Associate) && g.Disassociate.Equal(o.Disassociate) &&
		slices.Equal(g.Extensions, o.Extensions)
}

func (s Session) equal(o Session) bool {
	return s.ID == o.ID && s.Group == o.Group && s.Start.Equal(o.Start) && s.Stop.Equal(o.Stop) &&
		slices.Equal(s.SIPSessionIDs, o.SIPSessionIDs) && slices.Equal(s.Reasons, o.Reasons) &&
		slices.Equal(s.Extensions, o.Extensions)
}

func (p Participant) equal(o Participant) bool {
	return p.ID == o.ID && slices.Equal(p.Names, o.Names) && slices.Equal(p.Extensions, o.Extensions)
}

func (s Stream) equal(o Stream) bool {
	return s.ID == o.ID && s.Session == o.Session && s.Label == o.Label && slices.Equal(s.Extensions, o.Extensions)
}

func (a SessionRecording) equal(o SessionRecording) bool {
	return a.Session == o.Session && a.Associate.Equal(o.Associate) && a.Disassociate.Equal(o.Disassociate) &&
		slices.Equal(a.Extensions, o.Extensions)
}

func (a ParticipantSession) equal(o ParticipantSession) bool {
	return a.Participant == o.Participant && a.Session == o.Session && a.Associate.Equal(o.Associate) &&
		a.Disassociate.Equal(o.Disassociate) && slices.Equal(a.Params, o.Params) &&
		slices.Equal(a.Extensions, o.Extensions)
}

func (a ParticipantStream) equal(o ParticipantStream) bool {
	return a.Participant == o.Participant && slices.Equal(a.Send, o.Send) && slices.Equal(a.Recv, o.Recv) &&
		a.Associate.Equal(o.Associate) && a.Disassociate.Equal(o.Disassociate) &&
		slices.Equal(a.Extensions, o.Extensions)
}

// Equal tells whether two documents say the same: data mode and elements, in any order
// of elements of one kind.
func Equal(a, b Recording) bool {
	return a.Mode == b.Mode && sameElements(a.Groups, b.Groups) && sameElements(a.Sessions, b.Sessions) &&
		sameElements(a.Participants, b.Participants) && sameElements(a.Streams, b.Streams) &&
		sameElements(a.SessionRecordings, b.SessionRecordings) &&
		sameElements(a.ParticipantSessions, b.ParticipantSessions) &&
		sameElements(a.ParticipantStreams, b.ParticipantStreams) && slices.Equal(a.Extensions, b.Extensions)
}

// IsEmpty tells whether the document holds nothing but its data mode.
func (r Recording) IsEmpty() bool {
	return Equal(r, Recording{Mode: r.Mode})
}

// HasLabels tells whether the document has stream labels, so that it may travel only
// with an offer (RFC 7866, section 9.1).
func (r Recording) HasLabels() bool {
	return slices.ContainsFunc(r.Streams, func(s Stream) bool { return s.Label != "" })
}

func sameElements[T element[T]](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	byKey := func(x, y T) int { return x.key().compare(y.key()) }
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortStableFunc(a, byKey)
	slices.SortStableFunc(b, byKey)
	return slices.EqualFunc(a, b, T.equal)
}
