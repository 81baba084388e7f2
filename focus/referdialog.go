package focus

import (
	"context"
	"strconv"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
)

// refer takes a REFER in the dialog of a participant (RFC 4579, section 5.5). Its calls are one at a time.
func (h *dialogHandler) refer(request *sipua.Request) *sipua.Response {
	r, err := readReferral(request)
	if err != nil {
		return referReply(r, err)
	}
	reply, outcome := make(chan error, 1), make(chan int, 1)
	m := referring{referral: r, by: h.id, from: h.leg, reply: reply, outcome: outcome}
	if !h.controller.post(m) {
		return sipua.NewResponse(481)
	}
	if err := <-reply; err != nil {
		return referReply(r, err)
	}
	if !r.silent {
		h.report(request, outcome)
	}
	return referReply(r, nil)
}

// report tells in the dialog what comes of a REFER, under an identifier of its own from the second on (RFC 3515, section 2.4.6).
func (h *dialogHandler) report(request *sipua.Request, outcome <-chan int) {
	agent := h.controller.focus.agent.Load()
	if agent == nil {
		return
	}
	dialog, ok := agent.Dialog(sipua.DialogID{
		CallID: request.CallID, LocalTag: request.To.Tag(), RemoteTag: request.From.Tag(),
	})
	if !ok {
		return
	}
	event := "refer"
	if h.referrals++; h.referrals > 1 {
		event += ";id=" + strconv.FormatUint(uint64(request.CSeq), 10)
	}
	f := h.controller.focus
	until := time.Now().Add(f.cfg.DialTimeout + referGrace)
	f.spawn(func(ctx context.Context) {
		notify := func(state string, status int) error {
			patience, cancel := context.WithTimeout(ctx, referGrace)
			defer cancel()
			if state == "active" {
				state += ";expires=" + strconv.Itoa(int(time.Until(until).Seconds()))
			}
			_, err := dialog.Request(patience, "NOTIFY", sipua.Body{
				ContentType: sipfragType, Data: sipfrag(status),
				Headers: sipua.Headers{{Name: "Event", Value: event}, {Name: "Subscription-State", Value: state}},
			})
			return err
		}
		reportReferral(ctx, f.log, outcome, dialog.Done(), notify)
	})
}
