package sdp

import (
	"strings"
)

// Fingerprint is an a=fingerprint line (RFC 8122, section 5): the hash of a certificate. It is comparable.
type Fingerprint struct {
	// Hash is the name of the hash function in lower case.
	Hash string
	// Value are the octets, in hexadecimal digits of upper case with colons between them.
	Value string
}

// Setup is who begins a handshake (RFC 4145, section 4).
type Setup uint8

// Setups. The zero value says nothing.
const (
	SetupUnspecified Setup = iota
	SetupActive
	SetupPassive
	SetupActPass
	SetupHold
)

// String is the value on the wire, empty for SetupUnspecified.
func (s Setup) String() string { return setups[s&7] }

//nolint:gochecknoglobals // table
var setups = [8]string{SetupActive: "active", SetupPassive: "passive", SetupActPass: "actpass", SetupHold: "holdconn"}

// LocalDTLS is our end of DTLS-SRTP (RFC 5763).
type LocalDTLS struct {
	// Fingerprint is that of our certificate; the zero value: streams are not protected that way. It stays the same as long as the
	// association does.
	Fingerprint Fingerprint
	// Setup is the part that we play in the association there is, active or passive; unspecified before there is one.
	Setup Setup
}

// DTLS is what was agreed about a handshake.
type DTLS struct {
	// Peer are fingerprints of the peer's certificate, any of which proves it.
	Peer []Fingerprint
	// Setup is our part: active, who begins, or passive.
	Setup Setup
}

const (
	protoDTLS            = "UDP/TLS/RTP/SAVP"
	protoDTLSFeedback    = "UDP/TLS/RTP/SAVPF"
	fingerprintAttribute = "fingerprint"
	setupAttribute       = "setup"
)

// isDTLS tells the transports of SRTP whose keys are made by a handshake (RFC 5764, section 8).
func (m *Media) isDTLS() bool {
	return strings.EqualFold(m.Proto, protoDTLS) || strings.EqualFold(m.Proto, protoDTLSFeedback)
}

// isSecureRTP tells the transports of SRTP.
func (m *Media) isSecureRTP() bool { return m.isProtectedRTP() || m.isDTLS() }

// attributeOf is the first value of an attribute of m= line i, or of the session.
func (d *Description) attributeOf(i int, name string) string {
	if own := values(d.Media[i].Attributes, name); len(own) > 0 {
		return strings.TrimSpace(own[0])
	}
	if all := values(d.Attributes, name); len(all) > 0 {
		return strings.TrimSpace(all[0])
	}
	return ""
}

// Fingerprints are those of m= line i, else those of the session, that can be checked.
func (d Description) Fingerprints(i int) []Fingerprint {
	lines := values(d.Media[i].Attributes, fingerprintAttribute)
	if len(lines) == 0 {
		lines = values(d.Attributes, fingerprintAttribute)
	}
	var all []Fingerprint
	for _, line := range lines {
		if f, ok := parseFingerprint(line); ok {
			all = append(all, f)
		}
	}
	return all
}

// parseFingerprint reads "sha-256 4A:AD:…". False: the hash is unknown or too weak, or the value has another length.
func parseFingerprint(line string) (Fingerprint, bool) {
	name, value := cutWord(line)
	f := Fingerprint{Hash: strings.ToLower(name), Value: strings.ToUpper(value)}
	octets := map[string]int{"sha-256": 32, "sha-384": 48, "sha-512": 64}[f.Hash]
	if octets == 0 || len(f.Value) != 3*octets-1 {
		return Fingerprint{}, false
	}
	for i, r := range f.Value {
		if colon := i%3 == 2; colon != (r == ':') || !colon && !strings.ContainsRune("0123456789ABCDEF", r) {
			return Fingerprint{}, false
		}
	}
	return f, true
}

// setup is what m= line i says about who begins.
func (d *Description) setup(i int) Setup {
	text := d.attributeOf(i, setupAttribute)
	for s, name := range setups {
		if name != "" && strings.EqualFold(name, text) {
			return Setup(s)
		}
	}
	return SetupUnspecified
}

// handshake is what an offered line and ours agree on, nil: nothing.
func (s *LocalStream) handshake(offer *Description, i int) *DTLS {
	peer := offer.Fingerprints(i)
	if s.DTLS.Fingerprint == (Fingerprint{}) || len(peer) == 0 {
		return nil
	}
	agreed := &DTLS{Peer: peer}
	switch offer.setup(i) {
	case SetupActPass:
		agreed.Setup = SetupActive // spares a round trip (RFC 5763, section 5)
		if s.DTLS.Setup == SetupPassive {
			agreed.Setup = SetupPassive // parts are not exchanged in an association that goes on (RFC 8842, section 5.4)
		}
	case SetupPassive:
		agreed.Setup = SetupActive
	case SetupActive, SetupUnspecified: // which is what is offered without it (RFC 4145, section 4)
		agreed.Setup = SetupPassive
	case SetupHold:
		return nil
	}
	return agreed
}

// handshakeAnswered is what the answer to an offer of ours agrees on, nil: nothing.
func handshakeAnswered(answer *Description, i int) *DTLS {
	agreed := &DTLS{Peer: answer.Fingerprints(i)}
	switch answer.setup(i) {
	case SetupActive:
		agreed.Setup = SetupPassive
	case SetupPassive, SetupUnspecified: // who does not say that it begins does not
		agreed.Setup = SetupActive
	case SetupActPass, SetupHold: // no answer
		return nil
	}
	if len(agreed.Peer) == 0 {
		return nil
	}
	return agreed
}

// addHandshake writes our end of a handshake.
func (m *Media) addHandshake(f Fingerprint, setup Setup) {
	m.Attributes = append(m.Attributes,
		Attribute{Name: setupAttribute, Value: setup.String()}, Attribute{Name: fingerprintAttribute, Value: f.Hash + " " + f.Value})
}

// offersHandshake tells whether a line of ours has a fingerprint.
func (m *Media) offersHandshake() bool { return len(values(m.Attributes, fingerprintAttribute)) > 0 }
