package sipua

import "strings"

// Caller is who sent a request, as far as that is known. The Agent does not find
// out: whoever admits requests sets Request.Caller for those behind.
type Caller struct {
	// User is the account whose password was right; "": none.
	User string
	// Roles are those of the account or the trunk.
	Roles []string
	// Trunk is the name of the peer that sent the request for somebody else.
	Trunk string
	// Identity is who calls; Asserted tells that a trusted trunk says so (RFC
	// 3325).
	Identity Address
	Asserted bool
	// Private tells that the identity must not be shown to others (RFC 3323).
	Private bool
	// Answers are those to challenges of a trunk to what we send in the dialogs
	// that it begins; nil: none are given.
	Answers *Credentials
}

// WantsPrivacy tells whether a caller's identity is to be kept from others (RFC
// 3323, section 4.2; RFC 3325, section 9.3).
func WantsPrivacy(headers Headers) bool {
	for _, value := range headers.List("Privacy") {
		for word := range strings.SplitSeq(value, ";") {
			switch strings.ToLower(strings.TrimSpace(word)) {
			case "id", "user", "header":
				return true
			}
		}
	}
	return false
}

// EscapeUser makes the user part of a URI from any text (RFC 3261, section 25.1).
func EscapeUser(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if isLetter(c) || c >= '0' && c <= '9' || strings.IndexByte("-_.!~*'()&=+$,;?/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
