package focus

import (
	"fmt"
	"log/slog"
	"path"
	"strings"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Account is what challenges of a recorder are answered with (RFC 3261, section 22). It hides itself from logs.
type Account struct {
	Username, Password string
	Realm              string // the only one that is answered; empty: every realm of the recorder
}

// String says only whether there is one.
func (a Account) String() string {
	if a == (Account{}) {
		return ""
	}
	return "[account]"
}

// GoString hides it from %#v.
func (a Account) GoString() string { return a.String() }

// Format hides it from all verbs.
func (a Account) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(a.String())) }

// LogValue hides it from logs.
func (a Account) LogValue() slog.Value { return slog.StringValue(a.String()) }

// credentials make an account answer challenges; nil: there is none.
func (a Account) credentials() *sipua.Credentials {
	if a.Username == "" {
		return nil
	}
	return &sipua.Credentials{Username: a.Username, Password: a.Password, Realm: a.Realm}
}

// recorderWay is how a recorder is reached: with its account, and on to where it may redirect to. offered is the security of the offer, secret that
// somebody has called by TLS.
func (f *Focus) recorderWay(server Recorder, offered sdp.Security, secret bool) *sipua.Trunk {
	return &sipua.Trunk{Credentials: f.pool.answers(server.Name), Redirect: func(to sipua.URI) bool { return f.mayMove(server, to, offered, secret) }}
}

// mayMove tells whether a redirection of a recorder is followed (RFC 3261, section 8.1.3.4): to the hosts that are configured for it, and not to
// where the session would be less protected than at its own URI. The offer, with keys or without, goes there as it is.
func (f *Focus) mayMove(server Recorder, to sipua.URI, offered sdp.Security, secret bool) bool {
	host := strings.ToLower(strings.Trim(to.Host, "[]"))
	allowed := false
	for _, pattern := range server.Redirects {
		ok, err := path.Match(strings.ToLower(pattern), host)
		allowed = allowed || err == nil && ok
	}
	own, err := sipua.ParseURI(server.URI)
	if !allowed || err != nil || encrypted(own) && !encrypted(to) {
		return false
	}
	moved := server
	moved.URI = to.String()
	security, err := f.recorderSecurity(moved, secret)
	return err == nil && security >= offered
}

// encrypted tells whether nobody on the way can read what is sent to a URI.
func encrypted(u sipua.URI) bool { return u.Scheme == "sips" || confidential(u.Param("transport")) }
