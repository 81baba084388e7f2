package ice

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA1 is what RFC 8445 has
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// Parts of a STUN message (RFC 8489, section 5).
const (
	headerSize  = 20
	cookie      = 0x2112A442
	transaction = 12
)

// Types of messages: the method Binding in its classes (RFC 8489, section 5).
const (
	typeRequest    = 0x0001
	typeIndication = 0x0011
	typeSuccess    = 0x0101
	typeError      = 0x0111
)

// Attributes (RFC 8489, section 18.3; RFC 8445, section 16.1). Those below 0x8000 must be understood.
const (
	attrUsername       = 0x0006
	attrIntegrity      = 0x0008
	attrErrorCode      = 0x0009
	attrUnknown        = 0x000A
	attrXORMapped      = 0x0020
	attrPriority       = 0x0024
	attrUseCandidate   = 0x0025
	attrFingerprint    = 0x8028
	attrControlled     = 0x8029
	attrControlling    = 0x802A
	firstOptional      = 0x8000
	integritySize      = sha1.Size
	fingerprintXOR     = 0x5354554E
	wholeFingerprint   = 8
	wholeIntegrity     = 4 + integritySize
	mostUnknownAnswers = 8
)

// IsMessage tells STUN from what else comes to a port: by its first octet (RFC 7983, section 7) and the cookie.
func IsMessage(datagram []byte) bool {
	return len(datagram) >= headerSize && datagram[0] < 4 && binary.BigEndian.Uint32(datagram[4:]) == cookie
}

// message is a STUN message that was read. Its slices are parts of the datagram.
type message struct {
	kind        uint16
	transaction []byte
	username    []byte
	priority    uint32
	nominates   bool // USE-CANDIDATE
	controlled  bool // the sender says that we are to control
	unknown     []uint16
	covered     []byte // what the integrity is about, nil: there is none
	integrity   []byte
	fingerprint bool // it has one, and it is right
}

// parse reads a message. False: it is none, or has a wrong fingerprint.
func parse(datagram []byte) (message, bool) {
	if !IsMessage(datagram) {
		return message{}, false
	}
	size := int(binary.BigEndian.Uint16(datagram[2:]))
	if size%4 != 0 || headerSize+size != len(datagram) {
		return message{}, false
	}
	m := message{kind: binary.BigEndian.Uint16(datagram), transaction: datagram[8:headerSize]}
	for at := headerSize; at < len(datagram); {
		if len(datagram)-at < 4 {
			return message{}, false
		}
		name, length := binary.BigEndian.Uint16(datagram[at:]), int(binary.BigEndian.Uint16(datagram[at+2:]))
		end := at + 4 + length
		if end > len(datagram) || m.fingerprint { // which is the last (RFC 8489, section 14.7)
			return message{}, false
		}
		if m.covered == nil || name == attrFingerprint { // all else behind the integrity is ignored (section 14.5)
			if !m.take(datagram, at, name, datagram[at+4:end]) {
				return message{}, false
			}
		}
		at = end + (4-length%4)%4
	}
	return m, true
}

// take reads one attribute that begins at an offset.
func (m *message) take(datagram []byte, at int, name uint16, value []byte) bool {
	switch name {
	case attrUsername:
		m.username = value
	case attrIntegrity:
		m.covered, m.integrity = datagram[:at], value
		return len(value) == integritySize
	case attrPriority:
		if len(value) != 4 {
			return false
		}
		m.priority = binary.BigEndian.Uint32(value)
	case attrUseCandidate:
		m.nominates = true
	case attrControlled:
		m.controlled = true
	case attrControlling:
	case attrFingerprint:
		m.fingerprint = len(value) == 4 && binary.BigEndian.Uint32(value) == fingerprintOf(datagram[:at])
		return m.fingerprint
	default:
		if name < firstOptional && len(m.unknown) < mostUnknownAnswers {
			m.unknown = append(m.unknown, name)
		}
	}
	return true
}

// proves tells whether the message is of somebody with the password.
func (m *message) proves(password string) bool {
	return m.covered != nil && hmac.Equal(m.integrity, integrityOf(m.covered, password))
}

// integrityOf is the HMAC over what stands before it, with the length of a message that ends with it (RFC 8489, section 14.5).
func integrityOf(covered []byte, password string) []byte {
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write(withLength(covered, len(covered)+wholeIntegrity-headerSize))
	return mac.Sum(nil)
}

// fingerprintOf is the check sum of what stands before it, which has its final length (RFC 8489, section 14.7).
func fingerprintOf(covered []byte) uint32 {
	return crc32.ChecksumIEEE(withLength(covered, len(covered)+wholeFingerprint-headerSize)) ^ fingerprintXOR
}

// withLength is a copy of a message with another length in its header.
func withLength(octets []byte, length int) []byte {
	out := bytes.Clone(octets)
	binary.BigEndian.PutUint16(out[2:], uint16(length))
	return out
}

// newMessage begins a message.
func newMessage(kind uint16, transactionID []byte) []byte {
	out := make([]byte, headerSize, 128)
	binary.BigEndian.PutUint16(out, kind)
	binary.BigEndian.PutUint32(out[4:], cookie)
	copy(out[8:], transactionID)
	return out
}

// add appends an attribute.
func add(m []byte, name uint16, value []byte) []byte {
	m = binary.BigEndian.AppendUint16(m, name)
	m = binary.BigEndian.AppendUint16(m, uint16(len(value)))
	m = append(m, value...)
	return append(m, make([]byte, (4-len(value)%4)%4)...)
}

// addMapped appends where the message came from (RFC 8489, section 14.2).
func addMapped(m []byte, from netip.AddrPort) []byte {
	ip := from.Addr().Unmap()
	value := []byte{0, 1}
	if ip.Is6() {
		value[1] = 2
	}
	value = binary.BigEndian.AppendUint16(value, from.Port()^uint16(cookie>>16))
	octets := ip.AsSlice()
	for i := range octets {
		octets[i] ^= m[4+i] // cookie and transaction
	}
	return add(m, attrXORMapped, append(value, octets...))
}

// addError appends why a request is refused (RFC 8489, section 14.8).
func addError(m []byte, code int, reason string) []byte {
	return add(m, attrErrorCode, append([]byte{0, 0, byte(code / 100), byte(code % 100)}, reason...))
}

// seal appends the integrity, if there is a password, and the fingerprint, and sets the length.
func seal(m []byte, password string) []byte {
	if password != "" {
		m = add(m, attrIntegrity, integrityOf(m, password))
	}
	m = add(m, attrFingerprint, binary.BigEndian.AppendUint32(nil, fingerprintOf(m)))
	binary.BigEndian.PutUint16(m[2:], uint16(len(m)-headerSize))
	return m
}
