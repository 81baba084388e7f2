package main

import (
	"fmt"

	"github.com/parley-sip/parley/internal/telemetry"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec/srs"
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

func recorderCounts(recorder *srs.Server) func() telemetry.Recorder {
	return func() telemetry.Recorder {
		stats := recorder.Stats()
		return telemetry.Recorder{
			Recordings: stats.Recordings, Streams: stats.Streams, Octets: stats.Octets, Free: stats.Free, DiskLow: stats.DiskLow,
			Sessions: map[string]uint64{"accepted": stats.Accepted, "refused": stats.Refused, "failed": stats.Failed, "deleted": stats.Deleted},
			Packets:  map[string]uint64{"recorded": stats.Packets, "lost": stats.Lost, "late": stats.Late, "discarded": stats.Discarded},
		}
	}
}

func distribution(h mixer.Histogram) telemetry.Histogram {
	out := telemetry.Histogram{Count: h.Count(), Sum: h.Sum.Seconds(), Buckets: map[float64]uint64{}}
	var below uint64
	for i, bound := range h.Bounds {
		below += h.Counts[i]
		out.Buckets[bound.Seconds()] = below
	}
	return out
}

func mixerCounts(stats mixer.Stats) telemetry.Mixer {
	out := telemetry.Mixer{LateTicks: stats.LateTicks, MissedTicks: stats.MissedTicks}
	out.Tick, out.Lateness = distribution(stats.Duration), distribution(stats.Lateness)
	for _, codec := range stats.Codecs {
		name := codec.Codec.String()
		if codec.Codec.Linear() { // of several rates
			name = fmt.Sprintf("%s/%d", name, codec.Codec.ClockRate())
		}
		out.Frames = append(out.Frames,
			telemetry.Frames{Codec: name, Operation: "encode", Count: codec.Encoded},
			telemetry.Frames{Codec: name, Operation: "forward", Count: codec.Forwarded}, telemetry.Frames{Codec: name, Operation: "send", Count: codec.Sent})
	}
	return out
}
