package export_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/parley-sip/parley/siprec/srs"
	"github.com/parley-sip/parley/siprec/srs/export"
)

// click writes a file of the recorder with a tone from one time on, in seconds.
func click(t *testing.T, directory, name string, rate int, from, to float64) int64 {
	t.Helper()
	pcm := make([]int16, int(to*float64(rate)))
	for i := int(from * float64(rate)); i < len(pcm); i++ {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*500*float64(i)/float64(rate)))
	}
	write(t, directory, name, rate, pcm)

	return int64(len(pcm))
}

// write writes a file of the recorder.
func write(t *testing.T, directory, name string, rate int, pcm []int16) {
	t.Helper()
	b := []byte("RIFF....WAVEfmt ")
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = append(b, 1, 0, 1, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(2*rate))
	b = append(b, 2, 0, 16, 0)
	b = append(b, "data...."...)
	for _, s := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	if err := os.WriteFile(filepath.Join(directory, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

var began = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// sample is a recording of two who came one after the other; the first one has had two streams. There is a mixed one beside them.
func sample(t *testing.T) srs.Recording {
	t.Helper()
	directory := t.TempDir()
	stream := func(label, file string, rate int, from, to float64, who ...string) srs.Stream {
		return srs.Stream{Label: label, File: file, SampleRate: rate, Samples: click(t, directory, file, rate, from, to), Participants: who, State: srs.StateFinished}
	}
	r := srs.Recording{
		ID: "0a1b2c3d", Directory: directory, State: srs.StateFinished, StartedAt: began, EndedAt: began.Add(3 * time.Second),
		Sessions: []srs.Session{{ID: "s", SIPSessionIDs: []string{"ab;remote=cd"}}},
		Participants: []srs.Participant{
			{ID: "p1", Name: "Alice", AORs: []string{"tel:+123", "sip:alice@example.com"}, JoinedAt: began, LeftAt: began.Add(3 * time.Second)},
			{ID: "p2", AOR: "sip:bob@example.com", AORs: []string{"sip:bob@example.com"}, JoinedAt: began.Add(time.Second)},
		},
		Streams: []srs.Stream{
			stream("1", "1-Alice.wav", 8000, 0.5, 1, "p1"), stream("2", "2.wav", 16000, 1.5, 3, "p2"), stream("1", "1-Alice-2.wav", 48000, 2, 3, "p1"),
			stream("3", "3-mixed.wav", 8000, 0, 3, "p1", "p2"),
			{Label: "4", File: "4.wav"},
		},
		Metadata: []srs.Metadata{{File: "metadata-0001.xml", ReceivedAt: began}},
	}
	r.Streams[1].Pauses = []srs.Pause{{From: began.Add(2 * time.Second), To: began.Add(2500 * time.Millisecond)}}
	if err := os.WriteFile(filepath.Join(directory, "metadata-0001.xml"), []byte("<recording/>"), 0o600); err != nil {
		t.Fatal(err)
	}

	return r
}

// Each has a channel, at its place on the common time line, at the highest rate; sox reads it.
func TestMix(t *testing.T) {
	r := sample(t)
	name := filepath.Join(t.TempDir(), "all.wav")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	channels, err := export.Mix(file, r)
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	if len(channels) != 2 || channels[0].Name != "Alice" || channels[1].Name != "sip:bob@example.com" || !reflect.DeepEqual(channels[0].Labels, []string{"1"}) {
		t.Fatalf("%+v", channels)
	}
	out, err := exec.CommandContext(t.Context(), "soxi", "-c", "-r", name).CombinedOutput()
	rate, _ := exec.CommandContext(t.Context(), "soxi", "-r", name).CombinedOutput()
	count, _ := exec.CommandContext(t.Context(), "soxi", "-c", name).CombinedOutput()
	if err != nil || strings.TrimSpace(string(rate)) != "48000" || strings.TrimSpace(string(count)) != "2" {
		t.Errorf("sox: %s %s %s %v", out, rate, count, err)
	}
	data, err := os.ReadFile(name)
	if err != nil || len(data) != 44+3*48000*2*2 {
		t.Fatalf("%d octets %v", len(data), err)
	}
	for channel, want := range [][]float64{{0.5, 1, 2, 3}, {1.5, 3}} {
		if got := edges(data[44:], 2, channel, 48000); len(got) != len(want) {
			t.Errorf("channel %d: %v, want %v", channel, got, want)
		} else {
			for i := range want {
				if math.Abs(got[i]-want[i]) > 0.005 {
					t.Errorf("channel %d: %v, want %v", channel, got, want)
				}
			}
		}
	}
}

// edges are the times at which a channel becomes loud and silent.
func edges(data []byte, channels, channel, rate int) []float64 {
	var times []float64
	loud, quiet := false, 0
	frames := len(data) / 2 / channels
	for i := range frames {
		v := int16(binary.LittleEndian.Uint16(data[2*(i*channels+channel):]))
		if v > 3000 || v < -3000 {
			quiet = 0
			if !loud {
				times, loud = append(times, float64(i)/float64(rate)), true
			}
		} else if quiet++; loud && quiet > rate/400 {
			times, loud = append(times, float64(i)/float64(rate)), false
		}
	}
	if loud {
		times = append(times, float64(frames)/float64(rate))
	}

	return times
}

// More than two channels need the extensible form, and a mixed stream alone is exported as it is.
func TestMixForms(t *testing.T) {
	r := sample(t)
	third := r.Streams[0]
	third.Participants = nil
	third.Label = "x"
	r.Streams = append(r.Streams, third)
	name := filepath.Join(t.TempDir(), "three.wav")
	var out bytes.Buffer
	if channels, err := export.Mix(&out, r); err != nil || len(channels) != 3 || channels[2].Name != "x" {
		t.Fatalf("%+v %v", channels, err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), "soxi", "-c", name).CombinedOutput(); err != nil || strings.TrimSpace(string(text)) != "3" {
		t.Errorf("%s %v", text, err)
	}
	r.Streams = r.Streams[3:4]
	if channels, err := export.Mix(io.Discard, r); err != nil || len(channels) != 1 || channels[0].Name != "3" {
		t.Errorf("%+v %v", channels, err)
	}
	r.Streams = nil
	if _, err := export.Mix(io.Discard, r); !errors.Is(err, export.ErrEmpty) {
		t.Error(err)
	}
	r = sample(t)
	r.Streams[0].File = "metadata-0001.xml"
	if _, err := export.Mix(io.Discard, r); !errors.Is(err, srs.ErrFormat) {
		t.Error(err)
	}
}

func TestContainer(t *testing.T) {
	r := sample(t)
	v, err := export.Container(r, export.Options{Now: began.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"vcon":"0.3.0"`, `"analysis":[]`, `"created_at":"2026-03-04T06:06:07Z"`, `{"tel":"tel:+123","sip":"sip:alice@example.com","name":"Alice"}`,
		`"type":"recording","start":"2026-03-04T05:06:07Z","duration":3,"parties":[1],"mediatype":"audio/wav","filename":"2.wav"`,
		`"session_id":{"local":"ab","remote":"cd"}`, `"encoding":"base64url"`,
		`[{"party":1,"event":"join","time":"2026-03-04T05:06:08Z"},{"party":1,"event":"hold","time":"2026-03-04T05:06:09Z"},{"party":1,"event":"unhold","time":"2026-03-04T05:06:09.5Z"}]`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in\n%.3000s", want, data)
		}
	}
	if len(v.Dialog) != 4 || len(v.UUID) != 36 || v.UUID[14] != '8' {
		t.Errorf("%d dialogs, UUID %s", len(v.Dialog), v.UUID)
	}
	file, _ := os.ReadFile(filepath.Join(r.Directory, "2.wav"))
	body, err := base64.RawURLEncoding.DecodeString(v.Dialog[1].Body)
	if err != nil || !bytes.Equal(body, file) {
		t.Errorf("%d octets %v", len(body), err)
	}
	again, err := export.Container(r, export.Options{BaseURL: "https://example.com/x/"})
	sum := sha512.Sum512(file)
	if want := "sha512-" + base64.RawURLEncoding.EncodeToString(sum[:]); err != nil || again.UUID != v.UUID || again.Dialog[1].Body != "" ||
		again.Dialog[1].URL != "https://example.com/x/2.wav" || again.Dialog[1].ContentHash != want {
		t.Errorf("%+v %v", again.Dialog[1], err)
	}
}

// The signature is checked by the public key, whatever kind it is of, and covers all of it.
func TestSign(t *testing.T) {
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	curve, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	larger, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	primes, _ := rsa.GenerateKey(rand.Reader, 2048)
	encode := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}

		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	v, wrong := export.Container(sample(t), export.Options{BaseURL: "https://example.com/"})
	if wrong != nil {
		t.Fatal(wrong)
	}
	for _, x := range []struct {
		private, public any
		algorithm       jose.SignatureAlgorithm
	}{{edwards, edwards.Public(), jose.EdDSA}, {curve, curve.Public(), jose.ES256}, {larger, larger.Public(), jose.ES384}, {primes, primes.Public(), jose.RS256}} {
		signer, err := export.NewSigner(encode(x.private), nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(v)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.ParseSignedJSON(string(signed), []jose.SignatureAlgorithm{x.algorithm})
		if err != nil {
			t.Fatalf("%s: %v", x.algorithm, err)
		}
		_, _, payload, err := parsed.VerifyMulti(x.public)
		var back export.VCon
		if err = errors.Join(err, json.Unmarshal(payload, &back)); err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%s: %v", x.algorithm, err)
		}
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "recorder"}, NotAfter: began.AddDate(99, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, edwards.Public(), edwards)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	signer, err := export.NewSigner(encode(edwards), chain)
	if err != nil {
		t.Fatal(err)
	}
	if signed, err := signer.Sign(v); err != nil || !strings.Contains(string(signed), `"x5c":["`+base64.StdEncoding.EncodeToString(der)+`"]`) {
		t.Errorf("%s %v", signed, err)
	}
	if _, err := export.NewSigner(encode(primes), chain); !errors.Is(err, export.ErrKey) {
		t.Errorf("a certificate of another key: %v", err)
	}
	for _, bad := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := export.NewSigner([]byte(bad), nil); !errors.Is(err, export.ErrKey) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
