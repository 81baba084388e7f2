package focus

import (
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// ring has a call ring before it is answered. Who can, acknowledges that (RFC 3262). A caller that wants it so, and has made no offer, gets ours
// now (section 5), and its answer comes before ours: it rings until that has come. Error: why it is not to be answered.
func (h *dialogHandler) ring(call *sipua.IncomingCall, in *joined, d time.Duration) error {
	call.Early(h)
	response := sipua.NewResponse(180)
	offers := false
	if request := call.Request(); len(request.Body) == 0 && request.Headers.Contains("Require", "100rel") {
		response = sipua.NewResponse(183).WithBody(sdpType, in.response.Body)
		offers = true
		in.response.Body, in.response.Headers = nil, in.response.Headers.Without("Content-Type")
	}
	if contact, ok := in.response.Contact(); ok {
		response.WithHeader("Contact", contact.String())
	}
	if err := call.Provisional(response); err != nil {
		return err
	}
	var agreed <-chan struct{} // nil: there is nothing to wait for
	if offers {
		agreed = call.Unacknowledged()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	for rings := timer.C; rings != nil || agreed != nil; {
		select {
		case <-rings:
			rings = nil
		case <-agreed: // or not: see below
			agreed = nil
		case err := <-h.refused:
			return err
		case <-in.gone:
			return errRefused
		case <-call.Done():
			return sipua.ErrCanceled
		}
	}
	select {
	case err := <-h.refused:
		return err
	default:
		return nil
	}
}

// Prack takes the answer to the offer that a call has got while it rang, or another offer (RFC 3262, section 5).
func (h *dialogHandler) Prack(request *sipua.Request) *sipua.Response {
	m := earlyAnswer{leg: h.leg, request: request, reply: make(chan *sipua.Response, 1), refused: h.refused}
	if !h.controller.post(m) {
		return sipua.NewResponse(481)
	}
	return <-m.reply
}

// earlyAnswer is a PRACK with a description.
type earlyAnswer struct {
	leg     leg
	request *sipua.Request
	reply   chan *sipua.Response // of capacity 1
	refused chan<- error
}

func (m earlyAnswer) handle(c *controller) {
	p := m.leg.find()
	if p == nil {
		m.reply <- sipua.NewResponse(481)
		return
	}
	offer := p.pending
	if offer == nil {
		offered{leg: m.leg, request: m.request, reply: m.reply}.handle(c)
		return
	}
	p.pending = nil
	err := c.accept(p, offer, p.said, answerIn(m.request.Headers, m.request.Body))
	if err != nil {
		m.refused <- err
	} else {
		_ = c.step(conference.SessionChanged{ID: p.id, Session: p.peer})
	}
	m.reply <- nil
}

var _ sipua.EarlyHandler = (*dialogHandler)(nil)
