package cdr

import (
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// Kind says what a record is about.
type Kind string

// The kinds.
const (
	KindConference  Kind = "conference"
	KindParticipant Kind = "participant"
	KindRecording   Kind = "recording"
)

// Record is one line.
type Record interface {
	// Common is what all records have.
	Common() *Head
}

// Head is what all records begin with.
type Head struct {
	Type       Kind          `json:"type" doc:"What the record is about."`
	ID         string        `json:"id" doc:"Unique and opaque."`
	Conference conference.ID `json:"conference" doc:"Conference, as in its URI."`
	Meeting    string        `json:"meeting,omitempty" doc:"The same in all records of one time that the conference was held; left out: it was not."`
}

// Common implements Record.
func (h *Head) Common() *Head { return h }

// ConferenceRecord is what remains of a conference when everybody has gone.
type ConferenceRecord struct {
	Head

	Name              string     `json:"name,omitempty" doc:"Display text."`
	URI               string     `json:"uri" doc:"SIP URI of the conference."`
	Dynamic           bool       `json:"dynamic" doc:"It lasted only as long as somebody was in it."`
	StartedAt         focus.Time `json:"started_at" doc:"When the first call came or went out."`
	EndedAt           focus.Time `json:"ended_at" doc:"When the last participant had gone."`
	Duration          float64    `json:"duration_seconds" doc:"Between the two, in seconds."`
	Participants      int        `json:"participants" doc:"How many have been in it."`
	Peak              int        `json:"peak_participants" doc:"How many were in it at once, at most."`
	ParticipantsTotal float64    `json:"participant_seconds" doc:"How long they were in it, all together, in seconds."`
	Unanswered        int        `json:"unanswered" doc:"Calls that did not come to be in it: cancelled, busy, failed."`
	Refused           int        `json:"refused" doc:"Calls that were refused while it was held, before a conference took them."`
	Recordings        int        `json:"recordings" doc:"How many recordings there were."`
	Recorded          float64    `json:"recorded_seconds" doc:"How long at least one recording server recorded, in seconds."`
}

// ParticipantRecord is what remains of a call to or from a conference.
type ParticipantRecord struct {
	Head

	Participant   conference.ParticipantID `json:"participant,omitempty" doc:"Identifier in events and in the API; left out: the call was refused before."`
	URI           string                   `json:"uri" doc:"SIP URI of the participant."`
	DisplayName   string                   `json:"display_name,omitempty" doc:"Its name."`
	Direction     string                   `json:"direction" enum:"inbound,outbound" doc:"Who called: the participant (inbound) or the conference."`
	From          string                   `json:"from" doc:"URI of who called."`
	To            string                   `json:"to" doc:"URI of who was called."`
	CallID        string                   `json:"call_id,omitempty" doc:"SIP Call-ID; left out: no INVITE was answered."`
	SessionID     string                   `json:"session_id,omitempty" doc:"Session-ID (RFC 7989)."`
	Peer          string                   `json:"peer,omitempty" doc:"IP address of the user agent."`
	Result        string                   `json:"result" enum:"answered,cancelled,busy,failed,refused" doc:"What became of the call; refused: at once, or when somebody was turned away at the door."`
	Status        int                      `json:"status,omitempty" doc:"SIP status: 200 if answered, else that with which it was refused or failed; left out: it was taken back."`
	Disconnection string                   `json:"disconnection,omitempty" doc:"How it ended, as in RFC 4575: departed, booted, failed, busy."`
	Reason        string                   `json:"reason,omitempty" doc:"Reason (RFC 3326) with which it ended or was refused."`
	StartedAt     focus.Time               `json:"started_at" doc:"When the INVITE came or went out."`
	AnsweredAt    *focus.Time              `json:"answered_at,omitempty" doc:"When the media were bridged; left out: never."`
	JoinedAt      *focus.Time              `json:"joined_at,omitempty" doc:"When it came into the conference, after the waiting; left out: never."`
	EndedAt       focus.Time               `json:"ended_at" doc:"When it was over."`
	Setup         float64                  `json:"setup_seconds" doc:"From started_at to answered_at, or to ended_at, in seconds."`
	Duration      float64                  `json:"duration_seconds" doc:"From answered_at to ended_at, in seconds; 0: never answered."`
	Role          string                   `json:"role,omitempty" doc:"moderator, speaker or listener, at the end."`
	Roles         []string                 `json:"roles" doc:"All roles it has had, in this order."`
	Talk          float64                  `json:"talk_seconds" doc:"How long it was heard speaking, in seconds."`
	Muted         float64                  `json:"muted_seconds" doc:"How long it was muted, in seconds."`
	MutedAtEnd    bool                     `json:"muted_at_end" doc:"Whether it was muted in the end."`
	Held          float64                  `json:"held_seconds" doc:"How long it was on hold, in seconds."`
	Recorded      float64                  `json:"recorded_seconds" doc:"How long it was in the conference, not left out, while at least one recording server recorded, in seconds."`
	Unrecorded    float64                  `json:"unrecorded_seconds" doc:"How long it was in the conference while none did, or was left out, in seconds."`
	Recorders     []string                 `json:"recorders" doc:"Recording servers that recorded meanwhile."`
	Codec         string                   `json:"codec,omitempty" doc:"Codec and clock rate."`
	SRTP          bool                     `json:"srtp" doc:"Media were encrypted."`
	Received      uint64                   `json:"rx_packets" doc:"RTP packets received from it."`
	Lost          uint64                   `json:"rx_lost" doc:"RTP packets that it sent and that never came."`
	LossRatio     float64                  `json:"rx_loss_ratio" doc:"Share of those that it sent, 0 to 1."`
	Jitter        float64                  `json:"rx_jitter_ms" doc:"Interarrival jitter in milliseconds (RFC 3550)."`
	MOS           float64                  `json:"mos,omitempty" doc:"Estimated listening quality of what came, 1 to 5."`
	Sent          uint64                   `json:"tx_packets" doc:"RTP packets sent to it."`
	RemoteLost    uint64                   `json:"tx_lost" doc:"RTP packets that it reported lost."`
	RemoteLoss    float64                  `json:"tx_loss_ratio" doc:"Share of them that it reported lost, 0 to 1."`
	RemoteJitter  float64                  `json:"tx_jitter_ms" doc:"Interarrival jitter that it reported, in milliseconds."`
	RemoteMOS     float64                  `json:"tx_mos,omitempty" doc:"Estimated listening quality of what it received, 1 to 5; left out: it reported nothing."`
	RoundTrip     float64                  `json:"rtt_ms" doc:"Round-trip time in milliseconds; 0: not known."`
	Voice         *focus.VoiceMetrics      `json:"rx_voice,omitempty" doc:"What came from it, in the terms of RFC 3611, section 4.7; left out: nothing came."`
	RemoteVoice   *focus.VoiceMetrics      `json:"tx_voice,omitempty" doc:"What it said last of what it received, in extended reports; left out: it sent none."`
}

// RecordingRecord is what remains of a recording.
type RecordingRecord struct {
	Head

	Recording  conference.RecordingID `json:"recording" doc:"Identifier in events and in the API."`
	Policy     bool                   `json:"policy" doc:"Whether the policy wanted it, rather than somebody who asked."`
	Mode       []string               `json:"mode" doc:"What was recorded: mixed, separate or both."`
	StartedAt  focus.Time             `json:"started_at" doc:"When it was to begin."`
	RecordedAt *focus.Time            `json:"recorded_at,omitempty" doc:"When a server first recorded; left out: none did."`
	EndedAt    focus.Time             `json:"ended_at" doc:"When it was over."`
	Duration   float64                `json:"duration_seconds" doc:"From started_at to ended_at, in seconds."`
	State      string                 `json:"state,omitempty" doc:"What the servers acknowledged last: stopped or failed, as a rule."`
	Verdict    string                 `json:"verdict" enum:"complete,pending,partial,missing" doc:"Of the best copy: complete: servers have all of it; pending: what is missing there waits in the spool; partial: something is lost; missing: nothing was recorded."`
	Recorded   float64                `json:"recorded_seconds" doc:"How long at least one server recorded, in seconds."`
	Unrecorded float64                `json:"unrecorded_seconds" doc:"Audio of the best copy that neither a server nor the disk has, all streams together, in seconds."`
	Paused     float64                `json:"paused_seconds" doc:"How long it was paused, in seconds."`
	Failures   int                    `json:"failures" doc:"How often it failed."`
	Moves      int                    `json:"moves" doc:"How often another server took over."`
	Recorders  []focus.RecorderInfo   `json:"recorders" doc:"Each recording server, as last known."`
	Copies     []focus.AssuredCopy    `json:"copies" doc:"Each copy, whichever servers have had it."`
}
