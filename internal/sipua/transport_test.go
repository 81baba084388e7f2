package sipua

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// dialTLS connects a raw phone over TLS.
func dialTLS(t *testing.T, agent *Agent, config *tls.Config) (*phone, error) {
	t.Helper()
	dialer := tls.Dialer{Config: config}
	conn, err := dialer.DialContext(t.Context(), "tcp", agent.Addr("tls").String())
	if err != nil {
		return nil, err //nolint:wrapcheck // the test looks at it
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &phone{t: t, conn: conn}, nil
}

// TestServerName: a server is called only when its certificate is for the domain
// of the URI, whatever host is behind it (RFC 5922, section 7.3).
// Shows FO-PRI-02.
func TestServerName(t *testing.T) {
	for name, test := range map[string]struct {
		names     []string
		domain    string
		wildcards bool
		other     bool // signed by somebody unknown
		want      bool
	}{
		"dns name":            {names: []string{"conf.example.com"}, domain: "conf.example.com", want: true},
		"letters":             {names: []string{"Conf.Example.COM"}, domain: "conf.example.com", want: true},
		"sip uri":             {names: []string{"sip:example.com", "host.example.com"}, domain: "example.com", want: true},
		"uri wins over dns":   {names: []string{"sip:example.org", "example.com"}, domain: "example.com"},
		"uri of a person":     {names: []string{"sip:alice@example.com"}, domain: "example.com"},
		"common name":         {names: []string{"cn=example.com"}, domain: "example.com", want: true},
		"common name and dns": {names: []string{"cn=example.com", "example.org"}, domain: "example.com"},
		"another":             {names: []string{"example.org"}, domain: "example.com"},
		"parent":              {names: []string{"example.com"}, domain: "sip.example.com"},
		"wildcard":            {names: []string{"*.example.com"}, domain: "sip.example.com"},
		"wildcard allowed":    {names: []string{"*.example.com"}, domain: "sip.example.com", wildcards: true, want: true},
		"wildcard two labels": {names: []string{"*.example.com"}, domain: "a.sip.example.com", wildcards: true},
		"address":             {names: []string{"192.0.2.7"}, domain: "192.0.2.7", want: true},
		"another address":     {names: []string{"192.0.2.7"}, domain: "192.0.2.8"},
		"unknown authority":   {names: []string{"example.com"}, domain: "example.com", other: true},
	} {
		t.Run(name, func(t *testing.T) {
			signer := &testAuthority
			if test.other {
				signer = &otherAuthority
			}
			state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{signer.issue(t, test.names...).Leaf}}
			err := verifyServer(state, &TLS{RootCAs: testAuthority.pool(t), Wildcards: test.wildcards}, test.domain)
			if (err == nil) != test.want || err != nil && !errors.Is(err, ErrIdentity) {
				t.Error(err)
			}
		})
	}
}

// TestWrongServer: nothing is sent to a server that is somebody else.
func TestWrongServer(t *testing.T) {
	callee := startAgent(t, Config{Listen: []string{"tls://127.0.0.1:0"}, TLS: testAuthority.settings(t, "example.org")}, newRecorder())
	caller := startAgent(t, Config{TLS: testAuthority.settings(t, "127.0.0.1")}, newRecorder())
	_, err := caller.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: callee.Contact("1", "tls")})
	if !errors.Is(err, ErrTransport) || !errors.Is(err, ErrIdentity) {
		t.Errorf("error %v", err)
	}
	if n := callee.Stats().Requests["OPTIONS"]; n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestClientCertificate: a client without a certificate is refused when one is
