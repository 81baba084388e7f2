package telemetry

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-sip/parley/focus"
)

// quality is how the media of calls were, taken when each is over.
type quality struct {
	lost, late, discarded, concealed      prometheus.Counter
	jitter, delay, roundTrip, mos, remote prometheus.Histogram
	remoteMOS, drift                      prometheus.Histogram
}

func newQuality() *quality {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	}
	histogram := func(name, help string, buckets ...float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	}
	return &quality{
		lost:      counter("rtp_lost_packets_total", "RTP packets lost on the way here, of calls that are over."),
		late:      counter("rtp_late_packets_total", "RTP packets that came too late to be played, of calls that are over."),
		discarded: counter("rtp_discarded_packets_total", "RTP packets thrown away to bring the delay down, of calls that are over."),
		concealed: counter("rtp_concealed_frames_total", "Frames of 20 ms that were made up, of calls that are over."),
		jitter: histogram("rtp_jitter_seconds", "Interarrival jitter at the end of each call.",
			.0005, .001, .0025, .005, .01, .02, .04, .08, .16),
		delay: histogram("rtp_jitter_buffer_delay_seconds", "Delay of the jitter buffer at the end of each call.",
			.005, .01, .02, .03, .04, .06, .08, .12, .2, .3, .5),
		roundTrip: histogram("rtp_round_trip_seconds", "Round-trip time by RTCP at the end of each call, if known.",
			.001, .005, .01, .025, .05, .1, .15, .2, .3, .5, 1),
		mos: histogram("call_mos", "Estimated listening quality of what was received in each call (ITU-T G.107).",
			1, 2, 2.5, 3, 3.3, 3.6, 3.8, 4, 4.1, 4.2, 4.3, 4.4, 4.5),
		remoteMOS: histogram("call_remote_mos", "Listening quality of what the far end received in each call, by its reports, if it made some (ITU-T G.107).",
			1, 2, 2.5, 3, 3.3, 3.6, 3.8, 4, 4.1, 4.2, 4.3, 4.4, 4.5),
		remote: histogram("rtp_remote_loss_ratio", "Share of what we sent that the far end last reported lost, in each call.",
			0, .001, .005, .01, .02, .05, .1, .2, .5),
		drift: histogram("rtp_clock_drift_ppm", "How far the far end's clock was from ours in each call, in parts of one million, if known.",
			1, 5, 10, 25, 50, 100, 200, 500, 1000),
	}
}

func (q *quality) collectors() []prometheus.Collector {
	return []prometheus.Collector{q.lost, q.late, q.discarded, q.concealed, q.jitter, q.delay, q.roundTrip, q.mos, q.remoteMOS, q.remote, q.drift}
}

// observe takes the statistics of a call that is over.
func (q *quality) observe(s *focus.ParticipantStats) {
	const second = 1000 // milliseconds
	q.lost.Add(float64(s.ReceivedLost))
	q.late.Add(float64(s.Late))
	q.discarded.Add(float64(s.Discarded))
	q.concealed.Add(float64(s.Concealed))
	if s.ReceivedPackets > 0 {
		q.jitter.Observe(s.JitterMS / second)
		q.delay.Observe(s.DelayMS / second)
		q.mos.Observe(s.MOS)
	}
	if s.RoundTripMS > 0 {
		q.roundTrip.Observe(s.RoundTripMS / second)
		q.remote.Observe(s.RemoteLoss) // both come with a report about what we send
	}
	if s.RemoteMOS > 0 {
		q.remoteMOS.Observe(s.RemoteMOS)
	}
	if s.DriftPPM != 0 {
		q.drift.Observe(math.Abs(s.DriftPPM))
	}
}
