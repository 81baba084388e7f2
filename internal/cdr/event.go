package cdr

import (
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// EventPrefix begins the types of events that carry records, such as cdr.participant.
const EventPrefix = "cdr."

// EventTypes are the types of events that carry records, with a record of each kind.
func EventTypes() map[focus.EventType]Record {
	return map[focus.EventType]Record{
		EventPrefix + focus.EventType(KindConference): &ConferenceRecord{}, EventPrefix + focus.EventType(KindParticipant): &ParticipantRecord{},
		EventPrefix + focus.EventType(KindRecording): &RecordingRecord{},
	}
}

// Event is a record on its way to applications, in the form of focus.Event but without a sequence: records are no part of the
// stream of events.
type Event struct {
	ID         string          `json:"id" doc:"That of the record: unique and opaque."`
	Type       focus.EventType `json:"type" doc:"What kind of record it is."`
	Time       focus.Time      `json:"time" doc:"When the record was made."`
	Conference conference.ID   `json:"conference" doc:"Conference, as in its URI."`
	Object     Record          `json:"object" doc:"The record."`
}

// EventOf gives the event that carries a record.
func EventOf(r Record, at time.Time) Event {
	h := r.Common()
	return Event{ID: h.ID, Type: EventPrefix + focus.EventType(h.Type), Time: focus.Time(at), Conference: h.Conference, Object: r}
}
