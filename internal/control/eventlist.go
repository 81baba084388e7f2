package control

import (
	"reflect"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/cdr"
)

// docsEvent explains a type of event.
type docsEvent struct {
	Type focus.EventType
	When string
	what any // an example of its object
}

// Object is the name of the object's schema.
func (e docsEvent) Object() string { return reflect.TypeOf(e.what).Name() }

// eventsDocs explains every event type of a focus.
//
//nolint:gochecknoglobals // a table
var eventsDocs = []docsEvent{
	{focus.ConferenceStarted, "the first participant has come", conferenceExample},
	{focus.ConferenceUpdated, "its settings have changed", conferenceExample},
	{focus.ConferenceEnding, "the participants have been told that it will end soon, at ends_at", conferenceExample},
	{focus.ConferenceEnded, "the last participant has gone, or the conference was deleted", conferenceExample},
	{focus.ParticipantWaiting, "a participant waits to be let in", participantExample},
	{focus.ParticipantJoined, "a participant's media are bridged, and it need not wait", participantExample},
	{focus.ParticipantUpdated, "muted, deafened, held, unrecorded, masked, role, gains, coaching, sidebar, hand, floor, what has been told of a recording", participantExample},
	{focus.ParticipantLeft, "a participant has gone, or a call out was not answered", participantExample},
	{focus.SpeakerChanged, "somebody begins or ceases to speak, or another dominates", focus.SpeakersInfo{Speakers: []conference.ParticipantID{"p7yq2"}}},
	{focus.RecordingStarted, "a recording is under way", recordingExample},
	{focus.RecordingPaused, "nothing is captured until it is resumed", recordingExample},
	{focus.RecordingResumed, "the capture goes on", recordingExample},
	{focus.RecordingStopped, "a recording is over", recordingExample},
	{focus.RecordingFailed, "a server refused, was lost or refused a change", recordingExample},
	{focus.RecordingMoved, "another server has taken over", recordingExample},
	{focus.RecordingDegraded, "fewer servers record than the policy wants", recordingExample},
	{focus.DigitReceived, "a participant has pressed a key (RFC 4733)", focus.DigitInfo{Participant: "p7yq2", Digit: "5", DurationMS: 160}},
}

// recordsDocs explains the events that carry call detail records, which only webhooks get.
//
//nolint:gochecknoglobals // a table
var recordsDocs = []docsEvent{
	{cdr.EventPrefix + focus.EventType(cdr.KindConference), "a conference that was held is over", cdr.ConferenceRecord{
		Head: headExample(cdr.KindConference), Name: "Trading desk", URI: "sip:1000@conf.example.com", StartedAt: exampleTime, EndedAt: exampleTime,
		Duration: 61.4, Participants: 2, Peak: 2, ParticipantsTotal: 100.2, Recordings: 1, Recorded: 58,
	}},
	{cdr.EventPrefix + focus.EventType(cdr.KindParticipant), "a call is over, or was refused", cdr.ParticipantRecord{
		Head: headExample(cdr.KindParticipant), Participant: "p7yq2", URI: "sip:alice@example.com", Direction: "inbound", From: "sip:alice@example.com",
		To: "sip:1000@conf.example.com", CallID: "a84b4c76e66710", Result: "answered", Status: 200, Disconnection: "departed",
		StartedAt: exampleTime, AnsweredAt: &exampleTime, JoinedAt: &exampleTime, EndedAt: exampleTime, Duration: 61.2, Role: "speaker",
		Roles: []string{"speaker"}, Talk: 20.3, Recorded: 58, Unrecorded: 3.2, Recorders: []string{"primary"}, Codec: "opus/48000", SRTP: true,
		Received: 3060, Lost: 3, LossRatio: 0.00098, Jitter: 1.2, MOS: 4.3, Sent: 3060, RemoteMOS: 4.3, RoundTrip: 12,
	}},
	{cdr.EventPrefix + focus.EventType(cdr.KindRecording), "a recording is over", cdr.RecordingRecord{
		Head: headExample(cdr.KindRecording), Recording: "r5", Policy: true, Mode: []string{"mixed"}, StartedAt: exampleTime, RecordedAt: &exampleTime,
		EndedAt: exampleTime, Duration: 58.1, State: "stopped", Verdict: "complete", Recorded: 58, Recorders: recordingExample.Servers,
		Copies: []focus.AssuredCopy{{Servers: []focus.AssuredServer{{Name: "primary", SentSeconds: 58, Acknowledged: true}}}},
	}},
}
