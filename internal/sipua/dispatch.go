package sipua

import (
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

// methodOptions is SIP's, which is older than that of HTTP.
const methodOptions = "OPTIONS"

const (
	// holdCancel is how long a CANCEL waits for its INVITE.
	holdCancel = 50 * time.Millisecond
	// holdEarly is how long a request waits for the response that makes its
	// dialog and was overtaken by it.
	holdEarly = 500 * time.Millisecond
)

// onRequest is called by the transaction layer, in a goroutine of its own, for
// every request but retransmissions, and for CANCEL only when it knows no INVITE
// transaction. When it returns the transaction is over.
func (a *Agent) onRequest(wire *sip.Request, tx *sip.ServerTx) {
	defer tx.TerminateGracefully()
	if !a.enter() {
		return
	}
	defer a.wait.Done()
	defer func() {
		if fault := recover(); fault != nil {
			a.log.Error("handling a request panicked", slog.String("method", string(wire.Method)),
				slog.Any("panic", fault), slog.String("stack", string(debug.Stack())))
		}
	}()
	in := a.inbound(wire, tx)
	if in.initial && a.config.Ignore != nil && a.config.Ignore(in.request.Source.Addr()) {
		a.ignored.Add(1)
		return
	}
	if refusal := a.validate(in); refusal != nil {
		if err := in.respond(refusal); err != nil {
			a.log.Debug("cannot refuse a request", slog.Int("status", refusal.Status), slog.Any("error", err))
		}
		return
	}
	if a.shun(in) {
		return
	}
	a.dispatch(in)
}

// inbound makes our view of a request, which need not be valid.
func (a *Agent) inbound(wire *sip.Request, tx *sip.ServerTx) *inbound {
	in := &inbound{agent: a, wire: wire, tx: tx}
	in.request = a.fromWireRequest(wire, tx.Connection())
	in.request.wire = wire
	in.request.localTag = in.request.To.Tag()
	if wire.Via() == nil || wire.From() == nil || wire.To() == nil || wire.CallID() == nil || wire.CSeq() == nil {
		return in
	}
	if in.initial = in.request.localTag == a.tagFor(wire); in.initial {
		// The tag is ours, from arrive; the handler gets To as it was sent.
		in.request.To = in.request.To.WithTag("")
		in.request.Headers = in.request.Headers.replace("To", in.request.To.String())
	}
	return in
}

// dispatch finds out whom a valid request is for.
func (a *Agent) dispatch(in *inbound) {
	switch {
	case in.request.Method == "CANCEL":
		a.onCancel(in)
	case !in.initial:
		a.inDialog(in)
	case in.request.Method == "ACK":
		// An ACK without To tag belongs to nothing.
	case a.isMerged(in):
		if in.request.Method == "INVITE" {
			a.callCount.add(-1) // it is none, though it has been counted
		}
		in.refuse(482)
	default:
		a.outOfDialog(in)
	}
}

// outOfDialog hands a request to the Handler.
func (a *Agent) outOfDialog(in *inbound) {
	switch in.request.Method {
	case "INVITE":
		a.onInvite(in)
	case "SUBSCRIBE":
		a.onSubscribe(in)
	case "BYE", "UPDATE", "INFO", "PRACK", "NOTIFY":
		in.refuse(481)
	default:
		in.guard(func() { in.answer(a.handler.Request(in.request)) })
	}
}

// answer sends what a handler has returned.
func (in *inbound) answer(response *Response) {
	switch {
	case response != nil:
	case in.request.Method == methodOptions:
		response = NewResponse(200)
	default:
		response = NewResponse(405)
	}
	if err := in.respond(response); err != nil {
		in.agent.log.Debug("cannot answer a request", slog.String("method", in.request.Method), slog.Any("error", err))
	}
}

// inDialog hands a request to its dialog (RFC 3261, section 12.2.2).
func (a *Agent) inDialog(in *inbound) {
	id := in.id()
	found, early := a.find(id)
	if found == nil && early != nil {
		if early.receiveEarly(in) {
			return
		}
		found = a.awaitDialog(id)
	}
	switch {
	case found != nil:
		found.receive(in)
	case in.request.Method == "ACK":
	default:
		in.refuse(481)
	}
}

// awaitDialog waits for a dialog that is about to be made.
func (a *Agent) awaitDialog(id DialogID) usage {
	for range int(holdEarly / holdGap) {
		if !a.pause(holdGap) {
			return nil
		}
		if found, early := a.find(id); found != nil || early == nil {
			return found
		}
	}
	return nil
}

// onCancel handles a CANCEL whose INVITE transaction is unknown to the stack:
// it may not have been handled yet, though it came first, or still be on its
// way, or be over (RFC 3261, section 9.2).
func (a *Agent) onCancel(in *inbound) {
	mark, _ := a.invites.add(inviteKey(in.wire), newInviteMark())
	timer := time.NewTimer(holdCancel)
	defer timer.Stop()
	select {
	case <-mark.seen:
	case <-timer.C:
	case <-a.closed:
	}
	if !a.isClosed() {
		in.refuse(mark.answer())
	}
	// Should the INVITE come later, its caller does not want it any more.
	mark.markCanceled()
}

// isMerged reports whether the same request came before on another way (RFC
// 3261, section 8.2.2.2).
func (a *Agent) isMerged(in *inbound) bool {
	key := in.request.CallID + " " + in.request.From.Tag() + " " + strconv.FormatUint(uint64(in.request.CSeq), 10) +
		" " + in.request.Method
	transaction := inviteKey(in.wire)
	first, fresh := a.merged.add(key, transaction)
	return !fresh && first != transaction
}
