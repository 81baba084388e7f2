package ice_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pion/stun/v4"

	"github.com/parley-sip/parley/internal/ice"
)

// Media go nowhere but where somebody with the password has asked for them: not by another password, not by a check of which an octet has been changed or
// that is cut, not by what stands behind the proof (RFC 8445, section 7.3; RFC 8489, section 9.1.3).
//
// Shows ME-NAT-03.
func TestOnlyThePasswordProves(t *testing.T) {
	p := newParty()
	good := p.check(t, priority(9), useCandidate, tie(stun.AttrICEControlling))
	build := func(setters ...stun.Setter) []byte {
		m, err := stun.Build(append([]stun.Setter{stun.BindingRequest, stun.TransactionID}, setters...)...)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	name := stun.NewUsername(p.local.Fragment + ":" + p.remote.Fragment)
	proof := stun.NewShortTermIntegrity(p.local.Password)
	for what, test := range map[string]struct {
		datagram []byte
		code     stun.ErrorCode // 0: no answer
	}{
		"another password":   {build(name, priority(9), useCandidate, stun.NewShortTermIntegrity(p.remote.Password), stun.Fingerprint), stun.CodeUnauthorized},
		"another name":       {build(stun.NewUsername(p.remote.Fragment+":"+p.local.Fragment), priority(9), useCandidate, proof, stun.Fingerprint), stun.CodeUnauthorized},
		"no name":            {build(priority(9), useCandidate, proof, stun.Fingerprint), stun.CodeBadRequest},
		"no proof":           {build(name, priority(9), useCandidate, stun.Fingerprint), stun.CodeBadRequest},
		"no fingerprint":     {build(name, priority(9), useCandidate, proof), 0},
		"half a priority":    {build(name, addUint{stun.AttrPriority, []byte{1, 2}}, useCandidate, proof, stun.Fingerprint), 0},
		"behind its end":     {append(bytes.Clone(good), 0, 0, 0, 0), 0},
		"nothing":            {nil, 0},
		"half a proof":       {build(name, addUint{stun.AttrMessageIntegrity, make([]byte, 19)}, stun.Fingerprint), 0},
		"something of media": {append([]byte{0x80}, good[1:]...), 0},
	} {
		reply, event := p.Receive(ice.RTP, from(1), test.datagram, 0)
		if event != ice.Nothing || p.Knows(ice.RTP, from(1)) || (reply == nil) != (test.code == 0) {
			t.Errorf("%s: event %d, reply %x", what, event, reply)
			continue
		}
		if reply == nil {
			continue
		}
		var code stun.ErrorCodeAttribute
		if err := code.GetFrom(read(t, reply)); err != nil || code.Code != test.code {
			t.Errorf("%s: %v, %v", what, code, err)
		}
	}
	for i := range good {
		changed := bytes.Clone(good)
		changed[i] ^= 1
		if _, event := p.Receive(ice.RTP, from(1), changed, 0); event != ice.Nothing {
			t.Errorf("octet %d is changed: event %d", i, event)
		}
		if reply, event := p.Receive(ice.RTP, from(1), good[:i], 0); event != ice.Nothing || reply != nil {
			t.Errorf("cut to %d octets: event %d", i, event)
		}
	}
	if _, event := p.Receive(ice.RTP, from(1), build(name, priority(9), proof, useCandidate, stun.Fingerprint), 0); event != ice.Checked {
		t.Errorf("a choice behind the proof: event %d", event)
	}
	if _, ok := p.Selected(ice.RTP); ok {
		t.Error("somebody has been chosen")
	}
	if _, event := p.Receive(ice.RTP, from(1), good, 0); event != ice.Nominated {
		t.Errorf("the peer: event %d", event)
	}
}

// Credentials of a peer are neither too short to prove anything nor longer than there may be (RFC 8839, section 5.4).
func TestUsable(t *testing.T) {
	for _, test := range []struct {
		fragment, password int
		want               bool
	}{{4, 22, true}, {256, 256, true}, {3, 22, false}, {4, 21, false}, {257, 22, false}, {4, 257, false}, {0, 0, false}} {
		if got := (ice.Credentials{Fragment: strings.Repeat("f", test.fragment), Password: strings.Repeat("p", test.password)}).Usable(); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
	if a, b := ice.NewCredentials(), ice.NewCredentials(); !a.Usable() || a == b || a.Fragment == b.Fragment || a.Password == b.Password {
		t.Errorf("%+v, %+v", a, b)
	}
}
