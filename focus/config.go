package focus

import (
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec"
)

// Config is what a Focus starts from. The zero value of a field means its default.
type Config struct {
	// Domain is the host part of conference URIs, with a port if need be; empty: the agent's own address.
	Domain string
	// Address is what c= of our descriptions says; invalid: the local address of each media session.
	Address netip.Addr
	// Security says whether media of participants may or must be SRTP.
	Security sdp.Security
	// Keying says how SRTP gets its keys, beside keys in descriptions.
	Keying Keying
	// KeysInClear lets keys of SRTP into signalling that everybody on the way can read (RFC 4568, section 3 asks for more).
	KeysInClear bool
	// AllowInsecure lets recordings be less protected than the calls they are of, where a recorder has no SRTP or is called without
	// TLS (RFC 7866, section 12). Otherwise such a recorder is not used.
	AllowInsecure bool
	// Codecs in order of preference; empty: Opus, G722, PCMU, PCMA.
	Codecs []codecs.Codec
	// OpusBitrate in bit/s and OpusComplexity 0 to 10 of what is sent to participants; 0: the codec's defaults.
	OpusBitrate, OpusComplexity int
	// OpusDTX leaves out packets in silence toward those who have asked for that (RFC 7587, section 3.1.3).
	OpusDTX bool
	// HideLevels agrees on no header extensions with the levels of audio (RFC 6464, RFC 6465), which are not encrypted where the audio is.
	HideLevels bool
	// ComfortNoise sends comfort noise instead of silence to those with G.711 who take it (RFC 3389).
	ComfortNoise bool
	// ExtendedReports says where RTCP extended reports are agreed on: metrics of the voice that each side receives, and round trips (RFC 3611).
	ExtendedReports Use
	// Redundancy says where it is agreed on that packets carry earlier ones again (RFC 2198); they do when their receiver reports loss.
	Redundancy Use
	// Dynamic lets any dialled user part create its conference, after the pattern Defaults.
	Dynamic bool
	// Defaults is the pattern of dynamic conferences; its ID is ignored.
	Defaults ConferenceConfig
	// Conferences that always exist.
	Conferences []ConferenceConfig
	// RecordingRules go before the policies of conferences: the first that is about somebody who joins counts.
	RecordingRules []RecordingRule
	// Recorders that may be asked to record.
	Recorders []Recorder
	// RecorderCalling gives the name of the recorder that a request comes from, if it may begin to record by itself; empty: it may not. It is
	// called by many goroutines and must not block. Nil: nobody may (RFC 7866, section 6.1.1).
	RecorderCalling func(*sipua.Request) string
	// Hold is how much audio of each recorded stream is kept for recording servers that have not answered yet, or have to be
	// replaced; 5 s. Negative: nothing is kept.
	Hold time.Duration
	// Encode makes every recorded stream be encoded. Otherwise the payloads of a participant are passed on as they came while the recorder
	// takes his codec and nothing is changed in his sound.
	Encode bool
	// Deliver is how often the spool is looked at for what can be delivered; 2 s.
	Deliver time.Duration
	// Notification tells how participants learn that they are recorded.
	Notification Notification
	// Door limits the entry of PINs and numbers; its PINs are those of each conference.
	Door conference.DoorConfig
	// Access are the numbers at which callers enter that of a conference.
	Access []AccessNumber
	// Menu is what participants can choose by keys; the choices are those of Choices.
	Menu conference.MenuConfig
	// Guessed is told where a wrong PIN came from, or the number of no conference; it reports whether that source is now ignored
	// altogether. Nil: nobody wants to know.
	Guessed func(source netip.Addr) (banned bool)
	// Way tells how a target is called that somebody has named: what to call, and by which trunk, if by any. It returns an
	// error that wraps ErrForbidden for what nobody may have called, since it could cost money. Nil: everything is called
	// as it is. The target's display and the roster keep its own name.
	Way func(target sipua.URI) (sipua.URI, *sipua.Trunk, error)
	// MayEnter tells whether a caller may enter a conference that is not the one he has called; nil: whoever is let in may enter all.
	MayEnter func(id conference.ID, request *sipua.Request) bool
	// Factory is the user part of the conference factory URI (RFC 4579, section 3.2); empty: there is none.
	Factory string
	// FactoryLasts says when the conferences end that are made there.
	FactoryLasts Lasting
	// Refer says who may have the focus call somebody out by SIP.
	Refer ReferPolicy
	// Replace says whose place a call may take.
	Replace ReplacePolicy
	// DialTimeout ends a call that nobody answers; 60 s.
	DialTimeout time.Duration
	// Ring is how long a caller hears that it rings before he is answered; 0: he is answered at once.
	Ring time.Duration
	// MediaTimeout is after how long without media and reports a participant that should send is asked in its dialog whether it
	// is there; 0: never.
	MediaTimeout time.Duration
	// NotifyInterval is the shortest time between two NOTIFYs of a subscription (RFC 4575, section 3.9); 5 s.
	NotifyInterval time.Duration
	// NotifyRate is how many NOTIFYs in a second all subscribers together get about changes; what is more is spread over the time
	// that follows. 1000.
	NotifyRate int
	Limits     Limits
}

