package cdr

import (
	"container/list"
	"slices"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// clock adds up for how long something was so.
type clock struct {
	since time.Time // zero: it is not
	total time.Duration
}

// set says that from a moment on it is so, or is not.
func (c *clock) set(on bool, at time.Time) {
	switch {
	case on && c.since.IsZero():
		c.since = at
	case !on && !c.since.IsZero():
		c.total += max(0, at.Sub(c.since))
		c.since = time.Time{}
	}
}

// at is the sum up to a moment.
func (c *clock) at(now time.Time) time.Duration {
	if c.since.IsZero() {
		return c.total
	}
	return c.total + max(0, now.Sub(c.since))
}

// meeting is one time that a conference is held.
type meeting struct {
	id        string
	began     time.Time
	over      bool
	present   map[conference.ParticipantID]*presence // those whose call record is to come
	recording map[conference.RecordingID]*taping     // those whose account is to come
	inside    int                                    // participants that are in it
	joined    int
	peak      int
	stay      time.Duration // of those who have gone
	missed    int           // calls that did not come to be in it
	refused   int
	tapings   int
	recorded  clock
}

// presence is a participant on the way through a meeting.
type presence struct {
	joined     *focus.Time
	inside     bool
	left       bool
	departure  *list.Element // in the book's; nil: it has not left
	unrecorded bool
	info       focus.ParticipantInfo
	roles      []string
	muted      clock
	held       clock
	stay       clock
	recorded   clock
	recorders  []string
}

// taping is a recording in a meeting.
type taping struct {
	info     focus.RecordingInfo
	state    string
	recorded clock
	paused   clock
	failures int
	moves    int
}

func newMeeting(id string, at time.Time) *meeting {
	return &meeting{
		id: id, began: at, present: map[conference.ParticipantID]*presence{}, recording: map[conference.RecordingID]*taping{},
	}
}

// settled tells whether nothing more will be asked about the meeting.
func (m *meeting) settled() bool { return m.over && len(m.present) == 0 && len(m.recording) == 0 }

// participant follows an event of a participant, and returns it.
func (m *meeting) participant(kind focus.EventType, info *focus.ParticipantInfo, at time.Time) *presence {
	p := m.present[info.ID]
	if p == nil {
		p = &presence{}
		m.present[info.ID] = p
	}
	p.info, p.unrecorded = *info, info.Unrecorded
	if info.JoinedAt != nil && !info.Waiting {
		p.joined = info.JoinedAt
	}
	if len(p.roles) == 0 || p.roles[len(p.roles)-1] != info.Role {
		p.roles = append(p.roles, info.Role)
	}
	switch {
	case kind == focus.ParticipantJoined && !p.inside:
		p.inside = true
		m.inside++
		m.joined++
		m.peak = max(m.peak, m.inside)
	case kind == focus.ParticipantLeft && !p.left:
		p.left = true
		if p.inside {
			m.inside--
		} else {
			m.missed++
		}
	}
	before := p.stay.total
	p.follow(at)
	m.stay += p.stay.total - before // it has gone
	m.tape(p, at)
	return p
}

// follow sets the clocks of a participant.
func (p *presence) follow(at time.Time) {
	inside, info := p.inside && !p.left, &p.info
	p.muted.set(inside && info.Muted, at)
	p.held.set(inside && info.Held, at)
	p.stay.set(inside, at)
}

// record follows an event of a recording.
func (m *meeting) record(kind focus.EventType, info *focus.RecordingInfo, at time.Time) {
	t := m.recording[info.ID]
	if t == nil {
		t = &taping{}
		m.recording[info.ID] = t
		m.tapings++
	}
	t.info = *info
	t.state = info.State
	t.recorded.set(info.State == "recording", at)
	t.paused.set(info.State == "paused", at)
	if kind == focus.RecordingFailed {
		t.failures++
	}
	if kind == focus.RecordingMoved {
		t.moves++
	}
	m.recorded.set(len(m.recorders()) > 0, at)
	for _, p := range m.present {
		m.tape(p, at)
	}
}

// recorders are the servers that record now.
func (m *meeting) recorders() []string {
	var names []string
	for _, t := range m.recording {
		if t.state != "recording" {
			continue
		}
		for _, server := range t.info.Servers {
			if server.State == "recording" && !slices.Contains(names, server.Name) {
				names = append(names, server.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// tape notes who records a participant.
func (m *meeting) tape(p *presence, at time.Time) {
	names := m.recorders()
	on := p.inside && !p.left && !p.unrecorded && len(names) > 0
	p.recorded.set(on, at)
	if !on {
		return
	}
	for _, name := range names {
		if !slices.Contains(p.recorders, name) {
			p.recorders = append(p.recorders, name)
		}
	}
}

// end makes the record of the meeting.
func (m *meeting) end(info *focus.ConferenceInfo, at time.Time) *ConferenceRecord {
	m.over = true
	return &ConferenceRecord{
		Name: info.Name, URI: info.URI, Dynamic: info.Dynamic, StartedAt: focus.Time(m.began), EndedAt: focus.Time(at),
		Duration: seconds(at.Sub(m.began)), Participants: m.joined, Peak: m.peak, ParticipantsTotal: seconds(m.stay),
		Unanswered: m.missed, Refused: m.refused, Recordings: m.tapings, Recorded: seconds(m.recorded.at(at)),
	}
}

// seconds is a duration with milliseconds, never negative.
func seconds(d time.Duration) float64 { return float64(max(0, d).Milliseconds()) / 1000 }
