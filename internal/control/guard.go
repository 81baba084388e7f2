package control

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/parley-sip/parley/internal/page"
)

// guard lets in who may come in, writes down what changes something, and turns a panic into a 500.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { //nolint:contextcheck // it has that of the request
			if trouble := recover(); trouble != nil {
				if trouble == http.ErrAbortHandler { //nolint:errorlint // a value, compared as such
					panic(trouble)
				}
				s.log.ErrorContext(r.Context(), "panic in an HTTP handler", slog.String("path", r.URL.Path), slog.Any("panic", trouble))
				problem(w, http.StatusInternalServerError, "internal error")
			}
		}()
		await(w, r)
		name, refusal := s.admit(r)
		if refusal != nil {
			if refusal.status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="parley"`)
			}
			problem(w, refusal.status, refusal.why)
			return
		}
		if hasAudio(r.URL.Path) {
			w.Header().Set("Cross-Origin-Resource-Policy", "same-origin") // no other page plays it with the rights of this browser
			s.log.InfoContext(r.Context(), "recording asked for", slog.String("method", r.Method), slog.String("path", r.URL.Path),
				slog.String("token", name), slog.String("source", r.RemoteAddr))
		}
		back, err := s.turns.take(r)
		if err != nil {
			w.Header().Set("Retry-After", "1")
			problem(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		if back != nil {
			defer back()
			w = &turnWriter{w, back}
		}
		if reads(r) {
			next.ServeHTTP(w, r)
			return
		}
		recorder := &statusRecorder{ResponseWriter: w}
		next.ServeHTTP(recorder, r)
		s.log.InfoContext(r.Context(), "API request", slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", recorder.status), slog.String("token", name), slog.String("source", r.RemoteAddr))
	})
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// statusRecorder remembers the status of a response.
type statusRecorder struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

type refusal struct {
	status int
	why    string
}

// admit gives the name of the token that lets the request in, or says why it is refused.
func (s *Server) admit(r *http.Request) (name string, _ *refusal) {
	shown := s.cfg.Page && page.Serves(r.URL.Path) // to everybody: it has no secrets, and what it shows is of the API
	if !shown && !strings.HasPrefix(r.URL.Path, apiPrefix) && r.URL.Path != "/metrics" {
		return "", nil
	}
	if len(*s.tokens.Load()) == 0 {
		if misdirected(r) {
			return "", &refusal{http.StatusMisdirectedRequest, "without tokens this server answers to its address and to localhost only, not to " + r.Host}
		}
		return "", nil
	}
	if shown {
		return "", nil
	}
	given := bearer(r.Header.Get("Authorization"))
	token := s.tokenOf(given)
	if given == "" {
		token = s.ticketOf(r)
	}
	switch {
	case given == "" && token == nil:
		return "", &refusal{http.StatusUnauthorized, "a bearer token is needed"}
	case token == nil:
		return "", &refusal{http.StatusUnauthorized, "unknown token"}
	case token.ReadOnly && !reads(r) && !listens(r):
		return "", &refusal{http.StatusForbidden, "this token may only read"}
	case token.ReadOnly && !token.Listen && hasAudio(r.URL.Path):
		return "", &refusal{http.StatusForbidden, "this token may not hear recordings"}
	}
	return token.Name, nil
}

// bearer gives the token of a header field (RFC 6750, section 2.1), "" for none.
func bearer(authorization string) string {
	scheme, given, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(given)
}

// tokenOf finds a token in a time that tells nothing about the configured ones, not even their length.
func (s *Server) tokenOf(given string) *Token {
	digest := sha256.Sum256([]byte(given))
	var found *Token
	tokens := *s.tokens.Load()
	for i := range tokens {
		known := sha256.Sum256([]byte(tokens[i].Secret))
		if subtle.ConstantTimeCompare(digest[:], known[:]) == 1 && tokens[i].Secret != "" {
			found = &tokens[i]
		}
	}
	return found
}

// misdirected tells whether a request came to a loopback address under a name that is not one of the loopback: some page has
// made its own name point here (DNS rebinding), and would pass for the same origin.
func misdirected(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return false
	}
	return !strings.EqualFold(host, "localhost") && !strings.HasSuffix(strings.ToLower(host), ".localhost")
}
