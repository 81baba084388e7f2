package access_test

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"

	"github.com/parley-sip/parley/internal/access"
	"github.com/parley-sip/parley/internal/sipua"
)

func request(t *testing.T, source, target string, headers ...sipua.Header) *sipua.Request {
	t.Helper()
	uri, err := sipua.ParseURI(target)
	if err != nil {
		t.Fatal(err)
	}
	from, _ := sipua.ParseAddress(`"Alice" <sip:alice@phones.example.com>;tag=1`)
	return &sipua.Request{Method: "INVITE", URI: uri, From: from, Headers: headers, Source: netip.AddrPortFrom(netip.MustParseAddr(source), 5060)}
}

func gate(t *testing.T, config access.Config) *access.Gate {
	t.Helper()
	g, err := access.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func accounts() access.Config {
	return access.Config{Realm: "r", Users: []access.User{{Name: "alice", Password: "secret", Roles: []string{"moderator"}}}}
}

// challenges reads those of a 401.
func challenges(t *testing.T, response *sipua.Response) []*digest.Challenge {
	t.Helper()
	if response == nil || response.Status != 401 {
		t.Fatalf("want 401, got %+v", response)
	}
	values := response.Headers.Values("WWW-Authenticate")
	list := make([]*digest.Challenge, 0, len(values))
	for _, value := range values {
		c, err := digest.ParseChallenge(value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

type answer struct {
	user, password, uri string
	nc                  int
}

func (a answer) header(t *testing.T, c *digest.Challenge) sipua.Header {
	t.Helper()
	given, err := digest.Digest(c, digest.Options{
		Method: "INVITE", URI: a.uri, Count: a.nc, Cnonce: "abc", Username: a.user, Password: a.password,
	})
	if err != nil {
		t.Fatal(err)
	}
	return sipua.Header{Name: "Authorization", Value: given.String()}
}

const (
	room   = "sip:1000@conf.example.com"
	source = "192.0.2.9"
)

// TestDigest: both algorithms are offered and answered, the role comes with the
// account, and nothing but the right answer lets anybody in.
// Shows FO-ERR-02.
func TestDigest(t *testing.T) {
	g := gate(t, accounts())
	_, verdict := g.Admit(request(t, source, room))
	offered := challenges(t, verdict.Refusal)
	if verdict.Attempt || len(offered) != 2 || offered[0].Algorithm != "SHA-256" || offered[1].Algorithm != "MD5" || offered[0].Stale {
		t.Fatalf("offered %v", offered)
	}
	right := answer{user: "alice", password: "secret", uri: room, nc: 1}
	for i, c := range offered {
		right.nc = i + 1
		caller, verdict := g.Admit(request(t, source, room, right.header(t, c)))
		if verdict.Refusal != nil || caller.User != "alice" || len(caller.Roles) != 1 {
			t.Errorf("%s: %+v, %+v", c.Algorithm, caller, verdict)
		}
	}
	for name, wrong := range map[string]answer{
		"password": {user: "alice", password: "Secret", uri: room, nc: 9}, "user": {user: "bob", password: "secret", uri: room, nc: 9},
		"nobody": {user: "bob", uri: room, nc: 9}, "another conference": {user: "alice", password: "secret", uri: "sip:2000@conf.example.com", nc: 9},
	} {
		if _, verdict := g.Admit(request(t, source, room, wrong.header(t, offered[0]))); !verdict.Attempt || verdict.Refusal.Status != 401 {
			t.Errorf("%s: %+v", name, verdict)
		}
	}
	toNumber := answer{user: "alice", password: "secret", uri: "tel:+1-000", nc: 20}
	if _, verdict := g.Admit(request(t, source, "tel:+1000", toNumber.header(t, offered[0]))); verdict.Refusal != nil {
		t.Errorf("a number: %+v", verdict)
	}
	toNumber.nc++
	if _, verdict := g.Admit(request(t, source, "tel:+2000", toNumber.header(t, offered[0]))); verdict.Refusal == nil {
		t.Error("an answer for a number opened another one")
	}
	weak := *offered[0]
	weak.QOP = nil
	if _, verdict := g.Admit(request(t, source, room, right.header(t, &weak))); verdict.Refusal == nil {
		t.Error("an answer without qop was taken")
	}
}

// TestNonce: an answer counts once, may be overtaken, is of one source, and grows
// old.
// Shows FO-ERR-02, CE-AUT-16.
func TestNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate(t, accounts())
		_, verdict := g.Admit(request(t, source, room))
		c := challenges(t, verdict.Refusal)[0]
		try := func(from string, nc int) (admitted, stale bool) {
			_, verdict := g.Admit(request(t, from, room, answer{user: "alice", password: "secret", uri: room, nc: nc}.header(t, c)))
			return verdict.Refusal == nil, verdict.Refusal != nil && challenges(t, verdict.Refusal)[0].Stale
		}
		for _, step := range []struct {
			nc   int
			want bool
		}{{1, true}, {1, false}, {3, true}, {2, true}, {2, false}, {100, true}, {99, true}, {36, false}, {37, true}, {1000, true}} {
			if got, stale := try(source, step.nc); got != step.want || stale == got {
				t.Errorf("nc %d: admitted %v, stale %v", step.nc, got, stale)
			}
		}
		if got, stale := try("192.0.2.10", 2000); got || !stale {
			t.Errorf("another source: %v, %v", got, stale)
		}
		used := c
		_, again := g.Admit(request(t, source, room))
		unused := challenges(t, again.Refusal)[0]
		<-time.After(5*time.Minute + time.Second)
		for name, old := range map[string]digest.Challenge{"old": *used, "old, and never used": *unused} {
			c = &old
			if got, stale := try(source, 2001); got || !stale {
				t.Errorf("%s: %v, %v", name, got, stale)
			}
		}
	})
}

// TestForgottenNonce: of more nonces than are remembered the oldest count no more, so that none of their answers counts twice.
//
// Shows CE-AUT-16.
func TestForgottenNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate(t, accounts())
		answered := func(c *digest.Challenge) bool {
			_, verdict := g.Admit(request(t, source, room, answer{user: "alice", password: "secret", uri: room, nc: 1}.header(t, c)))
			return verdict.Refusal == nil
		}
		challenge := func() *digest.Challenge {
			<-time.After(time.Millisecond) // as no two are made at once
			_, verdict := g.Admit(request(t, source, room))
			return challenges(t, verdict.Refusal)[0]
		}
		first := challenge()
		if !answered(first) || answered(first) {
			t.Fatal("the first does not count once")
		}
		for range 1 << 14 { // as many as are remembered
			if !answered(challenge()) {
				t.Fatal("a new one does not count")
			}
		}
		if answered(first) {
			t.Error("what was forgotten counts again")
		}
	})
}

