package focus

import (
	"errors"

	"github.com/parley-sip/parley/focus/conference"
)

// What a caller may ask about with errors.Is. Those that the conference itself decides are the ones of package conference.
var (
	// ErrNoConference says that there is no conference of that name.
	ErrNoConference = errors.New("no such conference")
	// ErrNoParticipant says that no such participant is in the conference.
	ErrNoParticipant = conference.ErrNoParticipant
	// ErrNoRecording says that the conference has no such recording, or that it is over.
	ErrNoRecording = conference.ErrNoRecording
	// ErrNoPlayback says that nothing of that name is being played, or not any more.
	ErrNoPlayback = errors.New("no such playback")
	// ErrLocked refuses a new participant of a locked conference.
	ErrLocked = conference.ErrLocked
	// ErrFull refuses a participant beyond the limit of the conference.
	ErrFull = conference.ErrFull
	// ErrNoSidebar refuses what concerns a sidebar that the conference does not have.
	ErrNoSidebar = conference.ErrNoSidebar
	// ErrExists refuses to create what is there already.
	ErrExists = conference.ErrExists
	// ErrConflict refuses what does not fit the present state.
	ErrConflict = conference.ErrConflict
	// ErrInvalid refuses an argument: an identifier, a URI, a WAV file.
	ErrInvalid = errors.New("invalid argument")
	// ErrNoServer refuses a recording by a server that the configuration does not know.
	ErrNoServer = errors.New("no such recording server")
	// ErrForbidden refuses to call a target that the rules do not allow.
	ErrForbidden = errors.New("may not be called")
	// ErrDeclined says that somebody who was asked to call in does not want to, or cannot be asked.
	ErrDeclined = errors.New("declined")
	// ErrBusy refuses what would go beyond a configured limit of the whole focus.
	ErrBusy = errors.New("limit reached")
	// ErrShutdown refuses everything while the focus drains.
	ErrShutdown = errors.New("shutting down")
)
