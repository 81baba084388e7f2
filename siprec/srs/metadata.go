package srs

import (
	"encoding/xml"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// A document is a metadata document that was read but not taken in yet.
type document struct {
	raw    []byte
	value  siprec.Recording
	issues []siprec.Issue
}

// readDocument reads metadata as leniently as recorders have to.
func readDocument(raw []byte) (*document, error) {
	if raw == nil {
		return nil, nil //nolint:nilnil // no document is no error
	}
	value, issues, err := siprec.UnmarshalLenient(raw)
	if err != nil {
		return nil, err
	}

	return &document{raw: raw, value: value, issues: issues}, nil
}

// merge keeps a document as it came and takes it into what is known. labels are those of the SDP in
// the same message, nil if there is none.
func (r *recording) merge(d *document, method string, labels []string, now time.Time) error {
	entry := Metadata{ReceivedAt: now.UTC(), Method: method, Mode: d.value.Mode.String()}
	for _, issue := range slices.Concat(d.issues, siprec.Verify(d.value, labels)) {
		entry.Issues = append(entry.Issues, issue.String())
	}
	for _, s := range d.value.Streams {
		if s.Label != "" {
			r.labels[s.Label] = s.ID
		}
	}
	r.known = siprec.Merge(r.known, d.value)
	r.followed(d.value.Mode, r.known)
	r.sessions()
	r.participants()
	if len(r.report.Metadata) >= r.cfg.MaxMetadata {
		return fmt.Errorf("more than %d metadata documents", r.cfg.MaxMetadata)
	}
	entry.File = fmt.Sprintf("metadata-%04d.xml", len(r.report.Metadata)+1)
	r.report.Metadata = append(r.report.Metadata, entry)

	return errors.Join(writeAtomic(filepath.Join(r.dir, entry.File), d.raw), r.keepSeals(d.value))
}

// sessions brings the list up to date; what a later document leaves out stays known.
func (r *recording) sessions() {
	for _, s := range r.known.Sessions {
		if span := replayOf(s.Extensions); span != nil {
			span.From = span.From.Add(-headroom).Truncate(headroom)
			r.report.Replay, r.origin.captured = span, ntpTime(span.From)
			for _, one := range r.streams {
				if one.receiver.text != nil {
					one.receiver.text.began = r.epoch()
				}
			}
		}
		if key := sealOf(s.Extensions); key != "" {
			r.report.SealKey = key
		}
		next := Session{
			ID: string(s.ID), GroupID: string(s.Group), SIPSessionIDs: s.SIPSessionIDs,
			StartedAt: utc(s.Start), EndedAt: utc(s.Stop),
		}
		i := slices.IndexFunc(r.report.Sessions, func(o Session) bool { return o.ID == next.ID })
		if i < 0 {
			r.report.Sessions = append(r.report.Sessions, next)

			continue
		}
		old := &r.report.Sessions[i]
		if next.StartedAt.IsZero() {
			next.StartedAt = old.StartedAt
		}
		*old = next
	}
}

// epoch is when what is at the beginning of the recording was said or written: when it began, unless it was kept by the client.
func (r *recording) epoch() time.Time {
	if r.report.Replay != nil {
		return r.report.Replay.From
	}

	return r.began
}

// headroom is by how much a delivered recording begins before what is first in it, at least: timestamps, and so places, are rounded to samples.
const headroom = time.Millisecond

// replayOf reads the element by which a client says that it delivers what it has kept.
func replayOf(extensions []siprec.Extension) *Replay {
	for _, e := range extensions {
		var element struct {
			XMLName xml.Name `xml:"urn:parley:recording:replay:1 replay"`
			Replay
		}
		if xml.Unmarshal([]byte(e), &element) == nil && !element.From.IsZero() {
			return &Replay{From: element.From.UTC(), To: element.To.UTC()}
		}
	}

	return nil
}

func (r *recording) participants() {
	for _, p := range r.known.Participants {
		entry := r.participant(string(p.ID))
		entry.AORs = nil
		for i, n := range p.Names {
			if i == 0 {
				entry.AOR, entry.Name = n.AOR, n.Name
			}
			entry.AORs = append(entry.AORs, n.AOR)
		}
	}
	for _, a := range r.known.ParticipantSessions {
		entry := r.participant(string(a.Participant))
		if !a.Associate.IsZero() {
			entry.JoinedAt = utc(a.Associate)
		}
		entry.LeftAt = utc(a.Disassociate)
	}
}

// participant finds or makes the entry of a participant. The pointer is good until the next call.
func (r *recording) participant(id string) *Participant {
	i := slices.IndexFunc(r.report.Participants, func(p Participant) bool { return p.ID == id })
	if i < 0 {
		i = len(r.report.Participants)
		r.report.Participants = append(r.report.Participants, Participant{ID: id, Labels: []string{}})
	}

	return &r.report.Participants[i]
}

// identify gives a stream its identity in the metadata, and those whose voice it holds, who
// stay listed when they are gone.
func (r *recording) identify(s *Stream) {
	if id, ok := r.labels[s.Label]; ok && s.StreamID == "" {
		s.StreamID = string(id)
	}
	if s.StreamID == "" {
		return
	}
	for _, known := range r.known.Streams {
		id := string(known.Session)
		if n := len(s.SessionIDs); string(known.ID) == s.StreamID && id != "" && (n == 0 || s.SessionIDs[n-1] != id) && n < maxSessions {
			s.SessionIDs = append(s.SessionIDs, id)
		}
	}
	for _, a := range r.known.ParticipantStreams {
		if !slices.Contains(a.Send, siprec.ID(s.StreamID)) {
			continue
		}
		if id := string(a.Participant); !slices.Contains(s.Participants, id) {
			s.Participants = append(s.Participants, id)
		}
		entry := r.participant(string(a.Participant))
		if s.Label != "" && !slices.Contains(entry.Labels, s.Label) {
			entry.Labels = append(entry.Labels, s.Label)
		}
	}
}

// maxSessions bounds of how many sessions a stream is told to have been.
const maxSessions = 10_000

// voice is what to call those whose voice a stream holds.
func (r *recording) voice(s *Stream) string {
	switch len(s.Participants) {
	case 0:
		return ""
	case 1:
		p := r.participant(s.Participants[0])
		if p.Name != "" {
			return p.Name
		}

		return userPart(p.AOR)
	}

	return "mixed"
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}

	return t.UTC()
}
