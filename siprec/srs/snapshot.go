package srs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// ErrRefused says that the recording client refused what it was asked for.
var ErrRefused = errors.New("srs: the recording client refused")

// RequestSnapshot asks the recording client for the complete metadata (RFC 7866, section 9.2) and returns when it
// has accepted to send them. The errors are ErrNoRecording if no recording with this ID goes on, ErrRefused, and that of ctx.
func (s *Server) RequestSnapshot(ctx context.Context, id, reason string) error {
	for _, r := range s.active() {
		var dialog *sipua.Dialog
		if r.id != id || !r.do(func() { dialog = r.dialog }) || dialog == nil {
			continue
		}

		return r.requestSnapshot(ctx, dialog, reason)
	}

	return fmt.Errorf("%w: %q", ErrNoRecording, id)
}

// requestSnapshot must not be called by the goroutine of the recording.
func (r *recording) requestSnapshot(ctx context.Context, dialog *sipua.Dialog, reason string) error {
	_, err := dialog.Update(ctx, sipua.Body{
		ContentType: siprec.MetadataType, Data: siprec.SnapshotRequest{Reason: reason, Lang: "en"}.Marshal(),
		Headers: sipua.Headers{{Name: "Content-Disposition", Value: siprec.Disposition}},
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}

	return err
}

// resync asks for the complete metadata when a partial document does not fit to what is known: one before it was lost. Once until
// a complete one has come: a client that cannot serve the request is not asked again and again.
func (r *recording) resync(ctx context.Context) {
	if !r.lost || r.asked || r.dialog == nil || r.ending {
		return
	}
	r.asked = true
	dialog := r.dialog
	r.helpers.Go(func() {
		if err := r.requestSnapshot(ctx, dialog, "lost synchronization"); err != nil {
			r.logger.InfoContext(ctx, "no snapshot of the metadata", slog.Any("error", err))
		}
	})
}

// followed notes whether a document can be understood with what is known. A partial one cannot when it refers to what no document
// has described; what the last complete one lacks is not asked for again.
func (r *recording) followed(mode siprec.DataMode, known siprec.Recording) {
	dangling := 0
	for _, issue := range siprec.Verify(known.WithoutLabels(), nil) {
		if issue.Kind == siprec.IssueDangling {
			dangling++
		}
	}
	if mode == siprec.Complete {
		r.lost, r.asked, r.dangling = false, false, dangling

		return
	}
	r.lost = dangling > r.dangling
}
