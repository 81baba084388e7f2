package focus

import (
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// ConferenceInfo is a conference as the API and the events show it.
type ConferenceInfo struct {
	ID              conference.ID            `json:"id" doc:"User part of the conference URI."`
	Name            string                   `json:"name" doc:"Display text; may be empty."`
	URI             string                   `json:"uri" doc:"SIP URI of the conference: what to call, and what to subscribe to."`
	Version         uint64                   `json:"version" doc:"Grows with every change, over all the life of the conference."`
	Active          bool                     `json:"active" doc:"Somebody is in it, or is being called into it."`
	Dynamic         bool                     `json:"dynamic" doc:"Ends when the last participant leaves."`
	Locked          bool                     `json:"locked" doc:"Nobody more may join."`
	Protected       bool                     `json:"pin_protected" doc:"Who calls in has to enter a PIN."`
	MutedOnEntry    bool                     `json:"muted_on_entry" doc:"Who joins starts muted."`
	MaxParticipants int                      `json:"max_participants" doc:"How many may be in it at once; 0: no limit."`
	Recording       string                   `json:"recording" doc:"What participants are to be told of recordings: on, paused or off."`
	Present         int                      `json:"present" doc:"How many are in it."`
	Waiting         int                      `json:"waiting" doc:"How many wait to be let in."`
	Dominant        conference.ParticipantID `json:"dominant,omitempty" doc:"Participant who has spoken most lately; left out: nobody has."`
	Sidebars        []SidebarInfo            `json:"sidebars" doc:"Conversations of some participants among themselves."`
	ConferenceRules
	Participants int   `json:"participants" doc:"How many participants there are, those being called among them."`
	StartedAt    *Time `json:"started_at,omitempty" doc:"When the first participant of the present meeting came."`
	OpensAt      *Time `json:"opens_at,omitempty" doc:"Before which nobody is let in; left out: always open."`
	ClosesAt     *Time `json:"closes_at,omitempty" doc:"When it ends, and nobody is let in any more; left out: never."`
}

// ParticipantInfo is a participant as the API and the events show it.
type ParticipantInfo struct {
	ID            conference.ParticipantID `json:"id" doc:"Unique within the conference for ever."`
	URI           string                   `json:"uri" doc:"SIP URI of the participant."`
	DisplayName   string                   `json:"display_name" doc:"Name to show; may be empty."`
	Role          string                   `json:"role" doc:"moderator, speaker or listener; a listener is not heard."`
	State         string                   `json:"state" doc:"Status as in RFC 4575: pending, dialing-in, dialing-out, alerting, connected, on-hold, muted-via-focus, disconnecting or disconnected."`
	Waiting       bool                     `json:"waiting" doc:"Waits to be let in: neither hears the conference nor is heard or recorded."`
	Marked        bool                     `json:"marked" doc:"The others need not wait when it is there, as with a moderator."`
	Floor         bool                     `json:"floor" doc:"Is heard in lecture mode."`
	HandRaisedAt  *Time                    `json:"hand_raised_at,omitempty" doc:"Since when it wants to speak; left out: it does not."`
	Awaits        string                   `json:"awaits,omitempty" doc:"What keeps it out although it is answered: pin, it has to enter one; consent, it has to press 1; name, it has to say its name."`
	Muted         bool                     `json:"muted" doc:"The others do not hear the participant."`
	Deafened      bool                     `json:"deafened" doc:"The participant hears nobody."`
	Held          bool                     `json:"held" doc:"On hold, by the conference or by the participant itself: neither hears nor is heard."`
	GainDB        float64                  `json:"gain_db" doc:"Applied to what the participant says, in dB."`
	ListenGainDB  float64                  `json:"listen_gain_db" doc:"Applied to what the participant hears, in dB."`
	Unrecorded    bool                     `json:"unrecorded" doc:"Left out of recordings: the others hear the participant, no recorder does."`
	Masked        bool                     `json:"masked" doc:"For now, recordings hold silence or a tone in the place of what the participant says; the others hear it."`
	Prefers       string                   `json:"record_preference" doc:"What the participant's phone last wished of recordings: on, off, pause or nopreference (RFC 7866)."`
	Coaching      conference.ParticipantID `json:"coaching,omitempty" doc:"Who alone hears the participant; left out: everybody."`
	Sidebar       conference.SidebarID     `json:"sidebar,omitempty" doc:"Sidebar that the participant is in; left out: none."`
	Speaking      bool                     `json:"speaking" doc:"Is heard speaking now."`
	JoinedAt      *Time                    `json:"joined_at,omitempty" doc:"When its media came into the conference; left out before."`
	Method        string                   `json:"method" doc:"How it came: dialed-in, dialed-out or focus-owner."`
	Codec         string                   `json:"codec,omitempty" doc:"Codec and clock rate of its media."`
	Text          bool                     `json:"text,omitempty" doc:"It has real-time text."`
	SRTP          bool                     `json:"srtp" doc:"Media are encrypted."`
	SSRC          uint32                   `json:"ssrc" doc:"RTP source it sends with; 0: not known yet."`
	Recording     string                   `json:"recording" doc:"What the participant has been told of recordings: on, paused or off."`
	Records       string                   `json:"records" doc:"What its user agent says of recordings of its own (a=record): on, paused or off. The others are told."`
	Disconnection *DisconnectionInfo       `json:"disconnection,omitempty" doc:"How it went; left out while it is there."`
	Stats         *ParticipantStats        `json:"stats,omitempty" doc:"Quality of its media; left out in events."`
}

// DisconnectionInfo tells how a participant went.
type DisconnectionInfo struct {
	Method string `json:"method" doc:"departed, booted, failed or busy."`
	Reason string `json:"reason,omitempty" doc:"Reason header field as in RFC 3326."`
	At     Time   `json:"at" doc:"When."`
}

// ParticipantStats is the quality of a participant's media.
type ParticipantStats struct {
	ReceivedPackets uint64  `json:"rx_packets" doc:"RTP packets received from the participant."`
	ReceivedLost    uint64  `json:"rx_lost" doc:"RTP packets that the participant sent and that never came."`
	JitterMS        float64 `json:"rx_jitter_ms" doc:"Interarrival jitter in milliseconds (RFC 3550)."`
	RoundTripMS     float64 `json:"rtt_ms" doc:"Round-trip time in milliseconds; 0: not known."`
	Level           int     `json:"rx_level_dbov" doc:"Level of the last 20 ms that came, in dBov (RFC 6464); -127: silence. The loudest of each quarter of a second is told by the stream of levels."`
	MOS             float64 `json:"mos" doc:"Estimated listening quality, 1 to 5."`
	SentPackets     uint64  `json:"tx_packets" doc:"RTP packets sent to the participant."`
	Concealed       uint64  `json:"concealed_frames" doc:"Frames of 20 ms that had to be made up."`
	Late            uint64  `json:"rx_late" doc:"Packets that came too late to be played."`
	Discarded       uint64  `json:"rx_discarded" doc:"Packets thrown away to bring the delay down."`
	DepthMS         float64 `json:"rx_depth_ms" doc:"Audio that waits in the jitter buffer, in milliseconds."`
	DelayMS         float64 `json:"rx_delay_ms" doc:"What the jitter buffer now adds to the delay, in milliseconds."`
	TargetMS        float64 `json:"rx_target_ms" doc:"What the measured jitter asks the jitter buffer for, in milliseconds."`
	DriftPPM        float64 `json:"rx_drift_ppm" doc:"By how many parts of one million the participant's clock is faster than the server's; 0: not known."`
	RemoteJitterMS  float64 `json:"tx_jitter_ms" doc:"Interarrival jitter that the participant reports, in milliseconds."`
	RemoteLoss      float64 `json:"tx_loss" doc:"Share of the packets sent lately that the participant reports lost, 0 to 1."`
	RemoteLost      uint64  `json:"tx_lost" doc:"RTP packets sent that the participant has reported lost, all in all."`
	RemoteMOS       float64 `json:"tx_mos" doc:"Estimated listening quality of what the participant receives, by its reports, 1 to 5; 0: it has reported nothing."`

	Voice       *VoiceMetrics `json:"rx_voice,omitempty" doc:"What comes from the participant, in the terms of RFC 3611; left out: nothing has come."`
	RemoteVoice *VoiceMetrics `json:"tx_voice,omitempty" doc:"What the participant says of what is sent to it, in extended reports (RFC 3611, section 4.7); left out: it has sent none."`

	Text *TextStats `json:"text,omitempty" doc:"Real-time text, while there is some."`
}

// TextStats is what has gone over a session of real-time text.
type TextStats struct {
	Received uint64 `json:"rx_packets" doc:"Packets received from the participant."`
	Lost     uint64 `json:"rx_lost" doc:"Packets that the participant sent and that never came."`
	Repaired uint64 `json:"rx_repaired" doc:"Texts of lost packets that redundancy has brought."`
	Marked   uint64 `json:"rx_marked" doc:"Places at which text may be missing, and that the others see."`
	Sent     uint64 `json:"tx_packets" doc:"Packets sent to the participant."`
}

// RecordingInfo is a recording as the API and the events show it.
type RecordingInfo struct {
	ID         conference.RecordingID `json:"id" doc:"Unique within the conference for ever."`
	Conference conference.ID          `json:"conference" doc:"Conference that is recorded."`
	Servers    []RecorderInfo         `json:"servers" doc:"Each recording server and its part."`
	Mode       []string               `json:"mode" doc:"What is recorded: mixed, separate, pair, or several of them."`
	State      string                 `json:"state" doc:"What the servers have acknowledged: starting, recording, paused, stopping, stopped or failed."`
	StartedAt  *Time                  `json:"started_at,omitempty" doc:"When a server first recorded; left out before."`
	Streams    []StreamInfo           `json:"streams" doc:"RTP streams sent to the servers now."`
}

// RecorderInfo is one server's part in a recording.
type RecorderInfo struct {
	Name      string `json:"name" doc:"Name of the server in the configuration."`
	State     string `json:"state" doc:"What this server has acknowledged: starting, recording, paused, stopped or failed."`
	SessionID string `json:"session_id,omitempty" doc:"Communication session in the metadata (RFC 7865); left out until accepted."`
	Error     string `json:"error,omitempty" doc:"Why it failed."`
}

// StreamInfo is one recorded stream.
type StreamInfo struct {
	Server      string                   `json:"server" doc:"Server that gets the stream."`
	Label       string                   `json:"label" doc:"Label in SDP and metadata; stays for good."`
	Participant conference.ParticipantID `json:"participant,omitempty" doc:"Whose audio it is; left out: the mix of all."`
	Sidebar     conference.SidebarID     `json:"sidebar,omitempty" doc:"Sidebar that it is of; left out: the conference."`
	Side        string                   `json:"side,omitempty" enum:"chosen,others" doc:"Side that it is of in mode pair; left out: none."`
	Codec       string                   `json:"codec,omitempty" doc:"Codec and clock rate; left out until agreed."`
	Packets     uint64                   `json:"packets" doc:"RTP packets sent."`
	Reports     uint64                   `json:"reports" doc:"RTCP packets that the server has sent about the stream."`
	LossPercent float64                  `json:"loss_percent" doc:"Packets that the server has missed of those lately sent, as it has last reported."`
	JitterMS    float64                  `json:"jitter_ms" doc:"Jitter that the server has last reported, in milliseconds."`
	RoundTripMS float64                  `json:"round_trip_ms" doc:"Round trip to the server by its last report, in milliseconds; 0: not known."`
}

// SpeakersInfo is who speaks, in the order of the roster.
type SpeakersInfo struct {
	Speakers []conference.ParticipantID `json:"speakers" doc:"Participants who are heard speaking, in order of arrival."`
	Dominant conference.ParticipantID   `json:"dominant,omitempty" doc:"Who has spoken most lately; the same in pauses, until another speaks for a while. Left out: nobody."`
}

// DigitInfo is a pressed key (RFC 4733).
type DigitInfo struct {
	Participant conference.ParticipantID `json:"participant" doc:"Who pressed the key."`
	Digit       string                   `json:"digit" doc:"0 to 9, *, #, A to D."`
	DurationMS  int64                    `json:"duration_ms" doc:"How long it was pressed, in milliseconds."`
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

// ConferenceRules is what a conference does by itself, as the API shows it.
type ConferenceRules struct {
	WaitForModerator bool   `json:"wait_for_moderator" doc:"Others wait until a moderator, or somebody who is marked, is there."`
	Lobby            bool   `json:"lobby" doc:"Callers wait until they are admitted."`
	WaitTimeout      string `json:"wait_timeout" doc:"After which who waits is sent away; 0s: never."`
	OnModeratorLeave string `json:"on_moderator_leave" doc:"What follows when the last moderator has left: continue, wait or end."`
	ModeratorGrace   string `json:"moderator_grace" doc:"How long one may be away before it follows."`
	EndWhenLeft      int    `json:"end_when_left" doc:"It ends when, after there were more, only so many are left; 0: it goes on."`
	EndGrace         string `json:"end_grace" doc:"How long there may be so few before it ends."`
	MaxDuration      string `json:"max_duration" doc:"Longest duration, from the first participant; 0s: any."`
	MuteAbove        int    `json:"mute_above" doc:"Who comes when so many are in starts muted; 0: nobody."`
	AllowUnmute      bool   `json:"allow_unmute" doc:"Participants may unmute themselves."`
	Lecture          bool   `json:"lecture" doc:"Only moderators and those who have the floor are heard."`
	Text             bool   `json:"text" doc:"There is real-time text, for those whose telephones have it."`
	Entry            string `json:"entry" doc:"How the others learn that somebody comes or goes: none, tone, or announce: by names that they say."`
	EndsAt           *Time  `json:"ends_at,omitempty" doc:"When the rules will end it unless something happens before; left out: they will not."`
}

func describeRules(s *conference.State) ConferenceRules {
	r := &s.Rules
	return ConferenceRules{
		WaitForModerator: r.WaitForModerator, Lobby: r.Lobby, WaitTimeout: r.WaitTimeout.String(),
		OnModeratorLeave: r.ModeratorLeaves.String(), ModeratorGrace: r.ModeratorGrace.String(),
		EndWhenLeft: r.EndAt, EndGrace: r.EndAtGrace.String(), MaxDuration: r.MaxDuration.String(),
		MuteAbove: r.MuteAbove, AllowUnmute: !r.HardMute, Lecture: r.Lecture, Text: r.Text, Entry: r.Entry.String(), EndsAt: pointTime(s.EndsAt),
	}
}

// DescribeConference gives the JSON object of a conference.
func DescribeConference(s *conference.State) ConferenceInfo {
	return ConferenceInfo{
		ID: s.ID, Name: s.Name, URI: s.URI, Version: s.Version, Active: s.Active, Dynamic: s.Dynamic, Locked: s.Locked, Protected: s.Protected,
		MutedOnEntry: s.MutedOnEntry, MaxParticipants: s.MaxParticipants, Recording: s.Indication().String(),
		Participants: len(s.Participants), StartedAt: pointTime(s.StartedAt), OpensAt: pointTime(s.Opens), ClosesAt: pointTime(s.Closes),
		Sidebars: describeSidebars(s), Dominant: s.Dominant, Present: s.PresentCount(), Waiting: s.WaitingCount(), ConferenceRules: describeRules(s),
	}
}

// DescribeParticipant gives the JSON object of a participant of a conference, without statistics.
func DescribeParticipant(s *conference.State, p *conference.Participant) ParticipantInfo {
	info := ParticipantInfo{
		ID: p.ID, URI: p.Entity, DisplayName: p.DisplayName, Role: p.Role.String(), State: p.Status.String(), Awaits: p.Awaits.String(),
		Muted: p.Silenced(), Deafened: p.Deafened, Held: p.Held || p.Session.OnHold, GainDB: p.GainDB, ListenGainDB: p.ListenGainDB, Coaching: p.Coaching, Sidebar: p.Sidebar, Speaking: s.Speaking(p.ID),
		JoinedAt: pointTime(p.JoinedAt), Method: p.Method.String(), Codec: p.Session.Codec, Text: p.Session.Text.Agreed, SRTP: p.Session.Secure,
		SSRC: p.Session.SSRC, Recording: p.Told.String(), Records: p.Session.Records.String(), Unrecorded: p.Unrecorded, Masked: p.Masked,
		Prefers: p.Prefers.String(),
		Waiting: p.Waiting(), Marked: p.Marked, Floor: p.Floor, HandRaisedAt: pointTime(p.HandRaisedAt),
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
