package telemetry

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
)

// Sources are asked at every scrape. All must be set and may be called from any goroutine.
type Sources struct {
	Focus     func() focus.Stats
	Recorders func() []focus.RecorderStatus
	Mixer     func() Mixer
	RTP       func() RTP
	SIP       func() SIP
}

// Mixer is what the mixer has counted.
type Mixer struct {
	LateTicks, MissedTicks uint64
	Tick                   Histogram // duration of ticks in seconds
	Lateness               Histogram // from when a tick was due to its beginning, in seconds
	Frames                 []Frames
}

// Frames counts frames by codec and operation (decode, encode).
type Frames struct {
	Codec, Operation string
	Count            uint64
}

// Histogram is a cumulative distribution: Buckets[bound] observations were at most bound.
type Histogram struct {
	Count   uint64
	Sum     float64
	Buckets map[float64]uint64
}

// RTP counts packets of all sessions.
type RTP struct {
	Received, Sent uint64
}

// SIP counts messages.
type SIP struct {
	Requests  map[string]uint64 // received, by method
	Responses map[Response]uint64
}

// Response is a kind of response sent.
type Response struct {
	Method string
	Code   int
}

// Collect adds the sources; to be called once.
func (m *Metrics) Collect(sources Sources) {
	m.recorders = sources.Recorders
	m.registry.MustRegister(&collector{sources: sources})
}

type collector struct {
	sources Sources
}

//nolint:gochecknoglobals // a table
var (
	conferencesDesc   = desc("conferences", "Conferences with somebody in them.")
	participantsDesc  = desc("participants", "Participants whose media are bridged.")
	waitingDesc       = desc("participants_waiting", "Participants who wait to be let in.")
	subscriptionsDesc = desc("subscriptions", "Subscriptions to conference events.")
	recordingsDesc    = desc("recording_sessions", "Sessions with recording servers by state.", "state")
	recordedDesc      = desc("recording_packets_total", "RTP packets sent to recording servers.")
	recordedTimeDesc  = desc("recording_seconds_total", "Audio of recorded streams by what became of it: sent to a server, spooled, delivered from the spool, unrecorded.", "fate")
	spoolDesc         = desc("recording_spool_bytes", "What waits in the spool, on disk.")
	recorderUpDesc    = desc("recording_server_up", "Whether a recording server may be given recordings: not down, not resting.", "server")
	recorderBusyDesc  = desc("recording_server_sessions", "Recording sessions of a recording server.", "server")
	packetsDesc       = desc("rtp_packets_total", "RTP packets by direction (in, out).", "direction")
	tickDesc          = desc("mixer_tick_seconds", "How long the mixer's ticks take.")
	latenessDesc      = desc("mixer_tick_lateness_seconds", "How long after their time the mixer's ticks begin.")
	lateDesc          = desc("mixer_ticks_late_total", "Ticks that began late.")
	missedDesc        = desc("mixer_ticks_missed_total", "Ticks that were left out: their audio is lost.")
	framesDesc        = desc("mixer_frames_total", "Frames by codec and operation.", "codec", "op")
	requestsDesc      = desc("sip_requests_total", "SIP requests received by method.", "method")
	responsesDesc     = desc("sip_responses_total", "SIP responses sent by method and status code.", "method", "code")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		conferencesDesc, participantsDesc, waitingDesc, subscriptionsDesc, recordingsDesc, recordedDesc, recordedTimeDesc, spoolDesc, recorderUpDesc, recorderBusyDesc, packetsDesc, tickDesc, latenessDesc, lateDesc, missedDesc, framesDesc,
		requestsDesc, responsesDesc,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	stats := c.sources.Focus()
	gauge(conferencesDesc, float64(stats.Conferences))
	gauge(participantsDesc, float64(stats.Participants))
	gauge(waitingDesc, float64(stats.Waiting))
	gauge(subscriptionsDesc, float64(stats.Subscriptions))
	for _, state := range recordingStates {
		gauge(recordingsDesc, float64(stats.Recordings[state]), state)
	}
	counter(recordedDesc, stats.RecordedPackets)
	for fate, frames := range map[string]uint64{
		"sent": stats.RecordedPackets, "spooled": stats.SpooledFrames, "delivered": stats.DeliveredFrames, "unrecorded": stats.UnrecordedFrames,
	} {
		out <- prometheus.MustNewConstMetric(recordedTimeDesc, prometheus.CounterValue, float64(frames)*codecs.FrameDuration.Seconds(), fate)
	}
	gauge(spoolDesc, float64(stats.SpoolBytes))
	for _, r := range c.sources.Recorders() {
		up := 0.0
		if r.State == "up" || r.State == "unknown" {
			up = 1
		}
		gauge(recorderUpDesc, up, r.Name)
		gauge(recorderBusyDesc, float64(r.Sessions), r.Name)
	}
	rtp := c.sources.RTP()
	counter(packetsDesc, rtp.Received, "in")
	counter(packetsDesc, rtp.Sent, "out")
	mixer := c.sources.Mixer()
	counter(lateDesc, mixer.LateTicks)
	counter(missedDesc, mixer.MissedTicks)
	out <- prometheus.MustNewConstHistogram(tickDesc, mixer.Tick.Count, mixer.Tick.Sum, mixer.Tick.Buckets)
	out <- prometheus.MustNewConstHistogram(latenessDesc, mixer.Lateness.Count, mixer.Lateness.Sum, mixer.Lateness.Buckets)
	for _, f := range mixer.Frames {
		counter(framesDesc, f.Count, f.Codec, f.Operation)
	}
	sip := c.sources.SIP().withZeros()
	for method, n := range sip.Requests {
		counter(requestsDesc, n, method)
	}
	for kind, n := range sip.Responses {
		counter(responsesDesc, n, kind.Method, strconv.Itoa(kind.Code))
	}
}
