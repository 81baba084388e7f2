package focus

import (
	"context"
	"log/slog"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// invite begins the dialog.
func (p *replay) invite(ctx context.Context, m siprec.Message) {
	target, err := sipua.ParseURI(p.server.URI)
	if err != nil {
		p.focus.spawn(func(context.Context) { p.post(siprec.TransportFailed{Exchange: m.Exchange, Reason: err.Error()}) })
		return
	}
	contact := p.focus.recorderContact(p.content.header.Conference, p.server)
	call := sipua.OutgoingCall{
		To:      sipua.Address{URI: target},
		From:    sipua.Address{URI: p.focus.conferenceURI(p.content.header.Conference), Name: p.content.header.Name},
		Contact: contact, Headers: messageHeaders(m), ContentType: m.ContentType, Body: m.Body,
		Trunk: p.focus.recorderWay(p.server, p.security, false), Prompt: true,
	}
	p.focus.spawn(func(context.Context) {
		dialog, response, err := p.agent.Invite(ctx, call, &replayHandler{p})
		select {
		case p.events <- replayEvent{event: outcome(m.Exchange, response, err), dialog: dialog}:
		case <-p.done:
			if dialog != nil {
				_ = p.bye(context.WithoutCancel(ctx), dialog, sipua.Body{})
			}
		}
	})
}

func (p *replay) request(ctx context.Context, m siprec.Message,
	send func(*sipua.Dialog, context.Context, sipua.Body) (*sipua.Response, error),
) {
	dialog := p.dialog
	body := sipua.Body{ContentType: m.ContentType, Data: m.Body, Headers: messageHeaders(m)}
	p.focus.spawn(func(context.Context) {
		if dialog == nil {
			p.post(siprec.TransportFailed{Exchange: m.Exchange, Reason: "no dialog"})
			return
		}
		response, err := send(dialog, ctx, body)
		event := outcomeWithin(m.Exchange, response, err)
		if o, was := event.(takenBack); was {
			p.focus.leave(dialog)
			event = o.TimedOut
		}
		p.post(event)
	})
}

// farewell ends a session of which all has been sent, with its seal. A player that has not ended has not sent all, and there is none.
func (p *replay) farewell(ctx context.Context, m siprec.Message) {
	dialog, omit, finished := p.dialog, p.server.Profile.OmitSeal, p.finished
	p.dialog = nil
	if dialog == nil {
		return
	}
	p.parted = make(chan error, 1)
	p.focus.spawn(func(context.Context) {
		if finished {
			<-p.over
			m = p.sealing.seal(p.focus, m, dialog.ID().CallID, omit)
		}
		p.parted <- p.bye(ctx, dialog, byeBody(m))
	})
}

func (p *replay) hangUp(ctx context.Context) {
	if dialog := p.dialog; dialog != nil {
		p.dialog = nil
		p.focus.spawn(func(context.Context) { _ = p.bye(ctx, dialog, sipua.Body{}) })
	}
}

func (p *replay) bye(ctx context.Context, dialog *sipua.Dialog, body sipua.Body) error {
	ctx, cancel := context.WithTimeout(ctx, byeTimeout)
	defer cancel()
	ctx, release := p.focus.patient(ctx, farewellPatience)
	defer release()
	err := dialog.ByeWith(ctx, body)
	if err != nil {
		p.focus.log.DebugContext(ctx, "BYE", slog.Any("error", err))
	}
	return err
}

// replayHandler brings what happens in the dialog.
type replayHandler struct{ replay *replay }

// Ack has the answer to an offer that the server asked for.
func (h *replayHandler) Ack(request *sipua.Request) {
	h.replay.post(siprec.PeerAck{ContentType: request.Headers.Get("Content-Type"), Body: request.Body})
}

// Offer refuses: what is replayed does not wait.
func (h *replayHandler) Offer(*sipua.Request) *sipua.Response { return sipua.NewResponse(488) }

// Request refuses everything else.
func (h *replayHandler) Request(*sipua.Request) *sipua.Response { return nil }

// Ended reports that the server has gone.
func (h *replayHandler) Ended(reason sipua.EndReason) {
	if event := peerEnd(reason); event != nil {
		p := h.replay
		p.focus.spawn(func(context.Context) { p.post(event) })
	}
}

var _ sipua.DialogHandler = (*replayHandler)(nil)
