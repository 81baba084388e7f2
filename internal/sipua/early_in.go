package sipua

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxWaitingProvisional bounds those that wait for the PRACK of the one before.
const maxWaitingProvisional = 8

// EarlyHandler is what an incoming call calls for requests of the caller before
// the final response, which he may send once he has a reliable provisional one.
// Its methods are called one at a time.
type EarlyHandler interface {
	// Prack gets a PRACK that has a body: the answer to an offer of ours in a
	// provisional response, or another offer, whose answer goes into the 2xx (RFC
	// 3262, section 5). For nil, 200 is sent.
	Prack(request *Request) *Response
	// Offer gets an UPDATE (RFC 3311). For nil, 488 is sent.
	Offer(request *Request) *Response
}

// earlyIn is the early dialog that reliable provisional responses to an INVITE
// make (RFC 3262, section 3).
type earlyIn struct {
	call    *IncomingCall
	gate    *cseqGate
	serving sync.Mutex // held while the handler has a request

	mu      sync.Mutex
	handler EarlyHandler // may be nil
	last    uint32       // RSeq of the last one that was sent; 0: none
	open    *unacked     // nil: every one is acknowledged
	waiting []*Response
	answer  bool // the offer of the INVITE, or ours, has its answer, which the caller has acknowledged
}

// unacked is a reliable provisional response that has no PRACK yet.
type unacked struct {
	seq       uint32
	described bool // it has a description
	done      chan struct{}
}

// reliably tells whether a provisional response to this INVITE is sent reliably:
// where the caller can, since he wants to know for certain. To an INVITE without an
// offer the first that is has to have ours (RFC 3261, section 13.2.1): one without is
// sent so only to who insists.
func (c *IncomingCall) reliably(response *Response) bool {
	h := c.in.request.Headers
	if h.Contains("Require", option100rel) {
		return true
	}
	c.mu.Lock()
	early := c.early
	c.mu.Unlock()
	begun := early != nil && early.begun()
	return c.in.agent.supports100rel() && h.Contains("Supported", option100rel) && (begun || len(c.in.request.Body) > 0 || len(response.Body) > 0)
}

// begun tells whether a response has been sent reliably.
func (e *earlyIn) begun() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last != 0
}

// Unacknowledged returns what is closed with the PRACK of the provisional response
// that was sent reliably last, after the EarlyHandler has seen it; nil: none waits
// for one.
func (c *IncomingCall) Unacknowledged() <-chan struct{} {
	e := c.earlyDialog()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		return nil
	}
	return e.open.done
}

// Early sets who gets requests of the caller before the final response. It is to
// be called before Provisional.
func (c *IncomingCall) Early(handler EarlyHandler) {
	e := c.earlyDialog()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handler = handler
}

func (c *IncomingCall) earlyDialog() *earlyIn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.early == nil {
		c.early = &earlyIn{call: c, gate: newCSeqGate(c.in.request.CSeq, true)}
	}
	return c.early
}

// send sends a provisional response reliably, or keeps it until the one before
// has been acknowledged.
func (e *earlyIn) send(response *Response) error {
	e.mu.Lock()
	if e.open != nil {
		if len(e.waiting) == maxWaitingProvisional {
			e.waiting = e.waiting[1:]
		}
		e.waiting = append(e.waiting, response)
		e.mu.Unlock()
		return nil
	}
	out := e.begin(response)
	e.mu.Unlock()
	return e.transmit(out, response)
}

// begin gives a response its number; the lock is held.
func (e *earlyIn) begin(response *Response) *unacked {
	if e.last == 0 {
		e.last = uint32(randomUpTo(math.MaxInt32 / 2)) //nolint:gosec // 31 bits, with room to count on
		e.call.in.agent.register(e.call.ID(), e)
	}
	e.last++
	e.open = &unacked{seq: e.last, described: len(response.Body) > 0, done: make(chan struct{})}
	return e.open
}

// transmit sends a response for the first time, and repeats it.
func (e *earlyIn) transmit(out *unacked, response *Response) error {
	response = response.clone().WithHeader("Require", option100rel).WithHeader("RSeq", strconv.FormatUint(uint64(out.seq), 10))
	if err := e.call.sendProvisional(response); err != nil {
		return err
	}
	e.call.in.agent.spawn(func() { e.repeat(out, response) })
	return nil
}

