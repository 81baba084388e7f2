package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Peers is what is known of those we talk to.
type Peers struct {
	Trunks      map[string]bool // that are asked or registered with: whether they are there
	Bans        int             // sources that are ignored now
	Connections map[string]int  // open, by transport
	Refused     uint64          // connections beyond the limits
	Ignored     uint64          // requests of banned sources
}

// CollectPeers adds them; to be called once. The function is asked at every scrape and may be called from any goroutine.
func (m *Metrics) CollectPeers(source func() Peers) { m.registry.MustRegister(peersCollector(source)) }

type peersCollector func() Peers

//nolint:gochecknoglobals // a table
var (
	trunkUpDesc     = desc("trunk_up", "Whether a trunk is registered or answers, of those that are to.", "trunk")
	bansDesc        = desc("bans", "Sources that are ignored now because they have guessed.")
	connectionsDesc = desc("sip_connections", "Open SIP connections by transport.", "transport")
	refusedDesc     = desc("sip_connections_refused_total", "Connections that were closed at once, beyond the limits.")
	ignoredDesc     = desc("sip_requests_ignored_total", "Requests of banned sources, which get no answer.")
)

// Describe implements prometheus.Collector.
func (peersCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{trunkUpDesc, bansDesc, connectionsDesc, refusedDesc, ignoredDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c peersCollector) Collect(out chan<- prometheus.Metric) {
	p := c()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for name, up := range p.Trunks {
		value := 0.0
		if up {
			value = 1
		}
		gauge(trunkUpDesc, value, name)
	}
	gauge(bansDesc, float64(p.Bans))
	for transport, n := range p.Connections {
		gauge(connectionsDesc, float64(n), transport)
	}
	out <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(p.Refused))
	out <- prometheus.MustNewConstMetric(ignoredDesc, prometheus.CounterValue, float64(p.Ignored))
}
