package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec/srs"
	"github.com/parley-sip/parley/siprec/srs/export"
)

// statuses maps what the focus refuses to HTTP. The first that fits counts.
//
//nolint:gochecknoglobals // a table
var statuses = []struct {
	err    error
	status int
}{
	{focus.ErrNoConference, http.StatusNotFound},
	{focus.ErrNoParticipant, http.StatusNotFound},
	{focus.ErrNoRecording, http.StatusNotFound},
	{focus.ErrNoPlayback, http.StatusNotFound},
	{focus.ErrNoSidebar, http.StatusNotFound},
	{ErrNoAlarm, http.StatusNotFound},
	{srs.ErrNoRecording, http.StatusNotFound},
	{srs.ErrNoStream, http.StatusNotFound},
	{srs.ErrActive, http.StatusConflict},
	{srs.ErrHeld, http.StatusConflict},
	{srs.ErrRefused, http.StatusBadGateway},
	{export.ErrEmpty, http.StatusConflict},
	{export.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{focus.ErrExists, http.StatusConflict},
	{focus.ErrLocked, http.StatusConflict},
	{focus.ErrFull, http.StatusConflict},
	{focus.ErrConflict, http.StatusConflict},
	{conference.ErrNotActive, http.StatusConflict},
	{conference.ErrListener, http.StatusConflict},
	{conference.ErrRecordingPolicy, http.StatusConflict},
	{conference.ErrEnded, http.StatusConflict},
	{conference.ErrEnding, http.StatusConflict},
	{conference.ErrNotOpen, http.StatusConflict},
	{conference.ErrNotModerator, http.StatusForbidden},
	{conference.ErrHardMuted, http.StatusForbidden},
	{conference.ErrRange, http.StatusUnprocessableEntity},
	{focus.ErrForbidden, http.StatusForbidden},
	{focus.ErrInvalid, http.StatusUnprocessableEntity},
	{focus.ErrNoServer, http.StatusUnprocessableEntity},
	{focus.ErrDeclined, http.StatusBadGateway},
	{focus.ErrBusy, http.StatusServiceUnavailable},
	{focus.ErrShutdown, http.StatusServiceUnavailable},
	{context.Canceled, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusGatewayTimeout},
}

// failure makes a problem document of an error of the focus; nil stays nil.
func failure(err error) error {
	if err == nil {
		return nil
	}
	for _, entry := range statuses {
		if errors.Is(err, entry.err) {
			return huma.NewError(entry.status, err.Error())
		}
	}
	return huma.NewError(http.StatusInternalServerError, "internal error")
}

// problem writes a problem document outside of huma.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}