// Limits bound what the focus takes on; 0: no limit, but for Subscriptions and Events.
type Limits struct {
	Conferences   int // at once
	Creations     int // by one caller at the factory, in a minute
	Participants  int // at once, in all conferences
	Subscriptions int // at once, of one conference; 1000
	// SubscriptionsPerSource is how many one address may have at once, of all conferences; 0: no limit. Trunks have none.
	SubscriptionsPerSource int
	Events                 int // kept for those who resume; 4096
}

// ConferenceConfig describes one conference.
type ConferenceConfig struct {
	ID              conference.ID // user part of the URI
	Name            string
	MaxParticipants int // 0: no limit
	MaxSpeakers     int // heard at once, moderators always among them; 0: everybody
	Locked          bool
	MutedOnEntry    bool
	Opens, Closes   time.Time     // between which participants are let in (480 before, 404 after), and at the end of which it ends; zero: always, never
	PIN             PIN           // who calls in has to enter it; empty: nobody
	ModeratorPIN    PIN           // makes who enters it a moderator
	Grace           time.Duration // how long it lives on when it is empty; only of dynamic ones
	// Audio is what is done to what each participant says, before it is mixed; recordings of single participants hold what came in.
	Audio mixer.Sound
	// PassDTMF passes key presses on to the other participants.
	PassDTMF bool
	// LookAhead lets the limiters see what comes 2.5 ms later, and delays all outputs by that.
	LookAhead bool
	// Rules say who waits, who is heard, and when the conference ends by itself.
	Rules conference.Rules
	// Warnings are given so long before the end by Rules.MaxDuration.
	Warnings []time.Duration
	// Calls is whom the conference calls by itself.
	Calls CallList
	// Music is heard by those who wait or are held, and by who is alone; nil: they hear silence.
	Music *Sound
	// NoMusicAlone keeps the music from who is alone.
	NoMusicAlone bool
	// Quiet tells participants nothing by prompts of what others do with them: that they wait, are let in, are muted.
	Quiet bool
	// Goodbye is heard when the conference ends by its rules or by End; nil: tones.
	Goodbye *Sound
	About   About        // what conference events say of it beside its roster
	Roster  RosterPolicy // who is told of its roster, and what
	// Recording is the policy. Without Servers it is the first of Config.Recorders.
	Recording conference.RecordingConfig
}

// PIN is a number that hides itself from logs.
type PIN string

// String says only whether there is one.
func (p PIN) String() string {
	if p == "" {
		return ""
	}
	return "[pin]"
}

// GoString hides it from %#v.
func (p PIN) GoString() string { return p.String() }

// LogValue hides it from logs.
func (p PIN) LogValue() slog.Value { return slog.StringValue(p.String()) }

// pinPattern is what can be entered at a telephone, and not be guessed at once.
var pinPattern = regexp.MustCompile(`^[0-9]{4,32}$`)

// checkPINs refuses PINs that nobody could enter. The error does not show them.
func (c *ConferenceConfig) checkPINs() error {
	for _, pin := range []PIN{c.PIN, c.ModeratorPIN} {
		if pin != "" && !pinPattern.MatchString(string(pin)) {
			return fmt.Errorf("%w: a PIN of conference %q is not of 4 to 32 digits", ErrInvalid, c.ID)
		}
	}
	if c.PIN != "" && c.PIN == c.ModeratorPIN {
		return fmt.Errorf("%w: both PINs of conference %q are the same", ErrInvalid, c.ID)
	}
	return nil
}

