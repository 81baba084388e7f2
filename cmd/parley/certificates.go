package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/telemetry"
)

// tlsSettings reads the files of sip.tls and of the trunks.
func tlsSettings(cfg *config.SIP) (sipua.TLS, error) {
	settings, err := ownTLS("sip.tls", &cfg.TLS)
	if err != nil {
		return sipua.TLS{}, err
	}
	for i := range cfg.Trunks {
		trunk := &cfg.Trunks[i]
		own, err := certificate("sip.trunks["+trunk.Name+"]", trunk.Cert, trunk.Key)
		if err != nil {
			return sipua.TLS{}, err
		}
		if own != nil {
			if settings.Clients == nil {
				settings.Clients = map[string]*tls.Certificate{}
			}
			settings.Clients[trunk.Name] = own
		}
	}
	return settings, nil
}

// setTLS makes certificates hold for the connections that come. It fails only where a listener is left without one, which the configuration does not allow.
func (s *service) setTLS(ready *prepared) error {
	if s.recorder != nil {
		if err := s.recorder.SetTLS(ready.recorderTLS); err != nil {
			return err
		}
	}
	if err := s.agent.SetTLS(ready.tls); err != nil {
		return err
	}
	shown := s.shownCertificates(ready.tls, ready.recorderTLS)
	s.certificates.Store(&shown)
	return nil
}

// shownCertificates are those that the service shows to others.
func (s *service) shownCertificates(own, recorder sipua.TLS) []telemetry.Certificate {
	if s.recorder == nil {
		recorder = sipua.TLS{}
	}
	return shownCertificates(own, recorder)
}

// ownTLS reads the files of a section.
func ownTLS(section string, cfg *config.TLS) (sipua.TLS, error) {
	settings := sipua.TLS{RequireClient: cfg.RequireClientCert, Wildcards: cfg.Wildcards}
	var err error
	if settings.Certificate, err = certificate(section, cfg.Cert, cfg.Key); err != nil {
		return sipua.TLS{}, err
	}
	if settings.ClientCAs, err = authorities(section+".client_ca", cfg.ClientCA); err != nil {
		return sipua.TLS{}, err
	}
	if settings.RootCAs, err = authorities(section+".ca", cfg.CA); err != nil {
		return sipua.TLS{}, err
	}
	return settings, nil
}

// certificate reads a certificate with its key; nil when none is configured.
func certificate(what, file string, key config.Secret) (*tls.Certificate, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	pair, err := tls.LoadX509KeyPair(file, key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &pair, nil
}

var errNoCertificate = errors.New("no certificate in the file")

// authorities reads certificates of authorities; nil when none are configured.
func authorities(what, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // there are none
	}
	pem, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %s: %w", what, file, errNoCertificate)
	}
	return pool, nil
}
