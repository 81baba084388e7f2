package media

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/ice"
)

// Handshake makes the keys of a session (RFC 5763). The association goes on from one set of parameters to the next as long as these fields,
// Mux, and without ICE the far end's address stay the same, unless it has failed: the next set begins it anew. With another certificate of ours the far end is another one: what was agreed with
// the one before counts for nothing, while otherwise its keys stay in use until there are others.
type Handshake struct {
	// Certificate is ours; the same as long as the far end may believe in it.
	Certificate *dtls.Certificate
	// Peer are the fingerprints of the far end's certificate.
	Peer []dtls.Fingerprint
	// Client tells that we begin.
	Client bool
	// Timeout is how long it may take; 0: [dtls.DefaultTimeout]. It is no part of what makes two the same.
	Timeout time.Duration
}

// equal tells whether both are the same handshake.
func (h *Handshake) equal(other *Handshake) bool {
	return h != nil && other != nil && h.Certificate == other.Certificate && h.Client == other.Client && slices.Equal(h.Peer, other.Peer)
}

// ICE has the far end look for a way to us (RFC 8445). We are lite.
type ICE struct {
	// Local and Remote are the credentials of both descriptions; others are a restart.
	Local, Remote ice.Credentials
}

// flows are RTP and, unless it has the same port, RTCP.
const flows = 2

// keying is how a session gets its keys, and its way to the far end, while it is on. It belongs to who holds the session's mutex, but for
// the addresses, which others read.
type keying struct {
	agreed     *Handshake
	mux        bool
	described  [flows]netip.AddrPort // of the far end, invalid with ICE
	heard      [flows]bool           // from where it was described
	generation int                   // of the association
	failed     bool                  // it has made no keys
	running    [flows]*dtls.Association
	keys       [flows]*Protection
	to         [flows]sharedAddr // where datagrams of the handshake go
	agent      *ice.Agent        // nil: without ICE
}

// shaker is a session whose keys a keying makes.
type shaker interface {
	sendAside(c ice.Component, datagram []byte, to netip.AddrPort)
	shook(c ice.Component, generation int, keys dtls.Keys, err error)
	symmetric() bool // follows the far end to where its datagrams come from
	strayed()        // counts a datagram of somebody else
}

// configure brings the keying to new parameters. It returns associations that are over, which the caller closes without the session's
// mutex.
func (k *keying) configure(s shaker, p *Params) (over []*dtls.Association) {
	switch {
	case p.ICE == nil:
		k.agent = nil
	case k.agent == nil:
		k.agent = ice.NewAgent(p.ICE.Local, p.ICE.Remote)
	default:
		k.agent.Restart(p.ICE.Local, p.ICE.Remote)
	}
	var described [flows]netip.AddrPort
	if k.agent == nil {
		described = [flows]netip.AddrPort{unmapped(p.Remote), unmapped(p.RemoteRTCP)}
		if at := described[0]; !described[1].IsValid() && sendable(at) && at.Port() < 1<<16-1 {
			described[1] = netip.AddrPortFrom(at.Addr(), at.Port()+1)
		}
	}
	moved := k.agent == nil && sendable(described[0]) && sendable(k.described[0]) && described[0] != k.described[0]
	same := !k.failed && k.agreed.equal(p.DTLS) && k.mux == p.Mux && !moved
	if sendable(described[0]) || k.agent != nil {
		k.described = described
	}
	if !same {
		over = k.stop()
		k.agreed, k.mux = nil, p.Mux
		if p.DTLS != nil {
			k.agreed = &Handshake{Certificate: p.DTLS.Certificate, Peer: slices.Clone(p.DTLS.Peer), Client: p.DTLS.Client, Timeout: p.DTLS.Timeout}
		}
		for c := range k.to {
			k.heard[c] = false
			k.to[c].set(k.described[c])
			if k.agent != nil {
				at, _ := k.agent.Selected(ice.Component(c))
				k.to[c].set(at)
			}
		}
	}
	k.begin(s)
	return over
}

// stop gives up the association that there is.
func (k *keying) stop() []*dtls.Association {
	var over []*dtls.Association
	for c, a := range k.running {
		if a != nil {
			over = append(over, a)
		}
		k.running[c], k.keys[c] = nil, nil
	}
	k.failed = false
	k.generation++
	return over
}

// begin starts what can be: where the far end is known, and its part is not ours (RFC 5763, section 5).
func (k *keying) begin(s shaker) {
	if k.agreed == nil {
		return
	}
	for c := range k.running {
		component := ice.Component(c)
		if k.running[c] != nil || c > 0 && k.mux || !sendable(k.to[c].get()) {
			continue
		}
		if k.agent != nil && k.agreed.Client {
			if _, chosen := k.agent.Selected(component); !chosen {
				continue // there is no way yet
			}
		}
		generation := k.generation
		if k.agent == nil && !k.agreed.Client {
			s.sendAside(component, ice.Opening(), k.to[c].get()) // opens boxes that let nothing in before (RFC 5763, section 6.7.2)
		}
		k.running[c] = dtls.Start(dtls.Config{
			Certificate: k.agreed.Certificate, Peer: k.agreed.Peer, Client: k.agreed.Client, Timeout: k.agreed.Timeout,
			Send: func(datagram []byte) { s.sendAside(component, datagram, k.to[component].get()) },
			Done: func(keys dtls.Keys, err error) { s.shook(component, generation, keys, err) },
		})
	}
}

