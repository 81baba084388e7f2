package focus

import (
	"fmt"
	"path"
	"strings"

	"github.com/parley-sip/parley/internal/sipua"
)

// ReferFrom says who may ask the focus by REFER (RFC 4579, section 6).
type ReferFrom uint8

const (
	// ReferModerators may ask, and everybody for what concerns himself.
	ReferModerators ReferFrom = iota
	// ReferParticipants may ask: whoever is in the conference.
	ReferParticipants
	// ReferAnyone may ask who may call.
	ReferAnyone
	// ReferNobody may ask.
	ReferNobody
)

// ReferPolicy says what the focus does for those who ask by REFER, and by a list of recipients (RFC 5366). The zero value calls nobody
// out: what a caller can have a bridge dial, a fraud can as well.
type ReferPolicy struct {
	// From is who may ask.
	From ReferFrom
	// Targets are patterns of "user@host", with * for anything but a slash and ? for one character, without regard to case, that may be
	// called out. Empty: none.
	Targets []string
}

// Validate reports a pattern that is none; the error is ErrInvalid.
func (p ReferPolicy) Validate() error {
	for _, pattern := range p.Targets {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%w: pattern %q", ErrInvalid, pattern)
		}
	}
	return nil
}

// admits reports whether a target may be called out.
func (p ReferPolicy) admits(target sipua.URI) bool {
	address := strings.ToLower(target.UserPart() + "@" + target.Host)
	for _, pattern := range p.Targets {
		if ok, _ := path.Match(strings.ToLower(pattern), address); ok {
			return true
		}
	}
	return false
}
