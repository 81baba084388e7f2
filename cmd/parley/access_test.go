package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
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
