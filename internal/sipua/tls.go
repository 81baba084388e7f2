package sipua

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// ErrIdentity says that a peer is not who it should be, by its certificate (RFC
// 5922).
var ErrIdentity = errors.New("the certificate is of somebody else")

// TLS is what an Agent needs for TLS and secure WebSocket, as server and as
// client. It may be replaced at any time with SetTLS.
type TLS struct {
	// Certificate is shown to those who connect, and to those we connect to when
	// they ask and no other is named. Without one there can be no tls or wss
	// listener.
	Certificate *tls.Certificate
	// ClientCAs are who may have signed the certificate of a client. Nil: clients
	// are not asked for one.
	ClientCAs *x509.CertPool
	// RequireClient refuses clients without a certificate.
	RequireClient bool
	// RootCAs are who may have signed the certificate of a server. Nil: those of
	// the system.
	RootCAs *x509.CertPool
	// Wildcards lets *.example.com stand for sip.example.com, which RFC 5922,
	// section 7.2 forbids and some providers need.
	Wildcards bool
	// Clients are certificates that OutgoingCall.Certificate and the like name,
	// for peers that want one of their own.
	Clients map[string]*tls.Certificate
}

// SetTLS replaces certificates and authorities. Connections that are open stay
// as they are. Error: ErrConfig when a listener needs a certificate.
func (a *Agent) SetTLS(settings TLS) error {
	if err := settings.validate(a.config.Listen); err != nil {
		return err
	}
	a.tls.Store(&settings)
	return nil
}

func (t *TLS) validate(listen []string) error {
	if t.RequireClient && t.ClientCAs == nil {
		return fmt.Errorf("%w: client certificates are required, but nobody may sign them", ErrConfig)
	}
	for _, s := range listen {
		if address, err := parseListen(s); err == nil && secure(address.transport) && t.Certificate == nil {
			return fmt.Errorf("%w: listen address %s needs a certificate", ErrConfig, clip(s))
		}
	}
	return nil
}

// serverTLS is the configuration of our listeners. protocols are those of ALPN.
func (a *Agent) serverTLS(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			settings := a.tls.Load()
			config := &tls.Config{
				MinVersion: tls.VersionTLS12, CipherSuites: cipherSuites(), Certificates: []tls.Certificate{*settings.Certificate}, NextProtos: protocols,
			}
			if settings.ClientCAs != nil {
				config.ClientCAs, config.ClientAuth = settings.ClientCAs, tls.VerifyClientCertIfGiven
			}
			if settings.RequireClient {
				config.ClientAuth = tls.RequireAndVerifyClientCert
			}
			return config, nil
		},
	}
}

// cipherSuites are those of TLS 1.2 that we speak: with forward secrecy and
// authenticated encryption (RFC 9325, section 4.2). Those of TLS 1.3 all have
// them, and are not chosen.
func cipherSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// clientTLS is the configuration of a connection to a domain. The name in SNI is
// the domain that was asked for, not the host that SRV led to (RFC 5922, sections
// 4 and 7.3).
func (a *Agent) clientTLS(domain, certificate string) (*tls.Config, error) {
	settings := a.tls.Load()
	own := settings.Certificate
	if certificate != "" {
		if own = settings.Clients[certificate]; own == nil {
			return nil, fmt.Errorf("%w: no certificate is called %s", ErrTransport, clip(certificate))
		}
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: cipherSuites(), ServerName: domain, RootCAs: settings.RootCAs,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it, with the names of RFC 5922
		VerifyConnection: func(state tls.ConnectionState) error {
			return verifyServer(state, settings, domain)
		},
	}
	if own != nil {
		config.Certificates = []tls.Certificate{*own}
	}
	return config, nil
}

// verifyServer checks the chain of a server and that it is authoritative for the
// domain (RFC 5922, section 7.3).
func verifyServer(state tls.ConnectionState, settings *TLS, domain string) error {
	if len(state.PeerCertificates) == 0 {
		return fmt.Errorf("%w: there is none", ErrIdentity)
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range state.PeerCertificates[1:] {
		intermediates.AddCert(certificate)
	}
	leaf := state.PeerCertificates[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: settings.RootCAs, Intermediates: intermediates}); err != nil {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	if !certifies(leaf, domain, settings.Wildcards) {
		return fmt.Errorf("%w: it is for %s, not for %s", ErrIdentity, strings.Join(identities(leaf), ", "), domain)
	}
	return nil
}

// identities are the domains that a certificate is for: the hosts of SIP URIs in
// subjectAltName, else its DNS names, else the common name (RFC 5922, section
// 7.1). Addresses are kept as they are.
func identities(leaf *x509.Certificate) []string {
	var names []string
	for _, uri := range leaf.URIs {
		if host, ok := sipDomain(uri); ok {
			names = append(names, host)
		}
	}
	if len(names) == 0 {
		for _, name := range leaf.DNSNames {
			names = append(names, strings.ToLower(name))
		}
	}
	if len(names) == 0 && len(leaf.DNSNames)+len(leaf.URIs)+len(leaf.IPAddresses) == 0 && leaf.Subject.CommonName != "" {
		names = append(names, strings.ToLower(leaf.Subject.CommonName))
	}
	for _, address := range leaf.IPAddresses {
		names = append(names, address.String())
	}
	return names
}

// sipDomain is the host of a SIP URI without user part; one with a user part
// names a person, not a domain.
func sipDomain(uri *url.URL) (string, bool) {
	if !strings.EqualFold(uri.Scheme, "sip") {
		return "", false
	}
	parsed, err := ParseURI("sip:" + uri.Opaque)
	if err != nil || parsed.User != "" {
		return "", false
	}
	return strings.ToLower(parsed.Host), true
}

// certifies tells whether a certificate is for a domain or an address.
func certifies(leaf *x509.Certificate, domain string, wildcards bool) bool {
	domain = strings.ToLower(domain)
	if address, err := netip.ParseAddr(domain); err == nil {
		return slices.ContainsFunc(leaf.IPAddresses, func(ip net.IP) bool {
			other, ok := netip.AddrFromSlice(ip)
			return ok && other.Unmap() == address.Unmap()
		})
	}
	return slices.ContainsFunc(identities(leaf), func(name string) bool {
		if suffix, ok := strings.CutPrefix(name, "*"); ok && wildcards {
			label, rest, _ := strings.Cut(domain, ".")
			return label != "" && "."+rest == suffix
		}
		return name == domain
	})
}

// handshake brings a TLS connection up within handshakeTimeout.
func handshake(ctx context.Context, conn *tls.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	return nil
}

// peerNames are the identities of a verified client.
func peerNames(state tls.ConnectionState) []string {
	if len(state.VerifiedChains) == 0 {
		return nil
	}
	return identities(state.PeerCertificates[0])
}
