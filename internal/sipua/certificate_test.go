package sipua

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority signs certificates for tests.
type authority struct {
	once        sync.Once
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

var testAuthority, otherAuthority authority

func (a *authority) start(t *testing.T) {
	t.Helper()
	a.once.Do(func() {
		a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour),
			NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
		if err != nil {
			t.Fatal(err)
		}
		if a.certificate, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	})
}

func (a *authority) pool(t *testing.T) *x509.CertPool {
	t.Helper()
	a.start(t)
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// issue makes a certificate for addresses, domains, and SIP URIs.
func (a *authority) issue(t *testing.T, names ...string) *tls.Certificate {
	t.Helper()
	a.start(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if address := net.ParseIP(name); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else if strings.HasPrefix(name, "sip:") {
			template.URIs = append(template.URIs, &url.URL{Scheme: "sip", Opaque: name[4:]})
		} else if common, ok := strings.CutPrefix(name, "cn="); ok {
			template.Subject.CommonName = common
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// settings are those of an agent with a certificate for these names, which trusts
// the authority.
func (a *authority) settings(t *testing.T, names ...string) TLS {
	t.Helper()
	return TLS{Certificate: a.issue(t, names...), RootCAs: a.pool(t), ClientCAs: a.pool(t)}
}
