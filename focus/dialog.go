package focus

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// dialogHandler brings what happens in the dialog of a participant into the mailbox.
type dialogHandler struct {
	leg
	referrals int        // REFERs so far; owned by Request
	refused   chan error // of capacity 1: why a call is not to be answered, which came up while it rang
}

// Ack bridges the participant (RFC 4575, section 5.7.3: connected), with the answer of a late offer.
func (h *dialogHandler) Ack(request *sipua.Request) {
	h.controller.post(acknowledged{leg: h.leg, sequence: request.CSeq, body: answerIn(request.Headers, request.Body)})
}

// Offer answers a re-INVITE or UPDATE (RFC 3264, section 8).
func (h *dialogHandler) Offer(request *sipua.Request) *sipua.Response {
	m := offered{leg: h.leg, request: request, reply: make(chan *sipua.Response, 1)}
	if !h.controller.post(m) {
		return sipua.NewResponse(481)
	}
	return <-m.reply
}

// Request refuses what has no meaning in a call; OPTIONS gets its 200 from the agent.
func (h *dialogHandler) Request(request *sipua.Request) *sipua.Response {
	if _, _, err := readReference(request); err != nil {
		return refusal(err)
	}
	switch request.Method {
	case methodRefer:
		return h.refer(request)
	case "SUBSCRIBE": // there is no subscription in this dialog but those of a REFER, which need no refresh (RFC 3515, section 2.4.4)
		return sipua.NewResponse(403)
	case "INFO":
		return h.info(request)
	default:
		return nil
	}
}

// Refreshed takes the answer to our last description, which was sent again to keep the session alive (RFC 4028, section 7.4).
func (h *dialogHandler) Refreshed(response *sipua.Response) {
	h.controller.post(refreshed{leg: h.leg, response: response})
}

// Unreachable lets the call go on: media may flow, and a phone that has lost its connection comes back by another one (RFC 3261, section 8.1.3.1).
func (h *dialogHandler) Unreachable(err error) {
	h.controller.log.Info("a participant cannot be reached", slog.String("participant", string(h.id)), slog.Any("error", err))
}

// refreshed is the answer to a description of ours that was repeated.
type refreshed struct {
	leg      leg
	response *sipua.Response
}

func (m refreshed) handle(c *controller) {
	p := m.leg.find()
	if p == nil || p.local == nil || len(m.response.Body) == 0 {
		return
	}
	if err := c.accept(p, p.local, p.said, answerIn(m.response.Headers, m.response.Body)); err != nil {
		c.log.Info("unusable answer to a refresh", slog.String("participant", string(p.id)), slog.Any("error", err))
		return // the session stays as it was
	}
	c.sessionChanged(p)
}

// Ended takes the participant out.
func (h *dialogHandler) Ended(reason sipua.EndReason) {
	if reason.Cause != sipua.EndLocal {
		h.controller.post(ended{leg: h.leg, reason: reason})
	}
}

// acknowledged is the ACK of a 2xx. It has the sequence number of its INVITE, which tells whether its body answers our offer: the ACK
// before may be handled after the re-INVITE that followed it.
type acknowledged struct {
	leg      leg
	sequence uint32
	body     []byte
}

func (m acknowledged) handle(c *controller) {
	p := m.leg.find()
	if p == nil {
		return
	}
	if offer := p.pending; offer != nil && m.sequence == p.pendingSequence {
		p.pending = nil
		if err := c.accept(p, offer, p.said, m.body); err != nil {
			c.log.Warn("no usable answer in ACK", slog.String("participant", string(p.id)), slog.Any("error", err))
			if c.successors[p.id] == p {
				if p.dialog != nil { // else it ends as soon as it comes
					c.hangUp(p.dialog, reasonHeader(488, ""))
				}
				c.discard(p, err)
			} else if !p.bridged { // a re-INVITE leaves the session as it was (RFC 3261, section 14.2)
				p.hangUp = true
				_ = c.step(conference.Failure{ID: p.id, Reason: reasonHeader(488, "")})
			}
			return
		}
		if p.bridged {
			c.sessionChanged(p)
		}
	}
	switch {
	case c.successors[p.id] == p:
		c.succeed(p)
	case !p.bridged:
		c.bridge(p)
	}
}

