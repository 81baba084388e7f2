package dtls_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pion "github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"

	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/srtp"
)

// limit is how long a test waits for what comes in milliseconds.
const limit = 30 * time.Second

// outcome is what Done was told.
type outcome struct {
	keys dtls.Keys
	err  error
}

// end is one end of a handshake.
type end struct {
	*dtls.Association

	certificate *dtls.Certificate
	outcome     chan outcome
}

// line carries datagrams from one end to the other as a test wants it: lose tells by number which are lost.
type line struct {
	mu    sync.Mutex
	to    *dtls.Association
	count int
	lose  func(n int) bool
}

func (l *line) send(datagram []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if l.to != nil && (l.lose == nil || !l.lose(l.count)) {
		l.to.Deliver(datagram)
	}
}

func (l *line) connect(to *dtls.Association) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = to
}

func certificate(t *testing.T) *dtls.Certificate {
	t.Helper()
	c, err := dtls.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pair lets two ends shake hands; change changes what the client believes about the server.
func pair(t *testing.T, lose func(n int) bool, believe func(dtls.Fingerprint) dtls.Fingerprint) (client, server end) {
	t.Helper()
	client.certificate, server.certificate = certificate(t), certificate(t)
	client.outcome, server.outcome = make(chan outcome, 1), make(chan outcome, 1)
	there, back := &line{lose: lose}, &line{lose: lose}
	fingerprint := server.certificate.Fingerprint()
	if believe != nil {
		fingerprint = believe(fingerprint)
	}
	server.Association = dtls.Start(dtls.Config{
		Certificate: server.certificate, Peer: []dtls.Fingerprint{client.certificate.Fingerprint()}, Send: back.send,
		Done: func(k dtls.Keys, err error) { server.outcome <- outcome{k, err} },
	})
	there.connect(server.Association)
	client.Association = dtls.Start(dtls.Config{
		Certificate: client.certificate, Peer: []dtls.Fingerprint{{Hash: "md5", Value: "00"}, fingerprint}, Client: true, Send: there.send,
		Done: func(k dtls.Keys, err error) { client.outcome <- outcome{k, err} },
	})
	back.connect(client.Association)
	t.Cleanup(client.Close)
	t.Cleanup(server.Close)
	return client, server
}

func (e end) wait(t *testing.T) outcome {
	t.Helper()
	select {
	case o := <-e.outcome:
		return o
	case <-time.After(limit):
		t.Fatal("the handshake does not end")
		return outcome{}
	}
}

// Both ends have the same keys, the other way round.
//
// Shows ME-DTL-06, ME-DTL-07, ME-DTL-14, ME-DTL-15.
func TestHandshakeMakesKeys(t *testing.T) {
	client, server := pair(t, nil, nil)
	c, s := client.wait(t), server.wait(t)
	if c.err != nil || s.err != nil {
		t.Fatal(c.err, s.err)
	}
	if !c.keys.Local.Equal(s.keys.Remote) || !c.keys.Remote.Equal(s.keys.Local) || c.keys.Local.Equal(c.keys.Remote) {
		t.Error("keys do not fit")
	}
	if c.keys.Local.Suite != srtp.AEADAES256GCM || c.keys.Local.Validate() != nil {
		t.Errorf("%v", c.keys.Local)
	}
	if f := client.certificate.Fingerprint(); f == server.certificate.Fingerprint() || f.Hash != "sha-256" || len(f.Value) != 32*3-1 {
		t.Errorf("%+v", f)
	}
}

// What is lost of a handshake is sent again.
func TestHandshakeOnALossyLine(t *testing.T) {
	client, server := pair(t, func(n int) bool { return n%2 == 1 && n < 8 }, nil)
	if c, s := client.wait(t), server.wait(t); c.err != nil || s.err != nil || !c.keys.Local.Equal(s.keys.Remote) {
		t.Fatal(c.err, s.err)
	}
}

// Who has another certificate than its description says gets no keys from us.
//
// Shows ME-DTL-04.
func TestForgedCertificate(t *testing.T) {
	client, server := pair(t, nil, func(f dtls.Fingerprint) dtls.Fingerprint {
		other := "00"
		if f.Value[:2] == other {
			other = "11"
		}
		f.Value = other + f.Value[2:]
		return f
	})
	if c := client.wait(t); !errors.Is(c.err, dtls.ErrHandshake) || !errors.Is(c.err, dtls.ErrFingerprint) || c.keys.Local.Secret != nil {
		t.Error(c.err)
	}
	if s := server.wait(t); !errors.Is(s.err, dtls.ErrHandshake) {
		t.Error(s.err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	ended := make(chan error, 1)
	a := dtls.Start(dtls.Config{
		Certificate: certificate(t), Client: true, Send: func([]byte) {}, Timeout: 50 * time.Millisecond,
		Done: func(_ dtls.Keys, err error) { ended <- err },
	})
	defer a.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, dtls.ErrHandshake) || errors.Is(err, dtls.ErrClosed) {
			t.Error(err)
		}
	case <-time.After(limit):
		t.Fatal("still waiting")
	}
}

// Close ends whatever is under way, and nothing is sent after it.
func TestCloseDuringHandshake(t *testing.T) {
	for _, client := range []bool{true, false} {
		ended := make(chan error, 1)
		var closed atomic.Bool
		a := dtls.Start(dtls.Config{
			Certificate: certificate(t), Client: client,
			Send: func([]byte) {
				if closed.Load() {
					t.Error("sent after Close")
				}
			},
			Done: func(_ dtls.Keys, err error) { ended <- err },
		})
		a.Deliver([]byte{22, 254, 253, 0})
		a.Close()
		closed.Store(true)
		a.Close()
		if err := <-ended; !errors.Is(err, dtls.ErrClosed) {
			t.Error(err)
		}
	}
}

// config is that of the library, in the form that the package uses.
type config = pion.Config //nolint:staticcheck // as in the package

// foreign is a peer made of the library alone, with options of its own.
func foreign(t *testing.T, client bool, change func(*config)) (outcome, *pion.Conn) {
	t.Helper()
	theirs, err := selfsign.GenerateSelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	there, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	here, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = there.Close(), here.Close() })
	ours := certificate(t)
	done := make(chan outcome, 1)
	a := dtls.Start(dtls.Config{
		Certificate: ours, Peer: []dtls.Fingerprint{dtls.FingerprintOf("sha-512", theirs.Certificate[0])}, Client: !client,
		Send: func(b []byte) { _, _ = here.WriteTo(b, there.LocalAddr()) },
		Done: func(k dtls.Keys, err error) { done <- outcome{k, err} },
	})
	t.Cleanup(a.Close)
	go func() {
		buf := make([]byte, 2048)
		for {
			n, _, failed := here.ReadFrom(buf)
			if failed != nil {
				return
			}
			a.Deliver(buf[:n])
		}
	}()
	theirConfig := &config{
		Certificates: []tls.Certificate{theirs}, ClientAuth: pion.RequireAnyClientCert, InsecureSkipVerify: true,
		SRTPProtectionProfiles: []pion.SRTPProtectionProfile{pion.SRTP_AES128_CM_HMAC_SHA1_80},
		ExtendedMasterSecret:   pion.RequireExtendedMasterSecret,
		VerifyPeerCertificate: func(chain [][]byte, _ [][]*x509.Certificate) error {
			if dtls.FingerprintOf("sha-256", chain[0]) != ours.Fingerprint() {
				t.Error("fingerprint of ours is another")
			}
			return nil
		},
	}
	change(theirConfig)
	var conn *pion.Conn
	if client {
		conn, err = pion.Client(there, here.LocalAddr(), theirConfig) //nolint:staticcheck // as in the package
	} else {
		conn, err = pion.Server(there, here.LocalAddr(), theirConfig) //nolint:staticcheck // as in the package
	}
	if err != nil {
		t.Fatal(err)
	}
	shaken := make(chan struct{})
	go func() {
		_ = conn.Handshake()
		close(shaken)
		_, _ = io.Copy(io.Discard, conn)
	}()
	t.Cleanup(func() { _ = conn.Close() })
	select {
	case o := <-done:
		if o.err == nil {
			<-shaken // ours may be ready before theirs
		}
		return o, conn
	case <-time.After(limit):
		t.Fatal("the handshake does not end")
		return outcome{}, nil
	}
}

