package sipua

import (
	"crypto/sha1" //nolint:gosec // what UUIDs of version 5 are made with (RFC 9562, section 5.5); nothing is secured by it
	"encoding/hex"
	"strings"
)

// nilSession is what stands for a peer whose identifier is not known (RFC 7989, section 5).
const nilSession = "00000000000000000000000000000000"

// newNamespace is what the session identifiers of one Agent are made in, so that nobody can guess them.
func newNamespace() []byte { return []byte(randomText(32)) }

// session is our half of a Session-ID: the same UUID for everybody who talks to one user of ours, such as one conference (RFC 7989,
// sections 4.1 and 9). "" while session identifiers are off.
func (a *Agent) session(ours Address) string {
	if !a.config.SessionIDs {
		return ""
	}
	digest := sha1.New() //nolint:gosec // see the import
	digest.Write(a.sessions)
	digest.Write([]byte(ours.URI.UserPart()))
	id := digest.Sum(nil)[:16]
	id[6] = id[6]&0x0F | 0x50 // version 5
	id[8] = id[8]&0x3F | 0x80 // variant of RFC 9562
	return hex.EncodeToString(id)
}

// peerSession reads the sender's half of a Session-ID; "" if there is none that is one (RFC 7989, section 5).
func peerSession(headers Headers) string {
	id, _, _ := strings.Cut(headers.Get("Session-ID"), ";")
	id = strings.ToLower(strings.TrimSpace(id))
	if raw, err := hex.DecodeString(id); err != nil || len(raw) != 16 || id == nilSession {
		return ""
	}
	return id
}

// sessionPair is the value of Session-ID, the sender's half first; "" while session identifiers are off.
func sessionPair(local, remote string) string {
	switch {
	case local == "":
		return ""
	case remote == "":
		remote = nilSession
	}
	return local + ";remote=" + remote
}

// SessionID returns the Session-ID of the dialog, our half first (RFC 7989); "" while Config.SessionIDs is off.
func (d *Dialog) SessionID() string { return d.state.sessionID() }

// SessionID returns the Session-ID of the dialog that an answer makes, our half first (RFC 7989); "" while Config.SessionIDs is off.
func (c *IncomingCall) SessionID() string {
	request := c.in.request
	return sessionPair(c.in.agent.session(request.To), peerSession(request.Headers))
}

func (s *dialogState) sessionID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sessionPair(s.agent.session(s.local), s.peer)
}
