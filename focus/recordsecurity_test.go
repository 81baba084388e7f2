package focus

import (
	"errors"
	"testing"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// A recording session is as protected as the calls may be, or there is none; keys go only where nobody reads them.
//
// Shows RQ-029, SR-SEC-04, SR-SEC-12.
func TestRecorderSecurity(t *testing.T) {
	const open, encrypted, own = "sip:srs@192.0.2.9;transport=tcp", "sip:srs@192.0.2.9;transport=tls", "sip:srs@127.0.0.1;transport=tcp"
	none, optional, required := sdp.SecurityNone, sdp.SecurityOptional, sdp.SecurityRequired
	for name, x := range map[string]struct {
		cfg    Config
		server Recorder
		secret bool
		want   sdp.Security
		err    error
	}{
		"plain calls":                   {Config{}, Recorder{URI: open}, false, none, nil},
		"as wished":                     {Config{}, Recorder{URI: encrypted, Security: optional}, false, optional, nil},
		"required":                      {Config{}, Recorder{URI: "sips:srs@192.0.2.9", Security: required}, true, required, nil},
		"required in the clear":         {Config{}, Recorder{URI: open, Security: required}, false, none, errKeysInClear},
		"optional in the clear":         {Config{}, Recorder{URI: open, Security: optional}, false, none, nil},
		"handshake in the clear":        {Config{}, Recorder{URI: open, Security: required, DTLS: true}, false, required, nil},
		"handshake, optional":           {Config{Security: optional}, Recorder{URI: open, Security: optional, DTLS: true, PreferDTLS: true}, false, required, nil},
		"handshake in one for all":      {Config{}, Recorder{URI: open, Security: required, DTLS: true, Persistent: 1}, false, required, nil},
		"keys may be read":              {Config{KeysInClear: true}, Recorder{URI: open, Security: required}, false, required, nil},
		"calls may be SRTP":             {Config{Security: optional}, Recorder{URI: encrypted}, false, none, errUnprotected},
		"calls may be SRTP, optional":   {Config{Security: optional}, Recorder{URI: encrypted, Security: optional}, false, required, nil},
		"calls may be SRTP, overridden": {Config{Security: required, AllowInsecure: true}, Recorder{URI: open}, true, none, nil},
		"this machine":                  {Config{Security: required}, Recorder{URI: own}, true, none, nil},
		"a call by TLS":                 {Config{}, Recorder{URI: open}, true, none, errUnprotected},
	} {
		f := &Focus{cfg: x.cfg}
		f.settings.Store(&x.cfg)
		got, err := f.recorderSecurity(x.server, x.secret)
		if !errors.Is(err, x.err) || err == nil && got != x.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// One caller by TLS or WSS is enough for metadata to be worth as much protection (RFC 7866, section 12).
//
// Shows SR-SEC-04, SR-SEC-13, RQ-029.
func TestOneSecretCallIsEnough(t *testing.T) {
	for transport, want := range map[string]bool{"udp": false, "tcp": false, "ws": false, "tls": true, "wss": true} {
		c := &controller{participants: map[conference.ParticipantID]*participant{"a": {transport: "udp"}, "b": {transport: transport}}}
		if got := c.secret(); got != want {
			t.Errorf("with a call by %s: %t", transport, got)
		}
	}
}

// A redirection leads to no less protection than there is at the recorder's own address.
func TestRecorderMovesSafely(t *testing.T) {
	const open, encrypted = "sip:srs@192.0.2.9;transport=tcp", "sip:srs@192.0.2.9;transport=tls"
	for name, x := range map[string]struct {
		cfg         Config
		server      Recorder
		secret, may bool
		to          string
	}{
		"as it is":               {Config{}, Recorder{URI: open}, false, true, "sip:b@192.0.2.77;transport=tcp"},
		"to another host":        {Config{}, Recorder{URI: open}, false, false, "sip:b@198.51.100.1;transport=tcp"},
		"to TLS":                 {Config{}, Recorder{URI: open, Security: sdp.SecurityOptional}, false, true, "sips:b@192.0.2.77"},
		"away from TLS":          {Config{}, Recorder{URI: encrypted}, false, false, "sip:b@192.0.2.77;transport=tcp"},
		"with keys":              {Config{}, Recorder{URI: encrypted, Security: sdp.SecurityRequired}, false, true, "sip:b@192.0.2.77;transport=tls"},
		"with a call by TLS":     {Config{}, Recorder{URI: encrypted}, true, true, "sip:b@192.0.2.77;transport=tls"},
		"keys that may be read":  {Config{KeysInClear: true}, Recorder{URI: open, Security: sdp.SecurityRequired}, false, true, "sip:b@192.0.2.77"},
		"out of a call by TLS":   {Config{}, Recorder{URI: "sip:srs@127.0.0.1"}, true, false, "sip:b@192.0.2.77"},
		"a name that is no host": {Config{}, Recorder{URI: open}, false, false, "sip:192.0.2.77@198.51.100.1"},
	} {
		f := &Focus{cfg: x.cfg}
		f.settings.Store(&x.cfg)
		x.server.Redirects = []string{"192.0.2.*"}
		to, err := sipua.ParseURI(x.to)
		if err != nil {
			t.Fatal(err)
		}
		offered, err := f.recorderSecurity(x.server, x.secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.mayMove(x.server, to, offered, x.secret); got != x.may {
			t.Errorf("%s: %t", name, got)
		}
	}
}
