package focus

import (
	"fmt"
	"slices"

	"github.com/parley-sip/parley/focus/conference"
)

// Acknowledgement says who has seen to a recording that is not whole. It holds for the verdict that he saw: a worse one wants to be looked at again.
type Acknowledgement struct {
	At      Time   `json:"at" doc:"When."`
	Token   string `json:"token,omitempty" doc:"Name of the token that it was done with; left out where there are none."`
	By      string `json:"by,omitempty" doc:"Who says to have done it."`
	Note    string `json:"note,omitempty" doc:"What was found, or done about it."`
	Verdict string `json:"verdict" doc:"What was seen."`
}

// AcknowledgeRecording notes that somebody knows what became of a recording that is over and not whole, or, with nil, takes that back. What is acknowledged is remembered as long
// as the recording is. Errors: ErrNoRecording, ErrConflict: it goes on, or lacks nothing.
func (f *Focus) AcknowledgeRecording(id conference.ID, rid conference.RecordingID, by *Acknowledgement) (Assurance, error) {
	a := &f.assurance
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.records {
		if r.conference != id || r.recording != rid {
			continue
		}
		switch verdict := r.verdict(); {
		case verdict == verdictRunning:
			return Assurance{}, fmt.Errorf("%w: recording %s of %s goes on", ErrConflict, rid, id)
		case by == nil:
			r.acknowledged = nil
		case verdict == verdictComplete:
			return Assurance{}, fmt.Errorf("%w: recording %s of %s lacks nothing", ErrConflict, rid, id)
		default:
			seen := *by
			seen.Verdict = verdict
			r.acknowledged = &seen
		}
		return r.describe(), nil
	}
	return Assurance{}, fmt.Errorf("%w: %s of %s", ErrNoRecording, rid, id)
}

// seen is the acknowledgement, unless it has become worse since.
func (r *account) seen() *Acknowledgement {
	if r.acknowledged == nil || slices.Index(verdicts(), r.verdict()) > slices.Index(verdicts(), r.acknowledged.Verdict) {
		return nil
	}
	seen := *r.acknowledged
	return &seen
}
