package sdp

import (
	"net/netip"
	"strings"

	"github.com/parley-sip/parley/codecs"
)

// IsAudio reports whether the stream is in use and of the kind this package can accept: audio over RTP/AVP,
// RTP/AVPF, RTP/SAVP or RTP/SAVPF, or the latter behind UDP/TLS. Whether codec, address and keys fit is up to [Answer].
func (m Media) IsAudio() bool {
	return m.Port != 0 && m.isAudioKind() && (m.isPlainRTP() || m.isSecureRTP())
}

func (m *Media) isAudioKind() bool { return strings.EqualFold(m.Kind, kindAudio) }

func (m *Media) isPlainRTP() bool {
	return strings.EqualFold(m.Proto, protoAVP) || strings.EqualFold(m.Proto, protoAVPF)
}

const (
	kindAudio = "audio"
	protoAVP  = "RTP/AVP"
	protoAVPF = "RTP/AVPF"
)

// nowhere tells the address that asks to send nothing at all: 0.0.0.0 (RFC 3264, section 8.4), its like in IPv6, and a
// name that cannot exist (RFC 6157, section 4).
func (c Connection) nowhere() bool {
	return c.Address.IsValid() && c.Address.Unmap().IsUnspecified() ||
		strings.HasSuffix(strings.ToLower(strings.TrimSuffix(c.Host, ".")), ".invalid")
}

// fits tells why the peer's address cannot be reached from ours.
func (c Connection) fits(ours netip.Addr) error {
	switch address := c.Address.Unmap(); {
	case c.nowhere():
		return nil
	case !address.IsValid():
		return ErrAddress
	case address.IsMulticast():
		return ErrMulticast
	case ours.IsValid() && ours.Unmap().Is4() != address.Is4():
		return ErrAddress
	default:
		return nil
	}
}

// newStream is m= line i of the peer's description with the format to send.
func newStream(peer *Description, i int, codec codecs.Codec, send PayloadType) Stream {
	media := &peer.Media[i]
	s := Stream{
		Index:            i,
		Codec:            codec,
		SendPT:           send.Number,
		Event:            sendEvent(media.PayloadTypes, codec.ClockRate()),
		Record:           peer.RecordOf(i),
		RecordPreference: peer.RecordPreferenceOf(i),
		RemoteDirection:  peer.DirectionOf(i),
		Attributes:       media.Attributes,
	}
	c := peer.ConnectionOf(i)
	if c.nowhere() {
		s.RemoteDirection = DirectionFor(s.RemoteDirection.Sends(), false)
	} else {
		s.Remote = netip.AddrPortFrom(c.Address.Unmap(), media.Port)
	}
	s.RemoteHold = !s.RemoteDirection.Receives()
	return s
}

// setDirection narrows what we wish to what the peer does, and returns it (RFC 3264, section 6.1).
func (s *Stream) setDirection(wish Direction) Direction {
	s.Send = wish.Sends() && s.RemoteDirection.Receives()
	s.Receive = wish.Receives() && s.RemoteDirection.Sends()
	return DirectionFor(s.Send, s.Receive)
}

// setRTCP says where RTCP goes: to the RTP port if both multiplex (RFC 5761, section 5.1.1), to the place of a=rtcp
// (RFC 3605), else to the next port (RFC 3550, section 11).
func (s *Stream) setRTCP(media *Media, mux bool) {
	s.Mux = mux
	switch address, port := s.Remote.Addr(), s.Remote.Port(); {
	case !address.IsValid():
		s.RemoteRTCP = netip.AddrPort{}
	case mux:
		s.RemoteRTCP = s.Remote
	case media.RTCP.Port != 0:
		if own := media.RTCP.Address.Unmap(); own.IsValid() && own.Is4() == address.Is4() && !own.IsUnspecified() {
			address = own
		}
		s.RemoteRTCP = netip.AddrPortFrom(address, media.RTCP.Port)
	case port < 65535:
		s.RemoteRTCP = netip.AddrPortFrom(address, port+1)
	}
}
