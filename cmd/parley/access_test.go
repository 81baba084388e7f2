package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// withUsers lets in only who has a password.
func withUsers(cfg *config.Config) {
	cfg.SIP.Allow = nil
	cfg.SIP.Users = []config.User{{Username: "alice", Password: "s3cret", Roles: []string{"moderator"}}}
	cfg.SIP.Bans.Failures = 3
	cfg.SIP.Digest = []string{"MD5", "SHA-256"} // SIPp 3.6 and baresip 1.0 look at the first challenge only
}

// TestSIPpDigest: a foreign user agent gets in with the right password only, and is ignored after it has guessed.
// Shows FO-ERR-02.
func TestSIPpDigest(t *testing.T) {
	s := testService(t, withUsers)
	at := s.agent.Addr("udp").String()
	sipp(t, "digest", "-s", "1000", "-m", "5", "-r", "50", "-p", strconv.Itoa(freePort(t)), at)()
	sipp(t, "digest-wrong", "-s", "1000", "-m", "2", "-p", strconv.Itoa(freePort(t)), at)()
	if bans := s.gate.Bans(); len(bans) != 0 {
		t.Errorf("banned too early: %v", bans)
	}
	sipp(t, "digest", "-s", "1000", "-m", "1", "-p", strconv.Itoa(freePort(t)), at)() // and is forgiven
}

