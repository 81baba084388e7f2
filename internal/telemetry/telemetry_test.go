package telemetry_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/telemetry"
)

func TestEveryNamedMetricIsServedWithItsValue(t *testing.T) {
	m := telemetry.New()
	hooks := m.Hooks()
	hooks.CallAnswered("inbound", 12*time.Millisecond)
	hooks.CallEnded(focus.CallRecord{Direction: "inbound", Result: "answered", Stats: focus.ParticipantStats{
		ReceivedPackets: 9, ReceivedLost: 3, JitterMS: 2,
		Late: 4, Discarded: 5, Concealed: 6, DelayMS: 20, MOS: 4.25, RoundTripMS: 50, RemoteLoss: 0.25, DriftPPM: -32,
	}})
	hooks.CallEnded(focus.CallRecord{Direction: "outbound", Result: "busy"})
	hooks.RecordingFailure("primary", "refused")
	hooks.Notified("full")
	m.AuthFailure()
	m.Collect(telemetry.Sources{
		Focus: func() focus.Stats {
			return focus.Stats{Conferences: 2, Participants: 7, Waiting: 2, Subscriptions: 4, Recordings: map[string]int{"recording": 1}, RecordedPackets: 99, SpooledFrames: 50, UnrecordedFrames: 25, SpoolBytes: 7}
		},
		Recorders: func() []focus.RecorderStatus {
			return []focus.RecorderStatus{{Name: "primary", State: "down"}, {Name: "second", State: "up", Sessions: 3}}
		},
		Mixer: func() telemetry.Mixer {
			return telemetry.Mixer{
				LateTicks: 5, MissedTicks: 6, Tick: telemetry.Histogram{Count: 3, Sum: 0.5, Buckets: map[float64]uint64{0.001: 1, 0.01: 3}},
				Lateness: telemetry.Histogram{Count: 3, Sum: 0.1, Buckets: map[float64]uint64{0.002: 2, 0.01: 3}},
				Frames:   []telemetry.Frames{{Codec: "opus", Operation: "encode", Count: 11}},
			}
		},
		RTP: func() telemetry.RTP { return telemetry.RTP{Received: 100, Sent: 200} },
		SIP: func() telemetry.SIP {
			return telemetry.SIP{Requests: map[string]uint64{"INVITE": 6}, Responses: map[telemetry.Response]uint64{{Method: "INVITE", Code: 200}: 5}}
		},
	})
	m.CollectRecorder(func() telemetry.Recorder {
		return telemetry.Recorder{
			Recordings: 2, Streams: 7, Octets: 1234, Free: 99, DiskLow: true,
			Sessions: map[string]uint64{"refused": 3}, Packets: map[string]uint64{"lost": 4},
		}
	})
	m.CollectPeers(func() telemetry.Peers {
		return telemetry.Peers{Trunks: map[string]bool{"pbx": true, "carrier": false}, Bans: 3, Connections: map[string]int{"tls": 5}, Refused: 6, Ignored: 8}
	})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	for _, want := range []string{
		`parley_calls_total{direction="inbound",result="answered"} 1`, `parley_call_setup_seconds_count 1`, `parley_rtp_lost_packets_total 3`,
		`parley_rtp_late_packets_total 4`, `parley_rtp_discarded_packets_total 5`, `parley_rtp_concealed_frames_total 6`,
		`parley_rtp_jitter_buffer_delay_seconds_sum 0.02`, `parley_call_mos_sum 4.25`, `parley_call_mos_count 1`, `parley_rtp_round_trip_seconds_sum 0.05`,
		`parley_rtp_remote_loss_ratio_sum 0.25`, `parley_rtp_remote_loss_ratio_count 1`, `parley_rtp_clock_drift_ppm_sum 32`,
		`parley_rtp_clock_drift_ppm_count 1`,
		`parley_rtp_jitter_seconds_sum 0.002`, `parley_recording_failures_total{server="primary"} 1`, `parley_notifies_total{state="full"} 1`,
		`parley_auth_failures_total 1`, `parley_conferences 2`, `parley_participants 7`, `parley_participants_waiting 2`, `parley_subscriptions 4`,
		`parley_recording_sessions{state="recording"} 1`, `parley_recording_packets_total 99`, `parley_rtp_packets_total{direction="in"} 100`,
		`parley_rtp_packets_total{direction="out"} 200`, `parley_mixer_ticks_late_total 5`, `parley_mixer_ticks_missed_total 6`, `parley_mixer_tick_seconds_bucket{le="0.001"} 1`,
		`parley_mixer_tick_lateness_seconds_bucket{le="0.002"} 2`,
		`parley_mixer_frames_total{codec="opus",op="encode"} 11`, `parley_sip_requests_total{method="INVITE"} 6`,
		`parley_sip_responses_total{code="200",method="INVITE"} 5`, `parley_recording_server_up{server="primary"} 0`,
		`parley_recording_seconds_total{fate="spooled"} 1`, `parley_recording_seconds_total{fate="unrecorded"} 0.5`, `parley_recording_spool_bytes 7`,
		`parley_recording_server_up{server="second"} 1`, `parley_recording_server_sessions{server="second"} 3`, `process_cpu_seconds_total`,
		`parley_srs_recordings 2`, `parley_srs_streams 7`, `parley_srs_received_bytes_total 1234`, `parley_srs_disk_free_bytes 99`,
		`parley_srs_disk_low 1`, `parley_srs_sessions_total{outcome="refused"} 3`, `parley_srs_packets_total{fate="lost"} 4`, `go_goroutines`, `go_gc_heap_live_bytes`, `process_cpu_seconds_total`,
		`parley_trunk_up{trunk="pbx"} 1`, `parley_trunk_up{trunk="carrier"} 0`, `parley_bans 3`, `parley_sip_connections{transport="tls"} 5`,
		`parley_sip_connections_refused_total 6`, `parley_sip_requests_ignored_total 8`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("missing: %s", want)
		}
	}
}

// What can be counted is there before it has happened: rate() and increase() do not see the first step of a series that begins with it.
func TestCountersBeginAtZero(t *testing.T) {
	m := telemetry.New()
	m.Collect(telemetry.Sources{
		Focus:     func() focus.Stats { return focus.Stats{} },
		Recorders: func() []focus.RecorderStatus { return []focus.RecorderStatus{{Name: "primary"}} },
		Mixer:     func() telemetry.Mixer { return telemetry.Mixer{} },
		RTP:       func() telemetry.RTP { return telemetry.RTP{} },
		SIP:       func() telemetry.SIP { return telemetry.SIP{} },
	})
	serve := func() string {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
		return w.Body.String()
	}
	before := serve()
	for _, want := range []string{
		`parley_calls_total{direction="inbound",result="failed"} 0`, `parley_calls_total{direction="outbound",result="busy"} 0`,
		`parley_notifies_total{state="deleted"} 0`, `parley_recording_failures_total{server="primary"} 0`,
		`parley_recording_sessions{state="failed"} 0`, `parley_recording_sessions{state="recording"} 0`,
		`parley_sip_requests_total{method="REFER"} 0`, `parley_sip_responses_total{code="503",method="INVITE"} 0`,
	} {
		if !strings.Contains(before, want) {
			t.Errorf("missing: %s", want)
		}
	}
	m.Hooks().RecordingFailure("primary", "refused")
	if want := `parley_recording_failures_total{server="primary"} 1`; !strings.Contains(serve(), want) {
		t.Errorf("missing after a failure: %s", want)
	}
}
