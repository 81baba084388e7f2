package mixer

import "github.com/parley-sip/parley/codecs"

// Input is where the audio of a member comes from: a leg's jitter buffer and decoder, or a source of tones or announcements.
type Input interface {
	// Ingest writes the frame that is due, decoded, at its own rate of 8, 16 or 48 kHz, or of 44.1 kHz if it is [Rated], and describes it. It is called exactly
	// once per tick of 20 ms, by one worker at a time, also while the member is muted. dst has room for
	// [codecs.MaxFrameSamples]. It must not block, and should not allocate. A frame with the flag Silent need not be written.
	Ingest(dst []int16) codecs.Frame
}

// Rated may be implemented by an Input whose frames have only some of the rates, so that nothing is made ready for the others.
type Rated interface {
	// Rates returns the sample rates in Hz of the frames that may come until the next [Mix.Apply], which calls it. A frame of another
	// rate is lost where it would have to be resampled.
	Rates() []int
}

// Encoded may be implemented by an Input whose frames come encoded. It is asked for members with [Member.Verbatim].
type Encoded interface {
	// Encoded returns the payload of which the last frame was decoded, all of it and nothing else, and its codec; nil if there is no
	// such payload. It is valid until the next Receive or Ingest. It may be called by several workers at a time.
	Encoded() (codecs.Codec, []byte)
}

// Receiver may be implemented by an Input that asks the system for what has come. Receive does that, and nothing else, before Ingest: the
// system calls of several members are made one after the other, so that the processor has the code of the system at hand, and then that of
// the mixer. Ingest works without it as well.
//
// The room is where a packet may be put, until Ingest: [PacketRoom] octets that members use in turn, so that they stay in the near caches.
// The calls are those of [Config.Calls], or nil: where they are left, they are made before Ingest.
type Receiver interface {
	Receive(room []byte, calls Calls)
}

// Calls is where several members leave their system calls, which Submit makes all at once. It is the name of an interface that others may write
// out who do not know this package. If it has a method Close, that is called when it is no longer used.
type Calls = interface{ Submit() }

// PacketRoom is how many octets members are lent for a packet: an Ethernet frame, and some more.
const PacketRoom = 2048

// InputPrefetcher may be implemented by an Input with much memory of its own.
type InputPrefetcher interface {
	// PrefetchIngest asks for the memory that Ingest is going to use (package prefetch), some members before its turn: first, near being
	// false, for that of the value itself, then, one member before its turn, for what that refers to. It must not wait for anything.
	PrefetchIngest(near bool)
}

// Output is where a member's mix goes to.
type Output interface {
	// Emit takes one encoded payload. It is called by one worker at a time, in the order of the audio. The packet and all that
	// it points to are valid only during the call. It must not block, and should not allocate. A packet without payload has
	// nothing to send but advances the timestamp (DTX, or ticks that were missed). A CSRC of 0 stands for the output's own
	// SSRC: an announcement of the mixer itself (RFC 3550, section 7.1).
	Emit(p *codecs.Packet)
}

// Sourced may be implemented by an Output that knows which SSRC it sends with: it is then told from the sources of others when it comes back
// in their CSRC lists.
type Sourced interface {
	SSRC() uint32
}

// Sender may be implemented by an Output that hands its packets to the system. Prepare is Emit up to there; Send, soon after, does what
// is left, for several members one after the other; see [Receiver], also for the room, which is the output's until Send, and, if the call
// was left with the calls, until these are made.
type Sender interface {
	Prepare(p *codecs.Packet, room []byte)
	Send(calls Calls)
}

// OutputPrefetcher may be implemented by an Output with much memory of its own: it asks for what Emit is going to use, some members before
// its turn: first for its own state, then, near, for what that refers to.
type OutputPrefetcher interface {
	PrefetchEmit(near bool)
}

// MemberID identifies a member. It is unique within a [Mix] and chosen by the caller.
type MemberID uint32

// MaxGainDB bounds the gains of a [Member] upwards and, negated and tripled, downwards.
const MaxGainDB = 24

// Member is one party of a mix. Who has no In only listens: a recorder is a member without In that hears Everyone, or Only one
// other for a stream of its own. Who has no Out only speaks: a prompt, a tone, an announcement.
type Member struct {
	// ID of the member.
	ID MemberID
	// In may be nil: the member only listens.
	In Input
	// Out may be nil: the member only speaks. It is then not counted among [MixConfig.MaxSpeakers], and always heard.
	Out Output
	// Format of what Out is given. Not looked at without Out.
	Format codecs.Format
	// Speaks is false for who is muted: In is still called for its frames, whose levels are known, but they are never mixed.
	Speaks bool
	// Hears says what goes to Out.
	Hears Hearing
	// Audience names the only members that may hear this one. Nil: all may. Identifiers that are not in the layout are ignored.
	Audience []MemberID
	// Keyless: Out is given nothing of frames in which somebody may have pressed a key ([codecs.Keys]).
	Keyless bool
	// AsSent: Out is given nothing that was made up for gaps ([Sound.Gaps]). So is who is Keyless, or hears Only some.
	AsSent bool
	// Verbatim: while only one member is heard, and nothing changes its sound, Out is given its payloads as they came, if their codec is
	// that of Format and In is [Encoded].
	Verbatim bool
	// Stereo: payloads of Opus of two channels are passed on as well. What is encoded has one.
	Stereo bool
	// Sound is what is done to what In yields before it is mixed.
	Sound Sound
	// Priority: it is always mixed, and takes one of the places of [MixConfig.MaxSpeakers] while it speaks.
	Priority bool
	// GainDB is applied to what In yields, OutGainDB to what Out is given. At 0 the samples are left as they are.
	GainDB, OutGainDB float64
}

// HearingMode says where a member's [Hearing] begins.
type HearingMode uint8

// The modes. Nobody is the zero value, so that who is forgotten hears nothing.
const (
	// Nobody is heard: packets with silence are sent.
	Nobody HearingMode = iota
	// Everyone is heard.
	Everyone
	// Only those that are listed are heard.
	Only
)

// String returns the name of the mode in lower case.
func (h HearingMode) String() string {
	switch h {
	case Nobody:
		return "nobody"
	case Everyone:
		return "everyone"
	case Only:
		return "only"
	default:
		return "unknown"
	}
}

// Hearing says whom a member hears. Whatever it asks for, nobody hears itself, nor somebody whose Audience it is not in.
type Hearing struct {
	// Mode is where it begins.
	Mode HearingMode
	// Only lists who is heard in the mode [Only]. Identifiers that are not in the layout are ignored. Of those listed each
	// active one is heard, also when MaxSpeakers keeps it out of the mix: a recording of one member is complete.
	Only []MemberID
	// Except lists who is not heard, in any mode.
	Except []MemberID
	// Background lists who, of those that are heard, is heard with BackgroundDB, 0 or less and no less than -3 times [MaxGainDB]. The gain
	// moves there, and back when somebody is no longer listed, within a quarter of a second.
	Background []MemberID
	// BackgroundDB is the gain in dB.
	BackgroundDB float64
}

// Layout is a whole mix as it shall be: there are no partial changes.
type Layout struct {
	// Members in any order.
	Members []Member
	// Applied is the channel that Apply returns, and closes when the layout is in effect; nil: one is made. A caller who gathers changes has given
	// it to others already.
	Applied chan struct{}
}