// TestStrangersAreAsked: without a password nothing is made, joined, taken over or asked for; with one only what the rules let the account do.
//
// Shows FO-IN-02, FO-FAC-09, FO-REF-24, FO-JOI-13, FO-RPL-12.
func TestStrangersAreAsked(t *testing.T) {
	s := testService(t, func(cfg *config.Config) {
		withUsers(cfg)
		cfg.SIP.Users = append(cfg.SIP.Users, config.User{Username: "bob", Password: "b0b"})
		cfg.SIP.Bans.Failures, cfg.SIP.Replaces = 1000, "own"
		cfg.Conferences = []config.Conference{{ID: "desk"}, {ID: "board", Allow: []string{"role:moderator"}}}
	})
	client := deafClient(t)
	at := s.agent.Addr("udp").String()
	invite := func(user, conf string, headers ...sipua.Header) (*sipua.Dialog, int) {
		dialog, _, err := client.Invite(t.Context(), callAs(t, user, "sip:"+conf+"@"+at, headers...), deaf{})
		return dialog, sipua.Status(err)
	}
	there, status := invite("alice", "desk")
	if status != 0 {
		t.Fatalf("alice: %d", status)
	}
	waitFor(t, "alice", func() bool { return present(s, "desk") == 1 })
	id := there.ID()
	names := func(header string) sipua.Header {
		return sipua.Header{Name: header, Value: id.CallID + ";to-tag=" + id.RemoteTag + ";from-tag=" + id.LocalTag}
	}
	for _, c := range []struct {
		user, conf string
		headers    []sipua.Header
		want       int
	}{
		{"", "desk", nil, 401},
		{"", "conference-factory", nil, 401},
		{"", "new", nil, 401},
		{"", "desk", []sipua.Header{names("Join")}, 401},
		{"", "desk", []sipua.Header{names("Replaces")}, 401},
		{"bob", "board", nil, 403},
		{"bob", "desk", []sipua.Header{names("Replaces")}, 403},
	} {
		if _, got := invite(c.user, c.conf, c.headers...); got != c.want {
			t.Errorf("%q calls %s with %v: %d, want %d", c.user, c.conf, c.headers, got, c.want)
		}
	}
	for user, want := range map[string]int{"": 401, "bob": 403} {
		request := sipua.OutgoingRequest{
			Method: "REFER", URI: s.agent.Contact("desk"), Trunk: account(user),
			Headers: sipua.Headers{{Name: "Refer-To", Value: "<sip:x@example.com>"}, {Name: "Contact", Value: "<sip:x@127.0.0.1>"}},
		}
		if _, err := client.Request(t.Context(), request); sipua.Status(err) != want {
			t.Errorf("REFER of %q: %v, want %d", user, err, want)
		}
	}
	if n := len(s.focus.Conferences()); n != 2 || present(s, "desk") != 1 {
		t.Errorf("%d conferences, %d in the first, after all that", n, present(s, "desk"))
	}
	second, status := invite("alice", "desk", names("Replaces"))
	if status != 0 {
		t.Fatalf("alice takes over her own call: %d", status)
	}
	waitFor(t, "the end of her first call", func() bool { <-there.Done(); return present(s, "desk") == 1 })
	if err := second.Bye(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTakeoverNeedsAnAccount: who may call without a password may not take over calls, or join them, without one, unless that is configured.
//
// Shows FO-JOI-13, FO-RPL-12.
func TestTakeoverNeedsAnAccount(t *testing.T) {
	for takeover, want := range map[string]int{"authenticated": 403, "anyone": 0} {
		s := testService(t, func(cfg *config.Config) {
			cfg.SIP.Takeover = takeover
			cfg.Conferences = []config.Conference{{ID: "desk"}}
			cfg.SRS.Enabled = false
		})
		client := deafClient(t)
		to := "sip:desk@" + s.agent.Addr("udp").String()
		for _, header := range []string{"Join", "Replaces"} {
			first, _, err := client.Invite(t.Context(), callAs(t, "", to), deaf{})
			if err != nil {
				t.Fatal(err)
			}
			id := first.ID()
			waitFor(t, "the call", func() bool { return present(s, "desk") > 0 })
			_, _, err = client.Invite(t.Context(), callAs(t, "", to, sipua.Header{
				Name: header, Value: id.CallID + ";to-tag=" + id.RemoteTag + ";from-tag=" + id.LocalTag,
			}), deaf{})
			if got := sipua.Status(err); got != want {
				t.Errorf("%s where it is for %s: %v", header, takeover, err)
			}
		}
	}
}

// TestTransferNeedsAnAccount: who is transferred into a conference takes the place of who has transferred him if he has an account that may call it, and
// if that is configured, which a reload changes for the next call.
//
// Shows FO-RPL-07, FO-RPL-12.
func TestTransferNeedsAnAccount(t *testing.T) {
	rules := func(cfg *config.Config) {
		withUsers(cfg)
		cfg.SIP.Users = append(cfg.SIP.Users, config.User{Username: "bob", Password: "b0b"}, config.User{Username: "carol", Password: "c4rol"})
		cfg.SIP.Bans.Failures = 1000
		cfg.Conferences = []config.Conference{{ID: "desk", Deny: []string{"user:carol"}}}
		cfg.SRS.Enabled = false
	}
	for policy, want := range map[string]int{"admitted": 0, "referred": 403, "own": 403} {
		s := testService(t, func(cfg *config.Config) {
			rules(cfg)
			cfg.SIP.Replaces = policy
		})
		client := deafClient(t)
		to := "sip:desk@" + s.agent.Addr("udp").String()
		first, _, err := client.Invite(t.Context(), callAs(t, "alice", to), deaf{})
		if err != nil {
			t.Fatal(err)
		}
		waitFor(t, "alice", func() bool { return present(s, "desk") == 1 })
		id := first.ID()
		replaces := sipua.Header{Name: "Replaces", Value: id.CallID + ";to-tag=" + id.RemoteTag + ";from-tag=" + id.LocalTag}
		for _, c := range []struct {
			user string
			want int
		}{{"", 401}, {"carol", 403}, {"bob", want}} {
			_, _, err = client.Invite(t.Context(), callAs(t, c.user, to, replaces), deaf{})
			if got := sipua.Status(err); got != c.want {
				t.Errorf("%s: %q: %v", policy, c.user, err)
			}
		}
		if want != 0 {
			continue
		}
		<-first.Done()
		waitFor(t, "bob alone", func() bool { return present(s, "desk") == 1 })
		if list, err := s.focus.Participants(t.Context(), "desk"); err != nil || len(list) != 1 || list[0].Role != "speaker" {
			t.Errorf("the place of a moderator has made %+v, %v", list, err)
		}
	}
}

// deaf is a user agent that calls and does not listen.
type deaf struct{}

func (deaf) Invite(c *sipua.IncomingCall)            { _ = c.Reject(sipua.NewResponse(480)) }
func (deaf) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) }
func (deaf) Request(*sipua.Request) *sipua.Response  { return nil }
func (deaf) Ack(*sipua.Request)                      {}
func (deaf) Offer(*sipua.Request) *sipua.Response    { return nil }
func (deaf) Ended(sipua.EndReason)                   {}

