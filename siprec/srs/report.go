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

// A Recording is what is known about a recording session: the content of recording.json. The doc tags of its fields, and of what is in them, say what they are,
// here and in the description of the API.
type Recording struct {
	ID           string        `json:"id" doc:"Short identifier, as in the name of the folder."`
	Directory    string        `json:"directory" doc:"Its folder, a path that begins with the directory of all."`
	State        State         `json:"state" doc:"recording, or how it ended: finished, interrupted (its dialog or the recorder broke), failed (it could not be written to the end)."`
	StartedAt    time.Time     `json:"started_at" doc:"The instant of sample 0 of every file."`
	EndedAt      time.Time     `json:"ended_at,omitzero" doc:"When the session ended; left out while it goes on."`
	EndReason    string        `json:"end_reason,omitempty" doc:"Why it ended: bye, or what broke."`
	Error        string        `json:"error,omitempty" doc:"First fault of the files."`
	CallID       string        `json:"call_id" doc:"SIP Call-ID of the recording session."`
	From         string        `json:"from" doc:"URI of the recording client."`
	To           string        `json:"to" doc:"URI that it called."`
	Sessions     []Session     `json:"sessions" doc:"Communication sessions that were recorded."`
	Participants []Participant `json:"participants" doc:"Those who were ever part of it, in the order in which they became known."`
	Streams      []Stream      `json:"streams" doc:"Those that were ever part of it, in the order in which they came."`
	Metadata     []Metadata    `json:"metadata" doc:"Metadata documents, as they came."`
	Replay       *Replay       `json:"replay,omitempty" doc:"Of a recording that the client had kept and delivered later: when it was captured."`
	SealKey      string        `json:"seal_key,omitempty" doc:"Key with which the client signs what it has sent; the packets are kept as they came then."`
	Sealed       bool          `json:"sealed,omitempty" doc:"The signed manifest is there, as manifest.jws."`
	Manifests    []string      `json:"manifests,omitempty" doc:"Manifests of recordings in a session that goes on after them, in the order in which they came."`
	Held         bool          `json:"held,omitempty" doc:"It must not be deleted, neither by hand nor by age or size."`
}

// A Replay is the time in which a delivered recording was captured. Sample 0 is at its beginning; the times of the
// recording itself are those of the delivery.
type Replay struct {
	From time.Time `json:"from" xml:"from,attr" doc:"The beginning, which is sample 0."`
	To   time.Time `json:"to" xml:"to,attr" doc:"The end."`
}

// A Session is a communication session (RFC 7865, section 6.3).
type Session struct {
	ID            string    `json:"id" doc:"session_id of the metadata."`
	GroupID       string    `json:"group_id,omitempty" doc:"group_id of the metadata: sessions of one conference have the same."`
	SIPSessionIDs []string  `json:"sip_session_ids,omitempty" doc:"Session-ID of its calls (RFC 7989)."`
	StartedAt     time.Time `json:"started_at,omitzero" doc:"As the metadata say."`
	EndedAt       time.Time `json:"ended_at,omitzero" doc:"As the metadata say; left out while it goes on."`
}

// A Participant is a party of a communication session (RFC 7865, section 6.5).
type Participant struct {
	ID       string    `json:"id" doc:"participant_id of the metadata."`
	AOR      string    `json:"aor,omitempty" doc:"First address."`
	Name     string    `json:"name,omitempty" doc:"First name."`
	AORs     []string  `json:"aors,omitempty" doc:"All addresses."`
	JoinedAt time.Time `json:"joined_at,omitzero" doc:"As the metadata say."`
	LeftAt   time.Time `json:"left_at,omitzero" doc:"As the metadata say; left out while it is there."`
	Labels   []string  `json:"labels" doc:"Streams that hold its voice."`
}

// A Stream is a recorded stream and its file.
type Stream struct {
	Medium           string    `json:"medium,omitempty" doc:"text: real-time text, whose file has lines of JSON; left out: audio."`
	Transcript       string    `json:"transcript,omitempty" doc:"File with the text for people, with names and times, once it is complete."`
	TranscriptSHA256 string    `json:"transcript_sha256,omitempty" doc:"Hash of that file; of recordings that are sealed."`
	Writers          []Writer  `json:"writers,omitempty" doc:"Sources of the text."`
	Label            string    `json:"label" doc:"Of SDP; two streams have the same when one came after the other."`
	StreamID         string    `json:"stream_id,omitempty" doc:"stream_id of the metadata; left out until it is known."`
	SessionIDs       []string  `json:"session_ids,omitempty" doc:"session_id of the communication sessions that it was of, one after the other: several in a session that goes on after them."`
	File             string    `json:"file" doc:"File in the folder."`
	Dump             string    `json:"dump,omitempty" doc:"File with the packets as they came, in the format of rtpdump; left out: they are not kept."`
	SHA256           string    `json:"sha256,omitempty" doc:"Hash of the file when it was complete; of recordings that are sealed."`
	State            State     `json:"state" doc:"As that of a recording."`
	Participants     []string  `json:"participants" doc:"Identifiers of those whose voice it holds or held."`
	Codec            string    `json:"codec" doc:"Encoding and clock rate that were agreed last, as opus/48000."`
	SRTP             bool      `json:"srtp" doc:"It came protected."`
	SampleRate       int       `json:"sample_rate" doc:"Sample rate of the file, in Hz."`
	Channels         int       `json:"channels,omitempty" doc:"Channels of the file."`
	StartedAt        time.Time `json:"started_at" doc:"When it was agreed on."`
	EndedAt          time.Time `json:"ended_at,omitzero" doc:"When it ended; left out while it goes on."`
	OffsetMS         float64   `json:"offset_ms" doc:"How long after the start of the recording its first audio is, in milliseconds; -1: there is none yet."`
	Clock            string    `json:"clock,omitempty" doc:"What places it on the time line: rtcp (the times of sender reports) or arrival; left out: nothing has come yet."`
	Samples          int64     `json:"samples" doc:"Length of the file; samples of all channels at a time are one."`
	Packets          uint64    `json:"packets" doc:"Received and put in."`
	Lost             uint64    `json:"lost" doc:"Never came."`
	Late             uint64    `json:"late" doc:"Came when their place was filled."`
	Duplicate        uint64    `json:"duplicate" doc:"Came twice."`
	Reordered        uint64    `json:"reordered" doc:"Came after a later one, and still found their place."`
	Discarded        uint64    `json:"discarded" doc:"Could not be used."`
	ConcealedMS      float64   `json:"concealed_ms" doc:"Audio made up for lost packets, in milliseconds."`
	SSRCs            []uint32  `json:"ssrcs" doc:"Sources, in the order in which they were heard."`
	Pauses           []Pause   `json:"pauses" doc:"When it was inactive."`
}

// A Pause is a time in which a stream was inactive.
type Pause struct {
	From time.Time `json:"from" doc:"The beginning."`
	To   time.Time `json:"to,omitzero" doc:"The end; left out while it goes on."`
}

// Metadata is one metadata document as it was received.
type Metadata struct {
	File       string    `json:"file" doc:"File in the folder."`
	ReceivedAt time.Time `json:"received_at" doc:"When it came."`
	Method     string    `json:"method" doc:"Request that carried it."`
	Mode       string    `json:"mode" doc:"complete or partial."`
	Issues     []string  `json:"issues,omitempty" doc:"What is wrong with it in form or in substance."`
}
