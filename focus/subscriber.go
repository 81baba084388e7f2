package focus

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// subscriber is who has subscribed to conference events.
type subscriber struct {
	entity    string // his identity, as a participant's
	source    string // IP address he subscribes from
	proved    bool   // the identity is more than a claim
	moderator bool   // his account moderates every conference
}

// subscriberOf reads who he is out of his SUBSCRIBE.
func subscriberOf(request *sipua.Request) subscriber {
	s := subscriber{entity: request.From.URI.Bare().String(), source: request.Source.Addr().Unmap().String()}
	if c := request.Caller; c != nil {
		s.entity = c.Identity.URI.Bare().String()
		s.proved = c.User != "" || c.Asserted
		s.moderator = slices.Contains(c.Roles, moderatorRole)
	}
	return s
}

// standing is what a policy says of a subscriber.
type standing uint8

const (
	outside  standing = iota // is told nothing
	arriving                 // will be told when he is in
	inside
)

// sees tells what he is shown of a conference, if anything. A participant is known by his identity and, as long as that is only a claim, by the
// address that he calls from.
func (s subscriber) sees(state *conference.State, policy RosterPolicy) (view, standing) {
	who, at := s.stands(state, policy.Subscribers)
	if at != inside && policy.Polite {
		return view{viewer: forNobody}, inside
	}
	return who, at
}

// stands is sees for those who are not to be treated politely.
func (s subscriber) stands(state *conference.State, from SubscribersFrom) (who view, at standing) {
	participant, host, onTheWay := false, s.moderator, false
	for i := range state.Participants {
		p := state.Participants[i]
		if p.Entity != s.entity || !s.proved && p.Session.Source != s.source {
			continue
		}
		if !p.Present() {
			onTheWay = onTheWay || from == SubscribersParticipants || p.Role == conference.Moderator
			continue
		}
		participant = true
		host = host || p.Role == conference.Moderator
		if b, in := state.Sidebar(p.Sidebar); in && b.Private {
			who.enter(b.ID)
		}
	}
	if host {
		who.viewer = forHosts
	}
	switch {
	case host, from == SubscribersAll, from == SubscribersParticipants && participant:
		return who, inside
	case onTheWay:
		return who, arriving
	default:
		return who, outside
	}
}

// sources counts subscriptions by the address that they come from.
type sources struct {
	mu    sync.Mutex
	count map[netip.Addr]int
}

// add counts one more, unless that would be too many; release takes it back.
func (s *sources) add(request *sipua.Request, limit int) (release func(), ok bool) {
	if limit == 0 || request.Caller != nil && request.Caller.Trunk != "" {
		return func() {}, true
	}
	at := request.Source.Addr().Unmap()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count[at] >= limit {
		return nil, false
	}
	if s.count == nil {
		s.count = map[netip.Addr]int{}
	}
	s.count[at]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.count[at]--; s.count[at] == 0 {
			delete(s.count, at)
		}
	}), true
}
