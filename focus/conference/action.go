package conference

import "time"

// Action is what the owner of the machine has to do, in the order given. The types of this file are all there are.
type Action interface{ action() }

// Admit grants a Join or an Invite.
type Admit struct{ ID ParticipantID }

// Reject refuses the event; the State has not changed. Err is one of the sentinels of this package.
type Reject struct{ Err error }

// Dial asks to call the participant.
type Dial struct {
	ID     ParticipantID
	Target string // as in the Invite; empty: its Entity
}

// Eject asks to end the session with a participant that is no longer in the State: BYE, or CANCEL while it rings.
type Eject struct {
	ID     ParticipantID
	Reason string // for the Reason header field (RFC 3326); may be empty
}

// Indicate asks to tell a participant about recording and to report it by Indicated. Via is told to other focuses (State.IndicationVia).
type Indicate struct {
	ID         ParticipantID
	Indication Indication
	Via        string
}

// AutoRecord asks for an identifier: the owner answers at once, before the next action, with a Record of the same Config, Automatic unless
// somebody has demanded it.
type AutoRecord struct {
	Config   *RecordingConfig
	Demanded bool
}

// StartRecording asks to open the sessions of a recording with its servers.
type StartRecording struct{ ID RecordingID }

// ChangeRecording asks to bring the sessions of a recording to its wished state: paused, running or closed.
type ChangeRecording struct{ ID RecordingID }

// Warn asks to let the participants hear that they are no longer recorded although they should be.
type Warn struct{}

// AutoDial asks for an identifier, like AutoRecord: the owner answers at once with the Invite of that Callee of the CallList.
type AutoDial struct{ Callee int } // an index; the Invite has one more

// Chime asks to let those who are in hear that somebody has come, or gone.
type Chime struct{ Entered bool }

// Remind asks to let the participants hear that the conference ends after that time.
type Remind struct{ Left time.Duration }

// Farewell asks to let the participants hear that the conference ends; it does when Config.Farewell has passed.
type Farewell struct{}

// Say asks to say prompts to one participant alone, instead of what is being said to him, and to report it by Said. It is also over
// when he presses a key.
type Say struct {
	ID      ParticipantID
	Turn    int
	Prompts []Prompt
}

// Listen asks to take down what a participant says from now on as his name, instead of what was taken down before, and to report by Named
// when he has said it.
type Listen struct {
	ID   ParticipantID
	Turn int
}

// KeepName asks to take what was heard until now as the name of a participant, who need not say it any more.
type KeepName struct{ ID ParticipantID }

// Announce asks to let those who are in hear the name of who has come, or gone.
type Announce struct {
	ID      ParticipantID
	Entered bool
}

// Choose says that a participant has chosen something by keys.
type Choose struct {
	ID     ParticipantID
	Choice Choice
}

// Route asks to bring a caller of an access number to the conference of a number. Answered by Routed.
type Route struct {
	ID     ParticipantID
	Number string
}

// Guessed says that a participant has entered a wrong PIN, or the number of no conference.
type Guessed struct{ ID ParticipantID }

// Publish says that the State has a new version.
type Publish struct{}

// UpdateMix says that who is heard by whom has changed.
type UpdateMix struct{}

// WakeAt asks for a Tick at that time; it replaces the one before. The zero time asks for none.
type WakeAt struct{ At time.Time }

// Idle says that a static conference has nobody left and nothing to do.
type Idle struct{}

// Close says that the conference is gone: its URI is invalid from now on (RFC 4353, section 5.4).
type Close struct{}

func (Admit) action()           {}
func (Reject) action()          {}
func (Dial) action()            {}
func (Eject) action()           {}
func (Indicate) action()        {}
func (AutoRecord) action()      {}
func (StartRecording) action()  {}
func (ChangeRecording) action() {}
func (Warn) action()            {}
func (AutoDial) action()        {}
func (Chime) action()           {}
func (Remind) action()          {}
func (Farewell) action()        {}
func (Say) action()             {}
func (Listen) action()          {}
func (KeepName) action()        {}
func (Announce) action()        {}
func (Choose) action()          {}
func (Route) action()           {}
func (Guessed) action()         {}
func (Publish) action()         {}
func (UpdateMix) action()       {}
func (WakeAt) action()          {}
func (Idle) action()            {}
func (Close) action()           {}
