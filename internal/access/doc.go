// Package access decides who may come in, as whom, and whom we may call.
//
// A Gate admits a request outside of a dialog by the network it comes from, as
// one of a trunk (by network or by the certificate of its connection), or by
// digest credentials (RFC 3261, section 22; RFC 8760). It says who the caller is:
// what a trusted trunk asserts (RFC 3325), the account whose password was right,
// or, from an allowed network, what From says. Rules of conferences then say
// which callers may enter which conference.
//
//	gate, err := access.New(access.Config{Networks: networks, Users: users})
//	caller, refusal := gate.Admit(request)
//	if refusal != nil {
//		return refusal // 401, 403, or nil Status: say nothing
//	}
//
// Nonces need no memory: they are a time and a keyed hash over it and the
// address of the peer. Only those of right answers are remembered, so that none
// counts twice. Sources that guess are banned for a while, longer each time;
// allowed networks and trunks never are.
//
// All methods may be called from any goroutine; Set replaces the rules while
// calls are up.
package access
