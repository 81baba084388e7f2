package sdp

import (
	"net/netip"
	"time"
)

// Description is one session description (RFC 8866, section 5). The zero value is not valid on the wire: it needs
// an origin. Two descriptions that are written alike are equal by reflect.DeepEqual.
type Description struct {
	// Origin is the o= line.
	Origin Origin
	// Name is the s= line; "-" stands for none (RFC 8866, section 5.3).
	Name string
	// Connection is the session-level c= line. It is absent when each stream has its own.
	Connection Connection
	// Bandwidth are the session-level b= lines with a known type.
	Bandwidth []Bandwidth
	// Times are the t= lines; a call has one, 0 0. An answer repeats those of the offer (RFC 3264, section 6).
	Times []Time
	// Direction holds for each stream that has none of its own.
	Direction Direction
	// Record is the recording indication for each stream that has none of its own (RFC 7866, section 7.1.2).
	Record Record
	// RecordPreference is the wish for each stream that has none of its own (RFC 7866, section 7.1.3).
	RecordPreference RecordPreference
	// Attributes are all other session-level a= lines, in their order.
	Attributes []Attribute
	// Media are the m= lines with what belongs to them, in their order. Offer and answer are matched by position.
	Media []Media
}

// Origin is the o= line (RFC 8866, section 5.2). Session with Username and Address names the session; Version grows
// by one with each change of the description (RFC 3264, section 8).
type Origin struct {
	// Username is a word; "-" stands for none.
	Username string
	// Session is the session identifier. A peer's identifier that is no 64-bit number is folded to one, so it can be
	// compared but not printed as it was.
	Session uint64
	// Version is the version of the description, folded like Session.
	Version uint64
	// Address is the address or the host name of the originator.
	Address string
	// IPv6 tells the address type, IP6 instead of IP4.
	IPv6 bool
}

// Connection is a c= line (RFC 8866, section 5.7). The zero value means that there is none.
type Connection struct {
	// Address is the address in the line, invalid if the line has a host name.
	Address netip.Addr
	// Host is the host name in the line, empty if it has an address.
	Host string
	// Scope is what follows the first slash of a multicast address: time to live, number of addresses.
	Scope string
	// IPv6 tells the address type of a host name, IP6 instead of IP4.
	IPv6 bool
}

// Bandwidth is a b= line (RFC 8866, section 5.8).
type Bandwidth struct {
	// Type is CT, AS, TIAS, RS or RR.
	Type string
	// Value is in kbit/s for CT and AS, in bit/s for TIAS (RFC 3890), RS and RR (RFC 3556).
	Value uint64
}

// Time is a t= line in seconds since 1900 (RFC 8866, section 5.9); a call has 0 0.
type Time struct {
	Start, Stop uint64
}

// Attribute is an a= line that this package does not model; a property attribute has no value.
type Attribute struct {
	Name, Value string
}

// Media is one m= line and the lines that belong to it (RFC 8866, section 5.14).
type Media struct {
	// Kind is the media type: audio, video, text, application, message, image or whatever the peer wrote.
	Kind string
	// Port is the transport port; 0 means rejected, removed or disabled (RFC 3264, sections 6 and 8.2).
	Port uint16
	// Ports is the number of consecutive streams, 0 if not written.
	Ports int
	// Proto is the transport, such as RTP/AVP.
	Proto string
	// PayloadTypes are the formats of an RTP transport in order of preference.
	PayloadTypes []PayloadType
	// Formats are the formats of any other transport, as they are written.
	Formats []string
	// Connection is the media-level c= line.
	Connection Connection
	// Bandwidth are the media-level b= lines with a known type.
	Bandwidth []Bandwidth
	// Direction is Unspecified if the stream has none; see [Description.DirectionOf].
	Direction Direction
	// PacketTime is a=ptime, 0 if absent. A whole number of milliseconds.
	PacketTime time.Duration
	// MaxPacketTime is a=maxptime, 0 if absent. A whole number of milliseconds.
	MaxPacketTime time.Duration
	// RTCP is a=rtcp (RFC 3605).
	RTCP RTCP
	// Mux tells a=rtcp-mux (RFC 5761).
	Mux bool
	// Label is a=label (RFC 4574), the key between a recorded stream and its metadata (RFC 7866, section 7.1.1).
	Label string
	// Content is a=content (RFC 4796), a list with commas.
	Content string
	// Record is a=record; see [Description.RecordOf].
	Record Record
	// RecordPreference is a=recordpref; see [Description.RecordPreferenceOf].
	RecordPreference RecordPreference
	// Extensions are the a=extmap lines (RFC 8285).
	Extensions []Extension
	// Attributes are all other a= lines in their order, keys for SRTP and candidates among them.
	Attributes []Attribute
}

// PayloadType is one format of an RTP stream with its a=rtpmap and a=fmtp. A static payload type without a=rtpmap
// has the name, clock rate and channels of RFC 3551, section 6.
type PayloadType struct {
	// Number is the RTP payload type, 0 to 127.
	Number uint8
	// Name is the encoding name, empty if nothing tells it. Compared without case.
	Name string
	// ClockRate is the RTP clock rate in Hz.
	ClockRate int
	// Channels is 1 if the description tells nothing.
	Channels int
	// Parameters is the value of a=fmtp without the payload type.
	Parameters string
}

// RTCP is an a=rtcp line (RFC 3605). Port 0 means that there is none.
type RTCP struct {
	Port uint16
	// Address is invalid if RTCP goes to the address of the stream.
	Address netip.Addr
}

// Extension is an a=extmap line (RFC 8285, section 8).
type Extension struct {
	ID uint16
	// Direction is Unspecified if the line has none.
	Direction Direction
	URI       string
	// Parameters is what follows the URI, such as "vad=on" (RFC 6464, section 4).
	Parameters string
}
