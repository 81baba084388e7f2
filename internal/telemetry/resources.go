package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Resources are what a server needs to go on as it does, and what is left of it.
type Resources struct {
	Spool        *Spool // nil: none
	Certificates []Certificate
	Threads      *Threads // that mix; nil: none do here
	Ports        *Ports   // nil: not known
}

// Spool is where recordings wait for a recording server.
type Spool struct {
	Oldest time.Duration // since the oldest that waits began; 0: none waits
	Free   int64         // octets that it may still take: up to its limit, or the end of the disk
}

// Certificate is one that is shown to others.
type Certificate struct {
	Name     string    // of its section of the configuration
	NotAfter time.Time // of it, or of what it was signed with, whatever comes first
}

// Threads that mix.
type Threads struct{ RealTime, Ordinary int }

// Ports are pairs of the range for media.
type Ports struct {
	Free, All int
	Refused   uint64 // how often none was free
}

// CollectResources adds them; to be called once. The function is asked at every scrape and may be called from any goroutine.
func (m *Metrics) CollectResources(source func() Resources) {
	m.registry.MustRegister(resourceCollector(source))
}

type resourceCollector func() Resources

//nolint:gochecknoglobals // a table
var (
	spoolAgeDesc     = desc("recording_spool_oldest_seconds", "How long ago the oldest recording that waits in the spool began; 0: none waits.")
	spoolFreeDesc    = desc("recording_spool_free_bytes", "What the spool may still take: up to recording.spool.max_size, or the end of the disk.")
	certificateDesc  = desc("certificate_expiry_timestamp_seconds", "When a certificate, or one that it was signed with, ends (Unix time).", "certificate")
	threadsDesc      = desc("mixer_threads", "Threads that mix, by how the system schedules them (realtime, ordinary).", "class")
	portsFreeDesc    = desc("media_ports_free", "Pairs of media.ports that a call or a recorded stream could have.")
	portsDesc        = desc("media_ports", "Pairs of media.ports.")
	portsRefusedDesc = desc("media_ports_exhausted_total", "How often none was free.")
)

// Describe implements prometheus.Collector.
func (resourceCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{spoolAgeDesc, spoolFreeDesc, certificateDesc, threadsDesc, portsFreeDesc, portsDesc, portsRefusedDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c resourceCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	r := c()
	if r.Spool != nil {
		gauge(spoolAgeDesc, r.Spool.Oldest.Seconds())
		gauge(spoolFreeDesc, float64(r.Spool.Free))
	}
	for _, certificate := range r.Certificates {
		gauge(certificateDesc, float64(certificate.NotAfter.Unix()), certificate.Name)
	}
	if r.Threads != nil {
		gauge(threadsDesc, float64(r.Threads.RealTime), "realtime")
		gauge(threadsDesc, float64(r.Threads.Ordinary), "ordinary")
	}
	if r.Ports != nil {
		gauge(portsFreeDesc, float64(r.Ports.Free))
		gauge(portsDesc, float64(r.Ports.All))
		out <- prometheus.MustNewConstMetric(portsRefusedDesc, prometheus.CounterValue, float64(r.Ports.Refused))
	}
}
