package control

import (
	"context"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/siprec/srs"
	"github.com/parley-sip/parley/siprec/srs/export"
)

// keptAnalyses is of how many recordings it is remembered who spoke when.
const keptAnalyses = 32

// analyses finds who spoke when in recordings, in one at a time: to read all of a recording takes time that calls may need. What was found of those that are over is remembered.
type analyses struct {
	turn chan struct{} // has something in it while a recording is read

	mu    *sync.Mutex
	known map[string][]export.Activity // by folder
	order []string                     // of known, the oldest first
}

func newAnalyses() analyses {
	return analyses{turn: make(chan struct{}, 1), mu: &sync.Mutex{}, known: map[string][]export.Activity{}}
}

func (a *analyses) find(ctx context.Context, r srs.Recording) ([]export.Activity, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if found, ok := a.remembered(r.Directory); ok {
		return found, nil
	}
	found, err := export.Activities(ctx, r)
	if err == nil && r.Over() {
		a.remember(r.Directory, found)
	}
	return found, err
}

func (a *analyses) remembered(folder string) ([]export.Activity, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, ok := a.known[folder]
	return found, ok
}

func (a *analyses) remember(folder string, found []export.Activity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[folder] = found
	if a.order = append(a.order, folder); len(a.order) > keptAnalyses {
		delete(a.known, a.order[0])
		a.order = a.order[1:]
	}
}

func (s *Server) registerActivity(api huma.API) {
	o := operation(tagRecorder, http.MethodGet, recorderPath+"/{id}/activity", "get-recorded-activity", "Find who spoke when")
	o.Errors = append(o.Errors, http.StatusForbidden)
	o.Description = "By the level of the audio, as in a conference: louder than -50 dBov, pauses of up to 0.3 s included. Of a mix, when anybody spoke. Of a recording that goes on, so far. All of the audio is read for it, of one recording at a time; it wants scope listen or admin."
	huma.Register(api, o, func(ctx context.Context, in *RecordedPath) (*body[[]export.Activity], error) {
		r, err := s.cfg.Recorder.Library().Find(in.Recorded)
		if err != nil {
			return nil, failure(err)
		}
		found, err := s.analyses.find(ctx, r)
		return answer(found, err)
	})
}
