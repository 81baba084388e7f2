package focus

import (
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// callRecord is what remains of a call, but for its statistics.
func (c *controller) callRecord(p *participant, d *conference.Participant) CallRecord {
	r := CallRecord{
		Conference: c.id, Participant: p.id, Direction: p.direction, URI: p.uri, DisplayName: d.DisplayName, CallID: p.peer.CallID,
		SessionID: p.peer.SessionID, Peer: p.peerAddress, Role: d.Role.String(), Disconnection: d.Disconnection.Method.String(),
		Reason: d.Disconnection.Reason, Codec: p.peer.Codec, Secure: d.Session.Secure, Muted: d.Silenced(),
		StartedAt: p.startedAt, AnsweredAt: p.answeredAt, EndedAt: d.Disconnection.At, Spoken: p.spoken,
	}
	r.From, r.To = p.uri, c.focus.conferenceURI(c.id).String()
	if p.direction == outbound {
		r.From, r.To = r.To, r.From
	}
	switch {
	case p.bridged && d.JoinedAt.IsZero() && d.Disconnection.Method == conference.Booted:
		r.Result = "refused" // at the door
	case !p.answeredAt.IsZero():
		r.Result = "answered"
	case d.Disconnection.Method == conference.Busy:
		r.Result = "busy"
	case d.Disconnection.Method == conference.Failed:
		r.Result = "failed"
	default:
		r.Result = "cancelled"
	}
	return r
}

// CallRefused records a call that was refused by whoever admits calls, for the conference, because of who it is (Hooks.CallEnded): status is that of
// the response, why is for people.
func (f *Focus) CallRefused(call *sipua.IncomingCall, status int, why string) {
	if h := f.hooks.CallEnded; h != nil {
		h(refusedCall(call, status, why))
	}
}

// refusedCall is the record of a call that never became a participant.
func refusedCall(call *sipua.IncomingCall, status int, why string) CallRecord {
	request, now := call.Request(), time.Now()
	entity, _, name := caller(request)
	return CallRecord{
		Conference: conference.ID(request.URI.UserPart()), Direction: inbound, URI: entity, From: entity,
		To: request.URI.Bare().String(), DisplayName: name, CallID: request.CallID, SessionID: call.SessionID(),
		Peer: request.Source.Addr().Unmap(), Result: "refused", Reason: reasonHeader(status, why), StartedAt: now, EndedAt: now,
	}
}

// countSpeech takes from the mixer how long those who go were heard, before they are taken out of the mix.
func (c *controller) countSpeech(departed []*conference.Participant) {
	for i := range departed {
		if p := c.participants[departed[i].ID]; p != nil {
			c.countSpoken(p)
		}
	}
}

func (c *controller) countSpoken(p *participant) {
	if stats, err := c.mix.MemberStats(p.member); err == nil {
		p.spoken = max(p.spoken, stats.Spoken)
	}
}
