package cdr

import (
	"container/list"
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strconv"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// book makes records of what a focus tells. It belongs to one goroutine.
type book struct {
	boot     string
	number   uint64
	meetings map[conference.ID][]*meeting // the last one, and those before of which something is still to come
	left     list.List                    // of departures, in the order of time
}

// departure is a participant that has left, and whose call record is to come.
type departure struct {
	conference  conference.ID
	of          *meeting
	participant conference.ParticipantID
	at          time.Time
}

// lateRecord is after how long a call record is no longer expected: it comes when the media are closed, and never if the call has gone on
// in another conference.
const lateRecord = 5 * time.Minute

// despair forgets participants whose call records have not come.
func (b *book) despair(now time.Time) {
	for first := b.left.Front(); first != nil; first = b.left.Front() {
		d := first.Value.(departure) //nolint:forcetypeassert // nothing else is put there
		if now.Sub(d.at) <= lateRecord {
			return
		}
		b.left.Remove(first)
		delete(d.of.present, d.participant)
		b.forget(d.conference)
	}
}

func newBook() *book {
	var boot [6]byte
	_, _ = rand.Read(boot[:]) // never fails (crypto/rand)
	return &book{boot: hex.EncodeToString(boot[:]), meetings: map[conference.ID][]*meeting{}}
}

func (b *book) newID(prefix string) string {
	b.number++
	return prefix + "-" + b.boot + "-" + strconv.FormatUint(b.number, 10)
}

// current is the last meeting of a conference, nil: none is remembered.
func (b *book) current(id conference.ID) *meeting {
	if list := b.meetings[id]; len(list) > 0 {
		return list[len(list)-1]
	}
	return nil
}

// open is the meeting that goes on; it begins if there is none.
func (b *book) open(id conference.ID, at time.Time) *meeting {
	if m := b.current(id); m != nil && !m.over {
		return m
	}
	m := newMeeting(b.newID("meeting"), at)
	b.meetings[id] = append(b.meetings[id], m)
	return m
}

// forget drops meetings about which nothing more will be asked.
func (b *book) forget(id conference.ID) {
	kept := b.meetings[id][:0]
	for _, m := range b.meetings[id] {
		if !m.settled() {
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		delete(b.meetings, id)
		return
	}
	clear(b.meetings[id][len(kept):])
	b.meetings[id] = kept
}

// head is that of a record of a meeting, which may be nil.
func (b *book) head(kind Kind, id conference.ID, m *meeting) Head {
	h := Head{Type: kind, ID: b.newID("cdr"), Conference: id}
	if m != nil {
		h.Meeting = m.id
	}
	return h
}

// enter takes what the focus tells; the record is nil for what only becomes part of a later one.
func (b *book) enter(item any) Record {
	switch item := item.(type) {
	case focus.Event:
		return b.event(&item)
	case focus.CallRecord:
		return b.call(&item)
	case focus.Assurance:
		return b.account(&item)
	}
	return nil
}

func (b *book) event(e *focus.Event) Record {
	at := time.Time(e.Time)
	b.despair(at)
	switch info := e.Object.(type) {
	case focus.ConferenceInfo:
		if e.Type == focus.ConferenceStarted {
			b.open(e.Conference, at)
		}
		m := b.current(e.Conference)
		if e.Type != focus.ConferenceEnded || m == nil || m.over {
			return nil
		}
		record := m.end(&info, at)
		record.Head = b.head(KindConference, e.Conference, m)
		b.forget(e.Conference)
		return record
	case focus.ParticipantInfo:
		m := b.open(e.Conference, at)
		p := m.participant(e.Type, &info, at)
		if e.Type == focus.ParticipantLeft && p.departure == nil {
			p.departure = b.left.PushBack(departure{e.Conference, m, info.ID, at})
		}
	case focus.RecordingInfo:
		m := b.taped(e.Conference, info.ID)
		if m == nil {
			m = b.current(e.Conference)
		}
		if m == nil {
			m = b.open(e.Conference, at)
		}
		m.record(e.Type, &info, at)
	}
	return nil
}

// taped finds the meeting of a recording that is known already.
func (b *book) taped(id conference.ID, rid conference.RecordingID) *meeting {
	for _, m := range b.meetings[id] {
		if m.recording[rid] != nil {
			return m
		}
	}
	return nil
}

// call makes the record of a call that is over.
func (b *book) call(r *focus.CallRecord) Record {
	var of *meeting
	p := &presence{}
	for _, m := range b.meetings[r.Conference] {
		if known := m.present[r.Participant]; known != nil {
			of, p = m, known
			if known.left { // else another call has taken its place
				delete(m.present, r.Participant)
				b.left.Remove(known.departure) // a thousand may leave in a second: they do not wait until records are late
			}
		}
	}
	if r.Result == "refused" && of == nil {
		if of = b.current(r.Conference); of != nil && of.over {
			of = nil
		}
		if of != nil {
			of.refused++
		}
	}
	record := &ParticipantRecord{
		Head: b.head(KindParticipant, r.Conference, of), Participant: r.Participant, URI: r.URI, DisplayName: r.DisplayName,
		Direction: r.Direction, From: r.From, To: r.To, CallID: r.CallID, SessionID: r.SessionID, Result: r.Result,
		Disconnection: r.Disconnection, Reason: r.Reason, StartedAt: focus.Time(r.StartedAt), EndedAt: focus.Time(r.EndedAt),
		Setup: seconds(r.EndedAt.Sub(r.StartedAt)), Role: r.Role, Roles: append([]string{}, p.roles...), MutedAtEnd: r.Muted,
		Talk: seconds(r.Spoken), Recorders: append([]string{}, p.recorders...), Codec: r.Codec, SRTP: r.Secure,
		JoinedAt: p.joined, Status: statusOf(r),
	}
	if r.Peer.IsValid() {
		record.Peer = r.Peer.String()
	}
	if !r.AnsweredAt.IsZero() {
		answered := focus.Time(r.AnsweredAt)
		record.AnsweredAt = &answered
		record.Setup, record.Duration = seconds(r.AnsweredAt.Sub(r.StartedAt)), seconds(r.EndedAt.Sub(r.AnsweredAt))
	}
	record.Muted, record.Held = seconds(p.muted.at(r.EndedAt)), seconds(p.held.at(r.EndedAt))
	recorded, stay := p.recorded.at(r.EndedAt), p.stay.at(r.EndedAt)
	record.Recorded, record.Unrecorded = seconds(recorded), seconds(stay-recorded)
	record.quality(&r.Stats)
	b.forget(r.Conference)
	return record
}

// quality takes over the statistics of the media.
func (p *ParticipantRecord) quality(s *focus.ParticipantStats) {
	p.Received, p.Lost, p.Jitter, p.MOS, p.Sent = s.ReceivedPackets, s.ReceivedLost, s.JitterMS, s.MOS, s.SentPackets
	p.RemoteLost, p.RemoteJitter, p.RemoteMOS, p.RoundTrip = s.RemoteLost, s.RemoteJitterMS, s.RemoteMOS, s.RoundTripMS
	p.Voice, p.RemoteVoice = s.Voice, s.RemoteVoice
	if s.SentPackets > 0 {
		p.RemoteLoss = min(1, float64(s.RemoteLost)/float64(s.SentPackets)) // of the whole call, unlike that of the last report
	}
	if all := s.ReceivedPackets + s.ReceivedLost; all > 0 {
		p.LossRatio = float64(s.ReceivedLost) / float64(all)
	}
}

// cause finds the status in a Reason of protocol SIP (RFC 3326, section 2).
var cause = regexp.MustCompile(`^SIP\s*;(?:.*;)?\s*cause\s*=\s*(\d{3})\b`)

func statusOf(r *focus.CallRecord) int {
	if r.Result == "answered" {
		return 200 //nolint:mnd // OK
	}
	found := cause.FindStringSubmatch(r.Reason)
	if found == nil {
		return 0
	}
	status, _ := strconv.Atoi(found[1]) // three digits
	return status
}

// account makes the record of a recording that is over.
func (b *book) account(a *focus.Assurance) Record {
	m := b.taped(a.Conference, a.Recording)
	t := &taping{}
	if m == nil { // no server ever took it
		m = b.current(a.Conference)
	} else {
		t = m.recording[a.Recording]
		delete(m.recording, a.Recording)
	}
	ended := time.Now()
	if a.EndedAt != nil {
		ended = time.Time(*a.EndedAt)
	}
	record := &RecordingRecord{
		Head: b.head(KindRecording, a.Conference, m), Recording: a.Recording, Policy: a.Policy, Mode: append([]string{}, t.info.Mode...),
		StartedAt: a.StartedAt, RecordedAt: t.info.StartedAt, EndedAt: focus.Time(ended), Duration: seconds(ended.Sub(time.Time(a.StartedAt))),
		State: t.state, Verdict: a.Verdict, Recorded: seconds(t.recorded.at(ended)), Paused: seconds(t.paused.at(ended)),
		Unrecorded: lost(a.Copies), Failures: t.failures, Moves: t.moves,
		Recorders: append([]focus.RecorderInfo{}, t.info.Servers...), Copies: append([]focus.AssuredCopy{}, a.Copies...),
	}
	b.forget(a.Conference)
	return record
}

// lost is what the best copy lacks, in seconds.
func lost(copies []focus.AssuredCopy) float64 {
	least := 0.0
	for i, c := range copies {
		if i == 0 || c.LostSeconds < least {
			least = c.LostSeconds
		}
	}
	return least
}
