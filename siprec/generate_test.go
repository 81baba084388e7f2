package siprec_test

import (
	"strconv"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/siprec"
)

// base is when everything in the tests begins.
var base = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// idOf returns a stable identifier of a kind.
func idOf(kind, number int) siprec.ID {
	return siprec.NewID([16]byte{byte(kind), 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, byte(number >> 8), byte(number)})
}

const (
	kindGroup = iota + 1
	kindSession
	kindParticipant
	kindStream
)

var texts = rapid.SampledFrom([]string{"", "Alice", "田中 太郎", "😀", `<&>"'`, "a\tb", " x ", "]]>"})

func genTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "unknown") {
			return time.Time{}
		}
		return base.Add(time.Duration(rapid.IntRange(0, 5_000_000).Draw(t, "milliseconds")) * time.Millisecond)
	})
}

var genExtensions = rapid.SampledFrom([][]siprec.Extension{
	nil, nil, nil,
	{`<role xmlns="urn:example:x">host</role>`},
	{`<a xmlns="urn:example:x"><b k="v &amp; w">t</b><c xmlns="urn:example:y"/></a>`, `<d xmlns="urn:example:z"/>`},
})

// ids draws different identifiers of a kind.
func ids(kind, most int) *rapid.Generator[[]siprec.ID] {
	return rapid.Custom(func(t *rapid.T) []siprec.ID {
		numbers := rapid.SliceOfNDistinct(rapid.IntRange(0, most), 0, most, rapid.ID[int]).Draw(t, "ids")
		out := make([]siprec.ID, 0, len(numbers))
		for _, n := range numbers {
			out = append(out, idOf(kind, n))
		}
		return out
	})
}

// genRecording draws a document without duplicate keys, whose texts survive a reader
// that trims blanks.
func genRecording(mode siprec.DataMode) *rapid.Generator[siprec.Recording] {
	return rapid.Custom(func(t *rapid.T) siprec.Recording {
		r := siprec.Recording{Mode: mode, Extensions: genExtensions.Draw(t, "extensions")}
		for _, id := range ids(kindGroup, 2).Draw(t, "groups") {
			r.Groups = append(r.Groups, siprec.Group{ID: id, Associate: genTime().Draw(t, "time"), Extensions: genExtensions.Draw(t, "x")})
		}
		for _, id := range ids(kindSession, 2).Draw(t, "sessions") {
			s := siprec.Session{ID: id, Start: genTime().Draw(t, "start"), Stop: genTime().Draw(t, "stop"), Extensions: genExtensions.Draw(t, "x")}
			if rapid.Bool().Draw(t, "grouped") {
				s.Group = idOf(kindGroup, 1)
				s.SIPSessionIDs = []string{"ac76df7e368946c68f23aefdb48bfa08;remote=2f49d1149e62477e9829f26ae96807d6"}
				s.Reasons = []siprec.Reason{{Protocol: "Q.850", Cause: 16, Text: "Normal call clearing"}}
			}
			r.Sessions = append(r.Sessions, s)
		}
		for _, id := range ids(kindParticipant, 4).Draw(t, "participants") {
			p := siprec.Participant{ID: id, Names: []siprec.NameID{{AOR: "sip:a@example.com"}}}
			if rapid.Bool().Draw(t, "named") {
				p.Names = append(p.Names, siprec.NameID{AOR: "tel:+4930", Name: "n" + texts.Draw(t, "name") + "n", Lang: "de"})
			}
			r.Participants = append(r.Participants, p)
		}
		for i, id := range ids(kindStream, 4).Draw(t, "streams") {
			r.Streams = append(r.Streams, siprec.Stream{ID: id, Session: idOf(kindSession, 1), Label: strconv.Itoa(i + 1)})
		}
		genAssociations(t, &r)
		return r
	})
}

func genAssociations(t *rapid.T, r *siprec.Recording) {
	for _, id := range ids(kindSession, 2).Draw(t, "session recordings") {
		r.SessionRecordings = append(r.SessionRecordings, siprec.SessionRecording{Session: id, Associate: base})
	}
	for _, id := range ids(kindParticipant, 4).Draw(t, "participant sessions") {
		a := siprec.ParticipantSession{Participant: id, Session: idOf(kindSession, rapid.IntRange(0, 1).Draw(t, "session"))}
		a.Associate, a.Disassociate = genTime().Draw(t, "from"), genTime().Draw(t, "to")
		if rapid.Bool().Draw(t, "focus") {
			a.Params = []siprec.Param{{Name: "isfocus", Value: "true"}}
		}
		r.ParticipantSessions = append(r.ParticipantSessions, a)
	}
	for _, id := range ids(kindParticipant, 4).Draw(t, "participant streams") {
		r.ParticipantStreams = append(r.ParticipantStreams, siprec.ParticipantStream{
			Participant: id, Send: ids(kindStream, 3).Draw(t, "send"), Recv: ids(kindStream, 3).Draw(t, "recv"),
			Associate: genTime().Draw(t, "from"),
		})
	}
}
