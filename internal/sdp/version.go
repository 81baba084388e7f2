package sdp

import "bytes"

// NextVersion gives next the origin that follows prev in a dialog: the same but for the version, which is one higher if
// next says anything else than prev (RFC 3264, section 8).
func NextVersion(prev, next Description) Description {
	next.Origin = prev.Origin
	if !bytes.Equal(prev.Marshal(), next.Marshal()) {
		next.Origin.Version++
	}
	return next
}
