package srs

import (
	"bytes"
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/srtp"
)

// A client of another make, OpenSSL, makes keys with the recorder; what is protected with the keys that it says it has is recorded.
//
// Shows SR-SEC-15, ME-DTL-06, ME-DTL-07.
func TestHandshakeWithOpenSSL(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks(), Security: SecurityRequired})
	c := newClient(t, server)
	alice := newShaking(t, "1", 400)
	free, err := openPairAnywhere()
	if err != nil {
		t.Fatal(err)
	}
	alice.at = free.port()
	free.close()
	fingerprint, keys := openSSL(t, alice.at)
	response, err := c.invite(c.call("udp", "application/sdp", c.offerHandshake(fingerprint, alice)))
	if err != nil || response.Status != 200 {
		t.Fatal(response, err)
	}
	protect, _ := sender(t, keys)
	from, err := openPairAnywhere() // the port is OpenSSL's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(from.close)
	alice.use(c.accept(response.Body).Streams[0])
	for n := range shakingFrames {
		from.rtp.Send(protect(alice.packet(t, n)), alice.remote)
	}
	server.eventually(t, func() bool {
		r, _ := server.active()[0].snapshot()

		return r.Streams[0].Packets == shakingFrames
	})
	if err = c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := hooks.wait(t).Streams[0]; !got.SRTP || got.Discarded != 0 {
		t.Errorf("%+v", got)
	}
}

// openSSL waits for a handshake on a port. It has the certificate whose fingerprint is returned, and tells
// the keys.
func openSSL(t *testing.T, port uint16) (dtls.Fingerprint, <-chan dtls.Keys) {
	t.Helper()
	dir := t.TempDir()
	key, certificate := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	made := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-keyout", key, "-out", certificate, "-subj", "/CN=recording client", "-days", "2")
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := exec.CommandContext(t.Context(), "openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(strings.TrimSpace(string(text)), "=")
	const suite = srtp.AEADAES128GCM
	server := exec.CommandContext(t.Context(), "openssl", "s_server", "-dtls1_2", "-accept", "127.0.0.1:"+strconv.Itoa(int(port)), "-cert", certificate, "-key", key,
		"-Verify", "1", "-verify_quiet", "-use_srtp", "SRTP_AEAD_AES_128_GCM", "-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", strconv.Itoa(2*suite.KeySize()))
	in, err := server.StdinPipe() // it ends with its input
	if err != nil {
		t.Fatal(err)
	}
	out := &lines{line: make(chan string, 1000)}
	server.Stdout = out
	if err = server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), server.Wait() })
	keys := make(chan dtls.Keys, 1)
	go func() {
		for line := range out.line {
			if _, digits, ok := strings.Cut(line, "Keying material: "); ok {
				material, _ := hex.DecodeString(strings.TrimSpace(digits))
				keys <- serverKeys(material, suite)

				return
			}
		}
	}()

	return dtls.Fingerprint{Hash: "sha-256", Value: value}, keys
}

// serverKeys deals out the material for who has waited (RFC 5764, section 4.2): keys of client and server, then their salts.
func serverKeys(material []byte, suite srtp.Suite) dtls.Keys {
	const salt = 12
	size := suite.KeySize() - salt
	key := func(i int) srtp.Key {
		return srtp.Key{Suite: suite, Secret: append(bytes.Clone(material[i*size:(i+1)*size]), material[2*size+i*salt:2*size+(i+1)*salt]...)}
	}

	return dtls.Keys{Local: key(1), Remote: key(0)}
}

// lines cuts what is written into lines.
type lines struct {
	rest []byte
	line chan string
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		l.line <- string(line)
		l.rest = rest
	}
}
