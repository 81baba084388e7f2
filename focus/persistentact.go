package focus

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// act does what the protocol says. mu is held, as in all of this.
func (h *persistent) act(a siprec.Action) {
	switch a := a.(type) {
	case siprec.Invite:
		h.beginDocuments()
		h.sent.note(a.Message)
		h.agreement.begin()
		h.invite(a.Message)
	case siprec.ReInvite:
		h.agreement.begin()
		h.sent.note(a.Message)
		h.request(a.Message, (*sipua.Dialog).ReInvite)
	case siprec.Update:
		h.sent.note(a.Message)
		h.request(a.Message, (*sipua.Dialog).Update)
	case siprec.Cancel:
		if h.inviting != nil {
			h.inviting()
		}
	case siprec.Bye:
		h.hangUp(a.Message)
	case siprec.AnswerPeer:
		h.sent.note(a.Message)
		h.reply = recorderResponse(a, h.focus.recorderContact(persistentName, h.server))
	case siprec.StartMedia:
		h.start(a)
	case siprec.StopMedia:
		delete(h.playing, a.Key)
		if h.merged != nil && h.merged.line.key == a.Key {
			h.merged.stop()
		}
	case siprec.WakeAt:
		h.wakeAt(a.Time)
	case siprec.Report:
		if a.State == siprec.StateRecording || a.State == siprec.StatePaused {
			h.focus.pool.began(h.server.Name, time.Now())
		}
		if a.State == siprec.StateFailed && !a.Retry {
			h.tryLater()
		}
	case siprec.Alarm:
		h.alarm(a)
	}
}

// start takes what the server wants of a line. One that is nobody's is ready to send what keeps it alive.
func (h *persistent) start(a siprec.StartMedia) {
	h.playing[a.Key] = a
	if h.merged != nil && h.merged.line.key == a.Key {
		h.merged.start(a)
		return
	}
	i := slices.IndexFunc(h.lines, func(l *line) bool { return l.key == a.Key })
	if i < 0 || h.lines[i].lease != nil {
		return
	}
	if err := h.lines[i].configure(&a, func() {}); err != nil {
		h.focus.log.Error("recorded stream", slog.String("server", h.server.Name), slog.Any("error", err))
	}
}

func (h *persistent) alarm(a siprec.Alarm) {
	h.focus.log.Warn("recording server", slog.String("server", h.server.Name), slog.String("alarm", a.Kind.String()),
		slog.Int("status", a.Status), slog.String("detail", a.Detail))
	if hook := h.focus.hooks.RecordingFailure; hook != nil {
		hook(h.server.Name, a.Kind.String())
	}
	switch a.Kind {
	case siprec.AlarmRefused, siprec.AlarmNotRecorder, siprec.AlarmBadAnswer, siprec.AlarmLost, siprec.AlarmEnded, siprec.AlarmUnkeyed:
		h.focus.pool.failed(h.server.Name, h.after, time.Now())
		since := h.proof.since(time.Now())
		for _, l := range h.leases {
			l.troubled(a, since)
		}
		if h.merged != nil {
			h.merged.doubt(since)
		}
		h.proof = proof{}
	case siprec.AlarmTextRefused, siprec.AlarmStreamsDropped: // whose text is not taken has to find out
		for _, l := range h.leases {
			l.textless = true
		}
	case siprec.AlarmStreamsRefused, siprec.AlarmUpdateRefused, siprec.AlarmSilent, siprec.AlarmUnprotected:
	}
}

// tryLater begins anew although the server has refused for good: it is kept up for ever.
func (h *persistent) tryLater() {
	wait := cmp.Or(h.server.Retry.Max, time.Minute)
	h.focus.spawn(func(ctx context.Context) {
		select {
		case <-time.After(wait):
			h.happened(siprec.Retry{})
		case <-h.over:
		case <-ctx.Done():
		}
	})
}

func (h *persistent) wakeAt(at time.Time) {
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	if !at.IsZero() {
		h.timer = time.AfterFunc(time.Until(at), func() { h.happened(siprec.Tick{}) })
	}
}