// TestBan: who guesses is ignored for a while, longer the next time, and who gets
// it right is forgiven; allowed networks never are ignored.
func TestBan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := accounts()
		config.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		g := gate(t, config)
		guess := func(password string) access.Verdict {
			_, verdict := g.Admit(request(t, source, room))
			c := challenges(t, verdict.Refusal)[0]
			_, verdict = g.Admit(request(t, source, room, answer{user: "alice", password: password, uri: room, nc: 1}.header(t, c)))
			return verdict
		}
		for round, length := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
			for i := range 10 {
				if verdict := guess(strconv.Itoa(i)); verdict.Banned != (i == 9) {
					t.Fatalf("round %d, guess %d: %+v", round, i, verdict)
				}
			}
			if !g.Banned(netip.MustParseAddr(source)) || g.Banned(netip.MustParseAddr("192.0.2.10")) || len(g.Bans()) != 1 {
				t.Fatal("not banned, or somebody else is")
			}
			<-time.After(length - time.Second)
			if !g.Banned(netip.MustParseAddr(source)) {
				t.Errorf("round %d: banned too short", round)
			}
			<-time.After(2 * time.Second)
			if g.Banned(netip.MustParseAddr(source)) {
				t.Errorf("round %d: banned too long", round)
			}
		}
		for i := range 9 {
			guess(strconv.Itoa(i))
		}
		if verdict := guess("secret"); verdict.Refusal != nil {
			t.Errorf("%+v", verdict)
		}
		for i := range 9 {
			if guess(strconv.Itoa(i)).Banned {
				t.Error("not forgiven")
			}
		}
		guess("x")
		if g.Unban(netip.MustParseAddr(source)); g.Banned(netip.MustParseAddr(source)) {
			t.Error("still banned")
		}
	})
}

// TestTrunk: only a trusted trunk says who calls (RFC 3325), and privacy is kept.
// Shows FO-PRI-01.
func TestTrunk(t *testing.T) {
	g := gate(t, access.Config{Trunks: []access.Trunk{
		{Name: "trusted", Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Trusted: true},
		{Name: "other", Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, Roles: []string{"marked"}},
		{Name: "cert", Names: []string{"sbc.example.com"}, Trusted: true},
	}})
	asserted := sipua.Header{Name: "P-Asserted-Identity", Value: `"Bob" <sip:bob@example.com>, <tel:+441>`}
	for _, test := range []struct {
		from, names, trunk, identity string
	}{
		{"198.51.100.7", "", "trusted", "bob"}, {"203.0.113.7", "", "other", "alice"}, {"192.0.2.1", "sbc.example.com", "cert", "bob"},
	} {
		r := request(t, test.from, room, asserted, sipua.Header{Name: "Privacy", Value: "id"})
		r.PeerNames = strings.Fields(test.names)
		caller, verdict := g.Admit(r)
		if verdict.Refusal != nil || caller.Trunk != test.trunk || caller.Identity.URI.User != test.identity || !caller.Private {
			t.Errorf("%s: %+v %+v", test.from, caller, verdict)
		}
		if marked := slices.Equal(caller.Roles, []string{"marked"}); marked != (test.trunk == "other") {
			t.Errorf("%s: roles %v", test.from, caller.Roles)
		}
	}
	if _, verdict := g.Admit(request(t, "192.0.2.1", room)); verdict.Refusal == nil || verdict.Refusal.Status != 403 {
		t.Errorf("a stranger: %+v", verdict)
	}
}

