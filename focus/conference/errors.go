package conference

import "errors"

// Reasons for which an event is refused; they arrive in [Reject] and leave the State as it was.
var (
	// ErrLocked refuses a new participant while the conference is locked (RFC 4575, section 5.5.3).
	ErrLocked = errors.New("the conference is locked")
	// ErrFull refuses a new participant beyond MaxParticipants.
	ErrFull = errors.New("the conference is full")
	// ErrKeptOut refuses a caller after too many wrong PINs.
	ErrKeptOut = errors.New("too many wrong entries")
	// ErrEnded refuses everything after the conference has ended.
	ErrEnded = errors.New("the conference has ended")
	// ErrNoParticipant says that no such participant is in the conference.
	ErrNoParticipant = errors.New("no such participant")
	// ErrExists refuses a participant or recording whose identifier is taken.
	ErrExists = errors.New("the identifier is taken")
	// ErrNoRecording says that the conference has no such recording, or that it has stopped.
	ErrNoRecording = errors.New("no such recording")
	// ErrRecordingPolicy refuses a recording where the policy is never, and its end where it is always.
	ErrRecordingPolicy = errors.New("the recording policy of the conference forbids it")
	// ErrNotActive refuses a recording of a conference in which nobody is.
	ErrNotActive = errors.New("the conference has no participants")
	// ErrConflict refuses a change that does not fit the present state, such as pausing what has failed.
	ErrConflict = errors.New("not possible in the present state")
	// ErrNoSidebar says that the conference has no such sidebar, or that it has ended.
	ErrNoSidebar = errors.New("no such sidebar")
	// ErrListener refuses to unmute a listener; give it another role first.
	ErrListener = errors.New("a listener cannot be unmuted")
	// ErrNotOpen refuses a new participant before the conference opens.
	ErrNotOpen = errors.New("the conference is not open yet")
	// ErrEnding refuses a new participant while the end of the conference is being announced.
	ErrEnding = errors.New("the conference is about to end")
	// ErrNotModerator refuses what only moderators may do.
	ErrNotModerator = errors.New("only a moderator may do that")
	// ErrHardMuted refuses a participant who wants to unmute himself where only moderators may do it.
	ErrHardMuted = errors.New("participants may not unmute themselves")
	// ErrRange refuses a value outside its limits.
	ErrRange = errors.New("value out of range")
)
