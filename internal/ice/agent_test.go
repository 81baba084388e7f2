package ice_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/parley-sip/parley/internal/ice"
)

// Another implementation of STUN writes the checks and reads the replies.

type addUint struct {
	name  stun.AttrType
	value []byte
}

func (a addUint) AddTo(m *stun.Message) error {
	m.Add(a.name, a.value)
	return nil
}

func priority(n uint32) stun.Setter {
	return addUint{stun.AttrPriority, binary.BigEndian.AppendUint32(nil, n)}
}

func tie(name stun.AttrType) stun.Setter { return addUint{name, make([]byte, 8)} }

var useCandidate = addUint{stun.AttrUseCandidate, nil}

// party is an agent and what its peer knows.
type party struct {
	*ice.Agent

	local, remote ice.Credentials
}

func newParty() party {
	local, remote := ice.NewCredentials(), ice.NewCredentials()
	return party{ice.NewAgent(local, remote), local, remote}
}

// check makes a request of the peer with more attributes.
func (p party) check(t *testing.T, more ...stun.Setter) []byte {
	t.Helper()
	setters := append([]stun.Setter{stun.BindingRequest, stun.TransactionID, stun.NewUsername(p.local.Fragment + ":" + p.remote.Fragment)}, more...)
	setters = append(setters, stun.NewShortTermIntegrity(p.local.Password), stun.Fingerprint)
	m, err := stun.Build(setters...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// read reads a reply.
func read(t *testing.T, reply []byte) *stun.Message {
	t.Helper()
	m := &stun.Message{Raw: reply}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	if err := stun.Fingerprint.Check(m); err != nil {
		t.Error(err)
	}
	return m
}

func from(n int) netip.AddrPort { return netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:4000", n)) }

// A check is answered with where it came from, signed; the address is taken when the peer says so.
//
// Shows ME-NAT-03.
func TestChecks(t *testing.T) {
	for _, address := range []netip.AddrPort{from(1), netip.MustParseAddrPort("[2001:db8::7]:65000")} {
		p := newParty()
		if _, ok := p.Selected(ice.RTP); ok || p.Knows(ice.RTP, address) {
			t.Error("known before any check")
		}
		reply, event := p.Receive(ice.RTP, address, p.check(t, priority(9), tie(stun.AttrICEControlling)), 0)
		if event != ice.Checked || !p.Knows(ice.RTP, address) || p.Knows(ice.RTCP, address) {
			t.Error("event", event)
		}
		m := read(t, reply)
		var mapped stun.XORMappedAddress
		if err := mapped.GetFrom(m); err != nil || m.Type != stun.BindingSuccess {
			t.Fatal(m.Type, err)
		}
		if ip, _ := netip.AddrFromSlice(mapped.IP); netip.AddrPortFrom(ip.Unmap(), uint16(mapped.Port)) != address {
			t.Error("mapped", mapped)
		}
		if err := stun.NewShortTermIntegrity(p.local.Password).Check(m); err != nil {
			t.Error(err)
		}
		if _, ok := p.Selected(ice.RTP); ok {
			t.Error("selected before the peer has chosen")
		}
		if _, event = p.Receive(ice.RTP, address, p.check(t, priority(9), useCandidate, tie(stun.AttrICEControlling)), 0); event != ice.Nominated {
			t.Error("event", event)
		}
		if at, ok := p.Selected(ice.RTP); !ok || at != address {
			t.Error("selected", at)
		}
		if _, event = p.Receive(ice.RTP, address, p.check(t, priority(9), useCandidate), time.Second); event != ice.Checked {
			t.Error("chosen again: event", event)
		}
	}
}

// Of several ways the best of those chosen wins, and a peer that changes its mind is followed.
//
// Shows ME-NAT-03.
func TestChoice(t *testing.T) {
	p := newParty()
	for _, step := range []struct {
		from     int
		priority uint32
		at       time.Duration
		want     int
	}{
		{1, 10, 0, 1},
		{2, 20, time.Second, 2},
		{1, 10, 2 * time.Second, 2}, // worse, and the better one was chosen just now
		{1, 10, 5 * time.Second, 1}, // the peer has left the better one
		{1, 10, 6 * time.Second, 1},
	} {
		_, _ = p.Receive(ice.RTP, from(step.from), p.check(t, priority(step.priority), useCandidate), step.at)
		if at, _ := p.Selected(ice.RTP); at != from(step.want) {
			t.Errorf("%+v: selected %v", step, at)
		}
	}
	other := newParty()
	p.Restart(other.local, other.remote)
	if at, _ := p.Selected(ice.RTP); at != from(1) || p.Knows(ice.RTP, from(2)) || !p.Knows(ice.RTP, from(1)) {
		t.Error("after a restart selected", at)
	}
	if _, event := p.Receive(ice.RTP, from(3), p.check(t, priority(1), useCandidate), 7*time.Second); event != ice.Nothing {
		t.Error("old credentials:", event)
	}
	other.Agent = p.Agent
	if _, event := p.Receive(ice.RTP, from(3), other.check(t, priority(1), useCandidate), 7*time.Second); event != ice.Nominated {
		t.Error("new credentials:", event)
	}
	for i := range 50 { // whoever has the password cannot fill the memory
		_, _ = p.Receive(ice.RTP, from(i+10), other.check(t, priority(1)), 8*time.Second+time.Duration(i))
	}
	if p.Knows(ice.RTP, from(11)) || !p.Knows(ice.RTP, from(59)) {
		t.Error("the oldest address should make room")
	}
}

// What is not a check of the peer opens nothing.
//
// Shows ME-NAT-06.
func TestRefusals(t *testing.T) {
	p := newParty()
	stranger := newParty()
	wrongName := stranger
	wrongName.local.Password = p.local.Password
	spoiled := p.check(t, useCandidate)
	spoiled[len(spoiled)-1] ^= 1
	bare := func(setters ...stun.Setter) []byte {
		m, err := stun.Build(append([]stun.Setter{stun.BindingRequest, stun.TransactionID}, setters...)...)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	for name, test := range map[string]struct {
		datagram []byte
		code     stun.ErrorCode // 0: no reply
	}{
		"password":       {stranger.check(t, useCandidate), stun.CodeUnauthorized},
		"name":           {wrongName.check(t, useCandidate), stun.CodeUnauthorized},
		"no integrity":   {bare(useCandidate, stun.Fingerprint), stun.CodeBadRequest},
		"no fingerprint": {bare(useCandidate), 0},
		"spoiled":        {spoiled, 0},
		"unknown":        {p.check(t, useCandidate, addUint{0x0026, []byte{1, 2, 3}}), stun.CodeUnknownAttribute},
		"role":           {p.check(t, useCandidate, tie(stun.AttrICEControlled)), stun.CodeRoleConflict},
		"short":          {p.check(t)[:19], 0},
		"cut":            {p.check(t)[:40], 0},
	} {
		reply, event := p.Receive(ice.RTP, from(1), test.datagram, 0)
		if _, ok := p.Selected(ice.RTP); event != ice.Nothing || ok || p.Knows(ice.RTP, from(1)) {
			t.Errorf("%s: event %v", name, event)
		}
		if test.code == 0 {
			if reply != nil {
				t.Errorf("%s: reply % x", name, reply)
			}
			continue
		}
		var code stun.ErrorCodeAttribute
		if err := code.GetFrom(read(t, reply)); err != nil || code.Code != test.code {
			t.Errorf("%s: %v %v", name, code, err)
		}
	}
}

// Without ICE a plain request is answered during a handshake, and one of ours is a request.
func TestPlainRequests(t *testing.T) {
	m := read(t, ice.Opening())
	if m.Type != stun.BindingRequest || !ice.IsMessage(m.Raw) {
		t.Error(m.Type)
	}
	var mapped stun.XORMappedAddress
	if err := mapped.GetFrom(read(t, ice.Reply(from(4), m.Raw))); err != nil || mapped.Port != 4000 {
		t.Error(mapped, err)
	}
	if p := newParty(); ice.Reply(from(4), p.check(t)) != nil || ice.Reply(from(4), ice.Reply(from(4), m.Raw)) != nil {
		t.Error("answers what is no plain request")
	}
}

func TestCredentials(t *testing.T) {
	c := ice.NewCredentials()
	if !c.Usable() || c == ice.NewCredentials() {
		t.Error(c)
	}
	if (ice.Credentials{Fragment: "abc", Password: c.Password}).Usable() || (ice.Credentials{Fragment: "abcd", Password: "short"}).Usable() {
		t.Error("usable")
	}
}

// FuzzReceive: whatever comes, nothing but a signed check opens a way, and no reply is much longer than what it answers.
func FuzzReceive(f *testing.F) {
	p := newParty()
	f.Add(ice.Opening())
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		for _, d := range [][]byte{datagram, append(ice.Opening(), datagram...)} {
			reply, event := p.Receive(ice.RTP, from(1), d, 0)
			if event != ice.Nothing || len(reply) > len(d)+40 {
				t.Errorf("event %v, reply % x", event, reply)
			}
			_ = ice.Reply(from(1), d)
		}
	})
}