// offered is a re-INVITE or UPDATE of the participant.
type offered struct {
	leg     leg
	request *sipua.Request
	reply   chan *sipua.Response // of capacity 1
}

func (m offered) handle(c *controller) {
	response, err := m.answer(c)
	if err != nil {
		response = refusal(err)
	}
	m.reply <- response
}

func (m offered) answer(c *controller) (*sipua.Response, error) {
	p := m.leg.find()
	if p == nil {
		if c.leaving[m.leg.id] != nil { // is moving (RFC 3261, section 14.2)
			return sipua.NewResponse(500).WithHeader("Retry-After", "1"), nil
		}
		return sipua.NewResponse(481), nil
	}
	p.learnContact(m.request.Contact())
	offer, err := readOffer(m.request)
	switch {
	case err != nil:
		return nil, err
	case offer != nil:
		body, err := c.answer(p, offer)
		if err != nil {
			return nil, err
		}
		c.sessionChanged(p)
		c.heardOf(p)
		return c.accepted(p).WithBody(sdpType, body), nil
	case m.request.Method == "INVITE":
		p.pending, p.said = c.offer(p)
		p.pendingSequence = m.request.CSeq
		return c.accepted(p).WithBody(sdpType, p.pending.Marshal()), nil
	default: // an UPDATE without an offer only refreshes
		return c.accepted(p), nil
	}
}

// sessionChanged reports a re-negotiation, and gives the mixer the new format.
func (c *controller) sessionChanged(p *participant) {
	version := c.machine.State().Version
	if err := c.step(conference.SessionChanged{ID: p.id, Session: p.peer}); err != nil {
		return
	}
	if c.machine.State().Version == version {
		c.updateMix() // what the machine does not know of may be another: packet time, bit rate
	}
}

// ended says that the dialog is over.
type ended struct {
	leg    leg
	reason sipua.EndReason
}

func (m ended) handle(c *controller) {
	p := m.leg.find()
	if p == nil {
		c.strayed(m)
		return
	}
	p.dialog = nil
	if c.successors[p.id] == p {
		c.discard(p, errDialogEnd)
		return
	}
	switch m.reason.Cause {
	case sipua.EndRemote:
		if p.answeredAt.IsZero() { // BYE right after ACK: it was answered, although nothing was bridged
			p.answeredAt = time.Now()
		}
		reason := ""
		if m.reason.Request != nil {
			reason = m.reason.Request.Headers.Get("Reason")
		}
		_ = c.step(conference.Left{ID: p.id, Reason: reason})
	case sipua.EndNoACK, sipua.EndRefused, sipua.EndExpired, sipua.EndShutdown, sipua.EndLocal:
		code := sipua.Status(m.reason.Err)
		if code == 0 {
			code = 408
		}
		_ = c.step(conference.Failure{ID: p.id, Reason: reasonHeader(code, "")})
	}
}

// reoffer sends an offer of ours: UPDATE where the user agent allows it, as nobody has to be asked (RFC 3311, section 5.1).
func reoffer(ctx context.Context, d *sipua.Dialog, contact sipua.Address, offer *sdp.Description) ([]byte, error) {
	body := sipua.Body{ContentType: sdpType, Data: offer.Marshal(), Headers: sipua.Headers{{Name: "Contact", Value: contact.String()}}}
	var response *sipua.Response
	var err error
	if d.Allows("UPDATE") {
		response, err = d.Update(ctx, body)
	} else {
		response, err = d.ReInvite(ctx, body)
	}
	if err != nil {
		return nil, err
	}
	answer := answerIn(response.Headers, response.Body)
	if len(answer) == 0 {
		return nil, errors.New("2xx without an answer")
	}
	return answer, nil
}

var (
	_ sipua.DialogHandler = (*dialogHandler)(nil)
	_ sipua.OutageHandler = (*dialogHandler)(nil)
)
