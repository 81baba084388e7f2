package telemetry

import (
	"net/http"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/parley-sip/parley/focus"
)

const namespace = "parley"

// liveHeap is what was in use at the last collection, without the garbage that go_memstats_heap_alloc_bytes counts as well: what grows with a leak.
var liveHeap = regexp.MustCompile(`^/gc/heap/live:bytes$`)

// Metrics is a registry of its own with everything this server counts.
type Metrics struct {
	registry *prometheus.Registry

	calls             *prometheus.CounterVec
	setup             prometheus.Histogram
	notifies          *prometheus.CounterVec
	recordingFailures *prometheus.CounterVec
	authFailures      prometheus.Counter
	quality           *quality

	recorders func() []focus.RecorderStatus // nil before Collect
}

// New makes the registry with the Go and process collectors.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "calls_total", Help: "Calls that are over, by direction (inbound, outbound) and result.",
		}, []string{"direction", "result"}),
		setup: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "call_setup_seconds", Help: "From INVITE until the media are bridged.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		notifies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "notifies_total", Help: "Accepted NOTIFYs of conference events by state (full, partial, deleted).",
		}, []string{"state"}),
		recordingFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "recording_failures_total", Help: "Failures of recording sessions by recording server.",
		}, []string{"server"}),
		authFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "auth_failures_total", Help: "Requests refused because of where or from whom they came.",
		}),
		quality: newQuality(),
	}
	m.registry.MustRegister(m.calls, m.setup, m.notifies, m.recordingFailures, m.authFailures,
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: liveHeap})), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.quality.collectors()...)
	m.begin()
	return m
}

// Handler serves the metrics as text.
func (m *Metrics) Handler() http.Handler {
	return m.withServers(promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
}

// Hooks are what the focus is to call.
func (m *Metrics) Hooks() focus.Hooks {
	return focus.Hooks{
		CallAnswered: func(_ string, setup time.Duration) { m.setup.Observe(setup.Seconds()) },
		CallEnded: func(call focus.CallRecord) {
			m.calls.WithLabelValues(call.Direction, call.Result).Inc()
			m.quality.observe(&call.Stats)
		},
		RecordingFailure: func(server, _ string) { m.recordingFailures.WithLabelValues(server).Inc() },
		Notified:         func(state string) { m.notifies.WithLabelValues(state).Inc() },
	}
}

// AuthFailure counts a refused request.
func (m *Metrics) AuthFailure() { m.authFailures.Inc() }