// repeat repeats a reliable provisional response until its PRACK comes. Without
// any the call is refused (RFC 3262, section 3).
func (e *earlyIn) repeat(out *unacked, response *Response) {
	t1 := e.call.in.agent.config.Timers.T1
	wait := t1
	end := time.NewTimer(64 * t1)
	defer end.Stop()
	for {
		timer := time.NewTimer(wait)
		select {
		case <-out.done:
		case <-e.call.done:
		case <-e.call.in.agent.closed:
		case <-end.C:
			_ = e.call.Reject(NewResponse(504)) // fails when it has been answered meanwhile
		case <-timer.C:
			if e.call.isPending() && e.call.sendProvisional(response) == nil {
				wait *= 2
				continue
			}
		}
		timer.Stop()
		return
	}
}

// settled waits until no reliable provisional response with a description is
// open, or waits for its turn: the 2xx must not overtake it (RFC 3262, section 3).
func (e *earlyIn) settled(ctx context.Context) error {
	for {
		e.mu.Lock()
		out := e.open
		described := out != nil && (out.described || slices.ContainsFunc(e.waiting, func(r *Response) bool { return len(r.Body) > 0 }))
		e.mu.Unlock()
		if !described {
			return nil
		}
		select {
		case <-out.done:
		case <-e.call.done:
			return e.call.notPending()
		case <-ctx.Done():
			return fmt.Errorf("wait for PRACK: %w", ctx.Err())
		}
	}
}

// acknowledged takes the PRACK of the open response. It returns false when it is
// for another one.
func (e *earlyIn) acknowledged(request *Request) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	fields := strings.Fields(request.Headers.Get("RAck"))
	if e.open == nil || len(fields) != 3 || fields[0] != strconv.FormatUint(uint64(e.open.seq), 10) ||
		fields[1] != strconv.FormatUint(uint64(e.call.in.request.CSeq), 10) || fields[2] != "INVITE" {
		return false
	}
	e.answer = e.answer || e.open.described && len(e.call.in.request.Body) > 0 || e.open.described && len(request.Body) > 0
	return true
}

// progress lets the 2xx, or the next provisional response, follow.
func (e *earlyIn) progress() {
	e.mu.Lock()
	close(e.open.done)
	var next *unacked
	var response *Response
	if e.open = nil; len(e.waiting) > 0 && e.call.isPending() {
		response, e.waiting = e.waiting[0], e.waiting[1:]
		next = e.begin(response)
	}
	e.mu.Unlock()
	if next == nil {
		return
	}
	if err := e.transmit(next, response); err != nil {
		e.call.in.agent.log.Debug("cannot send a provisional response", slog.String("call_id", e.call.in.request.CallID), slog.Any("error", err))
	}
}

// prack answers a PRACK (RFC 3262, section 3).
func (e *earlyIn) prack(in *inbound) {
	e.serving.Lock()
	defer e.serving.Unlock()
	if !e.acknowledged(in.request) {
		in.refuse(481)
		return
	}
	response := NewResponse(200)
	e.mu.Lock()
	handler, answered := e.handler, e.answer
	e.mu.Unlock()
	switch {
	case len(in.request.Body) == 0:
	case handler == nil, !answered && e.call.isPending(): // an offer beside that of the INVITE (RFC 3264, section 4)
		response = NewResponse(488)
	default:
		response = nil
		in.guard(func() { response = handler.Prack(in.request) })
		if response == nil {
			response = NewResponse(200)
		}
	}
	in.answer(response)
	e.progress()
}

// announce notes a request that has come.
func (e *earlyIn) announce(seq uint32) { e.gate.announce(seq) }

// receive handles a request within the early dialog.
func (e *earlyIn) receive(in *inbound) {
	if in.request.Method == "ACK" {
		return
	}
	place, ok := e.gate.enter(in.request.CSeq)
	if !ok {
		in.refuse(500)
		return
	}
	defer place.done()
	<-place.before
	switch in.request.Method {
	case "PRACK":
		e.prack(in)
	case "UPDATE":
		e.update(in)
	case "BYE": // RFC 3261, section 15.1.2
		in.refuse(200)
		e.call.cancel()
	case methodOptions:
		in.answer(nil)
	default:
		in.refuse(405)
	}
}

// update answers an UPDATE. Its offer has to wait until the one of the INVITE has its answer (RFC 3311, section 5.2).
func (e *earlyIn) update(in *inbound) {
	e.serving.Lock()
	defer e.serving.Unlock()
	e.mu.Lock()
	handler, answered := e.handler, e.answer
	e.mu.Unlock()
	switch {
	case len(in.request.Body) > 0 && !answered:
		in.refuse(500, Header{Name: "Retry-After", Value: seconds(randomBetween(0, 9*time.Second))})
	case handler == nil:
		in.refuse(488)
	default:
		in.guard(func() {
			response := handler.Offer(in.request)
			if response == nil {
				response = NewResponse(488)
			}
			in.answer(response)
		})
	}
}

// shutdown leaves the call to the end of pending ones.
func (e *earlyIn) shutdown(context.Context) {}
