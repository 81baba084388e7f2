package sipua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// inviteTx is an INVITE of ours: its client transaction, and what has to be done
// about responses that come after the first final one, for as long as they can.
type inviteTx struct {
	agent   *Agent
	request *outbound

	mu        sync.Mutex
	responses []*sip.Response         // not yet taken
	err       error                   // the transaction has ended without a final response
	signal    chan struct{}           // has a token when there is something to take
	ackWire   *sip.Request            // the ACK of the 2xx that made the dialog
	ack       *outbound               // what it was made of; nil while it is being sent over a new connection
	ackTag    string                  // and its To tag
	forks     map[string]bool         // To tags of other 2xx that were ended
	early     map[string]*earlyDialog // by the remote tag; of who waits for the responses
	canceled  atomic.Bool             // the peer has taken our CANCEL
}

// sendInvite sends an INVITE. The responses are taken with next.
func (a *Agent) sendInvite(ctx context.Context, o *outbound) (*inviteTx, error) {
	tx, err := a.begin(ctx, o)
	if err != nil {
		return nil, err
	}
	it := &inviteTx{agent: a, request: o, signal: make(chan struct{}, 1), forks: map[string]bool{}, early: map[string]*earlyDialog{}}
	tx.OnRetransmission(it.stray)
	if !a.spawn(func() { it.pump(tx) }) {
		tx.Terminate()
		return nil, ErrClosed
	}
	return it, nil
}

// pump takes the responses from the transaction as they come, since the stack
// holds its lock until they are taken. With the first final response the
// transaction is over: what comes later is stray.
func (it *inviteTx) pump(tx *sip.ClientTx) {
	defer tx.Terminate()
	for {
		select {
		case wire := <-tx.Responses():
			if wire.IsProvisional() {
				it.put(wire, nil)
				continue
			}
			// The stack would keep a repeated failure waiting for its ACK for T2.
			it.agent.finished.add(it.request.branch, it.stray)
			tx.Terminate()
			it.put(wire, nil)
			return
		case <-tx.Done():
			it.put(nil, transactionError("INVITE", tx.Err()))
			return
		case <-it.agent.closed:
			it.put(nil, ErrClosed)
			return
		}
	}
}

func (it *inviteTx) put(wire *sip.Response, err error) {
	it.mu.Lock()
	if wire != nil {
		it.responses = append(it.responses, wire)
	} else {
		it.err = err
	}
	it.mu.Unlock()
	select {
	case it.signal <- struct{}{}:
	default:
	}
}

// take returns the next response, or the error that ended the transaction, or
// neither.
func (it *inviteTx) take() (*sip.Response, error) {
	it.mu.Lock()
	defer it.mu.Unlock()
	if len(it.responses) > 0 {
		wire := it.responses[0]
		it.responses = it.responses[1:]
		return wire, nil
	}
	return nil, it.err
}

// next waits for the next response. timeout and draining may be nil.
func (it *inviteTx) next(ctx context.Context, timeout <-chan time.Time, draining <-chan struct{}) (*sip.Response, error) {
	for {
		wire, err := it.take()
		if wire != nil || err != nil {
			return wire, err
		}
		select {
		case <-it.signal:
		case <-timeout:
			return nil, fmt.Errorf("INVITE: %w", ErrTimeout)
		case <-ctx.Done():
			return nil, fmt.Errorf("INVITE: %w", ctx.Err())
		case <-draining:
			return nil, ErrClosed
		case <-it.agent.closed:
			return nil, ErrClosed
		}
	}
}

// strayResponse is called by the transaction layer for responses that belong to
// no transaction of its own.
func (a *Agent) strayResponse(wire *sip.Response) {
	via, cseq := wire.Via(), wire.CSeq()
	if via == nil || cseq == nil || cseq.MethodName != sip.INVITE {
		return
	}
	if stray, ok := a.finished.get(via.Params.GetOr("branch", "")); ok {
		stray(wire)
	}
}

// stray handles a final response after the first one: a repetition is
// acknowledged again, and the 2xx of another branch is acknowledged and ended
// (RFC 3261, sections 13.2.2.4 and 17.1.1.2).
func (it *inviteTx) stray(wire *sip.Response) {
	if wire.IsProvisional() || wire.To() == nil || !it.agent.enter() {
		return
	}
	defer it.agent.wait.Done()
	if !wire.IsSuccess() {
		it.ackFailure(wire)
		return
	}
	tag := wire.To().Params.GetOr("tag", "")
	it.mu.Lock()
	known := it.ackWire != nil && it.ackTag == tag
	var anew *outbound
	// Under the lock, because sending changes the message.
	if known && it.agent.transport.WriteMsg(it.ackWire) != nil {
		anew, it.ack = it.ack, nil
	}
	accepted, ended := it.ackWire != nil, it.forks[tag]
	it.mu.Unlock()
	if !known && (accepted || ended) {
		it.end(it.agent.fromWireResponse(wire))
	}
	if anew != nil { // its connection has gone, and the ACK perhaps with it
		it.agent.spawn(func() {
			ctx, cancel := it.agent.lifetime(dialTimeout)
			defer cancel()
			if err := it.acknowledge(ctx, anew); err != nil {
				it.agent.log.Debug("cannot acknowledge again", slog.String("call_id", it.request.callID), slog.Any("error", err))
			}
		})
	}
}

