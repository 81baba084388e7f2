package sipua

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
)

// TLS 1.2 and 1.3 are spoken in both parts, and nothing older (RFC 7866, section 12; RFC 9325, section 3.1.1).
//
// Shows SR-SEC-01.
func TestVersionsOfTLS(t *testing.T) {
	settings := testAuthority.settings(t, "127.0.0.1")
	agent := startAgent(t, Config{Listen: []string{"tls://127.0.0.1:0"}, TLS: settings}, newRecorder())
	for _, x := range []struct {
		name    string
		version uint16
		want    bool
	}{
		{"1.0", tls.VersionTLS10, false},
		{"1.1", tls.VersionTLS11, false},
		{"1.2", tls.VersionTLS12, true},
		{"1.3", tls.VersionTLS13, true},
	} {
		only := tls.Config{MinVersion: x.version, MaxVersion: x.version}
		client := only.Clone()
		client.RootCAs = testAuthority.pool(t)
		p, err := dialTLS(t, agent, client)
		if (err == nil) != x.want {
			t.Errorf("a client of %s: %v", x.name, err)
		}
		if err == nil {
			p.send(p.render(p.form("OPTIONS")))
			if answer := p.read(patience); answer == "" {
				t.Errorf("a client of %s gets no answer", x.name)
			}
		}
		server := only.Clone()
		server.Certificates = []tls.Certificate{*settings.Certificate}
		if got := reached(t, agent, server); got != x.want {
			t.Errorf("a server of %s is reached: %t", x.name, got)
		}
	}
}

// reached tells whether the agent sends something to a server of this configuration.
func reached(t *testing.T, agent *Agent, config *tls.Config) bool {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan bool, 1)
	go func() {
		conn, failed := listener.Accept()
		if failed != nil {
			got <- false
			return
		}
		n, failed := conn.Read(make([]byte, 100))
		got <- n > 0 && failed == nil
		_ = conn.Close()
	}()
	uri, err := ParseURI("sip:somebody@" + listener.Addr().(*net.TCPAddr).String() + ";transport=tls") //nolint:forcetypeassert // of a TCP listener
	if err != nil {
		t.Fatal(err)
	}
	_, err = agent.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: uri})
	_ = listener.Close()
	if err == nil || !errors.Is(err, ErrTransport) && !errors.Is(err, ErrTimeout) {
		t.Logf("the request ended with %v", err)
	}
	return <-got
}