// Recorder is a Session Recording Server (RFC 7866).
type Recorder struct {
	Name    string
	URI     string // such as "sip:srs@10.0.0.9:5060;transport=tcp"
	Codecs  []codecs.Codec
	Profile siprec.Profile     // its dialect; the zero value is the RFC
	Retry   siprec.RetryPolicy // of a lost session
	// Priority: servers with lower numbers are preferred. Weight is its share when recordings are balanced; 0 means 1.
	Priority, Weight int
	Group            string     // policies and requests may name it instead of its members; empty: none
	Data             RecordData // what it is told beside the metadata of RFC 7865
	Account          Account    // for its challenges; the zero value answers none
	// Redirects are the hosts, as patterns with *, to which it may redirect the INVITE of a session (RFC 3261, section 21.3). Empty: to none.
	Redirects []string
	Probe     Probe
	Health    siprec.HealthConfig
	// Persistent is how many streams are held in a session that is kept up while nothing is recorded, and that all recordings with this server are
	// in (RFC 7866, section 10). 0: a session for each recording.
	Persistent int
	// Merge puts the mixed streams of all conferences into one line of that session (RFC 6341, REQ-008), and their sessions into one group. No
	// other server takes over what is merged.
	Merge bool
	// Security says whether it gets SRTP: not, if it takes it, or nothing else. Keys go only where signalling is TLS, unless
	// Config.KeysInClear. Where calls may be protected, SecurityOptional means SecurityRequired, unless Config.AllowInsecure.
	Security sdp.Security
	// DTLS has the keys made by a handshake (DTLS-SRTP, RFC 5763) where keys in the description would be read by everybody; PreferDTLS always.
	// A server with a persistent session gets none.
	DTLS, PreferDTLS bool
}

// Probe says how a server is asked whether it is there, by OPTIONS.
type Probe struct {
	Interval time.Duration // 0: it is not asked
	Timeout  time.Duration // 0: 1 s
}

// Notification tells how participants without record-aware user agents learn of a recording (RFC 7866, section 6.1.2).
// Silent recording does not exist: a zero value gives the defaults.
type Notification struct {
	ToneInterval  time.Duration // between two tones; 15 s
	ToneLength    time.Duration // 400 ms
	ToneFrequency int           // hertz; 1400
	Timeout       time.Duration // for a record-aware user agent to answer before it gets the tone too; 4 s
	// Announce says it in words, too, to everybody: at the start, and to who enters while a recording goes on. What he says is recorded
	// when he has heard it to its end.
	Announce bool
}

// ConferenceChange changes settings; nil fields stay.
type ConferenceChange struct {
	Name                 *string
	Locked, MutedOnEntry *bool
	MaxParticipants      *int
	Rules                conference.RulesChange
}

// ParticipantChange changes what the focus does with a participant; nil fields stay.
type ParticipantChange struct {
	// Muted: the others do not hear it. Deafened: it hears nobody. Held: both. It is the mixer that does so; the user agent is
	// not sent an offer, and gets silence.
	Muted, Deafened, Held *bool
	// Unrecorded: the others hear it, recordings do not hold what it says. Masked: the same for a while, after which it is told again; its
	// stream goes on meanwhile, with silence or a tone.
	Unrecorded, Masked *bool
	GainDB             *float64 // of what it says, -60 to +20
	// ListenGainDB is that of what it hears, in the same limits.
	ListenGainDB *float64
	Role         *conference.Role
	DisplayName  *string
	// Coaching is who alone hears the participant, who goes on to hear the conference; empty: everybody hears it again.
	Coaching *conference.ParticipantID
	// Waiting false lets it in, true sends it back to the door.
	Waiting *bool
	// Marked: the others need not wait when it is there.
	Marked *bool
	// Hand: it wants to speak. Floor: it is heard in lecture mode.
	Hand, Floor *bool
}

// RecordingRequest asks for a recording; zero fields mean what the conference is configured for.
type RecordingRequest struct {
	Modes   conference.Mode
	Servers []string // names of Recorders, or of groups of them
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	if len(c.Codecs) == 0 {
		c.Codecs = []codecs.Codec{codecs.Opus, codecs.G722, codecs.PCMU, codecs.PCMA}
	}
	orDefault(&c.DialTimeout, 60*time.Second)
	orDefault(&c.Hold, 5*time.Second)
	orDefault(&c.NotifyInterval, 5*time.Second)
	orDefault(&c.Limits.Subscriptions, 1000)
	orDefault(&c.NotifyRate, 1000)
	orDefault(&c.Limits.Events, 4096)
	orDefault(&c.Notification.ToneInterval, 15*time.Second)
	orDefault(&c.Notification.ToneLength, 400*time.Millisecond)
	orDefault(&c.Notification.ToneFrequency, 1400)
	orDefault(&c.Notification.Timeout, 4*time.Second)
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
