package focus

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// invite begins a dialog. mu is held, as in all that the protocol asks for.
func (h *persistent) invite(m siprec.Message) {
	target, err := sipua.ParseURI(h.server.URI)
	if err != nil {
		h.focus.spawn(func(context.Context) { h.happened(siprec.TransportFailed{Exchange: m.Exchange, Reason: err.Error()}) })
		return
	}
	call := sipua.OutgoingCall{
		To: sipua.Address{URI: target}, From: sipua.Address{URI: h.focus.conferenceURI(persistentName)},
		Contact: h.focus.recorderContact(persistentName, h.server), Headers: messageHeaders(m), ContentType: m.ContentType, Body: m.Body,
		Trunk: h.focus.recorderWay(h.server, h.security, false), Prompt: true,
	}
	canceled := make(chan struct{})
	h.inviting = sync.OnceFunc(func() { close(canceled) })
	h.focus.spawn(func(ctx context.Context) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		h.focus.spawn(func(context.Context) {
			select {
			case <-canceled:
				stop()
			case <-ctx.Done():
			}
		})
		dialog, response, err := h.agent.Invite(ctx, call, &persistentHandler{h})
		event := outcome(m.Exchange, response, err)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.dialog, h.inviting, h.after = dialog, nil, 0
		if dialog != nil {
			h.callID = dialog.ID().CallID
		}
		if a, ok := event.(siprec.Answered); ok {
			h.after = a.RetryAfter
		}
		h.agreement.concluded(event)
		h.proof.hears(event, time.Now())
		h.step(event)
	})
}

// request changes something in the dialog.
func (h *persistent) request(m siprec.Message, send func(*sipua.Dialog, context.Context, sipua.Body) (*sipua.Response, error)) {
	dialog := h.dialog
	waits := h.lettingGo()
	body := sipua.Body{ContentType: m.ContentType, Data: m.Body, Headers: messageHeaders(m)}
	h.focus.spawn(func(ctx context.Context) {
		if dialog == nil {
			h.happened(siprec.TransportFailed{Exchange: m.Exchange, Reason: "no dialog"})
			return
		}
		for _, applied := range waits {
			select {
			case <-applied:
			case <-ctx.Done():
			}
		}
		h.asks(m.Exchange)
		ctx, cancel := h.focus.patient(ctx, recorderPatience)
		defer cancel()
		event, ok := ask(ctx.Done(), func() siprec.Event {
			response, err := send(dialog, ctx, body)
			return outcomeWithin(m.Exchange, response, err)
		})
		if o, was := event.(takenBack); was {
			h.tookBack(dialog, o)
			return
		}
		if !ok {
			event = siprec.TimedOut{Exchange: m.Exchange}
		}
		h.happened(event)
	})
}

// asks notes that a request goes out.
func (h *persistent) asks(exchange uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.proof.asks(exchange, time.Now())
}

// hangUp ends the dialog.
func (h *persistent) hangUp(m siprec.Message) {
	dialog := h.dialog
	h.dialog = nil
	if dialog == nil {
		return
	}
	last := h.farewell(m)
	h.focus.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, byeTimeout)
		defer cancel()
		ctx, release := h.focus.patient(ctx, farewellPatience)
		defer release()
		if err := dialog.ByeWith(ctx, byeBody(last())); err != nil {
			h.focus.log.DebugContext(ctx, "BYE", slog.Any("error", err))
		}
	})
}

// persistentHandler brings what happens in the dialog.
type persistentHandler struct{ session *persistent }

// Ack has the answer to an offer that the server asked for.
func (p *persistentHandler) Ack(request *sipua.Request) {
	p.session.happened(siprec.PeerAck{ContentType: request.Headers.Get("Content-Type"), Body: request.Body})
}

// Offer answers a re-INVITE or UPDATE of the server (RFC 7866, section 7.2).
func (p *persistentHandler) Offer(request *sipua.Request) *sipua.Response {
	h := p.session
	h.agreement.await(request)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reply = nil
	h.proof.hears(peerOffer(request), time.Now())
	h.step(peerOffer(request))
	if h.reply == nil {
		return sipua.NewResponse(481)
	}
	return h.reply
}

// Accepts implements sipua.BodyAccepter.
func (p *persistentHandler) Accepts() []string { return (*recorderHandler)(nil).Accepts() }

// Request refuses everything else.
func (p *persistentHandler) Request(*sipua.Request) *sipua.Response { return nil }

// Ended reports that the server has gone; our own BYE is no news.
func (p *persistentHandler) Ended(reason sipua.EndReason) {
	if event := peerEnd(reason); event != nil {
		p.session.ended(event)
	}
}

// ended takes that the dialog is gone, without holding up who says so.
func (h *persistent) ended(e siprec.Event) {
	h.focus.spawn(func(context.Context) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.dialog = nil
		h.proof.hears(e, time.Now())
		h.step(e)
	})
}

var _ sipua.DialogHandler = (*persistentHandler)(nil)
