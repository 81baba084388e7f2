package siprec

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// uuidSize is the number of octets of a UUID.
const uuidSize = 16

// ID is the identifier of a group, session, participant or stream as it stands in the
// document: a UUID in base64, 24 characters (RFC 7865, section 6.10). What a foreign
// recorder or client sends is kept as it came. The empty ID is no identifier.
type ID string

// NewID returns the ID of a UUID.
func NewID(uuid [uuidSize]byte) ID {
	return ID(base64.StdEncoding.EncodeToString(uuid[:]))
}

// ParseID reads an ID in the form of the documents (24 characters of base64), or a UUID
// in its usual text form, with or without "urn:uuid:". Blanks are ignored as base64
// allows (RFC 7865, section 9). Version and variant are not checked: the sample of
// RFC 7865, section 8.1 has none that fit. The error is [ErrID].
func ParseID(text string) (ID, error) {
	text = strings.Join(strings.Fields(text), "")
	if octets, err := base64.StdEncoding.Strict().DecodeString(text); err == nil && len(octets) == uuidSize {
		return ID(text), nil
	}
	plain := strings.ToLower(text)
	plain = strings.TrimPrefix(plain, "urn:uuid:")
	if len(plain) == 36 && plain[8] == '-' && plain[13] == '-' && plain[18] == '-' && plain[23] == '-' {
		octets, err := hex.DecodeString(strings.ReplaceAll(plain, "-", ""))
		if err == nil && len(octets) == uuidSize {
			return NewID([uuidSize]byte(octets)), nil
		}
	}
	return "", fmt.Errorf("%w: %d characters", ErrID, len(text))
}

// UUID returns the octets behind the ID, and whether it is one in the form of the
// documents.
func (id ID) UUID() (uuid [uuidSize]byte, ok bool) {
	octets, err := base64.StdEncoding.Strict().DecodeString(string(id))
	if err != nil || len(octets) != uuidSize {
		return uuid, false
	}
	return [uuidSize]byte(octets), true
}

// Text returns the usual text form of the UUID (RFC 9562, section 4), or the ID as it
// is when it is none.
func (id ID) Text() string {
	uuid, ok := id.UUID()
	if !ok {
		return string(id)
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", uuid[0:4], uuid[4:6], uuid[6:8], uuid[8:10], uuid[10:])
}