// The profiles that may be agreed, in both roles, with the extended master secret, and the keys by the library's own exporter.
//
// Shows ME-DTL-06, ME-DTL-07, ME-GCM-10.
func TestProfiles(t *testing.T) {
	for profile, suite := range map[pion.SRTPProtectionProfile]srtp.Suite{
		pion.SRTP_AES128_CM_HMAC_SHA1_80: srtp.AESCM128HMACSHA180, pion.SRTP_AEAD_AES_128_GCM: srtp.AEADAES128GCM,
		pion.SRTP_AEAD_AES_256_GCM: srtp.AEADAES256GCM,
	} {
		for _, client := range []bool{true, false} {
			o, conn := foreign(t, client, func(c *config) { c.SRTPProtectionProfiles = []pion.SRTPProtectionProfile{profile} })
			if o.err != nil || o.keys.Local.Suite != suite {
				t.Fatal(o.err, o.keys)
			}
			state, _ := conn.ConnectionState()
			material, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*suite.KeySize())
			if err != nil {
				t.Fatal(err)
			}
			mine := o.keys.Remote // what the peer sends with
			if !client {
				mine = o.keys.Local
			}
			if !bytes.HasPrefix(mine.Secret, material[:16]) { // of whoever is the client
				t.Error("keys in the wrong direction")
			}
		}
	}
}

