package focus

import (
	"context"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// acknowledgement bounds how long a change of a recording waits for its servers.
const acknowledgement = 3 * time.Second

// StartRecording begins a recording and returns at once, in state "starting". Errors: ErrNoServer, ErrConflict (no server is
// configured), conference.ErrNotActive, conference.ErrRecordingPolicy.
func (f *Focus) StartRecording(ctx context.Context, id conference.ID, r RecordingRequest) (RecordingInfo, error) {
	if err := f.checkServers(r.Servers); err != nil {
		return RecordingInfo{}, err
	}
	rid := conference.RecordingID(shortName("r"))
	if _, err := f.command(ctx, id, conference.Record{ID: rid, Modes: r.Modes, Servers: f.pool.expand(r.Servers)}); err != nil {
		return RecordingInfo{}, err
	}
	return f.Recording(ctx, id, rid)
}

// PauseRecording stops the capture, at once, and then waits up to three seconds, but not beyond ctx, for the servers to agree.
// The state returned is the present one: "paused" when they have, "recording" when nobody has answered yet, "failed".
// Errors: ErrNoRecording, ErrConflict.
func (f *Focus) PauseRecording(ctx context.Context, id conference.ID, rid conference.RecordingID) (RecordingInfo, error) {
	return f.changeRecording(ctx, id, rid, conference.PauseRecording{ID: rid}, func(r *conference.Recording) bool {
		return r.State == conference.RecordingPaused || !r.Paused
	})
}

// ResumeRecording ends a pause, and waits as PauseRecording does. Participants are told before the capture begins again.
func (f *Focus) ResumeRecording(ctx context.Context, id conference.ID, rid conference.RecordingID) (RecordingInfo, error) {
	return f.changeRecording(ctx, id, rid, conference.ResumeRecording{ID: rid}, func(r *conference.Recording) bool {
		return r.State == conference.RecordingActive || r.Paused
	})
}

// StopRecording ends a recording: nothing more is captured from then on. It waits as PauseRecording does until the servers
// have their last metadata: the state is "stopped" then, "stopping" before. Errors: ErrNoRecording,
// conference.ErrRecordingPolicy.
func (f *Focus) StopRecording(ctx context.Context, id conference.ID, rid conference.RecordingID) (RecordingInfo, error) {
	return f.changeRecording(ctx, id, rid, conference.StopRecording{ID: rid}, (*conference.Recording).Over)
}

// changeRecording has a wish taken, and follows the recording until the wish has come true or cannot.
func (f *Focus) changeRecording(ctx context.Context, id conference.ID, rid conference.RecordingID, e conference.Event,
	done func(*conference.Recording) bool,
) (RecordingInfo, error) {
	entry, err := f.lookup(id)
	if err != nil {
		return RecordingInfo{}, err
	}
	w := f.Watch(id, "")
	defer w.Close()
	state, err := f.command(ctx, id, e)
	if err != nil {
		return RecordingInfo{}, err
	}
	patience, cancel := context.WithTimeout(ctx, acknowledgement)
	defer cancel()
	recording, found := state.Recording(rid)
	for found && !done(&recording) && !recording.Over() && recording.State != conference.RecordingFailed {
		if _, err = w.Next(patience); err != nil {
			break // what is true now is the answer
		}
		var r conference.Recording
		if r, found = f.current(entry).Recording(rid); found {
			recording = r
		}
	}
	info, err := f.Recording(context.WithoutCancel(ctx), id, rid)
	if err != nil { // the conference has ended with it
		return DescribeRecording(id, &recording), nil
	}
	return info, nil
}