// deliver takes a datagram of a handshake, if it may be the far end's. As long as there are no keys, it is answered where it came from:
// the far end may be behind a NAT, under the rule for media.
func (k *keying) deliver(s shaker, c ice.Component, octets []byte, from netip.AddrPort) {
	if k.running[c] == nil {
		return // it will be sent again
	}
	if k.agent != nil {
		if !k.agent.Knows(c, from) {
			return
		}
	} else {
		if !k.mayCome(s, c, from) {
			s.strayed()
			return
		}
		k.heard[c] = k.heard[c] || from == k.described[c]
		if k.keys[c] == nil && (from == k.described[c] || !k.heard[c]) {
			k.to[c].set(from)
		}
	}
	k.running[c].Deliver(octets)
}

// mayCome tells whether something beside the media may come from an address without ICE.
func (k *keying) mayCome(s shaker, c ice.Component, from netip.AddrPort) bool {
	return s.symmetric() || from.Addr() == k.described[c].Addr()
}

// reply answers a check without ICE, as long as there are no keys (RFC 5763, section 6.7.2).
func (k *keying) reply(s shaker, c ice.Component, octets []byte, from netip.AddrPort) {
	if k.agreed != nil && k.keys[c] == nil && k.mayCome(s, c, from) {
		s.sendAside(c, ice.Reply(from, octets), from)
	}
}

// check answers a check of the far end, and follows it to where it wants its media. Without ICE a check is answered as long as there are
// no keys (RFC 5763, section 6.7.2).
func (k *keying) check(s *Session, c ice.Component, octets []byte, from netip.AddrPort, now time.Duration) {
	if k.agent == nil {
		k.reply(s, c, octets, from)
		return
	}
	reply, event := k.agent.Receive(c, from, octets, now)
	s.sendAside(c, reply, from)
	switch {
	case event == ice.Nothing:
		return
	case event == ice.Nominated:
		k.to[c].set(from)
		s.follow()
	case !k.to[c].get().IsValid():
		k.to[c].set(from) // it may begin a handshake before it has chosen
	}
	s.consented.setTime(now)
	k.begin(s)
}

// way is where media go with ICE: nowhere before the far end has chosen (RFC 8445, section 12).
func (k *keying) way(a *agreement) {
	a.params.Remote, _ = k.agent.Selected(ice.RTP)
	a.params.RemoteRTCP = netip.AddrPort{}
	if !a.params.Mux {
		a.params.RemoteRTCP, _ = k.agent.Selected(ice.RTCP)
	}
}

// follow has the media go where the far end has chosen. The session's mutex is held.
func (s *Session) follow() {
	current := s.offered.Load()
	if current == nil {
		return
	}
	next := *current
	s.keying.way(&next)
	s.offered.Store(&next)
}

// shook takes the outcome of a handshake.
func (s *Session) shook(c ice.Component, generation int, keys dtls.Keys, err error) {
	s.mu.Lock()
	k := &s.keying
	if s.closed || generation != k.generation {
		s.mu.Unlock()
		return
	}
	if err == nil {
		k.keys[c] = &Protection{Local: keys.Local, Remote: keys.Remote}
		err = s.install(c)
	}
	ours := c == ice.RTP || errors.Is(err, dtls.ErrFingerprint) // who sends no reports has no handshake for them, either
	k.failed = k.failed || ours && err != nil
	s.mu.Unlock()
	if !ours {
		return
	}
	if told := s.secured.Load(); told != nil {
		(*told)(err)
	}
}

// install puts the keys of a flow into use. The session's mutex is held.
func (s *Session) install(c ice.Component) error {
	current := s.offered.Load()
	if current == nil || current.params.DTLS == nil {
		return fmt.Errorf("%w: keys that nobody has asked for", ErrParams)
	}
	g, err := s.keying.guard(c, current.guard)
	if err != nil {
		return err
	}
	next := *current
	next.guard = g
	s.offered.Store(&next)
	return nil
}

// guard makes the contexts of a flow that has got its keys; those of the other flow stay.
func (k *keying) guard(c ice.Component, current *guard) (*guard, error) {
	if c != ice.RTP {
		made, err := newGuard(k.keys[c], nil)
		if err != nil {
			return nil, err
		}
		made.past, made.spare = current.past, current.spare
		made.local, made.remote, made.send, made.receive = current.local, current.remote, current.send, current.receive
		return made, nil
	}
	made, err := newGuard(k.keys[c], current)
	if err != nil || k.mux {
		return made, err
	}
	made.reportSend, made.reportReceive = current.reportSend, current.reportReceive
	return made, nil
}

// OnSecured has the outcome of each handshake told to a function: nil, or why there are no keys. It is called by another goroutine, must
// not block, and must not close the session.
func (s *Session) OnSecured(told func(error)) { s.secured.Store(&told) }

// unkey ends all handshakes, with a farewell.
func (s *Session) unkey() {
	s.mu.Lock()
	over := s.keying.stop()
	s.mu.Unlock()
	for _, a := range over {
		a.Close()
	}
}

func (s *Session) symmetric() bool { return s.cfg.Symmetric }

func (s *Session) strayed() { s.shared.foreignAsides.Add(1) }

var _ shaker = (*Session)(nil)
