package config

import (
	"net/netip"
	"slices"
	"strings"
)

// encrypted tells whether a SIP URI is called by TLS.
func encrypted(uri string) bool {
	_, params, _ := strings.Cut(uri, ";")
	return strings.HasPrefix(uri, "sips:") || slices.ContainsFunc(strings.Split(params, ";"), func(p string) bool {
		name, value, _ := strings.Cut(p, "=")
		return strings.EqualFold(name, "transport") && (strings.EqualFold(value, "tls") || strings.EqualFold(value, "wss"))
	})
}

// local tells whether a URI is an address of this machine, so that nothing leaves it.
func local(uri string) bool {
	host := strings.TrimPrefix(strings.TrimPrefix(uri, "sips:"), "sip:")
	host, _, _ = strings.Cut(host, ";")
	if _, after, ok := strings.Cut(host, "@"); ok {
		host = after
	}
	if address, err := netip.ParseAddrPort(host); err == nil {
		return address.Addr().IsLoopback()
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}

// Exposed says what of recordings by a server is less protected than the calls that may be recorded (RFC 7866, section 12), empty if
// nothing is.
func (c *Config) Exposed(server *RecordingServer) string {
	secret := slices.ContainsFunc(c.SIP.Listen, func(s string) bool { return strings.HasPrefix(s, "tls:") || strings.HasPrefix(s, "wss:") })
	switch {
	case local(server.URI):
		return ""
	case c.Media.SRTP != "disabled" && server.SRTP != "required" && server.SRTP != "optional":
		return "media go out by plain RTP, and media.srtp is " + c.Media.SRTP
	case secret && !encrypted(server.URI):
		return "signalling and metadata go out without TLS, and sip.listen has TLS"
	}
	return ""
}

// shakes tells whether keys toward a server may be made by handshakes.
func (s *RecordingServer) shakes() bool { return s.DTLS == "accept" || s.DTLS == "prefer" }

// checkProtection sees that a recording session is at least as protected as the calls, and that its keys are.
func (r *reader) checkProtection(key string, server *RecordingServer, cfg *Config) {
	if server.SRTP == "required" || server.SRTP == "optional" {
		if !encrypted(server.URI) && !cfg.Media.SDESInClear && !server.shakes() {
			r.fail(key+".srtp", "keys stand in the signalling: wants transport=tls in the URI, dtls: accept, or media.sdes_in_clear")
		}
	} else if server.shakes() {
		r.fail(key+".dtls", "wants srtp: required or optional beside it")
	}
	if exposed := cfg.Exposed(server); exposed != "" && !cfg.Recording.AllowInsecure {
		r.fail(key, "%s; wants protection, or recording.allow_insecure", exposed)
	}
}
