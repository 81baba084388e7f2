package conference

// Event is what happens to a conference. The types of this file are all there are.
type Event interface{ event() }

// Join asks for a place for a user agent that has called in. Answered by Admit or Reject (ErrLocked, ErrFull, ErrEnded,
// ErrExists, ErrEnding, ErrKeptOut).
type Join struct {
	ID          ParticipantID
	Entity      string
	Endpoint    string // empty: Entity
	DisplayName string
	Role        Role
	Marked      bool // leads the conference without being a moderator
	RecordAware bool
	Languages   string        // that he prefers, as tags with spaces between (RFC 4575, section 5.6.4)
	Anonymous   bool          // has asked for privacy: Entity and names tell nothing
	Rule        *Rule         // the recording rule for him; nil: the policy of the conference
	Known       bool          // need not enter a PIN
	Source      string        // whose wrong entries are counted together; empty: nobody's
	Introduced  bool          // need not say his name
	Replaces    ParticipantID // whose place he takes, so that he needs none of his own; empty: nobody's
	By          string        // URI of who has sent him; empty: nobody has
}

// Invite asks to call somebody into the conference. Answered by Admit and Dial, or by Reject like Join.
type Invite struct {
	ID          ParticipantID
	Entity      string
	Target      string // what to call, with the parameters that say how; empty: Entity
	DisplayName string
	Role        Role
	Marked      bool
	Consent     bool   // he is asked before he comes in
	Callee      int    // answers AutoDial: one more than its index; 0: somebody else
	By          string // URI of who has asked for it; empty: the focus itself
	Rule        *Rule  // as of Join
}

// Ringing reports that the called user agent alerts (180).
type Ringing struct{ ID ParticipantID }

// Bridged reports that the participant's media are agreed and ready to be mixed: at ACK of a call that came in, at 200 of
// one that went out. Told is what the answer or offer said about recording, when the user agent is record-aware.
type Bridged struct {
	ID      ParticipantID
	Session Session
	Told    Indication
	// Endpoint is the user agent that has taken the place of another one in the same role; empty: it is the one that came.
	Endpoint string
}

// Key reports a key press of a participant: 0 to 9, *, #, A to D.
type Key struct {
	ID  ParticipantID
	Key byte
}

// Said reports that what a Say asked for has been said, or was cut short.
type Said struct {
	ID   ParticipantID
	Turn int
}

// Named reports that a participant has said his name, as a Listen asks for, or that he says nothing.
type Named struct {
	ID   ParticipantID
	Turn int
}

// Routed answers a Route: the participant is in another conference, or Why not. Rejected with ErrNoParticipant when he has left
// meanwhile, and ErrConflict when it took too long.
type Routed struct {
	ID  ParticipantID
	Why Prompt // empty: he is there
}

// SessionChanged reports a re-negotiation, a new SSRC, a hold by the participant.
type SessionChanged struct {
	ID      ParticipantID
	Session Session
}

// Left reports that the participant ended its session (BYE, or CANCEL before it was bridged).
type Left struct {
	ID       ParticipantID
	Reason   string
	Replaced bool // somebody else has taken his place
}

// Failure reports that the session with the participant could not be made or is lost.
type Failure struct {
	ID     ParticipantID
	Busy   bool // the called user agent was busy (486, 600)
	Reason string
}

// EjectParticipant removes a participant (RFC 4353, section 5.3). Rejected with ErrNoParticipant, ErrNotModerator.
type EjectParticipant struct {
	ID     ParticipantID
	By     ParticipantID // who wants it; empty: the operator
	Reason string
}

// Adjust changes what the focus does with a participant; a nil field stays. All of it is applied or, with Reject
// (ErrNoParticipant, ErrListener, ErrRange, ErrConflict, ErrNotModerator, ErrHardMuted, ErrRecordingPolicy), nothing. Participants may mute
// and deafen themselves and raise their hand, moderators may do everything.
type Adjust struct {
	ID                    ParticipantID
	By                    ParticipantID // who wants it; empty: the operator
	Muted, Deafened, Held *bool
	Unrecorded, Masked    *bool
	GainDB                *float64 // -60 to +20
	ListenGainDB          *float64 // the same
	Role                  *Role
	DisplayName           *string
	Coaching              *ParticipantID // empty: nobody any more; of a participant who is there, and another
	Marked                *bool
	Waiting               *bool // false admits, now or when he comes to the door; true sends back to the door, where the rules keep him
	Hand                  *bool // wants to speak
	Floor                 *bool // is heard in lecture mode
}

