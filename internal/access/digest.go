package access

import (
	"crypto/subtle"
	"net/netip"
	"slices"
	"strings"

	"github.com/icholy/digest"

	"github.com/parley-sip/parley/internal/sipua"
)

// challenge is a 401 with a challenge for each algorithm.
func (g *Gate) challenge(r *rules, source netip.Addr, stale bool) *sipua.Response {
	nonce := g.nonces.issue(source)
	response := sipua.NewResponse(401)
	for _, algorithm := range r.Algorithms {
		given := digest.Challenge{Realm: r.Realm, Nonce: nonce, Algorithm: algorithm, QOP: []string{"auth"}, Stale: stale}
		response.WithHeader("WWW-Authenticate", given.String())
	}
	return response
}

// authenticate checks credentials, or asks for them (RFC 3261, section 22.1).
func (g *Gate) authenticate(r *rules, request *sipua.Request, source netip.Addr) (sipua.Caller, Verdict) {
	given := credentialsFor(request.Headers, r.Realm)
	if given == nil {
		return sipua.Caller{}, Verdict{Refusal: g.challenge(r, source, false), Reason: "no credentials"}
	}
	issued, ours := g.nonces.issued(given.Nonce, source)
	if !ours {
		// Of the time before we were started, or of an address that has changed since.
		return sipua.Caller{}, Verdict{Refusal: g.challenge(r, source, true), Reason: "the nonce is not ours"}
	}
	user, right := r.check(given, request)
	if !right {
		verdict := Verdict{Refusal: g.challenge(r, source, false), Reason: "wrong credentials", Attempt: true}
		if verdict.Banned = g.bans.failed(source, r); verdict.Banned {
			verdict.Refusal = sipua.NewResponse(403)
		}
		return sipua.Caller{}, verdict
	}
	if !g.nonces.take(given.Nonce, given.Nc, issued, r.NonceLife) {
		return sipua.Caller{}, Verdict{Refusal: g.challenge(r, source, true), Reason: "the nonce is used up"}
	}
	g.bans.good(source)
	return r.userCaller(user, request), Verdict{}
}

// credentialsFor finds those for a realm.
func credentialsFor(headers sipua.Headers, realm string) *digest.Credentials {
	for _, value := range headers.Values("Authorization") {
		if given, err := digest.ParseCredentials(value); err == nil && given.Realm == realm {
			return given
		}
	}
	return nil
}

// check compares an answer with the right one. It takes as long for a user who
// does not exist.
func (r *rules) check(given *digest.Credentials, request *sipua.Request) (User, bool) {
	user, exists := r.users[given.Username]
	algorithm := strings.ToUpper(given.Algorithm)
	if algorithm == "" {
		algorithm = "MD5"
	}
	right, err := digest.Digest(
		&digest.Challenge{Realm: r.Realm, Nonce: given.Nonce, Algorithm: algorithm, QOP: []string{"auth"}},
		digest.Options{
			Method: request.Method, URI: given.URI, Count: given.Nc, Cnonce: given.Cnonce, Username: given.Username, Password: user.Password,
		})
	if err != nil || given.QOP != "auth" || given.Cnonce == "" || !slices.Contains(r.Algorithms, algorithm) {
		return User{}, false
	}
	same := subtle.ConstantTimeCompare([]byte(strings.ToLower(given.Response)), []byte(right.Response)) == 1
	return user, same && exists && sameTarget(given.URI, request.URI)
}

// sameTarget keeps an answer for one conference from opening another one. The rest
// of the URI may have been changed by proxies (RFC 3261, section 22.4), and some
// user agents leave the user part out.
func sameTarget(given string, target sipua.URI) bool {
	uri, err := sipua.ParseURI(given)
	return err == nil && (uri.UserPart() == "" || uri.UserPart() == target.UserPart())
}

// userCaller is a caller whose password was right. From is believed as far as it
// names the account; a phone may not call itself something else.
func (r *rules) userCaller(user User, request *sipua.Request) sipua.Caller {
	identity := request.From.WithTag("")
	if identity.URI.UserPart() != user.Name {
		host := r.Domain
		if host == "" {
			host = request.URI.Host
		}
		if host == "" { // of a tel URI
			host = request.Local.Addr().Unmap().String()
		}
		identity = sipua.Address{Name: identity.Name, URI: sipua.URI{Scheme: "sip", User: sipua.EscapeUser(user.Name), Host: host}}
	}
	return sipua.Caller{User: user.Name, Roles: user.Roles, Identity: identity, Private: sipua.WantsPrivacy(request.Headers)}
}
