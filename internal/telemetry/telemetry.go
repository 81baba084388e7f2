package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/parley-sip/parley/focus"
)

const namespace = "parley"

// Metrics is a registry of its own with everything this server counts.
type Metrics struct {
	registry *prometheus.Registry

	calls             *prometheus.CounterVec
	setup             prometheus.Histogram
	notifies          *prometheus.CounterVec
	recordingFailures *prometheus.CounterVec
	authFailures      prometheus.Counter
	lost              prometheus.Counter
	jitter            prometheus.Histogram
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
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "rtp_lost_packets_total", Help: "RTP packets lost on the way here, of calls that are over.",
		}),
		jitter: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "rtp_jitter_seconds", Help: "Interarrival jitter at the end of each call.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .02, .04, .08, .16},
		}),
	}
	m.registry.MustRegister(m.calls, m.setup, m.notifies, m.recordingFailures, m.authFailures, m.lost, m.jitter,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics as text.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Hooks are what the focus is to call.
func (m *Metrics) Hooks() focus.Hooks {
	return focus.Hooks{
		CallAnswered: func(_ string, setup time.Duration) { m.setup.Observe(setup.Seconds()) },
		CallEnded: func(call focus.CallRecord) {
			m.calls.WithLabelValues(call.Direction, call.Result).Inc()
			m.lost.Add(float64(call.Stats.ReceivedLost))
			if call.Stats.ReceivedPackets > 0 {
				m.jitter.Observe(call.Stats.JitterMS / millisecondsPerSecond)
			}
		},
		RecordingFailure: func(server, _ string) { m.recordingFailures.WithLabelValues(server).Inc() },
		Notified:         func(state string) { m.notifies.WithLabelValues(state).Inc() },
	}
}

const millisecondsPerSecond = 1000

// AuthFailure counts a refused request.
func (m *Metrics) AuthFailure() { m.authFailures.Inc() }
