package focus

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// A change that a recording server comes to no end with is taken back (ADR 104). Who gives signs of life meanwhile records, and may only be slow: the session goes
// on, and the change is tried once more. Of others nothing is known, and the session is left.

// outcomeWithin is what became of a request in the dialog with a server. One that we have taken back, as nobody has come to an answer, is one without an answer:
// 487 may be of what is left of a server, or of a proxy, and nothing is known of what has been recorded since.
func outcomeWithin(exchange uint32, response *sipua.Response, err error) siprec.Event {
	if sipua.Status(err) != statusCanceled {
		return outcome(exchange, response, err)
	}
	return takenBack{siprec.TimedOut{Exchange: exchange}}
}

// takenBack is the outcome of a request that was taken back.
type takenBack struct{ siprec.TimedOut }

// leave ends the dialog in which a request was taken back.
func (f *Focus) leave(dialog *sipua.Dialog) {
	f.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, byeTimeout)
		defer cancel()
		ctx, release := f.patient(ctx, farewellPatience)
		defer release()
		if err := dialog.Bye(ctx, sipua.Header{Name: "Reason", Value: `SIP;cause=408;text="No answer"`}); err != nil {
			f.log.DebugContext(ctx, "BYE", slog.Any("error", err))
		}
	})
}

// spare tells whether a server that has not answered to the last request has shown since then that it records, by its reports, or where it makes none by OPTIONS.
// That counts once, until it has answered to something.
func (p *proof) spare(now time.Time) bool {
	sign := p.reported
	if sign.IsZero() && !p.unknown {
		sign = p.probed
	}
	if p.spared || !sign.After(p.at) || now.Sub(sign) > reportsDue {
		return false
	}
	p.spared = true
	return true
}

// tryAgain is the outcome of a request that was taken back of a server that is spared: it has not been heard, and changes nothing.
func (o takenBack) tryAgain() siprec.Event {
	return siprec.Answered{Exchange: o.Exchange, Status: statusCanceled, Reason: "no answer within the time; it still receives"}
}

// recorderTakenBack says that a request in the dialog with a server was taken back.
type recorderTakenBack struct {
	recorder *recorder
	dialog   *sipua.Dialog
	outcome  takenBack
}

// handle implements message.
func (m recorderTakenBack) handle(c *controller) {
	r, event := m.recorder, siprec.Event(m.outcome.TimedOut)
	if c.attend(r, time.Now()); r.dialog == m.dialog && !r.over && r.proof.spare(time.Now()) {
		event = m.outcome.tryAgain()
	} else {
		c.undelivered(r, "metadata", errUnanswered)
		c.focus.leave(m.dialog)
	}
	recorderEvent{r, event}.handle(c)
}

// tookBack does the same in a persistent session.
func (h *persistent) tookBack(dialog *sipua.Dialog, outcome takenBack) {
	h.mu.Lock()
	spared := h.dialog == dialog && h.proof.spare(time.Now())
	h.mu.Unlock()
	if spared {
		h.happened(outcome.tryAgain())
		return
	}
	h.focus.leave(dialog)
	h.happened(outcome.TimedOut)
}