// required, the names of one that has it are told to the handler, and
// certificates can be replaced.
// Shows FO-PRI-02.
func TestClientCertificate(t *testing.T) {
	settings := testAuthority.settings(t, "127.0.0.1")
	settings.RequireClient = true
	handler := newRecorder()
	names := make(chan []string, 10)
	handler.request = func(r *Request) *Response {
		names <- r.PeerNames
		return nil
	}
	agent := startAgent(t, Config{Listen: []string{"tls://127.0.0.1:0"}, TLS: settings}, handler)
	roots := testAuthority.pool(t)
	if p, err := dialTLS(t, agent, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}); err == nil {
		_, _ = p.conn.Write([]byte(p.render(p.form("OPTIONS")))) // TLS 1.3 tells the client late
		if answer := p.read(patience); answer != "" {
			t.Errorf("answered: %s", answer)
		}
	}
	stranger := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{*otherAuthority.issue(t, "trunk.example.com")}, MinVersion: tls.VersionTLS12}
	if p, err := dialTLS(t, agent, stranger); err == nil {
		_, _ = p.conn.Write([]byte(p.render(p.form("OPTIONS"))))
		if answer := p.read(patience); answer != "" {
			t.Errorf("answered: %s", answer)
		}
	}
	known := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{*testAuthority.issue(t, "trunk.example.com")}, MinVersion: tls.VersionTLS12}
	p, err := dialTLS(t, agent, known)
	if err != nil {
		t.Fatal(err)
	}
	probe(t, p)
	if got := wait(t, names, "request"); len(got) != 1 || got[0] != "trunk.example.com" {
		t.Errorf("names %q", got)
	}
	renewed := otherAuthority.settings(t, "127.0.0.1")
	renewed.ClientCAs = nil
	if err = agent.SetTLS(renewed); err != nil {
		t.Fatal(err)
	}
	probe(t, p) // goes on
	p, err = dialTLS(t, agent, &tls.Config{RootCAs: otherAuthority.pool(t), MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	probe(t, p)
	if err := agent.SetTLS(TLS{}); !errors.Is(err, ErrConfig) {
		t.Errorf("without certificate: %v", err)
	}
}

// TestCertificates: each trunk shows its own certificate, though they all lead to
// one address, and an unknown name is an error.
func TestCertificates(t *testing.T) {
	handler := newRecorder()
	names := make(chan string, 10)
	handler.request = func(r *Request) *Response {
		names <- strings.Join(r.PeerNames, " ")
		return nil
	}
	callee := startAgent(t, Config{Listen: []string{"tls://127.0.0.1:0"}, TLS: testAuthority.settings(t, "127.0.0.1")}, handler)
	settings := testAuthority.settings(t, "own.example.com")
	settings.Clients = map[string]*tls.Certificate{"a": testAuthority.issue(t, "a.example.com"), "b": testAuthority.issue(t, "b.example.com")}
	caller := startAgent(t, Config{TLS: settings}, newRecorder())
	for _, name := range []string{"a", "b", "", "a"} {
		_, err := caller.Request(t.Context(), OutgoingRequest{
			Method: "OPTIONS", URI: callee.Contact("1", "tls"), Trunk: &Trunk{Certificate: name},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := name + ".example.com"
		if name == "" {
			want = "own.example.com"
		}
		if got := wait(t, names, "request"); got != want {
			t.Errorf("certificate of %q, want %q", got, want)
		}
	}
	if n := len(callee.streams.all()); n != 3 {
		t.Errorf("%d connections", n)
	}
	_, err := caller.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: callee.Contact("1", "tls"), Trunk: &Trunk{Certificate: "c"}})
	if !errors.Is(err, ErrTransport) {
		t.Errorf("error %v", err)
	}
}

// TestAlias: a peer that has proved its name and asked for it is called over its
// own connection (RFC 5923, section 5); one that has not is not.
func TestAlias(t *testing.T) {
	config := func(name string) Config {
		return Config{Listen: []string{"tls://127.0.0.1:0"}, TLS: testAuthority.settings(t, name, "127.0.0.1")}
	}
	a := startAgent(t, config("a.example.com"), newRecorder())
	b := startAgent(t, config("b.example.com"), newRecorder())
	if _, err := a.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: b.Contact("1", "tls")}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: a.Contact("1", "tls")}); err != nil {
		t.Fatal(err)
	}
	if x, y := len(a.streams.all()), len(b.streams.all()); x != 1 || y != 1 {
		t.Errorf("%d and %d connections", x, y)
	}
	c := startAgent(t, Config{Listen: []string{"tls://127.0.0.1:0"}, TLS: TLS{
		Certificate: testAuthority.issue(t, "c.example.com"), RootCAs: testAuthority.pool(t),
	}}, newRecorder())
	if _, err := c.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: b.Contact("1", "tls")}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: c.Contact("1", "tls")}); !errors.Is(err, ErrIdentity) {
		t.Errorf("c has no certificate for its address, but: %v", err)
	}
}

