package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/siprec/seal"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) } //nolint:forcetypeassert // it is one

func manifest() seal.Manifest {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	var d seal.Digest
	d.Add(0xfedcba98, 7, []byte("one"))
	d.Add(0xfedcba98, 8, []byte("two"))
	s := seal.Stream{Label: "1", Codec: "pcma/8000", SSRC: 0xfedcba98}
	d.Fill(&s)
	return seal.Manifest{
		Conference: "room", Recording: "r1", Session: "s1", Started: at, Ended: at.Add(time.Minute),
		Streams: []seal.Stream{s}, Documents: []seal.Document{{Sequence: 1, SHA256: seal.HashOf([]byte("<recording/>"))}},
	}
}

// What was sealed comes back whole; nothing else does.
func TestSeal(t *testing.T) {
	m := manifest()
	sealed, err := seal.Sign(m, key(1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := seal.Verify(sealed, public(key(1)))
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err = seal.Verify(sealed, public(key(2))); !errors.Is(err, seal.ErrSeal) {
		t.Errorf("another key: %v", err)
	}
	parts := strings.Split(string(sealed), ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	forge := func(header, body string) []byte {
		encode := base64.RawURLEncoding.EncodeToString
		return []byte(encode([]byte(header)) + "." + encode([]byte(body)) + "." + parts[2])
	}
	changed := strings.Replace(string(payload), `"packets":2`, `"packets":3`, 1)
	for name, bad := range map[string][]byte{
		"changed":   []byte(parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(changed)) + "." + parts[2]),
		"unsigned":  forge(`{"alg":"none"}`, string(payload)),
		"symmetric": forge(`{"alg":"HS256"}`, string(payload)),
		"cut":       sealed[:len(sealed)-8],
		"empty":     nil,
	} {
		if changed == string(payload) {
			t.Fatal("nothing was changed")
		}
		if m, err := seal.Verify(bad, public(key(1))); !errors.Is(err, seal.ErrSeal) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// The hash is that of the payloads one after the other.
func TestDigest(t *testing.T) {
	var d seal.Digest
	var s seal.Stream
	d.Fill(&s)
	if want := hex.EncodeToString(sha256.New().Sum(nil)); s.PayloadSHA256 != want || s.Packets != 0 {
		t.Errorf("nothing: %+v", s)
	}
	d.Add(1, 65535, []byte("ab"))
	d.Fill(&s)
	d.Add(1, 0, []byte("c"))
	d.Fill(&s)
	sum := sha256.Sum256([]byte("abc"))
	if s.PayloadSHA256 != hex.EncodeToString(sum[:]) || s.Packets != 2 || s.Octets != 3 {
		t.Errorf("%+v", s)
	}
}

// Keys as OpenSSL writes them (openssl genpkey -algorithm ed25519; openssl pkey -pubout).
func TestKeys(t *testing.T) {
	const private = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`
	const open = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`
	k, err := seal.ParsePrivateKey([]byte(private)) // RFC 8410, section 10.3
	if err != nil {
		t.Fatal(err)
	}
	p, err := seal.ParsePublicKey([]byte(open)) // RFC 8410, section 10.1
	if err != nil || !p.Equal(k.Public()) {
		t.Errorf("%x, %v", p, err)
	}
	for _, bad := range []string{"", "x", strings.Replace(private, "MC4", "MC5", 1), open} {
		if _, err := seal.ParsePrivateKey([]byte(bad)); !errors.Is(err, seal.ErrKey) {
			t.Errorf("private %q: %v", bad, err)
		}
	}
	if _, err := seal.ParsePublicKey([]byte(private)); !errors.Is(err, seal.ErrKey) {
		t.Errorf("public: %v", err)
	}
	if _, err := seal.Sign(manifest(), nil); !errors.Is(err, seal.ErrKey) {
		t.Errorf("no key: %v", err)
	}
	if _, err := seal.Verify(nil, nil); !errors.Is(err, seal.ErrKey) {
		t.Errorf("no key: %v", err)
	}
	// RFC 8037, appendices A.2 and A.3.
	known := make([]byte, ed25519.PublicKeySize)
	if _, err := base64.RawURLEncoding.Decode(known, []byte("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")); err != nil {
		t.Fatal(err)
	}
	if id, err := seal.KeyID(known); err != nil || id != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("%q, %v", id, err)
	}
}
