package sdp

import (
	"net/netip"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/srtp"
)

// Local is what we bring to an offer or an answer.
type Local struct {
	// Address is where we receive media, written as c= and o=.
	Address netip.Addr
	// Session and Version start the o= line when Previous is nil.
	Session, Version uint64
	// Username and Name are those of the o= and s= lines; empty means "-".
	Username, Name string
	// Previous is the last description we sent in this dialog, offer or answer, even if the peer refused it. It fixes the o= line (same session,
	// version plus one if anything changes), the number and order of m= lines, and the numbers of payload types.
	Previous *Description
	// Remote is the last description of the peer in this dialog. [Offer] takes payload type numbers from it and avoids
	// those it uses for something else.
	Remote *Description
	// Streams are our streams. See ByPosition for how they find their m= line.
	Streams []LocalStream
	// ByPosition says that Streams[i] belongs to m= line i and to no other; one with Port 0 is a disabled slot. This is
	// for recording sessions. Without it [Answer] deals the streams to the lines of their kind, those that were in use
	// in Previous first, and [Offer] keeps a stream in the slot that had its label (or, without label, in the first
	// slot that was in use), then takes slots with port 0, then appends.
	ByPosition bool
	// PreferLocal orders codecs by our preference. Otherwise the order of the offer counts, which is what an
	// answer should do (RFC 3264, section 6.1).
	PreferLocal bool
	// Record is the recording indication at session level.
	Record Record
	// Attributes are further attributes at session level, which no field models.
	Attributes []Attribute
}

// LocalStream is one stream of ours.
type LocalStream struct {
	// Text makes it one of real-time text; what only audio has is not looked at then. nil: audio.
	Text *LocalText
	// Port is our RTP port. 0 disables the stream.
	Port uint16
	// RTCPPort is our RTCP port; 0 means Port+1.
	RTCPPort uint16
	// Mux offers or accepts multiplexed RTCP (RFC 5761).
	Mux bool
	// Feedback offers RTP/AVPF instead of RTP/AVP. An answer always has the transport of the offer.
	Feedback bool
	// DTLS is our end of keys that are made by a handshake. A stream with both kinds of keys is offered with those of its transport
	// before, else with a handshake only if there are no Keys.
	DTLS LocalDTLS
	// Opportunistic takes keys in RTP/AVP, and offers them there where Security is optional, so that a peer that knows nothing of it
	// talks as ever (RFC 8643).
	Opportunistic bool
	// ICE are our credentials for the checks of a peer that looks for a way to us; the zero value: we do without. OfferICE writes them
	// into offers, too; an answer has them if the offer has.
	ICE      ICE
	OfferICE bool
	// Security says whether the stream may or must be protected, with Keys: one per suite, the best first. They stay the same
	// for the life of a dialog and are new in each.
	Security Security
	Keys     []srtp.Key
	// Codecs are the codecs we speak, the best first.
	Codecs []codecs.Codec
	// SingleCodec answers with the chosen codec only, so that the peer cannot change in mid-stream.
	SingleCodec bool
	// Events offers or accepts telephone-event (RFC 4733).
	Events bool
	// ComfortNoise offers or accepts payload type 13 (RFC 3389), never together with Opus as first codec.
	ComfortNoise bool
	// Redundancy lets both sides repeat earlier audio in their packets, if the peer offers that (RFC 2198). OfferRedundancy has it in offers, too.
	Redundancy      bool
	OfferRedundancy bool
	// ExtendedReports offers or accepts RTCP extended reports (RFC 3611): metrics of what each side receives, and round trips.
	ExtendedReports bool
	// ReducedSize offers or accepts RTCP packets that do not begin with a report (RFC 5506).
	ReducedSize bool
	// Direction is what we want to do; Unspecified means sendrecv. An answer narrows it to what the offer allows.
	Direction Direction
	// PacketTime is what we wish to receive and what we send if the peer has no wish; 0 means 20 ms.
	PacketTime time.Duration
	// MaxPacketTime is written as a=maxptime; 0 omits it.
	MaxPacketTime time.Duration
	// Opus tells the peer what our receiver likes (RFC 7587, section 6.1).
	Opus OpusParameters
	// LevelExtension accepts the client-to-mixer audio level (RFC 6464); in an offer it is the identifier, 1 to 14. 0
	// does without.
	LevelExtension uint8
	// MixerLevelExtension is the same for mixer-to-client levels (RFC 6465), which only we send.
	MixerLevelExtension uint8
	// Label is a=label. An answer without one repeats that of the offer.
	Label string
	// Content is a=content.
	Content string
	// Record is the recording indication of this stream; RecordUnspecified leaves it to Local.Record.
	Record Record
}

// OpusParameters are the parameters of Opus (RFC 7587, section 6.1). Zero values are the defaults of the RFC. In a
// description of the peer they say what he wants to receive.
type OpusParameters struct {
	// MaxPlaybackRate in Hz; 0 means not given, 48000.
	MaxPlaybackRate int
	// MaxCaptureRate is sprop-maxcapturerate in Hz; 0 means not given.
	MaxCaptureRate int
	// MaxAverageBitrate in bit/s; 0 means not given. Values outside 6000 to 510000 are not read.
	MaxAverageBitrate int
	Stereo            bool
	SpropStereo       bool
	CBR               bool
	FEC               bool
	DTX               bool
}