// Configure changes settings of the conference; a nil field stays. A limit below the present number of participants holds
// for the next ones and removes nobody.
type Configure struct {
	By                   ParticipantID // who wants it; empty: the operator
	Name                 *string
	Locked, MutedOnEntry *bool
	MaxParticipants      *int
	Rules                RulesChange
}

// Equip changes how keys are entered at the door, but not which PINs let in, and what keys choose.
type Equip struct {
	Door DoorConfig
	Menu MenuConfig
}

// AdmitAll lets in everybody who waits. Rejected with ErrNotModerator, as the next two.
type AdmitAll struct{ By ParticipantID }

// MuteAll mutes or unmutes everybody but moderators and who asks for it. HardMute says whether participants may unmute themselves from
// now on; nil: as before.
type MuteAll struct {
	By       ParticipantID
	Muted    bool
	HardMute *bool
}

// LowerHands forgets who wants to speak.
type LowerHands struct{ By ParticipantID }

// CallOut has those of the CallList called who are not there. Rejected with ErrConflict when there are none, or they are being called
// already.
type CallOut struct{}

// Speaking reports who is heard speaking now, whoever is not listed is silent, and who dominates, empty for nobody.
type Speaking struct {
	Active   []ParticipantID
	Dominant ParticipantID
}

// Record starts a recording. Modes 0 and no Servers mean those of the policy. Rejected with ErrRecordingPolicy,
// ErrNotActive, ErrExists or, when there is no server at all, ErrConflict.
type Record struct {
	ID        RecordingID
	Modes     Mode
	Servers   []string
	Automatic bool
	Config    *RecordingConfig // its policy; nil: that of the conference
	Called    bool             // the server has asked for it itself: nobody takes its place
}

// PauseRecording and the next two change a running recording. Rejected with ErrNoRecording, ErrConflict, or
// ErrRecordingPolicy when what the policy started shall be stopped.
type PauseRecording struct{ ID RecordingID }

// ResumeRecording ends a pause.
type ResumeRecording struct{ ID RecordingID }

// StopRecording ends a recording.
type StopRecording struct{ ID RecordingID }

// Steer brings the recordings of the conference to a wished state, whatever it is now: PreferOn resumes those that pause, or starts one
// if there is none, PreferPause and PreferOff concern all of them. To repeat it does nothing. Rejected with ErrRecordingPolicy, also when
// what the policy started shall be stopped, and as Record is.
type Steer struct{ Wish Preference }

// Prefer reports the wish of a participant about recordings (RFC 7866, section 7.3.2). What follows from it is up to the policy. Rejected with
// ErrNoParticipant.
type Prefer struct {
	ID         ParticipantID
	Preference Preference
}

// Report carries what a server has acknowledged, or how it failed.
type Report struct {
	Recording RecordingID
	Server    string
	State     RecordingState
	SessionID string
	Error     string
	Retrying  bool
}

// Indicated reports that a participant has been told about recording.
type Indicated struct {
	ID         ParticipantID
	Indication Indication
}

// End ends the conference: everybody is ejected, recordings stop. A static conference only falls idle unless Delete is
// set; a dynamic one is gone. Announce lets the participants hear it first. Rejected with ErrNotModerator.
type End struct {
	By       ParticipantID
	Reason   string
	Delete   bool
	Announce bool
}

// Tick lets deadlines pass; to be sent at the time of the last WakeAt, or at any other.
type Tick struct{}

func (Join) event()             {}
func (Invite) event()           {}
func (Ringing) event()          {}
func (Bridged) event()          {}
func (Key) event()              {}
func (Said) event()             {}
func (Named) event()            {}
func (Routed) event()           {}
func (SessionChanged) event()   {}
func (Left) event()             {}
func (Failure) event()          {}
func (EjectParticipant) event() {}
func (Adjust) event()           {}
func (Configure) event()        {}
func (Equip) event()            {}
func (AdmitAll) event()         {}
func (MuteAll) event()          {}
func (LowerHands) event()       {}
func (CallOut) event()          {}
func (Speaking) event()         {}
func (Record) event()           {}
func (PauseRecording) event()   {}
func (ResumeRecording) event()  {}
func (StopRecording) event()    {}
func (Steer) event()            {}
func (Prefer) event()           {}
func (Report) event()           {}
func (Indicated) event()        {}
func (End) event()              {}
func (Tick) event()             {}
