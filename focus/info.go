package focus

import (
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// ConferenceInfo is a conference as the API and the events show it.
type ConferenceInfo struct {
	ID              conference.ID `json:"id"`
	Name            string        `json:"name"`
	URI             string        `json:"uri"`
	Version         uint64        `json:"version"`
	Active          bool          `json:"active"`
	Dynamic         bool          `json:"dynamic"`
	Locked          bool          `json:"locked"`
	MutedOnEntry    bool          `json:"muted_on_entry"`
	MaxParticipants int           `json:"max_participants"`
	Recording       string        `json:"recording"` // what participants are to be told: on, paused, off
	Participants    int           `json:"participants"`
	StartedAt       *Time         `json:"started_at,omitempty"`
}

// ParticipantInfo is a participant as the API and the events show it.
type ParticipantInfo struct {
	ID            conference.ParticipantID `json:"id"`
	URI           string                   `json:"uri"`
	DisplayName   string                   `json:"display_name"`
	Role          string                   `json:"role"`
	State         string                   `json:"state"` // status of RFC 4575, section 5.7.3
	Muted         bool                     `json:"muted"`
	Deafened      bool                     `json:"deafened"`
	Held          bool                     `json:"held"`
	GainDB        float64                  `json:"gain_db"`
	Speaking      bool                     `json:"speaking"`
	JoinedAt      *Time                    `json:"joined_at,omitempty"`
	Method        string                   `json:"method"`
	Codec         string                   `json:"codec,omitempty"`
	SRTP          bool                     `json:"srtp"`
	SSRC          uint32                   `json:"ssrc"`
	Recording     string                   `json:"recording"` // what the participant has been told: on, paused, off
	Disconnection *DisconnectionInfo       `json:"disconnection,omitempty"`
	Stats         *ParticipantStats        `json:"stats,omitempty"`
}

// DisconnectionInfo tells how a participant went.
type DisconnectionInfo struct {
	Method string `json:"method"` // departed, booted, failed, busy
	Reason string `json:"reason,omitempty"`
	At     Time   `json:"at"`
}

// ParticipantStats is the quality of a participant's media.
type ParticipantStats struct {
	ReceivedPackets uint64  `json:"rx_packets"`
	ReceivedLost    uint64  `json:"rx_lost"`
	JitterMS        float64 `json:"rx_jitter_ms"`
	RoundTripMS     float64 `json:"rtt_ms"`
	MOS             float64 `json:"mos"`
	SentPackets     uint64  `json:"tx_packets"`
	Concealed       uint64  `json:"concealed_frames"`
	Late            uint64  `json:"rx_late"`
	RemoteLoss      float64 `json:"tx_loss"` // share, as the far end reports it
}

// RecordingInfo is a recording as the API and the events show it.
type RecordingInfo struct {
	ID         conference.RecordingID `json:"id"`
	Conference conference.ID          `json:"conference"`
	Servers    []RecorderInfo         `json:"servers"`
	Mode       []string               `json:"mode"`
	State      string                 `json:"state"`
	StartedAt  *Time                  `json:"started_at,omitempty"`
	Streams    []StreamInfo           `json:"streams"`
}

// RecorderInfo is one server's part in a recording.
type RecorderInfo struct {
	Name      string `json:"name"`
	State     string `json:"state"`
	SessionID string `json:"session_id,omitempty"`
	Error     string `json:"error,omitempty"`
}

// StreamInfo is one recorded stream.
type StreamInfo struct {
	Server      string                   `json:"server"`
	Label       string                   `json:"label"`
	Participant conference.ParticipantID `json:"participant,omitempty"` // empty: mixed
	Codec       string                   `json:"codec,omitempty"`
	Packets     uint64                   `json:"packets"`
}

// SpeakersInfo is who speaks, in the order of the roster.
type SpeakersInfo struct {
	Speakers []conference.ParticipantID `json:"speakers"`
}

// DigitInfo is a pressed key (RFC 4733).
type DigitInfo struct {
	Participant conference.ParticipantID `json:"participant"`
	Digit       string                   `json:"digit"`
	DurationMS  int64                    `json:"duration_ms"`
}

// Time is a moment as the API writes it: RFC 3339, UTC, milliseconds.
type Time time.Time

// MarshalText writes the moment.
func (t Time) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// UnmarshalText reads what MarshalText wrote, or any RFC 3339.
func (t *Time) UnmarshalText(text []byte) error {
	at, err := time.Parse(time.RFC3339Nano, string(text))
	*t = Time(at)
	return err
}

// String is the text of MarshalText.
func (t Time) String() string { return time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z") }

// pointTime is nil for the zero time.
func pointTime(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	at := Time(t)
	return &at
}

// DescribeConference gives the JSON object of a conference.
func DescribeConference(s *conference.State) ConferenceInfo {
	return ConferenceInfo{
		ID: s.ID, Name: s.Name, URI: s.URI, Version: s.Version, Active: s.Active, Dynamic: s.Dynamic, Locked: s.Locked,
		MutedOnEntry: s.MutedOnEntry, MaxParticipants: s.MaxParticipants, Recording: s.Indication().String(),
		Participants: len(s.Participants), StartedAt: pointTime(s.StartedAt),
	}
}

// DescribeParticipant gives the JSON object of a participant, without statistics.
func DescribeParticipant(p *conference.Participant) ParticipantInfo {
	info := ParticipantInfo{
		ID: p.ID, URI: p.Entity, DisplayName: p.DisplayName, Role: p.Role.String(), State: p.Status.String(),
		Muted: p.Silenced(), Deafened: p.Deafened, Held: p.Held || p.Session.OnHold, GainDB: p.GainDB, Speaking: p.Speaking,
		JoinedAt: pointTime(p.JoinedAt), Method: p.Method.String(), Codec: p.Session.Codec, SRTP: p.Session.Secure,
		SSRC: p.Session.SSRC, Recording: p.Recording.String(),
	}
	if d := p.Disconnection; d.Method != conference.NotDisconnected {
		info.Disconnection = &DisconnectionInfo{Method: d.Method.String(), Reason: d.Reason, At: Time(d.At)}
	}
	return info
}

// DescribeRecording gives the JSON object of a recording, without its streams.
func DescribeRecording(id conference.ID, r *conference.Recording) RecordingInfo {
	info := RecordingInfo{
		ID: r.ID, Conference: id, Mode: r.Modes.Strings(), State: r.State.String(), StartedAt: pointTime(r.StartedAt),
		Servers: make([]RecorderInfo, 0, len(r.Servers)), Streams: []StreamInfo{},
	}
	for _, v := range r.Servers {
		info.Servers = append(info.Servers, RecorderInfo{Name: v.Name, State: v.State.String(), SessionID: v.SessionID, Error: v.Error})
	}
	return info
}
