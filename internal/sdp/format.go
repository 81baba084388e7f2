package sdp

import (
	"cmp"
	"math"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Encode is how to encode for the peer when we want it so: the bit rate and bandwidth as wanted or what the peer
// limits them to, forward error correction and discontinuous transmission only where both want it (RFC 7587, section
// 7.1). Codec and PacketTime are those of the stream. Two peers with equal results can share an encoder.
func (s Stream) Encode(want codecs.Format) codecs.Format {
	want.Codec, want.PacketTime = s.Codec, s.Format.PacketTime
	if s.Codec != codecs.Opus {
		return codecs.Format{Codec: want.Codec, PacketTime: want.PacketTime}
	}
	want.FEC = want.FEC && s.Opus.FEC
	want.DTX = want.DTX && s.Opus.DTX
	want.CBR = want.CBR || s.Opus.CBR
	if s.MaxBitrate != 0 && s.MaxBitrate < cmp.Or(want.Bitrate, codecs.DefaultBitrate) {
		want.Bitrate = s.MaxBitrate
	}
	if peer := s.Opus.MaxPlaybackRate; peer != 0 && peer < cmp.Or(want.MaxBandwidth, codecs.Opus.SampleRate()) {
		want.MaxBandwidth = peer
	}
	return want
}

// setFormat decides how to encode for the peer whose m= line is given; ours is the packet time if the peer has no
// wish.
func (s *Stream) setFormat(peer *Description, ours time.Duration) {
	media := &peer.Media[s.Index]
	s.SenderReports = reportShare("RS", media.Bandwidth, peer.Bandwidth)
	s.ReceiverReports = reportShare("RR", media.Bandwidth, peer.Bandwidth)
	wish := cmp.Or(media.PacketTime, ours, codecs.FrameDuration)
	s.Format.PacketTime = packetTime(s.Codec, wish, media.MaxPacketTime)
	if s.Codec == codecs.Opus {
		s.Opus = ParseOpus(parametersOf(media, s.SendPT))
		s.MaxBitrate = lowest(s.Opus.MaxAverageBitrate, s.bandwidth(media.Bandwidth), s.bandwidth(peer.Bandwidth))
	}
	s.Format = s.Encode(codecs.Format{FEC: true})
}

// packetTime is the packet time we can send that is nearest to the wish and not over the limit; of two equally near
// the shorter, as less is lost with a packet. If none is under the limit, it is the shortest.
func packetTime(codec codecs.Codec, wish, limit time.Duration) time.Duration {
	const step = 10 * time.Millisecond
	best := step
	for t := 2 * step; t <= 6*step; t += step {
		if _, err := (codecs.Format{Codec: codec, PacketTime: t}).Normalize(); err != nil || limit != 0 && t > limit {
			continue
		}
		if (t - wish).Abs() < (best - wish).Abs() {
			best = t
		}
	}
	return best
}

// reportShare is the value of the b= line of a type, of the first of the levels that has one: 0 if none has, negative if it is 0.
func reportShare(kind string, levels ...[]Bandwidth) int {
	for _, lines := range levels {
		for _, line := range lines {
			switch {
			case line.Type != kind:
			case line.Value == 0:
				return -1
			default:
				return int(min(line.Value, math.MaxInt32))
			}
		}
	}
	return 0
}

// bandwidth is what b= lines leave for the payload, 0 if they set no limit. AS counts the IP, UDP and RTP headers
// (RFC 3550, section 6.2), TIAS does not (RFC 3890, section 6.2).
func (s *Stream) bandwidth(lines []Bandwidth) int {
	headers := 20 + 8 + 12
	if s.Remote.Addr().Is6() {
		headers += 20
	}
	limit := 0
	for _, line := range lines {
		if line.Value == 0 {
			continue // nothing may be sent at all: that is what a direction is for
		}
		switch line.Type {
		case "TIAS":
			limit = lowest(limit, inRange(line.Value, 0))
		case "AS":
			perSecond := int(time.Second / s.Format.PacketTime)
			limit = lowest(limit, inRange(min(line.Value, maxOpusBitrate)*1000, 8*headers*perSecond))
		}
	}
	return limit
}

// inRange is a bit rate less some overhead, as Opus can have it.
func inRange(bitrate uint64, overhead int) int {
	const most = 1 << 40 // more than any network has
	return max(minOpusBitrate, min(int(min(bitrate, most))-overhead, maxOpusBitrate))
}

// lowest is the lowest of the values that are not zero.
func lowest(values ...int) int {
	least := 0
	for _, v := range values {
		if v != 0 && (least == 0 || v < least) {
			least = v
		}
	}
	return least
}

func parametersOf(m *Media, number uint8) string {
	if pt := m.payloadType(number); pt != nil {
		return pt.Parameters
	}
	return ""
}
