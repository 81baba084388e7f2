package sipua

import (
	"log/slog"
	"sync"
)

// announce notes a request that has come.
func (d *Dialog) announce(seq uint32) { d.state.gate.announce(seq) }

// receive handles a request within the dialog (RFC 3261, section 12.2.2).
func (d *Dialog) receive(in *inbound) {
	if in.request.Method == "ACK" {
		d.state.moved(in.request)
		d.receiveACK(in.request)
		return
	}
	place, ok := d.state.gate.enter(in.request.CSeq)
	if !ok {
		in.refuse(500)
		return
	}
	defer place.done()
	if d.hasEnded() && in.request.Method != "BYE" {
		in.refuse(481)
		return
	}
	d.state.moved(in.request)
	switch in.request.Method {
	case "BYE":
		place.done()
		d.receiveBye(in)
	case "INVITE", "UPDATE":
		place.done()
		d.receiveOffer(in)
	case "PRACK":
		if d.early == nil {
			in.refuse(481) // RFC 3262, section 3
			return
		}
		d.early.prack(in) // of a response that the 2xx has overtaken
	default:
		<-place.before
		d.inCSeq <- struct{}{}
		defer func() { <-d.inCSeq }()
		if d.hasEnded() {
			in.refuse(481)
			return
		}
		in.guard(func() { in.answer(d.handler.Request(in.request)) })
	}
}

// receiveBye answers a BYE and ends the dialog; what is pending is answered with
// 487 (RFC 3261, section 15.1.2).
//
// The dialog is forgotten before the response leaves: a Shutdown that begins in between would send a BYE to a peer that has gone.
func (d *Dialog) receiveBye(in *inbound) {
	first := !d.hasEnded()
	if first {
		d.state.agent.unregister(d.state.id)
	}
	if err := in.respond(NewResponse(200)); err != nil {
		d.state.agent.log.Debug("cannot answer a BYE", slog.String("call_id", in.request.CallID), slog.Any("error", err))
	}
	if first {
		d.end(EndReason{Cause: EndRemote, Request: in.request})
	}
}

// receiveOffer handles a re-INVITE or an UPDATE.
func (d *Dialog) receiveOffer(in *inbound) {
	invite := in.request.Method == "INVITE"
	d.offers.awaitAnswer(holdGap)
	if refusal := d.offers.admit(invite, len(in.request.Body) > 0); refusal != nil {
		if err := in.respond(refusal); err != nil {
			d.state.agent.log.Debug("cannot refuse an offer", slog.String("call_id", in.request.CallID), slog.Any("error", err))
		}
		return
	}
	// The way is clear before the response leaves: the peer may send its next offer as soon as it has it.
	leave := sync.OnceFunc(func() { d.offers.leave(invite) })
	defer leave()
	answers := make(chan *Response, 1)
	if !d.state.agent.spawn(func() {
		in.guard(func() { answers <- d.handler.Offer(in.request) })
		close(answers)
	}) {
		return
	}
	var response *Response
	select {
	case response = <-answers:
	case <-d.done:
		in.refuse(487)
		return
	}
	leave()
	switch {
	case in.replied.Load(): // a panic was answered
	case response == nil:
		in.refuse(488)
	case response.Status/100 != 2:
		in.answer(response)
	default:
		d.accept(in, response)
	}
}

// accept sends a 2xx to a re-INVITE or an UPDATE.
func (d *Dialog) accept(in *inbound, response *Response) {
	d.state.refresh(in.request.Headers)
	agreed, timing := d.state.agent.config.SessionTimer.serve(in.request)
	response = response.withHeaders(timing)
	d.session.sent(Body{ContentType: response.Headers.Get("Content-Type"), Data: response.Body})
	d.session.asked(in.request)
	d.session.begin(agreed)
	if !response.Headers.Has("Contact") {
		d.state.mu.Lock()
		contact := d.state.contact
		d.state.mu.Unlock()
		if !contact.URI.IsZero() {
			response = response.clone().WithHeader("Contact", contact.String())
		}
	}
	if in.request.Method == "UPDATE" {
		in.answer(response)
		return
	}
	pending := d.awaitACK(in.request.CSeq, len(in.request.Body) == 0 && len(response.Body) > 0)
	if err := in.respond(response); err != nil {
		// The peer repeats the re-INVITE, or gives up.
		d.state.agent.log.Debug("cannot answer an offer", slog.String("call_id", in.request.CallID), slog.Any("error", err))
	}
	wire := in.render(response)
	d.state.agent.spawn(func() { d.repeatAnswer(in, wire, pending) })
}
