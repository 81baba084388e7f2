package ice

import (
	"crypto/rand"
	"encoding/base64"
	"net/netip"
	"slices"
	"time"
)

// Component is one of the flows of a stream (RFC 8445, section 13).
type Component uint8

// Components. With RTP and RTCP on one port there is only the first.
const (
	RTP Component = iota
	RTCP
	components
)

// Credentials are what checks are signed with (RFC 8445, section 5.3).
type Credentials struct {
	// Fragment of the user name, 4 to 256 characters.
	Fragment string
	// Password, 22 to 256 characters.
	Password string
}

// NewCredentials makes random ones: 48 bits and 144 bits.
func NewCredentials() Credentials {
	octets := make([]byte, 6+18)
	_, _ = rand.Read(octets) // never fails
	text := base64.RawStdEncoding.EncodeToString
	return Credentials{Fragment: text(octets[:6]), Password: text(octets[6:])}
}

// Usable tells whether a peer may have such credentials (RFC 8839, section 5.4).
func (c Credentials) Usable() bool {
	in := func(text string, least int) bool { return len(text) >= least && len(text) <= 256 }
	return in(c.Fragment, 4) && in(c.Password, 22)
}

// Event is what a check has told.
type Event uint8

// Events. Each includes those before it.
const (
	// Nothing: it was no check, or one of somebody else.
	Nothing Event = iota
	// Checked: the peer can be reached there.
	Checked
	// Nominated: that is where the peer wants to get media, and it was another address before.
	Nominated
)

const (
	// pathsKept is how many addresses of a peer are remembered as its own.
	pathsKept = 8
	// renominate is how long a way that was chosen holds against one of lower priority, if the peer does not choose it again. A peer
	// that chooses all ways that work gets the best of them (RFC 8445, section 8.1.1); one that changes its mind is followed.
	renominate = 3 * time.Second
)

// path is an address of the peer.
type path struct {
	addr netip.AddrPort
	at   time.Duration // of its last check
}

// flow is what is known of one component.
type flow struct {
	paths    []path
	selected netip.AddrPort
	priority uint32
	chosen   time.Duration // when it last was
}

// Agent is our end of one stream.
type Agent struct {
	local, remote Credentials
	flows         [components]flow
}

// NewAgent makes an agent for the credentials of both descriptions.
func NewAgent(local, remote Credentials) *Agent { return &Agent{local: local, remote: remote} }

// Restart takes other credentials (RFC 8445, section 9). Media stay where they are until the peer has chosen anew.
func (a *Agent) Restart(local, remote Credentials) {
	if a.local == local && a.remote == remote {
		return
	}
	a.local, a.remote = local, remote
	for i := range a.flows {
		a.flows[i].paths, a.flows[i].priority = nil, 0
	}
}

// Selected is the address that the peer has chosen to get a component at.
func (a *Agent) Selected(c Component) (netip.AddrPort, bool) {
	at := a.flows[c].selected
	return at, at.IsValid()
}

// Knows tells whether a check of the peer has come from an address.
func (a *Agent) Knows(c Component, addr netip.AddrPort) bool {
	f := &a.flows[c]
	return addr.IsValid() && (addr == f.selected || slices.ContainsFunc(f.paths, func(p path) bool { return p.addr == addr }))
}

// Receive takes a STUN message. The reply goes back to where it came from; nil: there is none.
func (a *Agent) Receive(c Component, from netip.AddrPort, datagram []byte, now time.Duration) ([]byte, Event) {
	m, ok := parse(datagram)
	if !ok || !m.fingerprint || m.kind != typeRequest { // indications need no answer, and we ask for none
		return nil, Nothing
	}
	if m.covered == nil || m.username == nil {
		return seal(addError(newMessage(typeError, m.transaction), 400, "Bad Request"), ""), Nothing
	}
	if string(m.username) != a.local.Fragment+":"+a.remote.Fragment || !m.proves(a.local.Password) {
		return seal(addError(newMessage(typeError, m.transaction), 401, "Unauthenticated"), ""), Nothing
	}
	if len(m.unknown) > 0 {
		var list []byte
		for _, name := range m.unknown {
			list = append(list, byte(name>>8), byte(name))
		}
		reply := add(addError(newMessage(typeError, m.transaction), 420, "Unknown Attribute"), attrUnknown, list)
		return seal(reply, a.local.Password), Nothing
	}
	if m.controlled { // who is not lite controls, whoever has offered (RFC 8445, section 6.1.1)
		return seal(addError(newMessage(typeError, m.transaction), 487, "Role Conflict"), a.local.Password), Nothing
	}
	reply := seal(addMapped(newMessage(typeSuccess, m.transaction), from), a.local.Password)
	return reply, a.flows[c].checked(&m, from, now)
}

// checked notes that a check has come from an address.
func (f *flow) checked(m *message, from netip.AddrPort, now time.Duration) Event {
	f.remember(from, now)
	if !m.nominates {
		return Checked
	}
	if f.selected == from {
		f.chosen, f.priority = now, m.priority
		return Checked
	}
	if f.selected.IsValid() && m.priority < f.priority && now-f.chosen < renominate {
		return Checked
	}
	f.selected, f.priority, f.chosen = from, m.priority, now
	return Nominated
}

// remember keeps an address, instead of the one that was silent longest if there are too many.
func (f *flow) remember(from netip.AddrPort, now time.Duration) {
	oldest := 0
	for i := range f.paths {
		if f.paths[i].addr == from {
			f.paths[i].at = now
			return
		}
		if f.paths[i].at < f.paths[oldest].at {
			oldest = i
		}
	}
	if len(f.paths) < pathsKept {
		f.paths = append(f.paths, path{from, now})
		return
	}
	f.paths[oldest] = path{from, now}
}

// Reply answers a request of who has no credentials, because ICE was not agreed (RFC 5763, section 6.7.2); nil: it is none.
func Reply(from netip.AddrPort, datagram []byte) []byte {
	m, ok := parse(datagram)
	if !ok || m.kind != typeRequest || m.covered != nil || len(m.unknown) > 0 {
		return nil
	}
	return seal(addMapped(newMessage(typeSuccess, m.transaction), from), "")
}

// Opening is a request that opens the way to us: sent once, nobody waits for the answer (RFC 5763, section 6.7.2).
func Opening() []byte {
	id := make([]byte, transaction)
	_, _ = rand.Read(id) // never fails
	return seal(newMessage(typeRequest, id), "")
}
