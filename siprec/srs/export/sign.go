package export

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// ErrKey says that a key cannot sign.
var ErrKey = errors.New("export: not a private key for signatures")

// A Signer signs containers.
type Signer struct {
	signer jose.Signer
	chain  []string // certificates, base64 of DER
}

// NewSigner takes a private key (PKCS #8 in PEM: Ed25519, ECDSA with P-256 or P-384, RSA) and, if there are, the certificates for it (PEM,
// that of the key first). The error wraps ErrKey.
func NewSigner(key, chain []byte) (*Signer, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, fmt.Errorf("%w: no PEM", ErrKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	algorithm, public := algorithmOf(parsed)
	if public == nil {
		return nil, fmt.Errorf("%w: %T", ErrKey, parsed)
	}
	s := &Signer{}
	for rest := chain; ; {
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		var certificate *x509.Certificate
		certificate, err = x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate: %w", ErrKey, err)
		}
		if same, ok := public.(interface{ Equal(crypto.PublicKey) bool }); len(s.chain) == 0 && (!ok || !same.Equal(certificate.PublicKey)) {
			return nil, fmt.Errorf("%w: the first certificate is of another key", ErrKey)
		}
		s.chain = append(s.chain, base64.StdEncoding.EncodeToString(block.Bytes))
	}
	id, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	private := jose.JSONWebKey{Key: parsed, KeyID: base64.RawURLEncoding.EncodeToString(id)}
	s.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: private}, (&jose.SignerOptions{}).WithContentType(VConType))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}

	return s, nil
}

func algorithmOf(key any) (jose.SignatureAlgorithm, crypto.PublicKey) {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return jose.EdDSA, k.Public()
	case *rsa.PrivateKey:
		return jose.RS256, k.Public()
	case *ecdsa.PrivateKey:
		switch k.Curve {
		case elliptic.P256():
			return jose.ES256, k.Public()
		case elliptic.P384():
			return jose.ES384, k.Public()
		}
	}

	return "", nil
}

type signature struct {
	Header    map[string]any `json:"header,omitempty"`
	Protected string         `json:"protected"`
	Signature string         `json:"signature"`
}

// Sign makes the signed form of a container: JSON with the general serialization (RFC 7515, section 7.2.1; draft-ietf-vcon-vcon-core-00,
// section 5.2).
func (s *Signer) Sign(v VCon) ([]byte, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	signed, err := s.signer.Sign(payload)
	if err != nil {
		return nil, err
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		return nil, err
	}
	parts := strings.Split(compact, ".")
	one := signature{Protected: parts[0], Signature: parts[2], Header: map[string]any{"uuid": v.UUID}}
	if len(s.chain) > 0 {
		one.Header["x5c"] = s.chain
	}

	return json.Marshal(map[string]any{"payload": parts[1], "signatures": []signature{one}})
}
