package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/telemetry"
	"github.com/parley-sip/parley/siprec/srs"
)

// renew puts another certificate into the place of one, as certbot does.
func renew(t *testing.T, cert, key string) {
	t.Helper()
	newCert, newKey := selfSigned(t)
	if err := errors.Join(os.Rename(newKey, key), os.Rename(newCert, cert)); err != nil {
		t.Fatal(err)
	}
}

// shown connects, with our certificate where one is given, and gives the connection and what the other end shows.
func shown(t *testing.T, address, cert, key string) (*tls.Conn, string) {
	t.Helper()
	settings := &tls.Config{InsecureSkipVerify: true}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	conn, err := (&tls.Dialer{Config: settings}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	secure := conn.(*tls.Conn)                                              //nolint:forcetypeassert // by tls.Dialer
	return secure, string(secure.ConnectionState().PeerCertificates[0].Raw) // of a key of its own each time
}

// asked sends an OPTIONS and wants an answer.
func asked(t *testing.T, conn net.Conn) {
	t.Helper()
	request := "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK" + time.Now().Format("150405.000000000") + "\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\n" +
		"Call-ID: " + time.Now().Format("150405.000000000") + "\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
	answer := make([]byte, 12)
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, answer); err != nil || !strings.HasPrefix(string(answer), "SIP/2.0 200") {
		t.Fatalf("%q: %v", answer, err)
	}
}

// Certificates that are renewed on the disk are shown from the next reload on to who connects then, and connections stay: of the listener for calls, of that
// of the embedded recorder, and to whom we connect ourselves.
func TestCertificatesAreRenewed(t *testing.T) {
	cert, key := selfSigned(t)
	recorderCert, recorderKey := selfSigned(t)
	s := testService(t, func(cfg *config.Config) {
		cfg.SIP.Listen = []string{"tls://127.0.0.1:0"}
		cfg.SIP.TLS = config.TLS{Cert: cert, Key: config.Secret(key)}
		cfg.SRS.Listen = []string{"tls://127.0.0.1:0", "tcp://127.0.0.1:0"}
		cfg.SRS.TLS = config.TLS{Cert: recorderCert, Key: config.Secret(recorderKey)}
	})
	calls, recorder := s.agent.Addr("tls").String(), s.recorder.Addr("tls").String()
	open, before := shown(t, calls, "", "")
	openRecorder, beforeRecorder := shown(t, recorder, "", "")
	first := s.resources().Certificates
	if len(first) != 2 || first[0].Name != "sip.tls" || first[1].Name != "srs.tls" || time.Until(first[0].NotAfter) < 50*time.Minute {
		t.Fatalf("%+v", first)
	}
	renew(t, cert, key)
	renew(t, recorderCert, recorderKey)
	if _, now := shown(t, calls, "", ""); now != before {
		t.Error("a certificate is shown that nobody has said to be whole")
	}
	reloading(s, func(*config.Config) {})
	if changes, err := s.reload(t.Context()); err != nil || len(changes) != 0 {
		t.Fatal(changes, err)
	}
	if _, now := shown(t, calls, "", ""); now == before {
		t.Error("calls: the old certificate is shown")
	}
	if _, now := shown(t, recorder, "", ""); now == beforeRecorder {
		t.Error("recorder: the old certificate is shown")
	}
	asked(t, open)
	asked(t, openRecorder)
	if now := s.resources().Certificates; !now[0].NotAfter.After(first[0].NotAfter.Add(-time.Minute)) || &now[0] == &first[0] {
		t.Errorf("%+v, before: %+v", now, first)
	}
	if err := os.WriteFile(recorderKey, nil, 0o600); err != nil { // half of a renewal
		t.Fatal(err)
	}
	renew(t, cert, key)
	_, second := shown(t, calls, "", "")
	if _, err := s.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "srs.tls") {
		t.Errorf("a key that is none: %v", err)
	}
	if _, now := shown(t, calls, "", ""); now != second {
		t.Error("half of what was wrong holds")
	}
}

// A recording server sees the new certificate of the client when the client connects anew.
func TestClientCertificateIsRenewed(t *testing.T) {
	cert, key := selfSigned(t)
	seen := make(chan string, 10)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // read only
	go func() {
		for {
			conn, failed := listener.Accept()
			if failed != nil {
				return
			}
			secure := conn.(*tls.Conn) //nolint:forcetypeassert // by tls.Listen
			if secure.HandshakeContext(context.Background()) == nil {
				seen <- string(secure.ConnectionState().PeerCertificates[0].Raw)
			}
			_ = conn.Close() // so that each attempt connects
		}
	}()
	renewed, renewedKey := selfSigned(t)
	s := testService(t, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		cfg.SIP.TLS = config.TLS{Cert: renewed, Key: config.Secret(renewedKey), CA: cert}
		cfg.Recording.Servers = []config.RecordingServer{{Name: "secure", URI: "sip:srs@" + listener.Addr().String() + ";transport=tls", Probe: config.RecorderProbe{Interval: 200 * time.Millisecond}}}
	})
	before := <-seen
	renew(t, renewed, renewedKey)
	reloading(s, func(*config.Config) {})
	if _, err := s.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	limit := time.After(20 * time.Second)
	for {
		select {
		case now := <-seen:
			if now != before {
				return
			}
		case <-limit:
			t.Fatal("the old certificate is shown")
		}
	}
}

// A recorder alone takes over certificates and tokens, and nothing else without a restart.
func TestRecorderAloneReloads(t *testing.T) {
	cert, key := selfSigned(t)
	cfg := config.Default()
	cfg.SRS.Listen, cfg.SRS.Directory = []string{"tls://127.0.0.1:0"}, t.TempDir()
	cfg.SRS.TLS = config.TLS{Cert: cert, Key: config.Secret(key)}
	var log bytes.Buffer
	settings, err := recorderConfig(&cfg, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := srs.New(settings)
	if err == nil {
		err = recorder.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close(t.Context()) //nolint:errcheck // nothing goes on
	next := cfg
	certificates := &atomic.Pointer[[]telemetry.Certificate]{}
	list := shownCertificates(sipua.TLS{}, settings.TLS)
	certificates.Store(&list)
	r := recorderReloads{cfg: &cfg, load: func() (*config.Config, error) { return &next, nil }, recorder: recorder, shown: certificates, log: settings.Logger}
	address := recorder.Addr("tls").String()
	open, before := shown(t, address, "", "")
	renew(t, cert, key)
	next.SRS.Directory = filepath.Join(cfg.SRS.Directory, "other")
	if err = r.reload(t.Context()); !errors.Is(err, config.ErrNotLive) || !strings.Contains(err.Error(), "srs.directory") {
		t.Errorf("another directory: %v", err)
	}
	if _, now := shown(t, address, "", ""); now != before {
		t.Error("half of a configuration holds")
	}
	next.SRS.Directory = cfg.SRS.Directory
	if err = r.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, now := shown(t, address, "", ""); now == before {
		t.Error("the old certificate is shown")
	}
	asked(t, open)
	if certificates.Load() == &list || len(*certificates.Load()) != 1 {
		t.Errorf("%+v", *certificates.Load())
	}
}
