package dtls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha256" // of fingerprints
	_ "crypto/sha512" // of fingerprints
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// lifeOfCertificate is more than any call lasts. Nobody but the peer of one call ever sees the certificate.
const lifeOfCertificate = 30 * 24 * time.Hour

// Certificate proves that we are who has written a description. It is made for one call, so that calls cannot be linked by it (RFC 5763,
// section 6.1).
type Certificate struct {
	chain       tls.Certificate
	fingerprint Fingerprint
}

// NewCertificate makes a key (ECDSA on P-256) and signs itself. The error is that of the system's randomness.
func NewCertificate() (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	serial := make([]byte, 16)
	_, _ = rand.Read(serial) // never fails
	now := time.Now()
	template := x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: hex.EncodeToString(serial)}, // tells nothing
		NotBefore:    now.Add(-24 * time.Hour),                          // clocks differ
		NotAfter:     now.Add(lifeOfCertificate),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return &Certificate{
		chain:       tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		fingerprint: FingerprintOf("sha-256", der),
	}, nil
}

// Fingerprint is what the description says of the certificate (RFC 8122, section 5).
func (c *Certificate) Fingerprint() Fingerprint { return c.fingerprint }

// Fingerprint is a hash of a certificate (RFC 8122, section 5). It is comparable.
type Fingerprint struct {
	// Hash is the name of the hash function in lower case: sha-256, sha-384 or sha-512.
	Hash string
	// Value are the octets in hexadecimal digits of upper case with colons between them.
	Value string
}

// FingerprintOf makes the fingerprint of a certificate in DER; the zero value if the hash function is none of ours.
func FingerprintOf(name string, der []byte) Fingerprint {
	h := hashes[name]
	if h == 0 {
		return Fingerprint{}
	}
	digest := h.New()
	digest.Write(der)
	return Fingerprint{Hash: name, Value: withColons(digest.Sum(nil))}
}

// hashes are the functions that are believed: no weaker ones (RFC 8122, section 5.1).
//
//nolint:gochecknoglobals // table
var hashes = map[string]crypto.Hash{"sha-256": crypto.SHA256, "sha-384": crypto.SHA384, "sha-512": crypto.SHA512}

// withColons writes octets as a fingerprint has them.
func withColons(octets []byte) string {
	var b strings.Builder
	for i, octet := range octets {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", octet)
	}
	return b.String()
}

// proves tells whether a certificate is that of one of the fingerprints.
func proves(der []byte, peer []Fingerprint) bool {
	for _, f := range peer {
		if own := FingerprintOf(f.Hash, der); own != (Fingerprint{}) && own == f {
			return true
		}
	}
	return false
}
