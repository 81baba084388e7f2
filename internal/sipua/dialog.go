package sipua

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// DialogID names a dialog from our own point of view (RFC 3261, section 12).
type DialogID struct {
	CallID    string
	LocalTag  string
	RemoteTag string
}

// Dialog is a call: a dialog made by INVITE. Its methods may be called from any
// goroutine.
type Dialog struct {
	state   *dialogState
	handler DialogHandler
	offers  *offers
	turn    chan struct{} // held by whoever sends an offer
	inCSeq  chan struct{} // held while the handler has an ACK or a request; no mutex, as handlers may wait for time to pass
	done    chan struct{} // closed when the dialog has ended
	ending  sync.Once
	session session
	early   *earlyIn // what it was before; nil: nothing

	mu   sync.Mutex
	acks map[uint32]chan *Request // 2xx that wait for their ACK
}

// newDialog makes a confirmed dialog.
func newDialog(state *dialogState, handler DialogHandler) *Dialog {
	d := &Dialog{
		state: state, handler: handler, offers: newOffers(), turn: make(chan struct{}, 1), inCSeq: make(chan struct{}, 1), done: make(chan struct{}),
		acks: map[uint32]chan *Request{},
	}
	d.session.dialog, d.session.renew, d.session.end = d, d.refresh, d.abort
	return d
}

// ID returns the identifier.
func (d *Dialog) ID() DialogID { return d.state.id }

// Local returns our side: From when we called, To when we were called, with tag.
func (d *Dialog) Local() Address {
	local, _ := d.state.parties()
	return local
}

// Remote returns the peer, with tag.
func (d *Dialog) Remote() Address {
	_, remote := d.state.parties()
	return remote
}

// RemoteTarget returns the peer's Contact URI, which later requests may have
// changed (RFC 3261, section 12.2).
func (d *Dialog) RemoteTarget() URI { return d.state.remoteTarget() }

// SetContact changes where the peer reaches us in this dialog, for a call that comes
// to belong to something else. The next re-INVITE, UPDATE or answer to one tells
// the peer (RFC 3261, section 12.2.1.2).
func (d *Dialog) SetContact(contact Address) {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	d.state.contact = contact
}

// LocalTag returns our tag.
func (d *Dialog) LocalTag() string { return d.state.id.LocalTag }

// RemoteTag returns the peer's tag.
func (d *Dialog) RemoteTag() string { return d.state.id.RemoteTag }

// Allows reports whether the peer has listed this method in Allow. A peer that
// never sent Allow allows the methods of RFC 3261 alone.
func (d *Dialog) Allows(method string) bool { return d.state.allows(method) }

// Supports reports whether the peer has listed this option tag in Supported.
func (d *Dialog) Supports(option string) bool { return d.state.supports(option) }

// Done is closed when the dialog has ended.
func (d *Dialog) Done() <-chan struct{} { return d.done }

// hasEnded reports whether the dialog has ended.
func (d *Dialog) hasEnded() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// end ends the dialog once, and tells the handler. The Agent still knows it until
// unregister, so that a BYE of the peer that crosses ours is answered.
func (d *Dialog) end(reason EndReason) {
	d.ending.Do(func() {
		d.state.agent.callCount.add(-1)
		d.session.stop()
		close(d.done)
		d.protect(func() { d.handler.Ended(reason) })
	})
}

// protect runs a handler that answers nothing.
func (d *Dialog) protect(f func()) {
	defer func() {
		if fault := recover(); fault != nil {
			d.state.agent.log.Error("a handler panicked", slog.String("call_id", d.state.id.CallID),
				slog.Any("panic", fault), slog.String("stack", string(debug.Stack())))
		}
	}()
	f()
}

// awaitACK announces a 2xx to the INVITE with this number; offer tells that it
// carries an offer of ours. The ACK is delivered into the channel.
func (d *Dialog) awaitACK(seq uint32, offer bool) <-chan *Request {
	pending := make(chan *Request, 1)
	d.mu.Lock()
	d.acks[seq] = pending
	d.mu.Unlock()
	d.offers.sent(offer)
	return pending
}

// forgetACK withdraws an announcement.
func (d *Dialog) forgetACK(seq uint32) bool {
	d.mu.Lock()
	_, ok := d.acks[seq]
	delete(d.acks, seq)
	d.mu.Unlock()
	if ok {
		d.offers.acked()
	}
	return ok
}

// receiveACK takes the ACK of a 2xx. It is matched by the number of the INVITE,
// whatever requests have come since; repetitions are ignored.
func (d *Dialog) receiveACK(request *Request) {
	d.mu.Lock()
	pending, ok := d.acks[request.CSeq]
	delete(d.acks, request.CSeq)
	d.mu.Unlock()
	if !ok {
		return
	}
	pending <- request
}

// repeatAnswer repeats a 2xx until its ACK comes (RFC 3261, section 13.3.1.4). It
// gets the message and not the response, which the handler may use again.
func (d *Dialog) repeatAnswer(in *inbound, wire *sip.Response, pending <-chan *Request) {
	schedule := newRetransmission(d.state.agent.config.Timers)
	for {
		wait, again := schedule.next()
		timer := time.NewTimer(wait)
		select {
		case ack := <-pending:
			timer.Stop()
			d.acknowledged(ack)
			return
		case <-d.done:
			timer.Stop()
			d.forgetACK(in.request.CSeq)
			return
		case <-d.state.agent.closed:
			timer.Stop()
			return
		case <-timer.C:
		}
		if !again {
			d.unacknowledged(in.request.CSeq)
			return
		}
		// Past the transaction, which may be over: a 2xx is repeated over every
		// transport.
		_ = in.tx.Connection().WriteMsg(wire)
	}
}

// acknowledged gives an ACK to the handler.
func (d *Dialog) acknowledged(ack *Request) {
	d.inCSeq <- struct{}{}
	if !d.hasEnded() {
		d.protect(func() { d.handler.Ack(ack) })
	}
	<-d.inCSeq
	d.offers.acked()
}

// unacknowledged ends a dialog whose 2xx was never acknowledged.
func (d *Dialog) unacknowledged(seq uint32) {
	if !d.forgetACK(seq) {
		return // it came at the last moment
	}
	defer d.state.agent.unregister(d.state.id)
	ctx, cancel := d.state.agent.lifetime(64 * d.state.agent.config.Timers.T1)
	defer cancel()
	d.end(EndReason{Cause: EndNoACK, Err: ErrNoACK})
	if _, err := d.state.agent.transact(ctx, d.state.outbound("BYE", Body{})); err != nil {
		d.state.agent.log.Debug("cannot end a call", slog.String("call_id", d.state.id.CallID), slog.Any("error", err))
	}
}

// shutdown ends the call with the Agent.
func (d *Dialog) shutdown(ctx context.Context) {
	_ = d.bye(ctx, EndShutdown, Body{})
}
