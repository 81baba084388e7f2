package sdp

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-sip/parley/internal/srtp"
)

// Security says whether a stream of ours may, or must, be protected by keys in the description (RFC 4568).
type Security uint8

// Kinds of security. An offer is protected if it must be, or if the stream was before; an answer follows the offer.
const (
	SecurityNone Security = iota
	SecurityOptional
	SecurityRequired
)

// Crypto is an a=crypto line (RFC 4568, section 9.1) that can be used: one key of a known suite, and no session parameter
// that would have to be obeyed.
type Crypto struct {
	Tag int
	Key srtp.Key
}

// Protection are the keys of a stream: what we send with and what the peer does.
type Protection struct {
	Local, Remote srtp.Key
}

const (
	cryptoAttribute = "crypto"
	protoSAVP       = "RTP/SAVP"
	protoSAVPF      = "RTP/SAVPF"
	maxTagDigits    = 9
	maxMKILength    = 128
)

// isProtectedRTP tells the transports of SRTP whose keys are in the description.
func (m *Media) isProtectedRTP() bool {
	return strings.EqualFold(m.Proto, protoSAVP) || strings.EqualFold(m.Proto, protoSAVPF)
}

// parseCrypto reads "1 AES_CM_128_HMAC_SHA1_80 inline:key|2^20|1:4 parameters". False means that the line cannot be used and
// another one may (RFC 4568, section 6): an unknown suite, a key of wrong length, several keys, a parameter that is unknown or
// would weaken the stream.
func parseCrypto(value string) (Crypto, bool) {
	fields := strings.Fields(value)
	if len(fields) < 3 || len(fields[0]) > maxTagDigits || len(fields[0]) > 1 && fields[0][0] == '0' {
		return Crypto{}, false
	}
	tag, err := strconv.ParseUint(fields[0], 10, 31)
	method, info, ok := strings.Cut(fields[2], ":")
	if err != nil || !ok || !strings.EqualFold(method, "inline") {
		return Crypto{}, false
	}
	for _, parameter := range fields[3:] { // what begins with a minus may be ignored (section 6.3.7)
		if !strings.HasPrefix(parameter, "-") && !harmless(parameter) {
			return Crypto{}, false
		}
	}
	key, ok := parseInline(info)
	for suite := srtp.AEADAES256GCM; suite <= srtp.AESCM128HMACSHA132; suite++ {
		if strings.EqualFold(fields[1], suite.String()) {
			key.Suite = suite
		}
	}
	return Crypto{Tag: int(tag), Key: key}, ok && key.Validate() == nil
}

// harmless tells the session parameters that ask nothing of us: the hint about window sizes (RFC 4568, section 6.3.6), and a key
// derivation rate of 0, which is what there is without it. UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP and UNAUTHENTICATED_SRTP are never agreed
// to; FEC does not exist here.
func harmless(parameter string) bool {
	name, value, _ := strings.Cut(parameter, "=")
	size, err := strconv.Atoi(value)
	return strings.EqualFold(name, "WSH") && err == nil && size >= 64 // the least it may be
}

// parseInline reads what follows "inline:" (RFC 4568, section 6.1).
func parseInline(info string) (srtp.Key, bool) {
	parts := strings.Split(info, "|")
	secret, err := base64.StdEncoding.DecodeString(parts[0])
	if err != nil {
		secret, err = base64.RawStdEncoding.DecodeString(parts[0]) // some leave the padding out
	}
	key := srtp.Key{Secret: secret}
	rest := parts[1:]
	ok := err == nil
	if len(rest) > 0 && !strings.Contains(rest[0], ":") {
		key.Lifetime, ok = parseLifetime(rest[0])
		rest = rest[1:]
	}
	if ok && len(rest) > 0 {
		key.MKI, ok = parseMKI(rest[0])
		rest = rest[1:]
	}
	return key, ok && len(rest) == 0
}

// parseLifetime reads "2^20" or a decimal number of packets.
func parseLifetime(text string) (uint64, bool) {
	if power, ok := strings.CutPrefix(text, "2^"); ok {
		n, err := strconv.ParseUint(power, 10, 6)
		return 1 << n, err == nil && n <= 48
	}
	n, err := strconv.ParseUint(text, 10, 63)
	return n, err == nil && n > 0 && n <= 1<<48
}

// parseMKI reads "value:length", the length in octets.
func parseMKI(text string) ([]byte, bool) {
	value, length, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(value, 10, 64)
	size, err2 := strconv.ParseUint(length, 10, 8)
	if err != nil || err2 != nil || size == 0 || size > maxMKILength || size < 8 && n>>(8*size) != 0 {
		return nil, false
	}
	octets := make([]byte, max(size, 8))
	binary.BigEndian.PutUint64(octets[len(octets)-8:], n)
	return octets[uint64(len(octets))-size:], true
}

// attribute is the line for a key of ours, which has neither lifetime nor identifier.
func (c Crypto) attribute() Attribute {
	return Attribute{
		Name:  cryptoAttribute,
		Value: fmt.Sprintf("%d %s inline:%s", c.Tag, c.Key.Suite, base64.StdEncoding.EncodeToString(c.Key.Secret)),
	}
}

// cryptos are the lines of a stream that can be used, in their order.
func (m *Media) cryptos() []Crypto {
	var all []Crypto
	for _, a := range m.Attributes {
		if !strings.EqualFold(a.Name, cryptoAttribute) {
			continue
		}
		if c, ok := parseCrypto(a.Value); ok {
			all = append(all, c)
		}
	}
	return all
}

// choose answers the first offered line that we have a key for (RFC 4568, section 5.1.2).
func (s *LocalStream) choose(offered *Media) (Crypto, Protection, bool) {
	for _, theirs := range offered.cryptos() {
		for _, ours := range s.Keys {
			if ours.Suite == theirs.Key.Suite && string(ours.Secret) != string(theirs.Key.Secret) {
				return Crypto{Tag: theirs.Tag, Key: ours}, Protection{Local: ours, Remote: theirs.Key}, true
			}
		}
	}
	return Crypto{}, Protection{}, false
}

// agreed takes the line of an answer. It must be one, of the tag and suite of a line of ours (RFC 4568, section 5.1.3).
func agreed(offered, answered *Media) (*Protection, bool) {
	lines := 0
	for _, a := range answered.Attributes {
		if strings.EqualFold(a.Name, cryptoAttribute) {
			lines++
		}
	}
	theirs := answered.cryptos()
	if lines != 1 || len(theirs) != 1 {
		return nil, false
	}
	for _, ours := range offered.cryptos() {
		if ours.Tag == theirs[0].Tag && ours.Key.Suite == theirs[0].Key.Suite && string(ours.Key.Secret) != string(theirs[0].Key.Secret) {
			return &Protection{Local: ours.Key, Remote: theirs[0].Key}, true
		}
	}
	return nil, false
}
