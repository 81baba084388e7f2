package siprec

import (
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// An Event is something that happened to a recording session: [Desire], [Answered],
// [TimedOut], [TransportFailed], [PeerOffer], [PeerAck], [Unkeyed], [SnapshotRequested],
// [PeerBye], [Retry] or [Tick].
type Event interface{ event() }

// Desire is what the conference wants recorded from now on. Each Desire replaces the
// one before.
type Desire struct {
	Streams []StreamWish // in the order of the m-lines
	Roster  Roster       // its Streams are ignored: the client knows labels
	Others  []Roster     // further communication sessions in the recording session (RFC 7866, section 5.1), sidebars for example
	Late    []Sender     // who is in streams, feeds them no more, or has left, and stands in no document that was acknowledged as who did
	Paused  bool         // the whole recording
	Stopped bool         // end the recording session; final
}

// StreamWish is one stream that shall be recorded.
type StreamWish struct {
	Key     string // stable name, e.g. participant and medium; owns its label for good
	ID      ID     // stream_id, stable per key
	Session ID     // one of Others that it is of; empty: that of Roster
	// Sessions are those that are mixed into a stream that is of none (RFC 6341, REQ-008); nil: it is of Session.
	Sessions    []ID
	Participant ID     // whose audio or text it is; empty: mixed
	Members     []ID   // as in [RosterStream]
	Senders     []ID   // as in [RosterStream]
	Port        uint16 // our RTP port at Config.Address; RTCP on the next one
	Paused      bool   // only this stream (masking)
	// Rest: nobody feeds it any more, and what was captured before is still on its way. Its participant may have left.
	Rest bool
	// Text makes it one of real-time text (RFC 4103): a recorder that takes none gets the rest without it.
	Text bool
	// Prefer is offered first, if it is among the codecs: the audio need not be encoded again then. None: as the profile has it.
	Prefer codecs.Codec
	// Stereo: the audio comes as Opus of two channels, which can be passed on to a recorder that wants them (RFC 7587, section 6.1).
	Stereo bool
}

// Answered is the final response to the request of the client that is open.
type Answered struct {
	Exchange    uint32 // of the request; 0: the open one
	Status      int
	Reason      string // reason phrase
	ContentType string
	Body        []byte
	RetryAfter  time.Duration // Retry-After; 0: none
	Allow       []string      // methods of Allow; nil: no such header
	Accept      []string      // types of Accept, of a 415
}

// TimedOut says that the open request of the client got no final response.
type TimedOut struct {
	Exchange uint32 // of the request; 0: the open one
}

// TransportFailed says that the open request could not be sent, or that the dialog was
// lost with its connection.
type TransportFailed struct {
	Exchange uint32 // of the request; 0: the open one, or the dialog
	Reason   string
}

// PeerOffer is a re-INVITE or UPDATE from the recorder, with whatever body it has.
type PeerOffer struct {
	Method      string // INVITE or UPDATE
	ContentType string
	Disposition string // Content-Disposition of the message
	Body        []byte
}

// PeerAck is the ACK to a 2xx in which the client had made an offer.
type PeerAck struct {
	ContentType string
	Body        []byte
}

// Unkeyed says that the handshake of a stream has failed: nothing that is sent in it could be read, or not by whom it is for.
type Unkeyed struct {
	Key         string
	Certificate sdp.Fingerprint // of the [StartMedia] that it began with
	Reason      string
}

// SnapshotRequested says that the recorder asked for a full snapshot and its request
// has been answered (RFC 7866, section 9.2). A [PeerOffer] with a snapshot request in
// its body has the same effect and is answered by the client.
type SnapshotRequested struct{}

// PeerBye says that the recorder ended the dialog.
type PeerBye struct{ Reason string }

// Retry asks a failed session to try again at once, whatever made it fail.
type Retry struct{}

// Tick says that the time of the last [WakeAt] has come. A Tick too many is harmless.
type Tick struct{}

func (Desire) event()            {}
func (Answered) event()          {}
func (TimedOut) event()          {}
func (TransportFailed) event()   {}
func (PeerOffer) event()         {}
func (PeerAck) event()           {}
func (Unkeyed) event()           {}
func (SnapshotRequested) event() {}
func (PeerBye) event()           {}
func (Retry) event()             {}
func (Tick) event()              {}
