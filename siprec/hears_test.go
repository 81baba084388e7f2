package siprec_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// crowd is a roster of so many participants with a stream each, beside a mixed one.
func crowd(n int) siprec.Roster {
	r := siprec.Roster{Session: idOf(kindSession, 1), Started: base, Streams: []siprec.RosterStream{{ID: idOf(kindStream, 5000), Label: "5000"}}}
	for i := range n {
		r.Participants = append(r.Participants, siprec.RosterParticipant{
			ID: idOf(kindParticipant, i), Names: []siprec.NameID{{AOR: fmt.Sprintf("sip:%d@example.com", i)}}, Joined: base,
		})
		r.Streams = append(r.Streams, siprec.RosterStream{ID: idOf(kindStream, i), Label: strconv.Itoa(i + 1), Participant: idOf(kindParticipant, i)})
	}
	return r
}

// What a document says in brief it says in full: who is deafened, on hold, muted, or in a stream with some only has what he has, and who hears all but his own
// has one element. The strict schema takes both. Of few streams each is listed.
//
// Shows SR-PTA-01, SR-PTA-03, SR-PTA-08, SR-XML-11, SR-XML-13.
func TestHearsInBrief(t *testing.T) {
	for _, n := range []int{3, 20} {
		r := crowd(n)
		r.Participants[0].Muted = true
		r.Participants[1].Deafened = true
		r.Participants[2].Held = true
		if n > 3 {
			shared := siprec.RosterStream{ID: idOf(kindStream, 6000), Label: "6000", Shared: true}
			r.Streams = append(r.Streams, shared)
			r.Participants[4].Left = base.Add(time.Minute)
			r.Streams[5].Rest = true
		}
		full := siprec.Document(r)
		r.Brief = true
		brief := siprec.Document(r)
		got := brief.Expand()
		for i := range full.ParticipantStreams {
			a, b := full.ParticipantStreams[i], got.ParticipantStreams[i]
			if n > 3 { // what has ended is in the document
				b.Recv = slices.DeleteFunc(slices.Clone(b.Recv), func(id siprec.ID) bool { return id == idOf(kindStream, 4) })
			}
			slices.Sort(a.Recv)
			slices.Sort(b.Recv)
			if a.Participant != b.Participant || !slices.Equal(a.Send, b.Send) || !slices.Equal(a.Recv, b.Recv) || len(b.Extensions) > 0 {
				t.Errorf("%d: %+v in brief %+v", n, a, b)
			}
		}
		listed := 0
		for _, a := range brief.ParticipantStreams {
			listed = max(listed, len(a.Recv))
		}
		if n == 3 && listed != 3 || n > 3 && listed > 1 {
			t.Errorf("%d: %d streams are listed", n, listed)
		}
		data := siprec.Marshal(brief, "")
		parsed, err := siprec.Unmarshal(data)
		if err != nil || !siprec.Equal(parsed.Expand(), got) {
			t.Errorf("%d: %v", n, err)
		}
		lint(t, [][]byte{data, siprec.Marshal(got, "")})
	}
	r := crowd(20)
	for i := range r.Streams[1:] {
		r.Streams[1+i].Members = []siprec.ID{idOf(kindParticipant, i), idOf(kindParticipant, 7)} // whispered to one
	}
	r.Brief = true
	for i, a := range siprec.Document(r).ParticipantStreams {
		if brief := len(a.Extensions) > 0; brief != (i == 7) || !brief && len(a.Recv) != 1 {
			t.Errorf("%d: %+v", i, a)
		}
	}
}

// Who joins changes nothing of the others in a partial document: each of them is in a full one again, with one stream more.
//
// Shows SR-MET-17.
func TestJoinInBrief(t *testing.T) {
	sizes := map[bool]int{}
	for _, brief := range []bool{false, true} {
		w, err := newWorld(t.Fatalf, siprec.Config{Profile: siprec.Profile{BriefRecv: brief}}, "separate")
		if err != nil {
			t.Fatal(err)
		}
		tell := func(n int) {
			r := crowd(n)
			d := siprec.Desire{Roster: r}
			for i, s := range r.Streams[1:] {
				d.Streams = append(d.Streams, siprec.StreamWish{Key: s.Label, ID: s.ID, Participant: s.Participant, Port: uint16(10000 + 2*i)})
			}
			w.step(d)
			for w.advance(time.Second); w.open != 0; w.advance(time.Second) {
				w.respond(200)
			}
		}
		tell(30)
		tell(31)
		last := w.documents[len(w.documents)-1]
		sizes[brief] = len(last)
		d, err := siprec.Unmarshal(last)
		if err != nil || d.Mode != siprec.Partial || brief != (len(d.ParticipantStreams) == 1) {
			t.Errorf("brief %t: %v, %d associations", brief, err, len(d.ParticipantStreams))
		}
		if got, want := w.known.Expand(), siprec.Document(crowd(31)); brief && len(got.ParticipantStreams[0].Recv) != len(want.ParticipantStreams[0].Recv)-1 { // without the mixed one
			t.Errorf("the first hears %d streams", len(got.ParticipantStreams[0].Recv))
		}
		lint(t, w.documents)
	}
	if sizes[true]*10 > sizes[false] {
		t.Errorf("%d octets in brief, %d in full", sizes[true], sizes[false])
	}
}

// BenchmarkLargeDocument makes the complete document of 500 participants with a stream each, and says how many octets it has.
func BenchmarkLargeDocument(b *testing.B) {
	for _, brief := range []bool{false, true} {
		b.Run(fmt.Sprintf("brief=%t", brief), func(b *testing.B) {
			r := crowd(500)
			r.Streams, r.Brief = r.Streams[1:], brief
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				size = len(siprec.Marshal(siprec.Document(r), ""))
			}
			b.ReportMetric(float64(size), "octets")
		})
	}
}
