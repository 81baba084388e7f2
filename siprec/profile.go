package siprec

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Updates says how much a metadata update repeats.
type Updates uint8

// The kinds of updates.
const (
	PartialUpdates       Updates = iota // only what changed (RFC 7865, section 5)
	SelfContainedUpdates                // partial, with everything it refers to
	CompleteUpdates                     // a full snapshot each time
)

// Method is the request that carries metadata when the SDP does not change.
type Method uint8

// The methods for metadata-only changes.
const (
	ByUpdate   Method = iota // UPDATE, re-INVITE where the recorder does not allow it
	ByReInvite               // always re-INVITE with the offer in it
)

// PauseMedia says what a recorder gets while recording is paused.
type PauseMedia uint8

// The ways to pause.
const (
	PauseInactive PauseMedia = iota // a=inactive and no packets (RFC 7866, section 7.1.1.1)
	PauseSilence                    // a=sendonly and silence, for recorders that lose time otherwise
)

// StreamLayout is the set of streams a recorder expects; whoever fills [Desire] obeys.
type StreamLayout uint8

// The stream layouts.
const (
	LayoutAny      StreamLayout = iota // what the conference is configured for
	LayoutSeparate                     // one stream for each participant
	LayoutMixed                        // one mixed stream
	LayoutPair                         // exactly two streams
)

// Profile is the dialect of one recorder. The zero Profile, completed by
// [Profile.Normalize], is RFC behaviour.
type Profile struct {
	Name              string
	MetadataType      string // Content-Type of metadata; empty: [MetadataType]
	Namespace         string // XML namespace; empty: [Namespace]
	Updates           Updates
	MetadataBy        Method
	Layout            StreamLayout
	MaxStreams        int            // m-lines with a port at one time; 0: no limit
	Codecs            []codecs.Codec // in order of preference; empty: PCMA, PCMU
	PacketTime        time.Duration  // 0: 20 ms
	MinInterval       time.Duration  // between two requests of ours, but for pause, resume, stop and snapshots; 0: 150 ms
	AVPF              bool           // offer RTP/AVPF, falling back to RTP/AVP on 488
	Pause             PauseMedia
	Headers           []Header // extra headers of every request, e.g. Call-Info
	OmitRequire       bool     // no Require: siprec, for a gateway that answers 420
	SDPDisposition    bool     // Content-Disposition: session;handling=required on the SDP part
	OmitFocus         bool     // leave the focus out of the participants
	DropEmptyStreams  bool     // leave out a participantstreamassoc without send and recv
	BriefRecv         bool     // one element of ours in the place of a recv for each stream, for who receives all but his own: small documents of large separate recordings
	LenientAnswer     bool     // take an answer with fewer m-lines than offered
	SendonlyIsReady   bool     // take sendonly in an answer for recvonly
	MetadataInBye     bool     // a complete document without labels in the BYE, too (RFC 8068, section 3.2.4)
	FirstLabel        int      // labels count up from here; 0: 1
	AppendOnly        bool     // never reuse the m-line of a stream that was removed
	FallbackMixed     bool     // one mixed stream when separate ones are refused (RFC 7866, section 8.3.1); whoever fills [Desire] obeys
	Events            bool     // offer telephone-event beside the audio (RFC 4733); whoever sends the media chooses between events and tones
	OmitSeal          bool     // no seal in the BYE, and no announcement of it in the metadata
	Continuous        bool     // packets of silence also to who takes comfort noise
	CRLF              bool     // lines of metadata end in CRLF, for a recorder that makes CRLF of every LF and then counts octets
	AlwaysMultipart   bool     // wrap metadata-only requests in multipart/mixed as well
	ExtensionElements []Extension
}

// Header is one SIP or MIME header field.
type Header struct {
	Name  string
	Value string
}
