package sdp

import "strings"

// Attributes of how RTCP is used.
const (
	extendedAttribute    = "rtcp-xr"    // RFC 3611, section 5.1
	reducedSizeAttribute = "rtcp-rsize" // RFC 5506, section 5
)

// RoundTrip says who reports of extended reports, so that both ends know the round trip (RFC 3611, section 5.1).
type RoundTrip uint8

// Who answers reference times.
const (
	RoundTripNone    RoundTrip = iota
	RoundTripSenders           // who sends media
	RoundTripAll               // everybody
)

// ExtendedReports are the blocks that have been agreed on (RFC 3611, section 5).
type ExtendedReports struct {
	// VoIP tells that the peer wants the metrics of what it sends us.
	VoIP bool
	// RoundTrip tells that both sides send reference times, and who answers them.
	RoundTrip RoundTrip
}

// parseExtended reads the value of a=rtcp-xr; blocks that are not ours are left out. A limit of 0 octets forbids a block.
func parseExtended(value string) ExtendedReports {
	var e ExtendedReports
	for block := range strings.FieldsSeq(value) {
		name, parameter, _ := strings.Cut(block, "=")
		mode, limit, limited := strings.Cut(parameter, ":")
		switch {
		case strings.EqualFold(name, "voip-metrics"):
			e.VoIP = true
		case !strings.EqualFold(name, "rcvr-rtt") || limited && strings.Trim(limit, "0") == "":
		case strings.EqualFold(mode, "all"):
			e.RoundTrip = RoundTripAll
		case strings.EqualFold(mode, "sender"):
			e.RoundTrip = RoundTripSenders
		}
	}
	return e
}

// String is the value of a=rtcp-xr.
func (e ExtendedReports) String() string {
	var blocks []string
	switch e.RoundTrip {
	case RoundTripAll:
		blocks = append(blocks, "rcvr-rtt=all")
	case RoundTripSenders:
		blocks = append(blocks, "rcvr-rtt=sender")
	case RoundTripNone:
	}
	if e.VoIP {
		blocks = append(blocks, "voip-metrics")
	}
	return strings.Join(blocks, " ")
}

// extendedOf are the blocks that the description asks for in m= line i, at media level or for all (RFC 3611, section 5.1).
func (d *Description) extendedOf(i int) ExtendedReports {
	for _, lines := range [][]Attribute{d.Media[i].Attributes, d.Attributes} {
		if found := values(lines, extendedAttribute); len(found) > 0 {
			return parseExtended(strings.Join(found, " "))
		}
	}
	return ExtendedReports{}
}

// reduces tells whether the stream of m= line i takes reports of reduced size, which only profiles with feedback may have
// (RFC 5506, section 4.1).
func (d *Description) reduces(i int) bool {
	m := &d.Media[i]
	return strings.HasSuffix(strings.ToUpper(m.Proto), "AVPF") && len(m.Values(reducedSizeAttribute)) > 0
}

// offerReports writes what we want of RTCP into an offer.
func (s *LocalStream) offerReports(media *Media) {
	if s.ExtendedReports {
		media.addReports(ExtendedReports{VoIP: true, RoundTrip: RoundTripAll})
	}
	if s.ReducedSize {
		media.Attributes = append(media.Attributes, Attribute{Name: reducedSizeAttribute})
	}
}

// answerReports answers what the offer says of RTCP. What each side wants to hear is its own affair; round trips need both
// (RFC 3611, section 5.2), and so do reports of reduced size (RFC 5506, section 5).
func (s *Stream) answerReports(offer *Description, ours *LocalStream, media *Media) {
	if wanted := offer.extendedOf(s.Index); ours.ExtendedReports && wanted != (ExtendedReports{}) {
		s.Extended = wanted
		media.addReports(ExtendedReports{VoIP: true, RoundTrip: wanted.RoundTrip})
	}
	if s.ReducedSize = ours.ReducedSize && offer.reduces(s.Index); s.ReducedSize {
		media.Attributes = append(media.Attributes, Attribute{Name: reducedSizeAttribute})
	}
}

// acceptReports reads the answer to offerReports.
func (s *Stream) acceptReports(offer, answer *Description) {
	if ours := offer.extendedOf(s.Index); ours != (ExtendedReports{}) {
		s.Extended = answer.extendedOf(s.Index)
		s.Extended.RoundTrip = min(s.Extended.RoundTrip, ours.RoundTrip)
	}
	s.ReducedSize = offer.reduces(s.Index) && answer.reduces(s.Index)
}

func (m *Media) addReports(e ExtendedReports) {
	m.Attributes = append(m.Attributes, Attribute{Name: extendedAttribute, Value: e.String()})
}