// ackFailure acknowledges a repeated final response of 300 or more.
func (it *inviteTx) ackFailure(wire *sip.Response) {
	ack := *it.request
	ack.method, ack.body, ack.headers, ack.contact = "ACK", nil, Headers{}, Address{}
	ack.to, _ = ParseAddress(sip.HeaderClone(wire.To()).Value())
	ctx, cancel := it.agent.lifetime(writeTimeout)
	defer cancel()
	if err := it.agent.write(ctx, &ack); err != nil {
		it.agent.log.Debug("cannot acknowledge", slog.String("call_id", ack.callID), slog.Any("error", err))
	}
}

// acknowledge sends the ACK of a 2xx: a request of its own, with the sequence
// number of the INVITE (RFC 3261, section 13.2.2.4), and remembers it for
// repetitions.
func (it *inviteTx) acknowledge(ctx context.Context, ack *outbound) error {
	var failed error
	for range sendAttempts { // a connection may end at any moment
		var wire *sip.Request
		if wire, _, failed = it.agent.prepare(ctx, ack); failed == nil {
			it.mu.Lock()
			it.ackWire, it.ackTag = wire, ack.to.Tag()
			failed = it.agent.transport.WriteMsg(wire)
			it.mu.Unlock()
		}
		if failed == nil || !it.agent.renew(ack, failed) {
			break
		}
	}
	ack.renewed = false
	it.mu.Lock()
	it.ack = ack // for the next time
	it.mu.Unlock()
	if failed != nil {
		return fmt.Errorf("ACK: %w: %w", ErrTransport, failed)
	}
	return nil
}

// end acknowledges a 2xx that nobody wants and sends a BYE.
func (it *inviteTx) end(response *Response) {
	tag := response.To.Tag()
	it.mu.Lock()
	again := it.forks[tag]
	it.forks[tag] = true
	it.mu.Unlock()
	state, err := it.agent.dialogOfResponse(it.request, response)
	if err != nil {
		return
	}
	ctx, cancel := it.agent.lifetime(64 * it.agent.config.Timers.T1)
	defer cancel()
	if err := it.agent.write(ctx, state.ack(it.request.cseq, Body{})); err != nil {
		it.agent.log.Debug("cannot acknowledge", slog.String("call_id", it.request.callID), slog.Any("error", err))
	}
	if again {
		return
	}
	if _, err := it.agent.transact(ctx, state.outbound("BYE", Body{})); err != nil {
		it.agent.log.Debug("cannot end a branch", slog.String("call_id", it.request.callID), slog.Any("error", err))
	}
}

// cancel sends the CANCEL of the INVITE. Its response says nothing about that of
// the INVITE.
func (it *inviteTx) cancel(why Headers) {
	cancelation := *it.request
	cancelation.method, cancelation.body, cancelation.headers = "CANCEL", nil, why
	cancelation.auth, cancelation.credentials, cancelation.redirect = nil, nil, nil
	it.agent.spawn(func() {
		ctx, cancel := it.agent.lifetime(64 * it.agent.config.Timers.T1)
		defer cancel()
		if response, err := it.agent.transact(ctx, &cancelation); err == nil && response.Status/100 == 2 {
			it.canceled.Store(true)
		}
	})
}

// maxLastChance bounds how long the end of the Agent waits for the first response
// to an INVITE that is taken back.
const maxLastChance = time.Second

// takeBack takes an INVITE back: CANCEL as soon as a provisional response has
// come (RFC 3261, section 9.1). It returns the final response, which may be a
// 2xx nevertheless. provisional tells that one has come already.
//
// Without a provisional response no CANCEL may be sent. When the Agent ends the
// INVITE is given 2*T1 for it; then its transaction is abandoned, since nobody
// may be there at all. Should a 2xx come after that nobody acknowledges it or
// ends it with BYE: the callee does so itself after 64*T1 (RFC 3261, section
// 13.3.1.4).
func (it *inviteTx) takeBack(provisional bool, why Headers) (*Response, error) {
	timers := it.agent.config.Timers
	timer := time.NewTimer(64 * timers.T1)
	defer timer.Stop()
	var draining <-chan struct{} = it.agent.draining
	if provisional {
		draining = nil
		it.cancel(why)
	}
	for {
		wire, err := it.next(context.Background(), timer.C, draining)
		switch {
		case errors.Is(err, ErrClosed) && draining != nil && !it.agent.isClosed():
			draining = nil
			timer.Reset(min(2*timers.T1, maxLastChance))
		case err != nil:
			return nil, err
		case !wire.IsProvisional():
			return it.agent.fromWireResponse(wire), nil
		case !provisional:
			provisional, draining = true, nil
			it.cancel(why)
			timer.Reset(64 * timers.T1)
		}
	}
}

// abandon takes an INVITE back and ends what is answered nevertheless.
func (it *inviteTx) abandon(provisional bool, why Headers) {
	response, err := it.takeBack(provisional, why)
	switch {
	case err != nil:
		it.agent.log.Debug("an INVITE that was taken back has no final response",
			slog.String("call_id", it.request.callID), slog.Any("error", err))
	case response.Status/100 == 2:
		it.end(response)
	}
}
