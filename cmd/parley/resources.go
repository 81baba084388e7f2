package main

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/spool"
	"github.com/parley-sip/parley/internal/telemetry"
	"github.com/parley-sip/parley/mixer"
)

// resources are what is left of what the service needs. It asks the system, for a scrape or a look at alarms.
func (s *service) resources() telemetry.Resources {
	var out telemetry.Resources
	if s.spool != nil {
		out.Spool = spoolCounts(s.spool, time.Now(), s.log)
	}
	if list := s.certificates.Load(); list != nil {
		out.Certificates = *list
	}
	realTime, ordinary := mixer.Threads()
	out.Threads = &telemetry.Threads{RealTime: realTime, Ordinary: ordinary}
	out.Ports = portCounts(s.media.Stats())
	return out
}

func portCounts(stats media.TransportStats) *telemetry.Ports {
	return &telemetry.Ports{Free: stats.PortsFree, All: stats.Ports, Refused: stats.NoPorts}
}

func spoolCounts(store *spool.Store, now time.Time, log *slog.Logger) *telemetry.Spool {
	out := &telemetry.Spool{}
	var err error
	if out.Free, err = store.Room(); err != nil {
		log.Warn("the spool's disk does not tell how full it is", slog.Any("error", err)) // and counts as full
	}
	oldest, err := store.Oldest()
	if err != nil {
		log.Warn("the spool cannot be read", slog.Any("error", err))
	}
	if !oldest.IsZero() {
		out.Oldest = max(now.Sub(oldest), 0) // the clock may have been set back since
	}
	return out
}

// shownCertificates gives those of sections of the configuration, sorted by name.
func shownCertificates(own, recorder sipua.TLS) []telemetry.Certificate {
	shown := map[string]*tls.Certificate{"sip.tls": own.Certificate, "srs.tls": recorder.Certificate}
	for trunk, certificate := range own.Clients {
		shown["sip.trunks["+trunk+"]"] = certificate
	}
	var out []telemetry.Certificate
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		if end := validUntil(shown[name]); !end.IsZero() {
			out = append(out, telemetry.Certificate{Name: name, NotAfter: end})
		}
	}
	return out
}

// validUntil is the end of a certificate, or of the first one that ends among those that are shown with it; zero if there is none.
func validUntil(certificate *tls.Certificate) time.Time {
	var end time.Time
	if certificate == nil {
		return end
	}
	for _, octets := range certificate.Certificate {
		if c, err := x509.ParseCertificate(octets); err == nil && (end.IsZero() || c.NotAfter.Before(end)) {
			end = c.NotAfter
		}
	}
	return end
}
