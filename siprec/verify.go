package siprec

import (
	"slices"
	"strings"
	"time"
)

// Verify checks a document against the labels of the SDP of the same message, in the
// order of the m-lines; labels is nil when there is no SDP. References are checked in
// complete documents only, since a partial one builds on what was sent before: a merged
// document is checked for them, after [Recording.WithoutLabels].
func Verify(r Recording, labels []string) []Issue {
	v := verifier{complete: r.Mode == Complete, kinds: make(map[ID]string), known: make(map[definition]bool)}
	v.elements(r)
	v.associations(r)
	if v.complete {
		v.references(r)
	}
	v.labels(r, labels)
	return v.issues
}

// WithoutLabels returns the document with all stream labels removed, as they mean
// nothing beyond their message (RFC 7866, section 7.1.1).
func (r Recording) WithoutLabels() Recording {
	r.Streams = slices.Clone(r.Streams)
	for i := range r.Streams {
		r.Streams[i].Label = ""
	}
	return r
}

// verifier collects issues.
type verifier struct {
	complete bool
	kinds    map[ID]string // element name by identifier, the first
	known    map[definition]bool
	issues   []Issue
}

// definition is an element that can be referred to.
type definition struct {
	element string
	id      ID
}

func (v *verifier) add(kind IssueKind, element string, id ID, detail string) {
	v.issues = append(v.issues, Issue{Kind: kind, Element: element, ID: id, Detail: detail})
}

// defined notes an element with an identifier of its own.
func (v *verifier) defined(element string, id ID) {
	if _, ok := id.UUID(); !ok {
		v.add(IssueBadID, element, id, "")
	}
	switch first := v.kinds[id]; {
	case first == "":
		v.kinds[id] = element
	case v.known[definition{element, id}]:
		v.add(IssueDuplicateID, element, id, "")
	default:
		v.add(IssueSharedID, element, id, "also of a "+first)
	}
	v.known[definition{element, id}] = true
}

func (v *verifier) times(element string, id ID, from, to time.Time, needed bool) {
	if needed && from.IsZero() && to.IsZero() {
		v.add(IssueMissingTime, element, id, "")
	}
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		v.add(IssueTimeOrder, element, id, from.Format(time.RFC3339Nano)+" to "+to.Format(time.RFC3339Nano))
	}
}

func (v *verifier) elements(r Recording) {
	for _, g := range r.Groups {
		v.defined("group", g.ID)
		v.times("group", g.ID, g.Associate, g.Disassociate, false)
		if v.complete && !slices.ContainsFunc(r.Sessions, func(s Session) bool { return s.Group == g.ID }) {
			v.add(IssueEmptyGroup, "group", g.ID, "")
		}
	}
	for _, s := range r.Sessions {
		v.defined("session", s.ID)
		v.times("session", s.ID, s.Start, s.Stop, false)
	}
	for _, p := range r.Participants {
		v.defined("participant", p.ID)
		if len(p.Names) == 0 {
			v.add(IssueMissingName, "participant", p.ID, "")
		}
		for _, n := range p.Names {
			if !plausibleAOR(n.AOR) {
				v.add(IssueBadAOR, "participant", p.ID, "")
			}
		}
	}
	for _, s := range r.Streams {
		v.defined("stream", s.ID)
	}
}

// plausibleAOR tells whether an AOR is a URI or an address without the brackets and
// parameters of a header (RFC 7865, section 9).
func plausibleAOR(aor string) bool {
	return aor != "" && !strings.ContainsAny(aor, "<>\" \t\r\n")
}

func (v *verifier) associations(r Recording) {
	for i, a := range r.SessionRecordings {
		v.times("sessionrecordingassoc", a.Session, a.Associate, a.Disassociate, true)
		unique(v, "sessionrecordingassoc", r.SessionRecordings, i)
	}
	for i, a := range r.ParticipantSessions {
		v.times("participantsessionassoc", a.Participant, a.Associate, a.Disassociate, true)
		unique(v, "participantsessionassoc", r.ParticipantSessions, i)
	}
	for i, a := range r.ParticipantStreams {
		v.times("participantstreamassoc", a.Participant, a.Associate, a.Disassociate, true)
		unique(v, "participantstreamassoc", r.ParticipantStreams, i)
	}
}

// unique reports element i when an earlier one has its key.
func unique[T element[T]](v *verifier, name string, list []T, i int) {
	key := list[i].key()
	if slices.ContainsFunc(list[:i], func(e T) bool { return e.key() == key }) {
		v.add(IssueDuplicateAssociation, name, key.first, "")
	}
}

func (v *verifier) references(r Recording) {
	for _, s := range r.Sessions {
		v.refers("session", s.ID, "group", s.Group)
	}
	for _, s := range r.Streams {
		v.refers("stream", s.ID, "session", s.Session)
	}
	for _, a := range r.SessionRecordings {
		v.refers("sessionrecordingassoc", a.Session, "session", a.Session)
	}
	for _, a := range r.ParticipantSessions {
		v.refers("participantsessionassoc", a.Participant, "participant", a.Participant)
		v.refers("participantsessionassoc", a.Participant, "session", a.Session)
	}
	for _, a := range r.ParticipantStreams {
		v.refers("participantstreamassoc", a.Participant, "participant", a.Participant)
		for _, id := range slices.Concat(a.Send, a.Recv) {
			v.refers("participantstreamassoc", a.Participant, "stream", id)
		}
	}
}

func (v *verifier) refers(element string, id ID, kind string, target ID) {
	if target != "" && !v.known[definition{kind, target}] {
		v.add(IssueDangling, element, id, "no "+kind+" "+string(target))
	}
}

func (v *verifier) labels(r Recording, labels []string) {
	known := make(map[string]bool, len(labels))
	for _, label := range labels {
		switch {
		case label == "":
			v.add(IssueMissingLabel, "m-line", "", "")
		case !isToken(label):
			v.add(IssueBadLabel, "m-line", "", label)
		case known[label]:
			v.add(IssueDuplicateLabel, "m-line", "", label)
		}
		known[label] = true
	}
	described := make(map[string]bool, len(r.Streams))
	for _, s := range r.Streams {
		v.streamLabel(s, labels != nil, known, described)
		described[s.Label] = true
	}
	if !v.complete {
		return
	}
	for _, label := range labels {
		if label != "" && !described[label] {
			v.add(IssueOrphanLabel, "m-line", "", label)
		}
	}
}

func (v *verifier) streamLabel(s Stream, sdp bool, known, described map[string]bool) {
	switch {
	case s.Label == "" && sdp && v.complete:
		v.add(IssueMissingLabel, "stream", s.ID, "")
	case s.Label == "":
	case !isToken(s.Label):
		v.add(IssueBadLabel, "stream", s.ID, s.Label)
	case described[s.Label]:
		v.add(IssueDuplicateLabel, "stream", s.ID, s.Label)
	case !sdp:
		v.add(IssueLabelWithoutSDP, "stream", s.ID, s.Label)
	case !known[s.Label]:
		v.add(IssueUnknownLabel, "stream", s.ID, s.Label)
	}
}

// isToken tells an SDP token (RFC 8866, section 9).
func isToken(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c <= ' ' || c > '~' || strings.IndexByte(`"(),/:;<=>?@[\]`, c) >= 0 {
			return false
		}
	}
	return text != ""
}
