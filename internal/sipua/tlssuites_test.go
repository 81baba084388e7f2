package sipua

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// rsaSettings are those of an agent whose certificate has an RSA key.
func rsaSettings(t *testing.T) TLS {
	t.Helper()
	settings := testAuthority.settings(t, "127.0.0.1")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, testAuthority.certificate, &key.PublicKey, testAuthority.key)
	if err != nil {
		t.Fatal(err)
	}
	settings.Certificate = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return settings
}

// authenticated tells whether a cipher suite has forward secrecy and authenticated encryption (RFC 9325, sections 4.1 and 4.2), by its name.
func authenticated(name string) bool {
	return strings.HasPrefix(name, "TLS_ECDHE_") && (strings.Contains(name, "_GCM_") || strings.Contains(name, "POLY1305"))
}

// Of all cipher suites of TLS 1.2 a scanner gets those with forward secrecy and authenticated encryption from our listener, and no other; our own
// connections offer no other either, name whom they look for, and no connection is negotiated again.
//
// Shows SR-SEC-02.
func TestSuitesOfTLS(t *testing.T) {
	for _, settings := range []TLS{testAuthority.settings(t, "127.0.0.1"), rsaSettings(t)} {
		_, elliptic := settings.Certificate.PrivateKey.(*ecdsa.PrivateKey)
		agent := startAgent(t, Config{Listen: []string{"tls://127.0.0.1:0"}, TLS: settings}, newRecorder())
		taken := 0
		for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
			if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
				continue
			}
			client := &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}, RootCAs: testAuthority.pool(t)}
			_, err := dialTLS(t, agent, client)
			want := authenticated(suite.Name) && strings.Contains(suite.Name, "_ECDSA_") == elliptic
			if (err == nil) != want {
				t.Errorf("%s: %v", suite.Name, err)
			}
			if err == nil {
				taken++
			}
		}
		if taken != 3 {
			t.Errorf("%d suites are taken", taken)
		}
	}
	agent := startAgent(t, Config{TLS: testAuthority.settings(t, "127.0.0.1")}, newRecorder())
	hello := helloOf(t, agent, "recorder.example.com")
	if hello.ServerName != "recorder.example.com" || slices.Min(hello.SupportedVersions) < tls.VersionTLS12 {
		t.Errorf("it is looked for %q in versions %x", hello.ServerName, hello.SupportedVersions)
	}
	for _, id := range hello.CipherSuites {
		if name := tls.CipherSuiteName(id); !authenticated(name) && id>>8 != 0x13 { // those of TLS 1.3 are all of that kind
			t.Errorf("%s is offered", name)
		}
	}
	client, err := agent.clientTLS("recorder.example.com", "")
	if err != nil {
		t.Fatal(err)
	}
	if client.Renegotiation != tls.RenegotiateNever { // as a server the library never does
		t.Error("a server may negotiate again")
	}
}

// helloOf is what the agent says when it connects to a domain.
func helloOf(t *testing.T, agent *Agent, domain string) *tls.ClientHelloInfo {
	t.Helper()
	config, err := agent.clientTLS(domain, "")
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	hellos := make(chan *tls.ClientHelloInfo, 1)
	go func() {
		server := tls.Server(far, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			hellos <- hello
			return nil, net.ErrClosed
		}})
		_ = server.HandshakeContext(context.Background())
		_ = far.Close()
	}()
	_ = handshake(t.Context(), tls.Client(near, config))
	_ = near.Close()
	return <-hellos
}
