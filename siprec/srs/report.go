package srs

import "time"

// State is what a recording or a stream is doing; its value is the word in recording.json.
type State string

// The states.
const (
	// StateRecording is a recording or stream that takes packets.
	StateRecording State = "recording"
	// StatePaused is one that the recording client has made inactive (RFC 7866, section 7.1.1.1).
	StatePaused State = "paused"
	// StateFinished is one that was ended as it should be.
	StateFinished State = "finished"
	// StateInterrupted is a recording whose dialog broke, or that a process left behind when it died.
	StateInterrupted State = "interrupted"
	// StateFailed is one that could not be written to the end.
	StateFailed State = "failed"
)

// A Recording is what is known about a recording session: the content of recording.json.
type Recording struct {
	// ID is the short identifier in the name of the folder.
	ID string `json:"id"`
	// Directory is the folder, as a path that begins with Config.Directory.
	Directory string `json:"directory"`
	State     State  `json:"state"`
	// StartedAt is the instant of sample 0 of every file.
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// EndReason says why it ended: "bye", or what broke.
	EndReason string `json:"end_reason,omitempty"`
	// Error is the first fault of the files.
	Error string `json:"error,omitempty"`
	// CallID, From and To are those of the recording session.
	CallID string `json:"call_id"`
	From   string `json:"from"`
	To     string `json:"to"`
	// Sessions are the communication sessions that were recorded.
	Sessions []Session `json:"sessions"`
	// Participants are those who were ever part of it, in the order in which they became known.
	Participants []Participant `json:"participants"`
	// Streams are those that were ever part of it, in the order in which they came.
	Streams []Stream `json:"streams"`
	// Metadata are the documents as they came.
	Metadata []Metadata `json:"metadata"`
	// Replay says from when what is in it is, if it was kept by the client and delivered later.
	Replay *Replay `json:"replay,omitempty"`
	// SealKey identifies the key with which the client is going to sign what it has sent: then the packets are kept as they came.
	SealKey string `json:"seal_key,omitempty"`
	// Sealed tells that the signed manifest is there, as manifest.jws.
	Sealed bool `json:"sealed,omitempty"`
	// Manifests are those of recordings in a session that goes on after them, in the order in which they came.
	Manifests []string `json:"manifests,omitempty"`
	// Held says that it must not be deleted; it is true as long as there is a file of that name beside the others.
	Held bool `json:"held,omitempty"`
}

// A Replay is the time in which a delivered recording was captured. Sample 0 is at its beginning; the times of the
// recording itself are those of the delivery.
type Replay struct {
	From time.Time `json:"from" xml:"from,attr"`
	To   time.Time `json:"to" xml:"to,attr"`
}

// A Session is a communication session (RFC 7865, section 6.3).
type Session struct {
	// ID is the session_id of the metadata.
	ID            string    `json:"id"`
	GroupID       string    `json:"group_id,omitempty"`
	SIPSessionIDs []string  `json:"sip_session_ids,omitempty"`
	StartedAt     time.Time `json:"started_at,omitzero"`
	EndedAt       time.Time `json:"ended_at,omitzero"`
}

// A Participant is a party of a communication session (RFC 7865, section 6.5).
type Participant struct {
	// ID is the participant_id of the metadata.
	ID string `json:"id"`
	// AOR and Name are those of the first nameID, AORs all of them.
	AOR      string    `json:"aor,omitempty"`
	Name     string    `json:"name,omitempty"`
	AORs     []string  `json:"aors,omitempty"`
	JoinedAt time.Time `json:"joined_at,omitzero"`
	LeftAt   time.Time `json:"left_at,omitzero"`
	// Labels name the streams that hold the participant's voice.
	Labels []string `json:"labels"`
}

// A Stream is a recorded stream and its file.
type Stream struct {
	// Medium is text for real-time text, whose File has lines of JSON; empty: audio.
	Medium string `json:"medium,omitempty"`
	// Transcript is the same text for people, with names and times, once it is complete; TranscriptSHA256 is its hash, of recordings that are
	// sealed. Writers are the sources in it.
	Transcript       string   `json:"transcript,omitempty"`
	TranscriptSHA256 string   `json:"transcript_sha256,omitempty"`
	Writers          []Writer `json:"writers,omitempty"`
	// Label is that of SDP; two streams have the same when one came after the other.
	Label string `json:"label"`
	// StreamID is the stream_id of the metadata; empty until it is known.
	StreamID string `json:"stream_id,omitempty"`
	// File is its name in the folder.
	File string `json:"file"`
	// Dump is the file with the packets as they came, in the format of rtpdump; empty: they are not kept.
	Dump string `json:"dump,omitempty"`
	// SHA256 is the hash of File when it was complete, of recordings that are sealed.
	SHA256 string `json:"sha256,omitempty"`
	State  State  `json:"state"`
	// Participants are the IDs of those whose voice it holds or held.
	Participants []string `json:"participants"`
	// Codec is the encoding and clock rate that was agreed last, as "opus/48000".
	Codec string `json:"codec"`
	// SRTP tells that it came protected.
	SRTP bool `json:"srtp"`
	// SampleRate of the file in Hz.
	SampleRate int `json:"sample_rate"`
	// Channels of the file. Samples count all of them as one.
	Channels  int       `json:"channels,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// OffsetMS is how long after the start of the recording the first audio is; -1 while there is none.
	OffsetMS float64 `json:"offset_ms"`
	// Clock tells what puts the stream on the time line: "rtcp", "arrival", or nothing yet.
	Clock string `json:"clock,omitempty"`
	// Samples is the length of the file.
	Samples int64 `json:"samples"`
	// Packets are those received and put in, Lost those that never came, Late those that came when
	// their place was filled, Duplicate those that came twice, Reordered those that came after a later
	// one and still found their place, Discarded those that could not be used.
	Packets   uint64 `json:"packets"`
	Lost      uint64 `json:"lost"`
	Late      uint64 `json:"late"`
	Duplicate uint64 `json:"duplicate"`
	Reordered uint64 `json:"reordered"`
	Discarded uint64 `json:"discarded"`
	// ConcealedMS is how much audio was made up for lost packets.
	ConcealedMS float64 `json:"concealed_ms"`
	// SSRCs are the sources in the order in which they were heard.
	SSRCs []uint32 `json:"ssrcs"`
	// Pauses are when the stream was inactive.
	Pauses []Pause `json:"pauses"`
}

// A Pause is a time in which a stream was inactive.
type Pause struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

// Metadata is one metadata document as it was received.
type Metadata struct {
	// File is its name in the folder.
	File       string    `json:"file"`
	ReceivedAt time.Time `json:"received_at"`
	// Method is the request that carried it.
	Method string `json:"method"`
	// Mode is complete or partial.
	Mode string `json:"mode"`
	// Issues are what is wrong with it in form or in substance.
	Issues []string `json:"issues,omitempty"`
}
