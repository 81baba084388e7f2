package control

import (
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/cdr"
)

// The examples of the description of events.
//
//nolint:gochecknoglobals // they are data
var (
	exampleTime = focus.Time(time.Date(2026, time.January, 2, 15, 4, 5, 0, time.UTC))

	conferenceExample = focus.ConferenceInfo{
		ID: "1000", Name: "Trading desk", URI: "sip:1000@conf.example.com", Version: 7, Active: true, MaxParticipants: 20, Recording: "on",
		Present: 2, Participants: 2, StartedAt: &exampleTime,
	}
	participantExample = focus.ParticipantInfo{
		ID: "p7yq2", URI: "sip:alice@example.com", DisplayName: "Alice", Role: "speaker", State: "connected", JoinedAt: &exampleTime,
		Method: "dialed-in", Codec: "opus/48000", SRTP: true, SSRC: 305419896, Recording: "on",
	}
	recordingExample = focus.RecordingInfo{
		ID: "r5", Conference: "1000", Servers: []focus.RecorderInfo{{Name: "primary", State: "recording"}}, Mode: []string{"mixed"}, State: "recording",
		StartedAt: &exampleTime, Streams: []focus.StreamInfo{},
	}
)

func headExample(kind cdr.Kind) cdr.Head {
	return cdr.Head{Type: kind, ID: "cdr-4f2a9c01be77-12", Conference: "1000", Meeting: "meeting-4f2a9c01be77-3"}
}
