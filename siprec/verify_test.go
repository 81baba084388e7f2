package siprec_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// valid returns a complete document without fault and the labels of its SDP.
func valid() (siprec.Recording, []string) {
	return siprec.Document(siprec.Roster{
		Session: idOf(kindSession, 1), Group: idOf(kindGroup, 1), GroupStarted: base, Started: base,
		Participants: []siprec.RosterParticipant{
			{ID: idOf(kindParticipant, 1), Names: []siprec.NameID{{AOR: "sip:alice@example.com"}}, Joined: base},
			{ID: idOf(kindParticipant, 2), Names: []siprec.NameID{{AOR: "tel:+4930123"}}, Joined: base},
		},
		Streams: []siprec.RosterStream{
			{ID: idOf(kindStream, 1), Label: "1", Participant: idOf(kindParticipant, 1)},
			{ID: idOf(kindStream, 2), Label: "2", Participant: idOf(kindParticipant, 2)},
		},
	}), []string{"1", "2"}
}

func TestVerify(t *testing.T) {
	for _, test := range []struct {
		name   string
		break_ func(r *siprec.Recording, labels *[]string) //nolint:revive // break is a keyword
		want   []siprec.IssueKind
	}{
		{"nothing", func(*siprec.Recording, *[]string) {}, nil},
		// SR-XML-12
		{"id is no UUID", func(r *siprec.Recording, _ *[]string) { r.Groups[0].ID, r.Sessions[0].Group = "x", "x" }, []siprec.IssueKind{siprec.IssueBadID}},
		// SR-XML-14
		{"one id for two kinds", func(r *siprec.Recording, _ *[]string) { r.Groups[0].ID, r.Sessions[0].Group = r.Sessions[0].ID, "" }, []siprec.IssueKind{siprec.IssueEmptyGroup, siprec.IssueSharedID}},
		{"participant twice", func(r *siprec.Recording, _ *[]string) { r.Participants = append(r.Participants, r.Participants[0]) }, []siprec.IssueKind{siprec.IssueDuplicateID}},
		// SR-PSA-01
		{"association twice", func(r *siprec.Recording, _ *[]string) {
			r.ParticipantSessions = append(r.ParticipantSessions, r.ParticipantSessions[0])
		}, []siprec.IssueKind{siprec.IssueDuplicateAssociation}},
		{"association with the recording twice", func(r *siprec.Recording, _ *[]string) {
			r.SessionRecordings = append(r.SessionRecordings, r.SessionRecordings[0])
		}, []siprec.IssueKind{siprec.IssueDuplicateAssociation}},
		{"association with streams twice", func(r *siprec.Recording, _ *[]string) {
			r.ParticipantStreams = append(r.ParticipantStreams, r.ParticipantStreams[0])
		}, []siprec.IssueKind{siprec.IssueDuplicateAssociation}},
		// SR-PT-01, SR-PT-05
		{"no name", func(r *siprec.Recording, _ *[]string) { r.Participants[0].Names = nil }, []siprec.IssueKind{siprec.IssueMissingName}},
		{"AOR in brackets", func(r *siprec.Recording, _ *[]string) { r.Participants[0].Names = []siprec.NameID{{AOR: "<sip:a@b>"}} }, []siprec.IssueKind{siprec.IssueBadAOR}},
		// SR-XML-16
		{"no time", func(r *siprec.Recording, _ *[]string) { r.ParticipantStreams[0].Associate = time.Time{} }, []siprec.IssueKind{siprec.IssueMissingTime}},
		{"end before beginning", func(r *siprec.Recording, _ *[]string) { r.Sessions[0].Stop = base.Add(-1) }, []siprec.IssueKind{siprec.IssueTimeOrder}},
		{"stream of nothing", func(r *siprec.Recording, _ *[]string) {
			r.ParticipantStreams[0].Send = []siprec.ID{idOf(kindStream, 9)}
		}, []siprec.IssueKind{siprec.IssueDangling}},
		{"dangling in a partial document", func(r *siprec.Recording, _ *[]string) {
			r.Mode = siprec.Partial
			r.ParticipantStreams[0].Send = []siprec.ID{idOf(kindStream, 9)}
		}, nil},
		// SR-GRP-05
		{"empty group", func(r *siprec.Recording, _ *[]string) { r.Sessions[0].Group = "" }, []siprec.IssueKind{siprec.IssueEmptyGroup}},
		{"a group whose sessions are in an earlier document", func(r *siprec.Recording, _ *[]string) {
			r.Mode, r.Sessions[0].Group = siprec.Partial, ""
		}, nil},
		{"streams whose lines are in an earlier description", func(r *siprec.Recording, _ *[]string) { r.Mode, r.Streams[0].Label = siprec.Partial, "" }, nil},
		// SR-SDP-04, SR-SDP-05, SR-SDP-06
		{"label of no line", func(_ *siprec.Recording, l *[]string) { *l = []string{"1"} }, []siprec.IssueKind{siprec.IssueUnknownLabel}},
		{"line of no stream", func(_ *siprec.Recording, l *[]string) { *l = []string{"1", "2", "3"} }, []siprec.IssueKind{siprec.IssueOrphanLabel}},
		{"line without label", func(_ *siprec.Recording, l *[]string) { *l = []string{"1", "2", ""} }, []siprec.IssueKind{siprec.IssueMissingLabel}},
		{"two lines of one label", func(_ *siprec.Recording, l *[]string) { *l = []string{"1", "2", "2"} }, []siprec.IssueKind{siprec.IssueDuplicateLabel}},
		{"label is no token", func(r *siprec.Recording, l *[]string) { r.Streams[0].Label, *l = "a b", []string{"a b", "2"} }, []siprec.IssueKind{siprec.IssueBadLabel, siprec.IssueBadLabel}},
		{"stream without label", func(r *siprec.Recording, l *[]string) { r.Streams[0].Label, *l = "", []string{"2"} }, []siprec.IssueKind{siprec.IssueMissingLabel}},
		// SR-MET-10
		{"labels without SDP", func(_ *siprec.Recording, l *[]string) { *l = nil }, []siprec.IssueKind{siprec.IssueLabelWithoutSDP, siprec.IssueLabelWithoutSDP}},
	} {
		r, labels := valid()
		test.break_(&r, &labels)
		issues := siprec.Verify(r, labels)
		got := make([]siprec.IssueKind, 0, len(issues))
		for _, issue := range issues {
			got = append(got, issue.Kind)
			if issue.String() == "" {
				t.Errorf("%s: no text", test.name)
			}
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// A label is a token (RFC 8866, section 9).
//
// Shows SR-SDP-04.
func TestVerifyLabelIsToken(t *testing.T) {
	for c := range rune(0x180) {
		r, labels := valid()
		r.Streams[0].Label, labels[0] = "a"+string(c), "a"+string(c)
		token := c > ' ' && c < 0x7F && !strings.ContainsRune(`"(),/:;<=>?@[\]`, c)
		if issues := siprec.Verify(r, labels); (len(issues) == 0) != token {
			t.Errorf("%q: %v", c, issues)
		}
	}
}

// The files that must be refused although the schema of the RFC takes them.
func TestVerifyInvalidExamples(t *testing.T) {
	for name, want := range map[string]siprec.IssueKind{
		"label-twice": siprec.IssueDuplicateLabel, "stream-reference-dangling": siprec.IssueDangling,
		"id-not-16-octets": siprec.IssueBadID,
	} {
		data, err := os.ReadFile(schemaDirectory + "examples/invalid/" + name + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := siprec.UnmarshalLenient(data)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(siprec.Verify(r, []string{"1"}), func(i siprec.Issue) bool { return i.Kind == want }) {
			t.Errorf("%s: no %v in %v", name, want, siprec.Verify(r, nil))
		}
	}
}
