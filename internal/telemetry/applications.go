package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Applications is what has been counted of call records and webhooks.
type Applications struct {
	Records  *Records // nil: none are made
	Webhooks []Webhook
}

// Records is what has been counted of call records.
type Records struct {
	Written        map[string]uint64 // by type: conference, participant, recording
	Failures, Lost uint64
	Waiting        int
	Failing        bool
}

// Webhook is what has been counted of one webhook.
type Webhook struct {
	Name                      string
	Delivered, Failures, Dead uint64
	Waiting                   int
	Failing                   bool
}

// CollectApplications adds call records and webhooks; to be called once. The function is asked at every scrape and may be called from
// any goroutine.
func (m *Metrics) CollectApplications(source func() Applications) {
	m.registry.MustRegister(applicationsCollector(source))
}

type applicationsCollector func() Applications

//nolint:gochecknoglobals // a table
var (
	recordsDesc         = desc("cdr_records_total", "Call detail records made and, where there is a file, written, by type (conference, participant, recording).", "type")
	recordFailuresDesc  = desc("cdr_write_failures_total", "Attempts to write call detail records that failed.")
	recordsLostDesc     = desc("cdr_lost_total", "Call detail records that are lost because too many were waiting.")
	recordsWaitingDesc  = desc("cdr_waiting", "Call detail records that could not be written yet.")
	recordsFailingDesc  = desc("cdr_failing", "1 while call detail records cannot be written.")
	hookDeliveredDesc   = desc("webhook_deliveries_total", "Events that a webhook has taken.", "hook")
	hookFailuresDesc    = desc("webhook_failures_total", "Attempts to deliver an event that failed.", "hook")
	hookDeadLettersDesc = desc("webhook_dead_letters_total", "Events that were given up.", "hook")
	hookWaitingDesc     = desc("webhook_waiting", "Events that have not been delivered yet.", "hook")
	hookFailingDesc     = desc("webhook_failing", "1 while a webhook does not take events.", "hook")
)

// Describe implements prometheus.Collector.
func (applicationsCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		recordsDesc, recordFailuresDesc, recordsLostDesc, recordsWaitingDesc, recordsFailingDesc, hookDeliveredDesc, hookFailuresDesc,
		hookDeadLettersDesc, hookWaitingDesc, hookFailingDesc,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c applicationsCollector) Collect(out chan<- prometheus.Metric) {
	emit := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	all := c()
	if r := all.Records; r != nil {
		for kind, n := range r.Written {
			emit(recordsDesc, prometheus.CounterValue, float64(n), kind)
		}
		emit(recordFailuresDesc, prometheus.CounterValue, float64(r.Failures))
		emit(recordsLostDesc, prometheus.CounterValue, float64(r.Lost))
		emit(recordsWaitingDesc, prometheus.GaugeValue, float64(r.Waiting))
		emit(recordsFailingDesc, prometheus.GaugeValue, truth(r.Failing))
	}
	for _, h := range all.Webhooks {
		emit(hookDeliveredDesc, prometheus.CounterValue, float64(h.Delivered), h.Name)
		emit(hookFailuresDesc, prometheus.CounterValue, float64(h.Failures), h.Name)
		emit(hookDeadLettersDesc, prometheus.CounterValue, float64(h.Dead), h.Name)
		emit(hookWaitingDesc, prometheus.GaugeValue, float64(h.Waiting), h.Name)
		emit(hookFailingDesc, prometheus.GaugeValue, truth(h.Failing), h.Name)
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
