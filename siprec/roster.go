package siprec

import "time"

// Roster is the neutral view of a communication session from which its metadata
// document is made. Its order is the order of the document: whoever shall be taken for
// the caller stands first, the focus last.
type Roster struct {
	Session         ID
	Group           ID        // empty: the session is in no group
	GroupStarted    time.Time // when the group was formed
	GroupEnded      time.Time // zero: it lives
	Started         time.Time // when the session began
	Ended           time.Time // zero: it lives
	Reasons         []Reason  // why it ended
	RecordedSince   time.Time // when the session came into the recording session
	RecordedUntil   time.Time // when it left it; zero: still in it
	Participants    []RosterParticipant
	Streams         []RosterStream
	SessionElements []Extension
	Brief           bool // who receives many streams, and all but his own, has one element that says so, not a recv for each
}

// RosterParticipant is one participant of a [Roster], present or gone. Someone who
// left stays listed with Left set at least until a document with that time has been
// acknowledged; someone who came back has a new Joined and no Left.
type RosterParticipant struct {
	ID           ID
	Names        []NameID
	SIPSessionID string // RFC 7989 pair; empty: unknown
	Joined       time.Time
	Left         time.Time // zero: present
	Focus        bool      // the focus itself; profiles may leave it out
	Muted        bool      // feeds no stream
	Deafened     bool      // hears no stream
	Held         bool      // neither feeds nor hears
	Writes       bool      // feeds streams of text
	Reads        bool      // gets those of the others
	Through      ID        // the participant in whose stream he is, behind another focus; empty: none
	Params       []Param
	Extensions   []Extension
}

// RosterStream is one recorded stream of a [Roster].
type RosterStream struct {
	ID          ID
	Label       string
	Participant ID   // whose audio it is; empty: mixed, everybody's
	Members     []ID // who can feed or hear it; nil: everybody (sidebars name theirs)
	Senders     []ID // of a mixed one: who can feed it; nil: everybody
	Text        bool // it is real-time text, not audio
	Shared      bool // it is of several sessions, and so of none
	Rest        bool // what was captured of it is on its way, and nobody feeds it any more
}
