package focus

import (
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
)

// Use says where something is agreed on that both sides have to know.
type Use uint8

// Uses.
const (
	UseNever    Use = iota
	UseAnswered     // where it is offered
	UseOffered      // in offers of ours, too
)

// in tells whether it belongs into a description: offer is what is answered, nil for an offer of ours; agreed says that it is in use.
func (u Use) in(offer *sdp.Description, agreed bool) bool {
	return u == UseOffered || u == UseAnswered && (offer != nil || agreed)
}

// VoiceMetrics are what a receiver of a stream knows of it (RFC 3611, section 4.7).
type VoiceMetrics struct {
	Loss              float64 `json:"loss" doc:"Share of the packets that never came, 0 to 1."`
	Discard           float64 `json:"discard" doc:"Share of the packets that came too late or too early to be played, 0 to 1."`
	BurstDensity      float64 `json:"burst_density" doc:"Share of the packets missing in bursts, 0 to 1. A burst ends when 16 packets in a row are played (Gmin)."`
	BurstMS           float64 `json:"burst_ms" doc:"Mean length of bursts in milliseconds; 0: there was none."`
	GapDensity        float64 `json:"gap_density" doc:"Share of the packets missing between bursts, 0 to 1."`
	GapMS             float64 `json:"gap_ms" doc:"Mean length of the gaps between bursts in milliseconds."`
	RoundTripMS       float64 `json:"rtt_ms" doc:"Round-trip time in milliseconds; 0: not known."`
	EndDelayMS        float64 `json:"end_delay_ms" doc:"Delay within the receiver and its sender together, in milliseconds; 0: not known."`
	JitterBufferMS    float64 `json:"jitter_buffer_ms" doc:"Delay of the jitter buffer in milliseconds."`
	JitterBufferMaxMS float64 `json:"jitter_buffer_max_ms" doc:"What it can become, in milliseconds."`
	Signal            *int    `json:"signal_dbm0,omitempty" doc:"Level of the voice in dBm0; left out: not known."`
	Noise             *int    `json:"noise_dbm0,omitempty" doc:"Level of silence in dBm0; left out: not known."`
	EchoReturn        *int    `json:"echo_return_loss_db,omitempty" doc:"Residual echo return loss in dB; left out: not known."`
	R                 *int    `json:"r_factor,omitempty" doc:"Rating of the conversation (ITU-T G.107), 0 to 100; left out: not known."`
	ListeningMOS      float64 `json:"mos_lq,omitempty" doc:"Listening quality, 1 to 5; left out: not known."`
	ConversationalMOS float64 `json:"mos_cq,omitempty" doc:"Conversational quality, which reckons with the delay, 1 to 5; left out: not known."`
}

// voiceMetrics picks what the API shows of metrics, nil for none.
func voiceMetrics(m *media.VoIPMetrics) *VoiceMetrics {
	if m == nil {
		return nil
	}
	return &VoiceMetrics{
		Loss: m.Loss, Discard: m.Discard, BurstDensity: m.BurstDensity, BurstMS: milliseconds(m.BurstDuration), GapDensity: m.GapDensity,
		GapMS: milliseconds(m.GapDuration), RoundTripMS: milliseconds(m.RoundTrip), EndDelayMS: milliseconds(m.EndDelay),
		JitterBufferMS: milliseconds(m.JitterNominal), JitterBufferMaxMS: milliseconds(m.JitterMaximum),
		Signal: m.Signal, Noise: m.Noise, EchoReturn: m.EchoReturn, R: m.R, ListeningMOS: m.ListeningMOS, ConversationalMOS: m.ConversationalMOS,
	}
}

// mediaStats picks what the API shows.
func mediaStats(s media.Stats) ParticipantStats {
	out := ParticipantStats{
		ReceivedPackets: s.PacketsReceived, ReceivedLost: uint64(max(0, s.Lost)), SentPackets: s.PacketsSent,
		JitterMS: milliseconds(s.Jitter), RoundTripMS: milliseconds(s.RoundTrip), MOS: s.MOS, Concealed: s.Concealed,
		Late: s.Late, RemoteLoss: s.RemoteFraction, Discarded: s.Discarded, DepthMS: milliseconds(s.Depth), DelayMS: milliseconds(s.Delay),
		TargetMS: milliseconds(s.Target), DriftPPM: s.Drift, RemoteJitterMS: milliseconds(s.RemoteJitter),
		RemoteLost: uint64(max(0, s.RemoteLost)), RemoteMOS: s.RemoteMOS, RemoteVoice: voiceMetrics(s.RemoteMetrics),
	}
	if s.RemoteSSRC != 0 {
		out.Voice = voiceMetrics(&s.Metrics)
	}
	return out
}