// TestRules: conferences are for whom their rules say.
// Shows FO-ERR-03.
func TestRules(t *testing.T) {
	config := accounts()
	config.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	config.Conferences = map[string]access.Rule{
		"":     {Deny: []string{"10.9.0.0/16"}},
		"1000": {Allow: []string{"10.1.0.0/16", "user:alice"}},
		"2000": {Allow: []string{"*@phones.example.com"}, Deny: []string{"al*@*"}},
		"3000": {Allow: []string{"role:moderator"}},
		"5000": {Allow: []string{"*@Phones.example.com"}},
		"6000": {Allow: []string{"*@other.example.com", "bob@phones.example.com"}},
		"7000": {Deny: []string{"user:alice"}},
	}
	g := gate(t, config)
	for _, test := range []struct {
		from, conference string
		want             bool
	}{
		{"10.1.0.1", "1000", true},
		{"10.2.0.1", "1000", false},
		{"10.9.0.1", "4000", false},
		{"10.2.0.1", "4000", true},
		{"10.2.0.1", "2000", false},
		{"10.2.0.1", "3000", false},
		{"10.2.0.1", "5000", true},
		{"10.2.0.1", "6000", false},
		{"10.2.0.1", "7000", true},
		{"10.1.0.1", "%31000", true},
		{"10.2.0.1", "%31000", false},
	} {
		_, verdict := g.Admit(request(t, test.from, "sip:"+test.conference+"@conf.example.com"))
		if (verdict.Refusal == nil) != test.want || !test.want && verdict.Refusal.Status != 403 {
			t.Errorf("%+v: %+v", test, verdict)
		}
	}
	_, verdict := g.Admit(request(t, source, "sip:3000@conf.example.com"))
	c := challenges(t, verdict.Refusal)[0]
	r := request(t, source, "sip:3000@conf.example.com", answer{user: "alice", password: "secret", uri: "sip:3000@conf.example.com", nc: 1}.header(t, c))
	caller, verdict := g.Admit(r)
	if verdict.Refusal != nil {
		t.Errorf("a moderator: %+v", verdict)
	}
	r.Caller = &caller
	if !g.MayEnter("1000", r) || g.MayEnter("2000", r) || g.MayEnter("7000", r) || !g.MayEnter("4000", r) {
		t.Error("rules of other conferences")
	}
}

// TestGuessed: who enters wrong PINs is ignored like who guesses passwords, but for
// those who speak for many.
func TestGuessed(t *testing.T) {
	g := gate(t, access.Config{Failures: 3, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	stranger, trunk := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.0.0.1")
	for i := range 3 {
		if banned := g.Guessed(stranger); banned != (i == 2) {
			t.Errorf("guess %d: %v", i, banned)
		}
		if g.Guessed(trunk) {
			t.Error("a network that is allowed is ignored")
		}
	}
	if !g.Banned(stranger) || g.Banned(trunk) {
		t.Error("wrong source is banned")
	}
}

// TestMayCall: what could cost somebody money may not be called unless the
// operator says so.
func TestMayCall(t *testing.T) {
	g := gate(t, access.Config{
		Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Domain: "conf.example.com",
		DialOut: []string{"10.0.0.0/8", "*@pbx.example.com", "+44*@carrier"},
	})
	for target, want := range map[string]bool{
		"sip:x@127.0.0.1:5062": true, "sip:x@10.1.2.3": true, "sip:x@PBX.example.com": true, "sip:+4420@carrier": true, "sip:5@conf.example.com": true,
		"sip:+1900@carrier": false, "sip:x@192.0.2.1": false, "sip:x@pbx.example.com.evil.net": false, "tel:+4420": false,
		"sip:x@127.0.0.1;maddr=192.0.2.1": false, "sip:x@127.0.0.1.evil.net": false, "sip:pbx.example.com@evil.net": false,
	} {
		uri, err := sipua.ParseURI(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.MayCall(uri); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
}
