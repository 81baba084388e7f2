package focus

import (
	"encoding/json"
	"net/netip"
	"sync"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// EventType names what happened.
type EventType string

// The events.
const (
	ConferenceStarted  EventType = "conference.started"
	ConferenceEnded    EventType = "conference.ended"
	ConferenceUpdated  EventType = "conference.updated"
	ConferenceEnding   EventType = "conference.ending" // soon: by its rules or by End
	ParticipantWaiting EventType = "participant.waiting"
	ParticipantJoined  EventType = "participant.joined"
	ParticipantLeft    EventType = "participant.left"
	ParticipantUpdated EventType = "participant.updated"
	SpeakerChanged     EventType = "speaker.changed"
	RecordingStarted   EventType = "recording.started"
	RecordingPaused    EventType = "recording.paused"
	RecordingResumed   EventType = "recording.resumed"
	RecordingStopped   EventType = "recording.stopped"
	RecordingFailed    EventType = "recording.failed"
	RecordingMoved     EventType = "recording.moved"    // another server has taken over
	RecordingDegraded  EventType = "recording.degraded" // fewer servers record than wanted
	DigitReceived      EventType = "dtmf.received"
)

// Event is one thing that happened in a conference, for applications.
type Event struct {
	// ID is unique and opaque; give it to Watch to go on after it.
	ID string `json:"id" doc:"Unique and opaque; give it as Last-Event-ID to go on after it."`
	// Type says what Object is: ConferenceInfo for conference.*, ParticipantInfo for participant.*, RecordingInfo for
	// recording.*, SpeakersInfo for speaker.changed, DigitInfo for dtmf.received.
	Type       EventType     `json:"type" doc:"What happened; it says what object is."`
	Time       Time          `json:"time" doc:"When it happened."`
	Conference conference.ID `json:"conference" doc:"Conference in which it happened."`
	// Sequence grows by one with each event of the conference.
	Sequence uint64 `json:"sequence" doc:"Grows by one with each event of the conference."`
	Object   any    `json:"object" doc:"What it happened to, as it is after it: a conference, a participant, a recording, the speakers or a digit."`

	text *eventText // nil: it is not of the log
}

// eventText is an event as JSON, when somebody has asked for it.
type eventText struct {
	once   sync.Once
	octets []byte
	err    error
}

// JSON is the event as text. It is made once for all who ask for it: nobody may write to it.
func (e *Event) JSON() ([]byte, error) {
	if e.text == nil {
		return json.Marshal(e) //nolint:wrapcheck // as whoever has made the object knows it
	}
	e.text.once.Do(func() { e.text.octets, e.text.err = json.Marshal(e) })
	return e.text.octets, e.text.err
}

// Hooks are called for what metrics and call records want to know. Any may be nil. They are called from the goroutines of
// conferences and must return at once.
type Hooks struct {
	// CallStarted: a call was admitted; inbound or outbound.
	CallStarted func(direction string)
	// CallAnswered: its media are bridged, so long after the INVITE.
	CallAnswered func(direction string, setup time.Duration)
	// CallEnded: with the outcome "answered", or why not: "cancelled", "busy", "failed"; "refused" without CallStarted before.
	CallEnded func(CallRecord)
	// RecordingChanged: a session with a recording server has a new state; old is "" for a new one.
	RecordingChanged func(server, old, state string)
	// RecorderChanged: probes tell that a recording server is up or down.
	RecorderChanged func(server, state string)
	// RecordingFailure: a server refused, was lost or refused a change.
	RecordingFailure func(server, kind string)
	// RecordingEnded: a recording is over; what became of it.
	RecordingEnded func(Assurance)
	// Notified: a NOTIFY was accepted; state is full, partial or deleted.
	Notified func(state string)
	// Event: every event of every conference, in order.
	Event func(Event)
}

// CallRecord is what remains of a call. Of one that was refused, what the request said.
type CallRecord struct {
	Conference    conference.ID
	Participant   conference.ParticipantID
	Direction     string // inbound, outbound
	URI           string // of the participant
	From, To      string // URIs of the INVITE
	DisplayName   string
	CallID        string
	SessionID     string     // RFC 7989; may be empty
	Peer          netip.Addr // of the user agent's signalling; invalid while it is not known
	Role          string     // at the end
	Result        string
	Disconnection string // as in RFC 4575: departed, booted, failed, busy; empty: refused
	Reason        string // RFC 3326
	Codec         string
	Secure        bool      // media were encrypted
	Muted         bool      // at the end
	StartedAt     time.Time // of the INVITE
	AnsweredAt    time.Time // zero: never
	EndedAt       time.Time
	Spoken        time.Duration // how long it was heard speaking
	Stats         ParticipantStats
}
