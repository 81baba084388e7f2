package focus

import (
	"context"
	"log/slog"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
)

// Deps are what a Focus works with. It closes none of them.
type Deps struct {
	Mixer  *mixer.Engine
	Media  *media.Transport
	Logger *slog.Logger // nil: silent
	Hooks  Hooks
}

// Focus hosts conferences. All methods may be called by any goroutine. It is the sipua.Handler of its agent.
type Focus struct{}

// New makes a Focus with its static conferences, all idle. The error wraps ErrInvalid.
func New(cfg Config, deps Deps) (*Focus, error) { return nil, nil }

// Serve gives the Focus its agent; to be called once, before the agent is started. (The agent needs its handler first,
// hence not a field of Deps.)
func (f *Focus) Serve(agent *sipua.Agent) {}

// Shutdown drains: new calls and subscriptions are refused, all conferences end with BYE and a last NOTIFY, recordings get
// their last metadata and BYE. When ctx ends earlier the rest is cut off and its error returned. No goroutine of the Focus
// runs any more when it returns. The agent is to be shut down after it.
func (f *Focus) Shutdown(ctx context.Context) error { return nil }

// Speakers is to be called by the engine: give it to mixer.Config.OnSpeakers. It does not block.
func (f *Focus) Speakers(m *mixer.Mix, active []mixer.MemberID) {}

// Conferences gives the State of every conference, static ones also when idle, in order of their identifiers.
func (f *Focus) Conferences() []*conference.State { return nil }

// Conference gives the State of one. Error: ErrNoConference.
func (f *Focus) Conference(id conference.ID) (*conference.State, error) { return nil, ErrNoConference }

// Create makes a conference that stays until Delete. An empty ID gets an unguessable one (RFC 4579, section 5.3). Errors:
// ErrExists, ErrInvalid, ErrBusy, ErrShutdown.
func (f *Focus) Create(ctx context.Context, c ConferenceConfig) (*conference.State, error) {
	return nil, ErrShutdown
}

// Update changes settings. Errors: ErrNoConference, conference.ErrRange, ErrShutdown and that of ctx, as for all below.
func (f *Focus) Update(ctx context.Context, id conference.ID, c ConferenceChange) (*conference.State, error) {
	return nil, ErrNoConference
}

// Delete ends a conference: everybody is ejected. One of the configuration comes into being again, empty.
func (f *Focus) Delete(ctx context.Context, id conference.ID) error { return ErrNoConference }

// Participants gives the participants of a conference with their statistics, in order of arrival.
func (f *Focus) Participants(ctx context.Context, id conference.ID) ([]ParticipantInfo, error) {
	return nil, ErrNoConference
}

// Participant gives one. Errors: ErrNoConference, ErrNoParticipant.
func (f *Focus) Participant(ctx context.Context, id conference.ID, pid conference.ParticipantID) (ParticipantInfo, error) {
	return ParticipantInfo{}, ErrNoConference
}

// Dial calls somebody into the conference and returns at once; what becomes of it is seen in the State and the events.
// Errors: ErrLocked, ErrFull, ErrInvalid.
func (f *Focus) Dial(ctx context.Context, id conference.ID, uri string) (conference.ParticipantID, error) {
	return "", ErrNoConference
}

// UpdateParticipant changes what the focus does with a participant. It returns when the change is in the mix. Errors:
// ErrNoParticipant, conference.ErrListener, conference.ErrRange.
func (f *Focus) UpdateParticipant(ctx context.Context, id conference.ID, pid conference.ParticipantID, c ParticipantChange,
) (ParticipantInfo, error) {
	return ParticipantInfo{}, ErrNoConference
}

// Eject removes a participant (RFC 4353, section 5.3); reason goes into the Reason field of the BYE and may be empty.
func (f *Focus) Eject(ctx context.Context, id conference.ID, pid conference.ParticipantID, reason string) error {
	return ErrNoConference
}

// Recordings gives the recordings of a conference with their streams; some that are over among them.
func (f *Focus) Recordings(ctx context.Context, id conference.ID) ([]RecordingInfo, error) {
	return nil, ErrNoConference
}

// Recording gives one. Error: ErrNoRecording.
func (f *Focus) Recording(ctx context.Context, id conference.ID, rid conference.RecordingID) (RecordingInfo, error) {
	return RecordingInfo{}, ErrNoConference
}

// StartRecording begins a recording and returns at once, in state "starting". Errors: ErrNoServer, ErrConflict (no server is
// configured), conference.ErrNotActive, conference.ErrRecordingPolicy.
func (f *Focus) StartRecording(ctx context.Context, id conference.ID, r RecordingRequest) (RecordingInfo, error) {
	return RecordingInfo{}, ErrNoConference
}

// PauseRecording stops the capture; when it returns nothing more is captured, and the servers will hear of it. Errors:
// ErrNoRecording, ErrConflict.
func (f *Focus) PauseRecording(ctx context.Context, id conference.ID, rid conference.RecordingID) (RecordingInfo, error) {
	return RecordingInfo{}, ErrNoConference
}

// ResumeRecording ends a pause. Participants are told before the capture begins again.
func (f *Focus) ResumeRecording(ctx context.Context, id conference.ID, rid conference.RecordingID) (RecordingInfo, error) {
	return RecordingInfo{}, ErrNoConference
}

// StopRecording ends a recording. Errors: ErrNoRecording, conference.ErrRecordingPolicy.
func (f *Focus) StopRecording(ctx context.Context, id conference.ID, rid conference.RecordingID) (RecordingInfo, error) {
	return RecordingInfo{}, ErrNoConference
}

// Announce plays a WAV file (RIFF, linear PCM of 16 bits or G.711, mono or stereo, 8, 16 or 48 kHz) to all participants. It
// returns when it has begun. Errors: ErrInvalid, conference.ErrNotActive.
func (f *Focus) Announce(ctx context.Context, id conference.ID, wav []byte) error {
	return ErrNoConference
}

// Watch follows the events of one conference, or with "" of all. after is the ID of the last event known: those since then
// come first, as far as they are still kept; "" begins with the next. The caller closes the Watcher.
func (f *Focus) Watch(id conference.ID, after string) *Watcher { return &Watcher{} }

// Watcher is one follower of events. It belongs to one goroutine.
type Watcher struct{}

// Next waits for the next event. It returns the error of ctx, or ErrShutdown when the Focus has ended and nothing is left.
// A Watcher too slow for the log is led on to the oldest event still kept; Missed tells how many it has lost.
func (w *Watcher) Next(ctx context.Context) (Event, error) { return Event{}, ErrShutdown }

// Missed gives the number of events lost so far.
func (w *Watcher) Missed() uint64 { return 0 }

// Close ends the watching.
func (w *Watcher) Close() {}

// Stats is the focus in numbers.
type Stats struct {
	Conferences     int            // with somebody in them
	Participants    int            // present
	Subscriptions   int            // to conference events
	Recordings      map[string]int // sessions with recording servers by state
	RecordedPackets uint64         // sent to recording servers since the start
}

// Stats counts what there is now.
func (f *Focus) Stats() Stats { return Stats{} }

// Draining tells whether Shutdown has begun.
func (f *Focus) Draining() bool { return false }