// TestSilent: connections on which nothing is said hold nobody up, cost the stack
// nothing, and are closed after a while; one source cannot take all.
func TestSilent(t *testing.T) {
	t.Parallel()
	const silence = 20 * time.Second // to connect a thousand times on a busy machine
	settings := testAuthority.settings(t, "127.0.0.1")
	agent := startAgent(t, Config{
		Listen: []string{"tcp://127.0.0.1:0", "tls://127.0.0.1:0"}, TLS: settings,
		Limits: Limits{MaxConnections: 710, MaxConnectionsPerSource: 702, SilentConnection: silence},
	}, newRecorder())
	conns := silent(t, agent, 700, "tcp")
	eventually(t, "all connections", func() bool { n, _ := agent.limiter.counts(); return n == 700 })
	probe(t, dialPhone(t, agent, "tcp"))
	p, err := dialTLS(t, agent, &tls.Config{RootCAs: testAuthority.pool(t), MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	probe(t, p)
	refused := dialPhone(t, agent, "tcp")
	if answer := refused.read(patience); answer != "" {
		t.Error(answer)
	}
	if pool := agent.transport.Pool("tcp").Size(); pool > 4 { // two addresses for each
		t.Errorf("the stack has %d connections", pool)
	}
	// What has to begin with a handshake has less time.
	other := startAgent(t, Config{Listen: []string{"tls://127.0.0.1:0", "ws://127.0.0.1:0", "wss://127.0.0.1:0"}, TLS: settings}, newRecorder())
	conns = append(conns, silent(t, other, 300, "tls", "ws", "wss")...)
	for _, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(silence + patience))
		if _, err := io.ReadAll(conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			t.Fatal("a silent connection is kept")
		}
	}
	probe(t, p) // one that has spoken is not
}

// silent opens connections of some transports in turn, and says nothing.
func silent(t *testing.T, agent *Agent, n int, transports ...string) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, 0, n)
	var dialer net.Dialer
	for i := range n {
		conn, err := dialer.DialContext(t.Context(), "tcp", agent.Addr(transports[i%len(transports)]).String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		conns = append(conns, conn)
	}
	return conns
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// TestDialogConnection: requests of a dialog take the connection of the peer when
// its Contact cannot be reached (RFC 7118, section 5.2; RFC 5923, section 8).
func TestDialogConnection(t *testing.T) {
	remote := netip.MustParseAddrPort("203.0.113.5:40000")
	for name, test := range map[string]struct {
		transport, uri string
		want           bool
	}{
		"browser":          {"ws", "sip:x@df7jal23ls0d.invalid;transport=ws", true},
		"same host":        {"tcp", "sip:x@203.0.113.5:5060;transport=tcp", true},
		"behind a NAT":     {"tls", "sip:x@10.0.0.4:5061;transport=tls", true},
		"another host":     {"tcp", "sip:x@203.0.113.9;transport=tcp", false},
		"name":             {"tcp", "sip:x@example.com;transport=tcp", false},
		"wants udp":        {"tcp", "sip:x@203.0.113.5;transport=udp", false},
		"wants to be safe": {"tcp", "sips:x@203.0.113.5", false},
	} {
		uri, err := ParseURI(test.uri)
		if err != nil {
			t.Fatal(err)
		}
		if got := sameWay(uri, target{transport: test.transport, addr: remote}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
