package siprec

import (
	"net/netip"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// An Action is something the owner of a [Client] has to do: [Invite], [ReInvite],
// [Update], [Cancel], [Bye], [AnswerPeer], [StartMedia], [StopMedia], [Report],
// [Alarm] or [WakeAt]. Actions are done in their order.
type Action interface{ action() }

// Invite starts the recording session. The Contact carries the [FeatureTag] outside the
// angle brackets (RFC 7866, section 6.1.1).
type Invite struct{ Message }

// ReInvite changes it.
type ReInvite struct{ Message }

// Update carries metadata alone.
type Update struct{ Message }

// Cancel gives up the open Invite. Its outcome is still wanted as [Answered].
type Cancel struct{}

// Bye ends the dialog. No event answers it.
type Bye struct{ Message }

// AnswerPeer is the response to a [PeerOffer].
type AnswerPeer struct {
	Status int
	Message
}

// Message is the part of a request or response that the client decides.
type Message struct {
	Exchange    uint32   // to be repeated in the event that tells the outcome; 0: none is wanted
	Headers     []Header // Require, Accept, Date, Reason and those of the profile
	ContentType string   // empty: no body
	Disposition string   // Content-Disposition of the message; empty: none
	Body        []byte
}

// StartMedia says that the recorder takes a stream: send it from now on. It is repeated
// when an answer changes something, with the new values.
type StartMedia struct {
	Key         string
	Label       string
	Remote      netip.AddrPort
	RemoteRTCP  netip.AddrPort
	PayloadType uint8
	Format      codecs.Format
	Stereo      bool            // payloads of Opus may have two channels
	Silence     bool            // send silence: the stream is paused by [PauseSilence]
	Protection  *sdp.Protection // keys of SRTP and SRTCP; nil: plain RTP, or DTLS
	DTLS        *sdp.DTLS       // the handshake that makes them; nil: none
	Certificate sdp.Fingerprint // ours in that handshake
	// Events are the telephone events that it takes as EventPayloadType, at the clock rate of the codec (RFC 4733); empty: none.
	Events           sdp.EventSet
	EventPayloadType uint8
	// ComfortNoise tells that it takes comfort noise as ComfortNoisePayloadType: what is nothing but the codec's silence need not be sent (RFC 3389).
	ComfortNoise            bool
	ComfortNoisePayloadType uint8
	// Text is what was agreed about a stream of real-time text, in the place of PayloadType and Format; nil: it is audio.
	Text *sdp.Text
}

// Equal tells whether nothing would change.
func (a *StartMedia) Equal(other *StartMedia) bool {
	x, y := *a, *other
	x.Protection, y.Protection, x.Text, y.Text, x.DTLS, y.DTLS = nil, nil, nil, nil, nil, nil
	switch p, q := a.Protection, other.Protection; {
	case (a.DTLS == nil) != (other.DTLS == nil), a.DTLS != nil && (a.DTLS.Setup != other.DTLS.Setup || !slices.Equal(a.DTLS.Peer, other.DTLS.Peer)):
		return false
	case x != y || (p == nil) != (q == nil) || (a.Text == nil) != (other.Text == nil):
		return false
	case a.Text != nil && *a.Text != *other.Text:
		return false
	default:
		return p == nil || p.Local.Equal(q.Local) && p.Remote.Equal(q.Remote)
	}
}

// StopMedia says that a stream must not be sent any more. It stands before the request
// that tells the recorder (RFC 7866, section 7.1.1.1).
type StopMedia struct {
	Key     string
	Removed bool // the stream is gone: its port may be released
}

// State is the acknowledged state of a recording session.
type State uint8

// The states.
const (
	StateIdle       State = iota // nothing asked for yet
	StateConnecting              // no dialog yet
	StateRecording               // the recorder takes at least one stream
	StatePaused                  // a dialog, and no stream flows: paused by us or by the recorder
	StateFailed                  // no dialog; see Report.Retry
	StateStopped                 // ended as asked; final
)

// String returns the word of the control interface.
func (s State) String() string {
	switch s {
	case StateIdle:
		return "idle"
	case StateConnecting:
		return "connecting"
	case StateRecording:
		return "recording"
	case StatePaused:
		return "paused"
	case StateFailed:
		return "failed"
	case StateStopped:
		return "stopped"
	default:
		return "invalid"
	}
}

// Report tells a change of the acknowledged state.
type Report struct {
	State   State
	Session ID // the communication session
	Reason  string
	Retry   bool // of StateFailed: the client will try again by itself
}

// AlarmKind classifies an [Alarm].
type AlarmKind uint8

// The kinds of alarms.
const (
	AlarmRefused        AlarmKind = iota // the recorder refused to begin; Status tells how
	AlarmNotRecorder                     // 420: what answers there is no recorder, no retry
	AlarmUpdateRefused                   // a change was refused, the old state stays
	AlarmBadAnswer                       // a 2xx with no usable SDP answer
	AlarmStreamsRefused                  // the recorder takes fewer streams than offered
	AlarmStreamsDropped                  // more streams wanted than the profile allows
	AlarmLost                            // the dialog was lost: timeout, 481, transport
	AlarmEnded                           // the recorder ended the dialog
	AlarmSilent                          // it sends no receiver reports any more
	AlarmUnprotected                     // it takes no SRTP, and gets plain RTP
	AlarmTextRefused                     // it takes no real-time text, and gets the rest
	AlarmUnkeyed                         // no keys were made with it, or it is another than its description says
)

// String returns a stable name for logs and metrics.
func (k AlarmKind) String() string {
	switch k {
	case AlarmRefused:
		return "refused"
	case AlarmNotRecorder:
		return "not-a-recorder"
	case AlarmUpdateRefused:
		return "update-refused"
	case AlarmBadAnswer:
		return "bad-answer"
	case AlarmStreamsRefused:
		return "streams-refused"
	case AlarmStreamsDropped:
		return "streams-dropped"
	case AlarmLost:
		return "lost"
	case AlarmEnded:
		return "ended"
	case AlarmSilent:
		return "silent"
	case AlarmUnprotected:
		return "unprotected"
	case AlarmTextRefused:
		return "text-refused"
	case AlarmUnkeyed:
		return "unkeyed"
	default:
		return "invalid"
	}
}

// Alarm is something an operator has to know.
type Alarm struct {
	Kind   AlarmKind
	Status int // SIP status, 0: none
	Detail string
}

// WakeAt asks for a [Tick] at a time; it replaces the one before. Zero: none is needed.
type WakeAt struct{ Time time.Time }

func (Invite) action()     {}
func (ReInvite) action()   {}
func (Update) action()     {}
func (Cancel) action()     {}
func (Bye) action()        {}
func (AnswerPeer) action() {}
func (StartMedia) action() {}
func (StopMedia) action()  {}
func (Report) action()     {}
func (Alarm) action()      {}
func (WakeAt) action()     {}
