package sdp

import (
	"net/netip"

	"github.com/parley-sip/parley/codecs"
)

// Plan is what an exchange of offer and answer means for us.
type Plan struct {
	// Answer is the answer: to be sent after [Answer], as received after [Accept].
	Answer Description
	// Streams are the accepted streams in order of their m= lines.
	Streams []Stream
	// Rejected are the streams that were offered and refused, by us or by the peer. A stream that was offered with port
	// 0 is in neither list.
	Rejected []*StreamError
}

// Audio is the first accepted stream of audio.
func (p Plan) Audio() (Stream, bool) {
	for i := range p.Streams {
		if p.Streams[i].Text == nil {
			return p.Streams[i], true
		}
	}
	return Stream{}, false
}

// Stream is one accepted stream, seen from our side.
type Stream struct {
	// Index counts the m= lines from 0.
	Index int
	// LocalPort is our port in the description, by which the caller finds his own stream.
	LocalPort uint16
	// Codec is what we send, with SendPT.
	Codec codecs.Codec
	// Text is what was agreed if the stream is real-time text; Codec is none then.
	Text *Text
	// Format is how we encode for the peer if nothing is configured: Encode(codecs.Format{FEC: true}).
	Format codecs.Format
	// MaxBitrate in bit/s is the peer's limit for a codec that has a choice, 0 if there is none: the lower of
	// maxaveragebitrate (RFC 7587, section 6.1) and b=, that without the headers.
	MaxBitrate int
	// SenderReports and ReceiverReports are what b=RS and b=RR of the peer leave for the RTCP of who sends media and of who does not, in bit/s
	// (RFC 3556): 0 if they say nothing, negative if there is to be none.
	SenderReports, ReceiverReports int
	// Extended are the extended reports that were agreed on (RFC 3611); ReducedSize tells that RTCP packets need not begin with a report
	// (RFC 5506).
	Extended    ExtendedReports
	ReducedSize bool
	// SendPT is the payload type to send with: the peer's number (RFC 3264, section 6.1).
	SendPT uint8
	// Redundant tells that we may repeat earlier audio of Codec in our packets, with RedundancyPT (RFC 2198).
	Redundant    bool
	RedundancyPT uint8
	// ComfortNoise tells that the peer takes it (RFC 3389) as ComfortNoisePT, at the clock rate of Codec: he says so in his answer, whether it was
	// offered or not, as he may (RFC 3264, section 6.1).
	ComfortNoise   bool
	ComfortNoisePT uint8
	// Accepts are the payload types that may come.
	Accepts []ReceivePayload
	// Event is the telephone-event to send with: at the clock rate of Codec. Events is empty if the peer takes none.
	Event SendEvent
	// Remote is where RTP goes; invalid port or unspecified address means nowhere, then Send is false.
	Remote netip.AddrPort
	// RemoteRTCP is where RTCP goes, Remote if Mux.
	RemoteRTCP netip.AddrPort
	// Mux tells that both sides multiplex RTP and RTCP.
	Mux bool
	// Protection are the keys of SRTP, nil for plain RTP or if DTLS makes them.
	Protection *Protection
	// DTLS is the handshake that makes the keys of SRTP, nil if there is none.
	DTLS *DTLS
	// ICE are the credentials of a peer that looks for a way to us; Remote means nothing then. The zero value: it does not.
	ICE ICE
	// Send tells that we may send, Receive that the peer may.
	Send, Receive bool
	// RemoteDirection is what the peer does, from his side, with the old hold form (address 0.0.0.0) already taken in.
	RemoteDirection Direction
	// RemoteHold tells that the peer does not listen to us: sendonly, inactive, or address 0.0.0.0 (RFC 3264, 8.4).
	RemoteHold bool
	// LevelExtension is the identifier of the client-to-mixer level, 0 if not agreed (RFC 6464).
	LevelExtension uint8
	// LevelVoice tells that the voice bit of the level means something: not with vad=off (RFC 6464, section 4).
	LevelVoice bool
	// MixerLevelExtension is the identifier of the mixer-to-client level that we may send, 0 if not agreed (RFC 6465).
	MixerLevelExtension uint8
	// Label is the label of our offer after [Accept], of our answer after [Answer]. An answer's label is never used to
	// match streams.
	Label string
	// Record is the recording indication of the peer.
	Record Record
	// RecordPreference is the wish of the peer; absent means none.
	RecordPreference RecordPreference
	// Opus are the peer's parameters if Codec is Opus.
	Opus OpusParameters
	// Attributes are the attributes of the peer's stream that this package does not model.
	Attributes []Attribute
}

// ReceivePayload is one payload type that the peer may send.
type ReceivePayload struct {
	Number uint8
	// Codec is None for events and comfort noise.
	Codec codecs.Codec
	// ClockRate is the RTP clock in Hz.
	ClockRate int
	// Event tells telephone-event (RFC 4733), ComfortNoise tells CN (RFC 3389).
	Event, ComfortNoise bool
	// Redundant tells packets with copies of earlier ones (RFC 2198).
	Redundant bool
}

// SendEvent is the payload type for telephone-event and the events the peer takes.
type SendEvent struct {
	Number    uint8
	ClockRate int
	Events    EventSet
}

// Answer decides what to answer to an offer (RFC 3264, section 6): the same m= lines in the same order, each
// accepted or with port 0. It fails if streams are offered and none can be accepted; the error is that of the stream
// that came closest, for [WarningFor]. An offer in which every stream has port 0, or that has no stream, is answered
// likewise with a Plan without streams.
//
// A stream whose Direction in the offer is held is accepted: see [Stream.RemoteHold].
func Answer(offer Description, local Local) (Plan, error) { return answer(&offer, &local) }

// Offer builds the description of what we want (RFC 3264, sections 5 and 8). Slots of Local.Previous are never
// lost: what is no longer wanted stays with port 0 and its label.
func Offer(local Local) Description { return offer(&local) }

// Accept decides what the answer to our offer means (RFC 3264, section 7). Streams are matched by position, never by
// label. With [ErrStreamCount] the Plan holds what the m= lines that are there would mean, for a caller that is
// lenient by policy; with [ErrRejected] no stream was accepted, and Plan.Rejected tells why.
func Accept(offer, answer Description) (Plan, error) { return accept(&offer, &answer) }
