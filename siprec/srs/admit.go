package srs

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// admit decides whether an INVITE is for a recording session: the Contact must have
// the feature tag of a recording client and the request the option tag (RFC 7866,
// section 6.2). It returns the refusal, nil for none.
func (c *Config) admit(request *sipua.Request) *sipua.Response {
	source := request.Source.Addr().Unmap()
	allowed := len(c.Allow) == 0 || slices.ContainsFunc(c.Allow, func(p netip.Prefix) bool { return p.Contains(source) })
	required := request.Headers.Contains("Require", siprec.OptionTag)
	supported := required || request.Headers.Contains("Supported", siprec.OptionTag)
	switch {
	case !allowed:
		return sipua.NewResponse(403)
	case required && !isClient(request):
		return sipua.NewResponse(420).WithHeader("Unsupported", siprec.OptionTag)
	case !supported || !isClient(request):
		return warned(403, "not a recording session")
	}

	return nil
}

// isClient looks for +sip.src as a parameter of Contact. Clients in the field also use
// the name of the drafts, and put it inside of the angle brackets.
func isClient(request *sipua.Request) bool {
	contact, ok := request.Contact()
	if !ok {
		return false
	}
	for _, params := range []sipua.Params{contact.Params, contact.URI.Params} {
		if params.Has(siprec.FeatureTag) || params.Has("src") {
			return true
		}
	}

	return false
}

// warned makes a response that says in words what is wrong (RFC 3261, section 20.43).
func warned(status int, text string) *sipua.Response {
	return sipua.NewResponse(status).WithHeader("Warning", `399 srs "`+strings.NewReplacer(`"`, "'", `\`, "/").Replace(text)+`"`)
}

// retryAfter is when a client that was refused may ask again.
const retryAfter = 10 * time.Second

// unavailable is the response of a recorder that cannot take a session now; another may.
func unavailable(why string) *sipua.Response {
	return warned(503, why).WithHeader("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
}

// userPart is the user of a SIP or tel URI.
func userPart(aor string) string {
	uri, err := sipua.ParseURI(aor)
	switch {
	case err != nil:
		return aor
	case uri.IsSIP() && uri.User != "":
		return uri.UserPart()
	case uri.IsSIP():
		return uri.Host
	}

	return uri.Opaque
}
