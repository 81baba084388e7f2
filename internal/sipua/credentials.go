package sipua

import (
	"slices"
	"strings"
	"sync"

	"github.com/icholy/digest"
)

// Credentials answer challenges (RFC 3261, section 22; RFC 8760). They remember
// the last one of each realm, so that further requests need no second attempt. One
// value is for one peer; it is safe for concurrent use.
type Credentials struct {
	// Username and Password are the account.
	Username, Password string
	// Realm is the only one that is answered. Default: every realm of the peer.
	Realm string

	mu       sync.Mutex
	sessions map[string]*challenge // by field and realm
}

// challenge is one that was answered.
type challenge struct {
	field string // of our answer: Authorization or Proxy-Authorization
	given *digest.Challenge
	count int
}

// strongest are the algorithms that we know, best first (RFC 8760, section 2.4).
//
//nolint:gochecknoglobals // a table
var strongest = []string{"SHA-512-256", "SHA-256", "MD5"}

func rankOf(algorithm string) int {
	if algorithm == "" {
		algorithm = "MD5"
	}
	return slices.IndexFunc(strongest, func(s string) bool { return strings.EqualFold(s, algorithm) })
}

// learn takes the challenges of a 401 or 407: of each realm the strongest one. It
// returns false when there is none that can be answered, or when the answer
// that was sent was wrong and not only old.
func (c *Credentials) learn(response *Response, sent Headers) bool {
	field, answer := "WWW-Authenticate", "Authorization"
	if response.Status == 407 {
		field, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	best := map[string]*digest.Challenge{}
	for _, value := range response.Headers.Values(field) {
		given, err := digest.ParseChallenge(value)
		if err != nil || rankOf(given.Algorithm) < 0 || c.Realm != "" && given.Realm != c.Realm {
			continue
		}
		if len(given.QOP) > 0 && !slices.Contains(given.QOP, "auth") {
			continue // auth-int alone
		}
		if known := best[given.Realm]; known == nil || rankOf(given.Algorithm) < rankOf(known.Algorithm) {
			best[given.Realm] = given
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	usable := false
	for realm, given := range best {
		key := answer + " " + realm
		if !given.Stale && wasAnswered(sent, answer, realm, given.Nonce) {
			delete(c.sessions, key)
			return false
		}
		if c.sessions == nil {
			c.sessions = map[string]*challenge{}
		}
		c.sessions[key] = &challenge{field: answer, given: given}
		usable = true
	}
	return usable
}

// wasAnswered tells whether a request had an answer for a realm already that cannot
// have failed because its nonce had become old.
func wasAnswered(sent Headers, field, realm, nonce string) bool {
	for _, value := range sent.Values(field) {
		given, err := digest.ParseCredentials(value)
		if err == nil && given.Realm == realm && (given.Nonce == nonce || given.Nc == 1) {
			return true
		}
	}
	return false
}

// answers makes the fields for a request.
func (c *Credentials) answers(method, uri string) Headers {
	c.mu.Lock()
	defer c.mu.Unlock()
	var headers Headers
	for _, known := range c.sessions {
		known.count++
		answer, err := digest.Digest(known.given, digest.Options{
			Method: method, URI: uri, Count: known.count, Cnonce: strings.ToLower(randomText(10)), Username: c.Username, Password: c.Password,
		})
		if err == nil {
			headers = append(headers, Header{Name: known.field, Value: answer.String()})
		}
	}
	return headers
}
