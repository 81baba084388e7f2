package sdp

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/srtp"
)

// secretOf is a key that differs by seed.
func secretOf(suite srtp.Suite, seed byte) srtp.Key {
	secret := make([]byte, suite.KeySize())
	for i := range secret {
		secret[i] = byte(i) + seed
	}
	return srtp.Key{Suite: suite, Secret: secret}
}

func inline(suite srtp.Suite, seed byte) string {
	return "inline:" + base64.StdEncoding.EncodeToString(secretOf(suite, seed).Secret)
}

// secured is our side with keys for all suites.
func secured(security Security, seed byte) Local {
	local := Local{Address: netip.MustParseAddr("192.0.2.1"), Session: 1, Version: 1}
	stream := LocalStream{Port: 4000, Codecs: []codecs.Codec{codecs.PCMU}, Security: security}
	for suite := srtp.AEADAES256GCM; suite <= srtp.AESCM128HMACSHA132; suite++ {
		stream.Keys = append(stream.Keys, secretOf(suite, seed))
	}
	local.Streams = []LocalStream{stream}
	return local
}

func offered(t *testing.T, proto string, lines ...string) Description {
	t.Helper()
	var text strings.Builder
	text.WriteString("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 5000 " + proto + " 0\r\n")
	for _, line := range lines {
		text.WriteString("a=crypto:" + line + "\r\n")
	}
	d, err := Parse([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Shows ME-SDE-01, ME-SDE-03, ME-SDE-05, ME-SDE-06, ME-SDE-09, ME-SDE-10, ME-SDE-11, ME-SDE-13, ME-SDE-14.
func TestAnswerToKeys(t *testing.T) {
	const cm, gcm = srtp.AESCM128HMACSHA180, srtp.AEADAES128GCM
	cmLine, gcmLine := "1 AES_CM_128_HMAC_SHA1_80 "+inline(cm, 50), "7 AEAD_AES_128_GCM "+inline(gcm, 50)
	for _, test := range []struct {
		name, proto string
		lines       []string
		security    Security
		want        error
		suite       srtp.Suite
	}{
		{"first line wins", "RTP/SAVP", []string{gcmLine, cmLine}, SecurityOptional, nil, gcm},
		{"first line wins against our order", "RTP/SAVP", []string{cmLine, gcmLine}, SecurityOptional, nil, cm},
		{"unknown suite first", "RTP/SAVPF", []string{"3 F8_128_HMAC_SHA1_80 " + inline(cm, 50), cmLine}, SecurityRequired, nil, cm},
		{"lifetime and identifier", "RTP/SAVP", []string{cmLine + "|2^20|1:4"}, SecurityOptional, nil, cm},
		{"parameter to ignore", "RTP/SAVP", []string{cmLine + " -FOO=1 WSH=64"}, SecurityOptional, nil, cm},
		{"unknown parameter", "RTP/SAVP", []string{cmLine + " FOO=1"}, SecurityOptional, ErrCrypto, 0},
		{"not authenticated", "RTP/SAVP", []string{cmLine + " UNAUTHENTICATED_SRTP"}, SecurityOptional, ErrCrypto, 0},
		{"not encrypted", "RTP/SAVP", []string{cmLine + " UNENCRYPTED_SRTCP"}, SecurityOptional, ErrCrypto, 0},
		{"short key", "RTP/SAVP", []string{"1 AES_CM_128_HMAC_SHA1_80 " + inline(gcm, 50)}, SecurityOptional, ErrCrypto, 0},
		{"our own key", "RTP/SAVP", []string{"1 AES_CM_128_HMAC_SHA1_80 " + inline(cm, 1)}, SecurityOptional, ErrCrypto, 0},
		{"leading zero", "RTP/SAVP", []string{"0" + cmLine}, SecurityOptional, ErrCrypto, 0},
		{"two keys", "RTP/SAVP", []string{cmLine + ";" + inline(cm, 60)}, SecurityOptional, ErrCrypto, 0},
		{"no line", "RTP/SAVP", nil, SecurityRequired, ErrCrypto, 0},
		{"not wanted", "RTP/SAVP", []string{cmLine}, SecurityNone, ErrTransport, 0},
		{"plain where required", "RTP/AVP", nil, SecurityRequired, ErrInsecure, 0},
		{"keys without protection", "RTP/AVP", []string{cmLine}, SecurityRequired, ErrInsecure, 0},
		{"plain", "RTP/AVP", []string{cmLine}, SecurityOptional, nil, srtp.None},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan, err := Answer(offered(t, test.proto, test.lines...), secured(test.security, 1))
			if !errors.Is(err, test.want) {
				t.Fatalf("%v instead of %v", err, test.want)
			}
			if err != nil {
				return
			}
			stream, _ := plan.Audio()
			lines := strings.Count(string(plan.Answer.Marshal()), "a=crypto:")
			if test.suite == srtp.None {
				if stream.Protection != nil || lines != 0 {
					t.Fatal("protected")
				}
				return
			}
			if stream.Protection == nil || stream.Protection.Local.Suite != test.suite || stream.Protection.Remote.Suite != test.suite || lines != 1 {
				t.Fatalf("%+v, %d lines", stream.Protection, lines)
			}
			if stream.Protection.Local.Equal(stream.Protection.Remote) || plan.Answer.Media[0].Proto != test.proto {
				t.Error("keys or transport", plan.Answer.Media[0].Proto)
			}
		})
	}
}

// What a line says of its key beside the secret goes with it.
//
// Shows ME-SDE-12.
func TestLifetimeAndIdentifierAreKept(t *testing.T) {
	line := "1 AES_CM_128_HMAC_SHA1_80 " + inline(srtp.AESCM128HMACSHA180, 50)
	for suffix, want := range map[string]srtp.Key{
		"|2^20|1:4": {Lifetime: 1 << 20, MKI: []byte{0, 0, 0, 1}}, "|1000": {Lifetime: 1000}, "|258:2": {MKI: []byte{1, 2}}, "": {},
	} {
		plan, err := Answer(offered(t, "RTP/SAVP", line+suffix), secured(SecurityRequired, 1))
		if err != nil {
			t.Fatal(err)
		}
		stream, _ := plan.Audio()
		if got := stream.Protection.Remote; got.Lifetime != want.Lifetime || !slices.Equal(got.MKI, want.MKI) {
			t.Errorf("%q: lifetime %d, identifier %v", suffix, got.Lifetime, got.MKI)
		}
	}
}

// Both ends of an exchange come to the same keys, and a later offer has them again.
//
// Shows ME-SDE-02, ME-SDE-04, ME-SDE-07, ME-SDE-15, ME-SDE-19, ME-GCM-01, ME-GCM-09.
func TestKeysOfBothEnds(t *testing.T) {
	ours := secured(SecurityRequired, 1)
	offer := Offer(ours)
	if text := string(offer.Marshal()); !strings.Contains(text, "RTP/SAVP ") || strings.Index(text, "a=crypto:1 AEAD_AES_256_GCM") < strings.Index(text, "m=audio") {
		t.Fatal(text)
	}
	if lines := offer.Media[0].Values("crypto"); !slices.EqualFunc(lines, []string{
		"1 AEAD_AES_256_GCM ", "2 AEAD_AES_128_GCM ", "3 AES_CM_128_HMAC_SHA1_80 ", "4 AES_CM_128_HMAC_SHA1_32 ",
	}, strings.HasPrefix) {
		t.Errorf("offers %q", lines)
	}
	theirs, err := Answer(offer, secured(SecurityOptional, 100))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Accept(offer, theirs.Answer)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := plan.Audio()
	b, _ := theirs.Audio()
	if !a.Protection.Local.Equal(b.Protection.Remote) || !a.Protection.Remote.Equal(b.Protection.Local) || a.Protection.Local.Suite != srtp.AEADAES256GCM {
		t.Errorf("%v %v", a.Protection, b.Protection)
	}
	ours.Previous, ours.Streams[0].Security = &offer, SecurityOptional
	if again := Offer(ours); string(again.Marshal()) != string(offer.Marshal()) {
		t.Errorf("offered again:\n%s", again.Marshal())
	}
}

// Shows ME-SDE-08, SR-SEC-17.
func TestAnswerWithWrongKeys(t *testing.T) {
	offer := Offer(secured(SecurityRequired, 1))
	good := "1 AEAD_AES_256_GCM " + inline(srtp.AEADAES256GCM, 50)
	for name, lines := range map[string][]string{
		"wrong tag": {"9 AEAD_AES_256_GCM " + inline(srtp.AEADAES256GCM, 50)}, "wrong suite": {"1 AEAD_AES_128_GCM " + inline(srtp.AEADAES128GCM, 50)},
		"none": nil, "two": {good, "2 AEAD_AES_128_GCM " + inline(srtp.AEADAES128GCM, 50)}, "our key": {"1 AEAD_AES_256_GCM " + inline(srtp.AEADAES256GCM, 1)},
	} {
		if _, err := Accept(offer, offered(t, "RTP/SAVP", lines...)); !errors.Is(err, ErrCrypto) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Accept(offer, offered(t, "RTP/AVP")); !errors.Is(err, ErrMismatch) {
		t.Errorf("plain answer: %v", err)
	}
	if _, err := Accept(offer, offered(t, "RTP/SAVP", good)); err != nil {
		t.Error(err)
	}
}

// What can be read is a key that works.
func FuzzCrypto(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 " + inline(srtp.AESCM128HMACSHA180, 1) + "|2^20|1:4 WSH=64")
	f.Add("2 AEAD_AES_256_GCM " + inline(srtp.AEADAES256GCM, 1) + "|9:8")
	f.Fuzz(func(t *testing.T, value string) {
		c, ok := parseCrypto(value)
		if !ok {
			return
		}
		if _, err := srtp.NewReceiver(c.Key); err != nil {
			t.Error(err)
		}
		again, ok := parseCrypto(c.attribute().Value)
		if !ok || again.Tag != c.Tag || string(again.Key.Secret) != string(c.Key.Secret) {
			t.Errorf("%v became %v", c, again)
		}
	})
}
