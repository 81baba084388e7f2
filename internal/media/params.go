package media

import (
	"net/netip"

	"github.com/parley-sip/parley/codecs"
)

// Options are what a [Session] keeps for life.
type Options struct {
	// CNAME of our end; default: 96 random bits, so that it tells nothing about us (RFC 7022, section 4.2).
	CNAME string
	// SSRC to send with; 0: random. Given, it is kept even when the far end uses the same.
	SSRC uint32
}

// PayloadType is one format that may be received. Exactly one of Codec, Event, CN and Redundant says what it is.
type PayloadType struct {
	// Number is the payload type in the RTP header, 0 to 127.
	Number uint8
	// Codec of an audio format, else None.
	Codec codecs.Codec
	// ClockRate in Hz, 0: that of Codec, else 8000. Needed for events at another clock rate (RFC 4733, section 2.1).
	ClockRate int
	// Event: telephone-event (RFC 4733).
	Event bool
	// CN: comfort noise (RFC 3389).
	CN bool
	// Redundant: packets with copies of earlier ones beside what they hold (RFC 2198), all of formats that are listed.
	Redundant bool
}

// Params are what offer and answer have agreed on. A whole new value replaces the old one; see [Session.Configure].
type Params struct {
	// Remote is the far end's RTP address; invalid while it is not known: then nothing is sent. Port 0 likewise.
	Remote netip.AddrPort
	// RemoteRTCP is where reports go; invalid: Remote with Mux, else the port above Remote (RFC 5761, section 5.1.1).
	RemoteRTCP netip.AddrPort
	// Receive lists all formats that may come, whatever is sent (RFC 3264, section 5.1). Others are counted and ignored.
	Receive []PayloadType
	// SendCodec and SendPayloadType are what Emit sends; the payload type is not looked at unless Send.
	SendCodec       codecs.Codec
	SendPayloadType uint8
	// LevelExtension is the identifier of the ssrc-audio-level header extension, 0: not agreed (RFC 6464, section 4). It is
	// both read and, with SendLevel, written.
	LevelExtension uint8
	// MixerLevelExtension is the identifier of the csrc-audio-level header extension that is sent, 0: none (RFC 6465).
	MixerLevelExtension uint8
	// Events: [Session.Press] sends telephone events as payload type EventPayloadType, at the clock rate of SendCodec (RFC 4733, section 2.1).
	Events           bool
	EventPayloadType uint8
	// Redundancy: packets may carry earlier ones as payload type RedundancyPayloadType; see [Session.SetRedundancy] (RFC 2198).
	Redundancy            bool
	RedundancyPayloadType uint8
	// Quiet: instead of digital silence nothing is sent but comfort noise as payload type QuietPayloadType, after 200 ms and every 500 ms
	// (RFC 3389). Only of codecs with a clock rate of 8000 Hz, and only if the far end takes it.
	Quiet            bool
	QuietPayloadType uint8
	// QuietExact: what is left out is nothing but the codec's own silence, octet by octet, and the comfort noise says that there is no noise. So
	// nothing is lost by it. Only for G.711.
	QuietExact bool
	// Protection are the keys of SRTP; nil: plain RTP. With keys whatever is not protected by them is thrown away, RTP and
	// RTCP. A key that stays the same goes on where it was.
	Protection *Protection
	// DTLS makes the keys by a handshake instead. Until there are some nothing is sent, and what comes is thrown away; those of a
	// handshake before are in use that long.
	DTLS *Handshake
	// ICE has the far end look for a way to us, and say where it wants its media. Until it has, nothing is sent; Remote and RemoteRTCP
	// mean nothing then. nil: without.
	ICE *ICE
	// Mux: RTCP on the RTP port (RFC 5761).
	Mux bool
	// Send and Receiving are the direction from our view. Without Send, Emit only moves the clock; without Receiving, what
	// comes is counted and thrown away. Reports go on in any direction (RFC 3264, section 5.1).
	Send, Receiving bool
	// SendLevel writes LevelExtension into what is sent.
	SendLevel bool
	// SenderReports and ReceiverReports are the bandwidth for RTCP of who sends media and of who does not, in bit/s (RFC 3556); 0: it does not
	// matter, negative: there is to be none.
	SenderReports, ReceiverReports int
	// VoIPMetrics: the far end wants to hear what came of its media (RFC 3611, section 4.7). RoundTripTimes says who answers the reference
	// times that both send (sections 4.4 and 4.5).
	VoIPMetrics    bool
	RoundTripTimes RoundTrip
	// ReducedSize: RTCP packets need not begin with a report (RFC 5506).
	ReducedSize bool
	// FEC: the far end's Opus packets may carry the one before; used to repair a loss (RFC 7587, section 3.3).
	FEC bool
}
