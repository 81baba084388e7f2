package seal

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Errors that callers ask for with errors.Is.
var (
	// ErrSeal marks a manifest that is not signed by the key that was given, or not at all.
	ErrSeal = errors.New("seal: the manifest is not sealed by this key")
	// ErrKey marks what is no Ed25519 key.
	ErrKey = errors.New("seal: not an Ed25519 key")
)

// KeyID identifies a key: its SHA-256 thumbprint (RFC 7638; RFC 8037, appendix A.3).
func KeyID(key ed25519.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// Sign returns the sealed manifest in compact serialisation (RFC 7515, section 7.1).
func Sign(m Manifest, key ed25519.PrivateKey) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, ErrKey
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, ErrKey
	}
	id, err := KeyID(public)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key, KeyID: id}},
		(&jose.SignerOptions{}).WithContentType("json"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	payload, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return nil, err
	}
	compact, err := signed.CompactSerialize()
	return []byte(compact), err
}

// Verify returns the manifest if the key has sealed it. Only EdDSA is taken, whatever the header says
// (RFC 8725, section 3.1). The error wraps [ErrSeal].
func Verify(sealed []byte, key ed25519.PublicKey) (Manifest, error) {
	var m Manifest
	if len(key) != ed25519.PublicKeySize {
		return m, ErrKey
	}
	signed, err := jose.ParseSignedCompact(string(sealed), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	return m, nil
}

// ParsePrivateKey reads a key in PEM (PKCS #8), as `openssl genpkey -algorithm ed25519` writes it.
func ParsePrivateKey(data []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, ErrKey
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, ErrKey
	}
	return key, nil
}

// ParsePublicKey reads a key in PEM (PKIX), as `openssl pkey -pubout` writes it.
func ParsePublicKey(data []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, ErrKey
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, ErrKey
	}
	return key, nil
}
