package siprec_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-sip/parley/siprec"
)

// everything is a document with each element and attribute that there is, an extension at the end of each element that may have one.
func everything() siprec.Recording {
	x := []siprec.Extension{`<x xmlns="urn:example:x">1</x>`}
	group, session, alice, mix := idOf(kindGroup, 1), idOf(kindSession, 1), idOf(kindParticipant, 1), idOf(kindStream, 1)
	from, to := base, base.In(time.FixedZone("", 2*60*60)).Add(time.Hour)
	return siprec.Recording{
		Groups: []siprec.Group{{ID: group, Associate: from, Disassociate: to, Extensions: x}},
		Sessions: []siprec.Session{{
			ID: session, Group: group, Start: from, Stop: to, Extensions: x,
			SIPSessionIDs: []string{"ac76df7e368946c68f23aefdb48bfa08;remote=2f49d1149e62477e9829f26ae96807d6"},
			Reasons:       []siprec.Reason{{Cause: 200, Text: "completed elsewhere"}, {Protocol: "Q.850", Cause: 16}},
		}},
		Participants: []siprec.Participant{{ID: alice, Extensions: x, Names: []siprec.NameID{
			{AOR: "sip:alice@example.com", Name: `田中 😀 <&>"'`, Lang: "ja"}, {AOR: "tel:+4930123"},
		}}},
		Streams:           []siprec.Stream{{ID: mix, Session: session, Label: "1", Extensions: x}},
		SessionRecordings: []siprec.SessionRecording{{Session: session, Associate: from, Disassociate: to, Extensions: x}},
		ParticipantSessions: []siprec.ParticipantSession{{
			Participant: alice, Session: session, Associate: from, Disassociate: to, Extensions: x,
			Params: []siprec.Param{{Name: "isfocus", Value: "true"}, {Name: "automata", Value: "false"}},
		}},
		ParticipantStreams: []siprec.ParticipantStream{{
			Participant: alice, Send: []siprec.ID{mix}, Recv: []siprec.ID{mix}, Associate: from, Disassociate: to, Extensions: x,
		}},
		Extensions: x,
	}
}

// Shows SR-XML-01, SR-XML-02, SR-XML-03, SR-XML-04, SR-XML-05, SR-XML-06, SR-XML-07, SR-XML-08, SR-XML-09, SR-XML-10, SR-XML-11, SR-XML-15,
// SR-XML-17, SR-XML-18, SR-MET-22, SR-GRP-04, SR-CS-03, SR-CS-05, SR-MS-04, SR-INT-34, SR-INT-37, SR-INT-38, SR-INT-39, SR-INT-47,
// SR-ERA-09. Whatever a document can hold stands in the order of the schema; texts, times and reasons have their exact form. (The strict
// schema refuses another order, another form of Session-ID, a second group; it knows no element for codecs.)
func TestDocumentForm(t *testing.T) {
	documents := make([][]byte, 0, 2)
	for _, mode := range []siprec.DataMode{siprec.Complete, siprec.Partial} {
		d := everything()
		d.Mode = mode
		data := siprec.Marshal(d, "")
		documents = append(documents, data)
		if !bytes.HasPrefix(data, []byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">\n")) || !utf8.Valid(data) {
			t.Errorf("begins with %.120s", data)
		}
		for _, want := range []string{
			"<datamode>" + mode.String() + "</datamode>", "田中 😀 &lt;&amp;&gt;&#34;&#39;", `xml:lang="ja"`,
			"<start-time>2026-03-02T09:00:00.000Z</start-time>", "<stop-time>2026-03-02T10:00:00.000Z</stop-time>",
			`<reason cause="200">completed elsewhere</reason>`, `<reason cause="16" protocol="Q.850">`,
		} {
			if !bytes.Contains(data, []byte(want)) {
				t.Errorf("no %s in\n%s", want, data)
			}
		}
		if n := bytes.Count(data, []byte(`<x xmlns="urn:example:x">1</x>`)); n != 8 {
			t.Errorf("%d extensions in\n%s", n, data)
		}
		if odd := regexp.MustCompile(`<[a-z-]+:|codec|dataMode`).Find(data); odd != nil {
			t.Errorf("%s in\n%s", odd, data)
		}
	}
	lint(t, documents)
}

// Shows SR-XML-04, SR-XML-11, SR-INT-33. The check of the schemas is no empty one: what is out of order does not pass.
func TestSchemaIsStrict(t *testing.T) {
	data := string(siprec.Marshal(everything(), ""))
	for name, broken := range map[string]string{
		"datamode last":    strings.Replace(strings.Replace(data, "  <datamode>complete</datamode>\n", "", 1), "</recording>", "<datamode>complete</datamode></recording>", 1),
		"times first":      strings.Replace(data, "<send>", "<associate-time>2026-03-02T09:00:00Z</associate-time><send>", 1),
		"zone with offset": strings.Replace(data, "09:00:00.000Z", "09:00:00.000+00:00", 1),
		"no cause":         strings.Replace(data, ` cause="200"`, "", 1),
	} {
		if broken == data {
			t.Errorf("%s: nothing is broken", name)
		}
		if out, err := xmllint(t, []byte(broken)); err == nil {
			t.Errorf("%s: passes: %s", name, out)
		}
	}
}

// Shows SR-GRP-03, SR-CS-10. A group has the time of its forming, and that of its end once it has ended.
func TestDocumentGroup(t *testing.T) {
	r := roster()
	r.Group, r.GroupStarted = idOf(kindGroup, 1), base
	if d := siprec.Document(r); len(d.Groups) != 1 || !d.Groups[0].Associate.Equal(base) || !d.Groups[0].Disassociate.IsZero() || d.Sessions[0].Group != d.Groups[0].ID {
		t.Errorf("groups %+v, session %+v", d.Groups, d.Sessions)
	}
	r.Ended, r.GroupEnded = base.Add(time.Hour), base.Add(time.Hour)
	d := siprec.Document(r)
	if !d.Groups[0].Disassociate.Equal(r.GroupEnded) || !d.Sessions[0].Stop.Equal(r.Ended) {
		t.Errorf("groups %+v, sessions %+v", d.Groups, d.Sessions)
	}
	for _, a := range d.ParticipantSessions {
		if a.Disassociate.IsZero() {
			t.Errorf("somebody is still there: %+v", a)
		}
	}
}
