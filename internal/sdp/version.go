package sdp

import "bytes"

// NextVersion gives next the origin that follows prev in a dialog: the same session, and a version that is one higher
// if next says anything else than prev, or the same if it does not (RFC 3264, section 8).
func NextVersion(prev, next Description) Description {
	next.Origin.Session, next.Origin.Version = prev.Origin.Session, prev.Origin.Version
	next.Origin.Username = prev.Origin.Username
	if !bytes.Equal(prev.Marshal(), next.Marshal()) {
		next.Origin.Version++
	}
	return next
}
