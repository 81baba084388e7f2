package sipua

import (
	"log/slog"
	"slices"
	"strconv"
)

// option100rel is the option tag of reliable provisional responses (RFC 3262).
const option100rel = "100rel"

// supports100rel reports whether reliable provisional responses are acknowledged, and sent to those who can acknowledge them.
func (a *Agent) supports100rel() bool { return slices.Contains(a.config.Supported, option100rel) }

// earlyDialog is a dialog that a provisional response has made.
type earlyDialog struct {
	state       *dialogState // nil: no reliable one has come
	begun       bool
	last        uint32    // RSeq of the last one that was acknowledged
	answered    bool      // its offer has got its answer in the PRACK
	description *Response // that had the answer to the offer in the INVITE; nil: none had
}

// reliableSeq is the RSeq of a reliable provisional response (RFC 3262, section 7.1).
func reliableSeq(response *Response) (uint32, bool) {
	if !response.Headers.Contains("Require", option100rel) || response.Status <= 100 {
		return 0, false
	}
	n, err := strconv.ParseUint(response.Headers.Get("RSeq"), 10, 31)
	return uint32(n), err == nil && n > 0
}

// progressed acknowledges a reliable provisional response by PRACK. One that comes again, or before the one that it follows, is not
// acknowledged (RFC 3262, section 4).
func (a *Agent) progressed(it *inviteTx, response *Response) {
	seq, ok := reliableSeq(response)
	if !ok || !a.supports100rel() {
		it.noteDescription(response)
		return
	}
	d := it.early[response.To.Tag()]
	if d == nil || d.state == nil {
		state, err := a.dialogOfResponse(it.request, response)
		if err != nil {
			return
		}
		if d == nil {
			d = &earlyDialog{}
			it.early[response.To.Tag()] = d
		}
		d.state = state
	}
	if d.begun && seq != d.last+1 {
		return
	}
	d.begun, d.last = true, seq
	body := it.answerEarly(d, response)
	rack := strconv.FormatUint(uint64(seq), 10) + " " + strconv.FormatUint(uint64(it.request.cseq), 10) + " INVITE"
	body.Headers = append(body.Headers, Header{Name: "RAck", Value: rack})
	prack := d.state.outbound("PRACK", body)
	a.spawn(func() {
		ctx, cancel := a.lifetime(64 * a.config.Timers.T1)
		defer cancel()
		if _, err := a.transact(ctx, prack); err != nil {
			a.log.DebugContext(ctx, "cannot acknowledge a provisional response", slog.String("call_id", it.request.callID), slog.Any("error", err))
		}
	})
}

// noteDescription keeps the description of a provisional response that asks for no acknowledgement. It is the answer to the offer of the INVITE if the 2xx of
// the same dialog, which ought to have it again, has none (RFC 3261, section 13.2.1: the first description is the answer); gateways rely on that.
func (it *inviteTx) noteDescription(response *Response) {
	tag := response.To.Tag()
	if tag == "" || len(response.Body) == 0 || len(it.request.body) == 0 {
		return
	}
	d := it.early[tag]
	if d == nil {
		if len(it.early) >= maxEarly {
			return
		}
		d = &earlyDialog{}
		it.early[tag] = d
	}
	if d.description == nil {
		d.description = response
	}
}

// maxEarly is of how many early dialogs of one INVITE descriptions are kept.
const maxEarly = 16

// answerEarly answers an offer in a reliable response to an INVITE without one, and keeps an answer to the offer of the INVITE (RFC 3262,
// section 5).
func (it *inviteTx) answerEarly(d *earlyDialog, response *Response) Body {
	switch {
	case len(response.Body) == 0:
	case len(it.request.body) > 0:
		if d.description == nil {
			d.description = response
		}
	case it.request.answer != nil && !d.answered:
		d.answered = true
		return it.request.answer(response)
	}
	return Body{}
}

// resume makes the confirmed dialog go on where the early one was: its sequence numbers, and a description that came early.
func (it *inviteTx) resume(state *dialogState, response *Response) (answered bool) {
	d := it.early[response.To.Tag()]
	if d == nil {
		return false
	}
	if d.state != nil {
		d.state.mu.Lock()
		state.seq = max(state.seq, d.state.seq)
		d.state.mu.Unlock()
	}
	if len(response.Body) == 0 && d.description != nil {
		response.WithBody(d.description.Headers.Get("Content-Type"), d.description.Body)
	}
	return d.answered
}
