package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Recorder is what the reference recorder has counted.
type Recorder struct {
	Recordings, Streams int // now
	Octets              uint64
	Free                int64 // octets
	DiskLow             bool
	Sessions            map[string]uint64 // by outcome: accepted, refused, failed, deleted
	Packets             map[string]uint64 // by fate: recorded, lost, late, discarded
}

// CollectRecorder adds the reference recorder; to be called once. The function is asked at every scrape and may be called from any goroutine.
func (m *Metrics) CollectRecorder(source func() Recorder) {
	m.registry.MustRegister(recorderCollector(source))
}

type recorderCollector func() Recorder

//nolint:gochecknoglobals // a table
var (
	srsRecordingsDesc = desc("srs_recordings", "Recordings of the reference recorder that go on.")
	srsStreamsDesc    = desc("srs_streams", "Their streams.")
	srsOctetsDesc     = desc("srs_received_bytes_total", "Received by the reference recorder from the network, RTP and RTCP.")
	srsFreeDesc       = desc("srs_disk_free_bytes", "Free disk of the reference recorder.")
	srsLowDesc        = desc("srs_disk_low", "1 while there is too little of it and no recording begins.")
	srsSessionsDesc   = desc("srs_sessions_total", "Recording sessions by outcome (accepted, refused, failed, deleted).", "outcome")
	srsPacketsDesc    = desc("srs_packets_total", "RTP packets by what became of them (recorded, lost, late, discarded).", "fate")
)

// Describe implements prometheus.Collector.
func (recorderCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		srsRecordingsDesc, srsStreamsDesc, srsOctetsDesc, srsFreeDesc, srsLowDesc, srsSessionsDesc, srsPacketsDesc,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c recorderCollector) Collect(out chan<- prometheus.Metric) {
	r := c()
	low := 0.0
	if r.DiskLow {
		low = 1
	}
	for d, value := range map[*prometheus.Desc]float64{
		srsRecordingsDesc: float64(r.Recordings), srsStreamsDesc: float64(r.Streams), srsFreeDesc: float64(r.Free), srsLowDesc: low,
	} {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	out <- prometheus.MustNewConstMetric(srsOctetsDesc, prometheus.CounterValue, float64(r.Octets))
	for outcome, n := range r.Sessions {
		out <- prometheus.MustNewConstMetric(srsSessionsDesc, prometheus.CounterValue, float64(n), outcome)
	}
	for fate, n := range r.Packets {
		out <- prometheus.MustNewConstMetric(srsPacketsDesc, prometheus.CounterValue, float64(n), fate)
	}
}