// Without a common profile, or without any, there are no keys.
//
// Shows ME-DTL-06.
func TestNoProfile(t *testing.T) {
	for name, change := range map[string]func(*config){
		"none": func(c *config) { c.SRTPProtectionProfiles = nil },
		"others": func(c *config) {
			c.SRTPProtectionProfiles = []pion.SRTPProtectionProfile{pion.SRTP_NULL_HMAC_SHA1_80}
		},
	} {
		for _, client := range []bool{true, false} {
			if o, _ := foreign(t, client, change); !errors.Is(o.err, dtls.ErrHandshake) {
				t.Errorf("%s, client %v: %v", name, client, o.err)
			}
		}
	}
}

// A key identifier that nobody has offered ends the handshake; one that the peer offers is not taken up, and the keys are without.
//
// Shows ME-DTL-16.
func TestKeyIdentifier(t *testing.T) {
	var named atomic.Bool
	o, _ := foreign(t, false, func(c *config) {
		c.ServerHelloMessageHook = func(hello handshake.MessageServerHello) handshake.Message {
			for i, e := range hello.Extensions {
				if use, ok := e.(*extension.UseSRTP); ok {
					hello.Extensions[i] = &extension.UseSRTP{ProtectionProfiles: use.ProtectionProfiles, MasterKeyIdentifier: []byte{9}}
					named.Store(true)
				}
			}
			return &hello
		}
	})
	if !named.Load() || !errors.Is(o.err, dtls.ErrHandshake) || o.keys.Local.Secret != nil {
		t.Errorf("named %t: %v", named.Load(), o.err)
	}
	o, conn := foreign(t, true, func(c *config) { c.SRTPMasterKeyIdentifier = []byte{9} })
	if o.err != nil || o.keys.Local.MKI != nil || o.keys.Remote.MKI != nil {
		t.Error(o.err, o.keys)
	}
	if identifier, ok := conn.RemoteSRTPMasterKeyIdentifier(); ok && len(identifier) > 0 {
		t.Errorf("the peer was told % x", identifier)
	}
}
