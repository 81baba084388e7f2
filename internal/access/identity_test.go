package access_test

import (
	"net/netip"
	"testing"

	"github.com/parley-sip/parley/internal/access"
	"github.com/parley-sip/parley/internal/sipua"
)

// Whoever has the password of an account is that account: From is believed as far as it says so, and a name to show is kept.
func TestIdentityOfAccount(t *testing.T) {
	for name, test := range map[string]struct {
		from, domain, target, want string
		private                    bool
	}{
		"itself":             {from: `"Alice" <sip:alice@phones.example.com>;tag=1`, target: room, want: `"Alice" <sip:alice@phones.example.com>`},
		"somebody else":      {from: `"Bob" <sip:bob@phones.example.com>;tag=1`, domain: "conf.example.net", target: room, want: `"Bob" <sip:alice@conf.example.net>`},
		"without a domain":   {from: `<sip:bob@phones.example.com>;tag=1`, target: room, want: `<sip:alice@conf.example.com>`},
		"who calls a number": {from: `<sip:bob@phones.example.com>;tag=1`, target: "tel:+1000", want: `<sip:alice@192.0.2.100>`},
		"who hides":          {from: `"Alice" <sip:alice@phones.example.com>;tag=1`, target: room, want: `"Alice" <sip:alice@phones.example.com>`, private: true},
	} {
		config := accounts()
		config.Domain = test.domain
		g := gate(t, config)
		_, verdict := g.Admit(request(t, source, test.target))
		right := answer{user: "alice", password: "secret", uri: test.target, nc: 1}
		r := request(t, source, test.target, right.header(t, challenges(t, verdict.Refusal)[0]))
		from, err := sipua.ParseAddress(test.from)
		if err != nil {
			t.Fatal(err)
		}
		r.From, r.Local = from, netip.MustParseAddrPort("192.0.2.100:5060")
		if test.private {
			r.Headers = append(r.Headers, sipua.Header{Name: "Privacy", Value: "id"})
		}
		caller, verdict := g.Admit(r)
		want, err := sipua.ParseAddress(test.want)
		if err != nil {
			t.Fatal(err)
		}
		if verdict.Refusal != nil || caller.Identity.String() != want.String() || caller.Private != test.private || caller.Asserted {
			t.Errorf("%s: %v, private %v, %+v", name, caller.Identity, caller.Private, verdict)
		}
	}
}

// Of what a trusted trunk asserts the first SIP identity counts; what cannot be read, and what stands beside it, does not (RFC 3325, section 9.1).
func TestAssertedIdentity(t *testing.T) {
	g := gate(t, access.Config{Trunks: []access.Trunk{{Name: "t", Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Trusted: true}}})
	for value, want := range map[string]string{
		`<tel:+441>, "Bob" <sip:bob@example.com>;x=y`:              `"Bob" <sip:bob@example.com>`,
		`"Bob" <sip:bob@example.com>, "Eve" <sip:eve@example.com>`: `"Bob" <sip:bob@example.com>`,
		`<tel:+441>`: `"Alice" <sip:alice@phones.example.com>`,
		`<sip:`:      `"Alice" <sip:alice@phones.example.com>`,
	} {
		caller, verdict := g.Admit(request(t, source, room, sipua.Header{Name: "P-Asserted-Identity", Value: value}))
		if verdict.Refusal != nil || caller.Identity.String() != want || caller.Asserted != (want[1] == 'B') {
			t.Errorf("%s: %v, %+v", value, caller.Identity, verdict)
		}
	}
}

// A wrong password is no stale nonce, which a phone would answer with the same password again; who is banned for it is not asked again.
//
// Shows FO-ERR-02.
func TestWrongPassword(t *testing.T) {
	config := accounts()
	config.Failures = 2
	g := gate(t, config)
	_, verdict := g.Admit(request(t, source, room))
	c := challenges(t, verdict.Refusal)[0]
	wrong := answer{user: "alice", password: "guess", uri: room, nc: 1}
	if _, verdict = g.Admit(request(t, source, room, wrong.header(t, c))); challenges(t, verdict.Refusal)[0].Stale {
		t.Error("a wrong password is called stale")
	}
	wrong.nc++
	if _, verdict = g.Admit(request(t, source, room, wrong.header(t, c))); !verdict.Banned || verdict.Refusal.Status != 403 {
		t.Errorf("%+v", verdict)
	}
}

// An answer to a challenge of another server, or of this one before it was started, is asked for again, and is no wrong one.
//
// Shows CE-AUT-16.
func TestNonceOfAnotherServer(t *testing.T) {
	one, other := gate(t, accounts()), gate(t, accounts())
	_, verdict := one.Admit(request(t, source, room))
	right := answer{user: "alice", password: "secret", uri: room, nc: 1}.header(t, challenges(t, verdict.Refusal)[0])
	_, verdict = other.Admit(request(t, source, room, right))
	if c := challenges(t, verdict.Refusal); !c[0].Stale || verdict.Attempt {
		t.Errorf("%+v", verdict)
	}
	if _, verdict = one.Admit(request(t, source, room, right)); verdict.Refusal != nil {
		t.Errorf("its own: %+v", verdict)
	}
}

// A star is any text, none as well; nothing else is anything but itself.
func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "ab", false},
		{"a", "A", false},
		{"*", "", true},
		{"*", "abc", true},
		{"a*", "a", true},
		{"a*", "ab", true},
		{"a*", "ba", false},
		{"*a", "ba", true},
		{"*a", "ab", false},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"a*b*c", "axbyc", true},
		{"a*b*c", "abc", true},
		{"a*b*c", "acb", false},
		{"a*b*c", "axyc", false},
		{"a*bb*c", "abc", false},
		{"*b*a*", "ab", false},
		{"*b*a*", "ba", true},
		{"a.c", "abc", false},
	} {
		if got := access.Glob(test.pattern, test.text); got != test.want {
			t.Errorf("%q, %q: %v", test.pattern, test.text, got)
		}
	}
}
