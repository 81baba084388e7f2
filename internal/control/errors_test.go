package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

func TestFailureGivesEveryErrorItsStatus(t *testing.T) {
	for status, list := range map[int][]error{
		http.StatusNotFound: {focus.ErrNoConference, focus.ErrNoParticipant, focus.ErrNoRecording},
		http.StatusConflict: {
			focus.ErrExists, focus.ErrLocked, focus.ErrFull, focus.ErrConflict, conference.ErrNotActive, conference.ErrListener, conference.ErrRecordingPolicy,
			conference.ErrEnded,
		},
		http.StatusUnprocessableEntity: {focus.ErrInvalid, focus.ErrNoServer, conference.ErrRange},
		http.StatusServiceUnavailable:  {focus.ErrBusy, focus.ErrShutdown, context.Canceled},
		http.StatusGatewayTimeout:      {context.DeadlineExceeded},
	} {
		for _, cause := range list {
			var got *huma.ErrorModel
			if err := failure(fmt.Errorf("%w: bob", cause)); !errors.As(err, &got) {
				t.Fatalf("%v became %T", cause, err)
			}
			if got.Status != status || got.Detail != cause.Error()+": bob" {
				t.Errorf("%v became %d %q, want %d with its words", cause, got.Status, got.Detail, status)
			}
		}
	}
}

func TestFailureTellsNothingOfTheUnexpected(t *testing.T) {
	var got *huma.ErrorModel
	if err := failure(errors.New("open /etc/secret: no")); !errors.As(err, &got) || got.Status != http.StatusInternalServerError || got.Detail != "internal error" {
		t.Errorf("became %+v", got)
	}
	if err := failure(nil); err != nil {
		t.Errorf("nil became %v", err)
	}
}