func deafClient(t *testing.T) *sipua.Agent {
	t.Helper()
	client, err := sipua.New(sipua.Config{}, deaf{})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		_ = client.Shutdown(ctx)
	})
	return client
}

// account gives the passwords of withUsers and of bob; nil for nobody.
func account(user string) *sipua.Trunk {
	password := map[string]string{"alice": "s3cret", "bob": "b0b", "carol": "c4rol"}[user]
	if password == "" {
		return nil
	}
	return &sipua.Trunk{Credentials: &sipua.Credentials{Username: user, Password: password}}
}

// callAs is a call of somebody with PCMU to a port that nobody reads.
func callAs(t *testing.T, user, to string, headers ...sipua.Header) sipua.OutgoingCall {
	t.Helper()
	uri, err := sipua.ParseURI(to)
	if err != nil {
		t.Fatal(err)
	}
	offer := sdp.Offer(sdp.Local{
		Address: netip.MustParseAddr("127.0.0.1"), Session: 1, Streams: []sdp.LocalStream{{Port: 9, Codecs: []codecs.Codec{codecs.PCMU}}},
	})
	return sipua.OutgoingCall{
		To: sipua.Address{URI: uri}, From: sipua.Address{URI: sipua.URI{Scheme: "sip", User: cmp.Or(user, "x"), Host: "example.com"}},
		Headers: headers, Trunk: account(user), ContentType: "application/sdp", Body: offer.Marshal(),
	}
}

// TestDialOutIsBounded: nobody has a number called that no rule allows.
func TestDialOutIsBounded(t *testing.T) {
	s := testService(t, func(cfg *config.Config) {
		cfg.SIP.DialOut.Allow = []string{"+44*@192.0.2.1"}
		cfg.SIP.Domain = "conf.example.com"
		cfg.SIP.Trunks = []config.Trunk{{Name: "carrier", URI: "sip:127.0.0.1:9", Numbers: []string{"+49*"}}}
	})
	if _, err := s.focus.Create(t.Context(), focus.ConferenceConfig{ID: "out"}); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]bool{
		"sip:+44123@192.0.2.1": true, "sip:+1900@192.0.2.1": false, "sip:x@127.0.0.1:9": true, "sip:+4930@carrier": true, "sip:+1900@carrier": false,
		"sip:+4930@conf.example.com": true, "sip:x@192.0.2.7": false,
	} {
		if _, err := s.focus.Dial(t.Context(), "out", target); (err == nil) != want {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestSecureTransports: the files of the configuration are what TLS and secure WebSocket show, and passwords are asked for there too.
// Shows FO-PRI-02, FO-NET-03.
func TestSecureTransports(t *testing.T) {
	cert, key := selfSigned(t)
	s := testService(t, func(cfg *config.Config) {
		withUsers(cfg)
		cfg.SIP.Listen = []string{"tls://127.0.0.1:0", "wss://127.0.0.1:0"}
		cfg.SIP.TLS = config.TLS{Cert: cert, Key: config.Secret(key)}
	})
	roots, err := authorities("test", cert)
	if err != nil {
		t.Fatal(err)
	}
	client, err := sipua.New(sipua.Config{TLS: sipua.TLS{RootCAs: roots}}, &admission{})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Shutdown(t.Context()) }()
	for _, transport := range []string{"tls", "wss"} {
		uri := s.agent.Contact("1000", transport).With("transport", transport)
		request := sipua.OutgoingRequest{Method: "OPTIONS", URI: uri}
		if _, err := client.Request(t.Context(), request); sipua.Status(err) != 401 {
			t.Errorf("%s without password: %v", transport, err)
		}
		request.Trunk = &sipua.Trunk{Credentials: &sipua.Credentials{Username: "alice", Password: "s3cret"}}
		if _, err := client.Request(t.Context(), request); err != nil {
			t.Errorf("%s with password: %v", transport, err)
		}
	}
}
