package control

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
)

// A browser's player and its downloads send no token: they send cookies. So that they need not be given a token in an address, which would be in histories, logs of proxies and Referer, a ticket is
// in a cookie that no script reads (HttpOnly), that no other site makes a browser send (SameSite=Strict), and that is good for reading the files of one recording, for a while. It holds nothing:
// it is a proof (HMAC) that whoever asked for it had a token that is still one. ADR 108.

const (
	listeningPath = "/listening"
	listenCookie  = "parley-listen"
	listenTime    = 10 * time.Minute
	expirySize    = 8 // octets of the expiry in a ticket
)

// ticketKey is that of this process: tickets do not outlive it.
type ticketKey [sha256.Size]byte

func newTicketKey() (key ticketKey) {
	_, _ = rand.Read(key[:]) // never fails (crypto/rand)
	return key
}

// proof binds a ticket to a recording, as its path names it, and to the token that it was given for.
func (k *ticketKey) proof(expiry []byte, recording string, token *Token) []byte {
	secret := sha256.Sum256([]byte(token.Secret))
	mac := hmac.New(sha256.New, k[:])
	mac.Write(expiry) // none of these fails (hash.Hash)
	mac.Write(secret[:])
	mac.Write([]byte(recording))
	return mac.Sum(nil)
}

// issue makes a ticket.
func (k *ticketKey) issue(recording string, token *Token, expires time.Time) string {
	expiry := binary.BigEndian.AppendUint64(nil, uint64(expires.Unix())) //nolint:gosec // not before 1970
	return base64.RawURLEncoding.EncodeToString(append(expiry, k.proof(expiry, recording, token)...))
}

// holder is the token that a ticket was given for; nil: it is not good, or not any more.
func (k *ticketKey) holder(ticket, recording string, tokens []Token, now time.Time) *Token {
	data, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || len(data) != expirySize+sha256.Size || now.Unix() >= int64(binary.BigEndian.Uint64(data)) { //nolint:gosec // checked by the proof
		return nil
	}
	var found *Token
	for i := range tokens {
		if hmac.Equal(data[expirySize:], k.proof(data[:expirySize], recording, &tokens[i])) {
			found = &tokens[i]
		}
	}
	return found
}

// ticketOf is the token that a request has a ticket of; nil: none. It is good for reading audio, and for pages of this origin alone, as far as the browser tells: pages of another port are of the same
// site, and get the cookies of this host, too (RFC 6265, section 8.5).
func (s *Server) ticketOf(r *http.Request) *Token {
	if from := r.Header.Get("Sec-Fetch-Site"); !reads(r) || !hasAudio(r.URL.Path) || from != "" && from != "same-origin" && from != "none" {
		return nil
	}
	for _, cookie := range r.CookiesNamed(listenCookie) { // one for each path that fits
		if token := s.tickets.holder(cookie.Value, recordedIn(r.URL), *s.tokens.Load(), time.Now()); token != nil {
			return token
		}
	}
	return nil
}

// recordedIn is the recording that a path names, as the router takes it: a slash that is escaped is part of its name.
func recordedIn(at *url.URL) string {
	rest, _ := strings.CutPrefix(at.EscapedPath(), apiPrefix+recorderPath+"/")
	id, _, _ := strings.Cut(rest, "/")
	id, _ = url.PathUnescape(id) // what cannot be is nobody's name
	return id
}

// listens tells whether a request asks for a ticket, which changes nothing.
func listens(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.EscapedPath() == apiPrefix+recorderPath+"/"+url.PathEscape(recordedIn(r.URL))+listeningPath
}

type listening struct {
	RecordedPath
	caller

	secure bool // the browser came by HTTPS, maybe to a proxy
}

// Resolve implements huma.Resolver.
func (l *listening) Resolve(ctx huma.Context) []error {
	l.secure = ctx.TLS() != nil || strings.HasPrefix(ctx.Header("Origin"), "https:")
	return l.caller.Resolve(ctx)
}

var _ huma.Resolver = (*listening)(nil)

// Listening tells how long a browser may go on to read the files of a recording.
type Listening struct {
	ExpiresAt *focus.Time `json:"expires_at,omitempty" doc:"When the cookie is not good any more; left out where there are no tokens, as none is needed."`
}

type listeningAnswer struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      Listening
}

func (s *Server) registerListening(api huma.API) {
	o := operation(tagRecorder, http.MethodPost, recorderPath+"/{id}"+listeningPath, "listen-recorded", "Let this browser play a recording")
	o.DefaultStatus = http.StatusOK
	o.Description = "For players and downloads of browsers, which send no token: a cookie with which, for ten minutes, the files of this recording can be read, whole or in parts. Ask again before it expires. It wants scope listen or admin."
	huma.Register(api, o, func(_ context.Context, in *listening) (*listeningAnswer, error) {
		if _, err := s.cfg.Recorder.Library().Find(in.Recorded); err != nil {
			return nil, failure(err)
		}
		token := s.tokenOf(bearer(in.authorization))
		if token == nil {
			return &listeningAnswer{}, nil // let in, so there are no tokens
		}
		expires := time.Now().Add(listenTime)
		at := focus.Time(expires)
		return &listeningAnswer{
			// Without Path: that of this request without its last part, also below the prefix of a proxy (RFC 6265, section 5.1.4).
			SetCookie: []http.Cookie{{ //nolint:gosec // secure where the browser came by HTTPS: it would not be kept elsewhere
				Name: listenCookie, Value: s.tickets.issue(in.Recorded, token, expires), MaxAge: int(listenTime.Seconds()),
				HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: in.secure,
			}},
			Body: Listening{ExpiresAt: &at},
		}, nil
	})
}
