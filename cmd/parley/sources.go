package main

import (
	"github.com/parley-sip/parley/internal/telemetry"
	"github.com/parley-sip/parley/mixer"
)

// sources gives the metrics what the parts of the service have counted.
func (s *service) sources() telemetry.Sources {
	return telemetry.Sources{
		Focus: s.focus.Stats, Recorders: s.focus.RecordingServers,
		Mixer: func() telemetry.Mixer { return mixerCounts(s.mixer.Stats()) },
		RTP: func() telemetry.RTP {
			stats := s.media.Stats()
			return telemetry.RTP{Received: stats.PacketsReceived, Sent: stats.PacketsSent}
		},
		SIP: func() telemetry.SIP {
			stats := s.agent.Stats()
			out := telemetry.SIP{Requests: stats.Requests, Responses: map[telemetry.Response]uint64{}}
			for kind, n := range stats.Responses {
				out.Responses[telemetry.Response{Method: kind.Method, Code: kind.Status}] = n
			}
			return out
		},
	}
}

func mixerCounts(stats mixer.Stats) telemetry.Mixer {
	out := telemetry.Mixer{LateTicks: stats.LateTicks}
	out.Tick = telemetry.Histogram{Count: stats.Duration.Count(), Sum: stats.Duration.Sum.Seconds(), Buckets: map[float64]uint64{}}
	var below uint64
	for i, bound := range stats.Duration.Bounds {
		below += stats.Duration.Counts[i]
		out.Tick.Buckets[bound.Seconds()] = below
	}
	for _, codec := range stats.Codecs {
		name := codec.Codec.String()
		out.Frames = append(out.Frames,
			telemetry.Frames{Codec: name, Operation: "encode", Count: codec.Encoded}, telemetry.Frames{Codec: name, Operation: "send", Count: codec.Sent})
	}
	return out
}
