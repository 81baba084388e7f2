package siprec

import (
	"errors"
	"strconv"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
)

// onPeerBye handles the end of the dialog by the recorder, which may come at any time.
func (c *Client) onPeerBye(e PeerBye, now time.Time) {
	switch {
	case c.desire.Stopped:
		if c.phase != phaseStopped {
			c.silence()
			c.stopped(e.Reason)
		}
	case c.config.Passive:
		c.silence()
		c.stopped("ended by the recorder: " + e.Reason)
	case c.up() || c.exchange != nil:
		c.do(Alarm{Kind: AlarmEnded, Detail: e.Reason})
		c.lost("ended by the recorder: "+e.Reason, 0, now)
	}
}

// onUnkeyed gives a session up in which a stream has no keys: all have the same certificate, so that it is the recorder that is not what it should
// be, and another one, or the spool, gets the whole.
func (c *Client) onUnkeyed(e Unkeyed, now time.Time) {
	s := c.slotOf(e.Key)
	if !c.up() || s == nil || s.playing == nil || e.Certificate != c.certificate {
		return
	}
	c.do(Alarm{Kind: AlarmUnkeyed, Detail: e.Reason})
	c.silence()
	m := c.message(now, nil, nil)
	m.Headers = append(m.Headers, Header{Name: "Reason", Value: `SIP;cause=488;text="No keys for SRTP"`})
	c.do(Bye{m})
	c.lost(e.Reason, 0, now)
}

// answer responds to the recorder.
func (c *Client) answer(status int, m Message, headers ...Header) {
	m.Headers = append(headers, m.Headers...)
	c.do(AnswerPeer{Status: status, Message: m})
}

// onPeerOffer answers a re-INVITE or UPDATE of the recorder.
func (c *Client) onPeerOffer(p PeerOffer, now time.Time) {
	content, err := ParseContent(p.ContentType, p.Disposition, p.Body)
	switch {
	case errors.Is(err, ErrMediaType):
		c.answer(statusMediaType, Message{}, Header{Name: "Accept", Value: acceptTypes})
	case errors.Is(err, ErrTooLarge):
		c.answer(statusTooLarge, Message{})
	case err != nil, content.Metadata != nil && rootName(content.Metadata) == "": // no XML at all, so that nobody knows what it asks
		c.answer(statusBadRequest, Message{}, Header{Name: "Warning", Value: `399 parley "Malformed body"`})
	case !c.up():
		c.peerBegins(p, content, now)
	case content.SDP != nil:
		c.peerOffers(content, now)
	case p.Method == "INVITE":
		c.peerWantsOffer(now)
	default:
		// The snapshot never is in the response (RFC 7866, section 9.2).
		c.answer(statusOK, c.message(now, nil, nil))
	}
	if err == nil && content.Snapshot != nil {
		c.wantSnapshot(now)
	}
}

// peerBegins answers an INVITE that begins a recording session: the recorder sends no
// offer, ours goes into the 200 (RFC 7866, section 7.2).
func (c *Client) peerBegins(p PeerOffer, content Content, now time.Time) {
	free := c.phase == phaseIdle || c.phase == phaseWaiting || c.phase == phaseFailed
	switch {
	case c.phase == phaseInviting:
		c.answer(statusPending, Message{})
		return
	case p.Method != "INVITE" || !free:
		c.answer(statusGone, Message{})
		return
	case content.SDP != nil:
		c.answer(statusNotAcceptable, Message{})
		return
	case len(c.desire.Streams) == 0:
		c.answer(480, Message{})
		return
	}
	c.reset()
	m, e := c.beginning(now)
	e.kind = exchangePeer
	c.phase = phaseInviting
	c.open(e, now)
	c.answer(statusOK, m)
}

// peerWantsOffer answers a re-INVITE without offer by our current description.
func (c *Client) peerWantsOffer(now time.Time) {
	if c.exchange != nil {
		c.answer(statusPending, Message{})
		return
	}
	offer := c.describe()
	c.open(&exchange{kind: exchangePeer, offer: offer}, now)
	c.answer(statusOK, c.message(now, offer, nil))
}

// peerOffers answers an offer: the recorder may pause, resume and remove streams, and
// may not add any (RFC 7866, section 7.2).
func (c *Client) peerOffers(content Content, now time.Time) {
	if c.exchange != nil && c.exchange.offer != nil {
		c.answer(statusPending, Message{})
		return
	}
	offer, err := sdp.Parse(content.SDP)
	if err != nil {
		c.answer(statusBadRequest, Message{})
		return
	}
	if len(offer.Media) < len(c.accepted.Media) {
		c.answer(statusNotAcceptable, Message{})
		return
	}
	c.rollback()
	for len(c.slots) < len(offer.Media) {
		// Lines of the recorder's making stay refused, but every line has a label.
		c.slots = append(c.slots, &slot{label: c.label(lineKey + strconv.Itoa(len(c.labels)))})
	}
	plan, err := sdp.Answer(offer, c.local(false))
	if err != nil {
		c.rollback()
		c.answer(statusNotAcceptable, Message{})
		return
	}
	ours, before := plan.Answer, c.accepted.Media
	c.renumber(&ours)
	c.sent, c.accepted, c.remote = &ours, &ours, &offer
	c.version = max(c.version, ours.Origin.Version)
	for i, s := range c.slots {
		// Only what had a port can be removed: a stream that we took away ourselves, and
		// want again now, has port 0 in the offer, too.
		if offer.Media[i].Port == 0 && i < len(before) && before[i].Port != 0 && s.live() && s.accepted {
			s.refused = true
		}
		s.held = !offer.DirectionOf(i).Receives()
	}
	c.takePlan(&ours, &plan, false)
	c.stopMedia() // what starts, starts after the answer
	c.answer(statusOK, c.message(now, &ours, nil))
}

// onPeerAck takes the answer to the offer in our 200.
func (c *Client) onPeerAck(p PeerAck, now time.Time) {
	e := c.exchange
	if e == nil || e.kind != exchangePeer {
		return
	}
	c.exchange = nil
	if c.phase == phaseCancelling {
		c.bye(now)
		return
	}
	c.agreed(e, p.ContentType, p.Body, now)
}
