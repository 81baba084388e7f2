package access

import (
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/parley-sip/parley/internal/sipua"
)

// Gate applies the rules.
type Gate struct {
	rules  atomic.Pointer[rules]
	nonces *nonces
	bans   *bans
}

// New makes a Gate. Error: ErrConfig.
func New(config Config) (*Gate, error) {
	g := &Gate{nonces: newNonces(), bans: &bans{sources: map[netip.Prefix]*offender{}}}
	return g, g.Set(config)
}

// Set replaces the rules. Calls that are up stay up. Error: ErrConfig, and the
// rules stay as they were.
func (g *Gate) Set(config Config) error {
	r, err := compile(config)
	if err != nil {
		return err
	}
	g.rules.Store(r)
	return nil
}

// Banned tells whether requests of this source are to be ignored.
func (g *Gate) Banned(source netip.Addr) bool {
	return g.bans.banned(source.Unmap()) && !g.rules.Load().known(source.Unmap())
}

// Bans are the sources that are ignored now, those that come back first at the front.
func (g *Gate) Bans() []Banned { return g.bans.list() }

// Unban lets a source try again. It reports whether it was banned.
func (g *Gate) Unban(source netip.Addr) bool { return g.bans.good(source.Unmap()) }

// Guessed counts a PIN or a number that somebody entered wrongly, as a wrong
// password is counted. True: the source is ignored from now on. Sources that need
// no credentials are not: behind them are many.
func (g *Gate) Guessed(source netip.Addr) bool {
	r := g.rules.Load()
	source = source.Unmap()
	return !r.known(source) && g.bans.failed(source, r)
}

// Verdict is what became of a request.
type Verdict struct {
	// Refusal is the response, or nil when the caller may come in.
	Refusal *sipua.Response
	// Reason says why, in words for the log.
	Reason string
	// Attempt tells that it was refused for good, and not only asked for
	// credentials.
	Attempt bool
	// Banned tells that the source is ignored from now on.
	Banned bool
}

// Admit decides about a request outside of a dialog and finds out who sent it.
func (g *Gate) Admit(request *sipua.Request) (sipua.Caller, Verdict) {
	r := g.rules.Load()
	caller, verdict := g.identify(r, request)
	if verdict.Refusal != nil {
		return caller, verdict
	}
	if !r.mayEnter(request.URI.UserPart(), caller, request.Source.Addr().Unmap()) {
		return caller, Verdict{Refusal: sipua.NewResponse(403), Reason: "the rules of the conference", Attempt: true}
	}
	return caller, verdict
}

// MayEnter tells whether a caller may enter another conference than the one he
// has called.
func (g *Gate) MayEnter(conference string, request *sipua.Request) bool {
	if request.Caller == nil {
		return false
	}
	return g.rules.Load().mayEnter(conference, *request.Caller, request.Source.Addr().Unmap())
}

// MayCall tells whether we may call a target that somebody else has named: our own
// domain, allowed networks, and what DialOut lists. Everything else could cost
// somebody money.
func (g *Gate) MayCall(uri sipua.URI) bool {
	r := g.rules.Load()
	if !uri.IsSIP() {
		return false
	}
	if maddr := uri.Param("maddr"); maddr != "" {
		uri.Host = strings.Trim(maddr, "[]") // where it would be sent
	}
	if r.Domain != "" && strings.EqualFold(uri.Host, r.Domain) {
		return true
	}
	if address, err := netip.ParseAddr(uri.Host); err == nil && contains(r.Networks, address.Unmap()) {
		return true
	}
	return slices.ContainsFunc(r.dialOut, func(m matcher) bool { return m.target(uri) })
}

func contains(networks []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address) })
}

// known tells whether a source needs no credentials.
func (r *rules) known(source netip.Addr) bool {
	return contains(r.Networks, source) || slices.ContainsFunc(r.Trunks, func(t Trunk) bool { return contains(t.Networks, source) })
}

func (r *rules) mayEnter(conference string, caller sipua.Caller, source netip.Addr) bool {
	found, ok := r.byName[conference]
	if !ok {
		found = r.byName[""]
	}
	is := func(m matcher) bool { return m.caller(caller, source) }
	return !slices.ContainsFunc(found.deny, is) && (len(found.allow) == 0 || slices.ContainsFunc(found.allow, is))
}

// identify finds out who a request is from: a trunk, an allowed network, an
// account.
func (g *Gate) identify(r *rules, request *sipua.Request) (sipua.Caller, Verdict) {
	source := request.Source.Addr().Unmap()
	for i := range r.Trunks {
		if trunk := &r.Trunks[i]; trunk.sends(request, source) {
			return trunk.caller(request), Verdict{}
		}
	}
	known, takeover := contains(r.Networks, source), !r.OpenTakeover && namesCall(request)
	if known && !takeover {
		return sipua.Caller{Identity: request.From.WithTag(""), Private: sipua.WantsPrivacy(request.Headers)}, Verdict{}
	}
	if len(r.users) == 0 {
		reason := "its network is not in sip.allow"
		if known {
			reason = "only accounts and trunks may take the place of calls, or join them"
		}
		return sipua.Caller{}, Verdict{Refusal: sipua.NewResponse(403), Reason: reason, Attempt: true}
	}
	return g.authenticate(r, request, source)
}

// namesCall tells whether a request is about a call of somebody (RFC 3891, RFC 3911).
func namesCall(request *sipua.Request) bool {
	return request.Headers.Has("Replaces") || request.Headers.Has("Join")
}

// sends tells whether a request comes from a trunk.
func (t *Trunk) sends(request *sipua.Request, source netip.Addr) bool {
	if contains(t.Networks, source) {
		return true
	}
	return slices.ContainsFunc(request.PeerNames, func(name string) bool { return slices.Contains(t.Names, name) })
}

// caller is who calls by a trunk: whom it asserts, if it is trusted, and in any
// case nobody else than From says (RFC 3325, sections 5 and 9.1).
func (t *Trunk) caller(request *sipua.Request) sipua.Caller {
	caller := sipua.Caller{Trunk: t.Name, Roles: t.Roles, Identity: request.From.WithTag(""), Private: sipua.WantsPrivacy(request.Headers)}
	if !t.Trusted {
		return caller
	}
	for _, value := range request.Headers.List("P-Asserted-Identity") {
		asserted, err := sipua.ParseAddress(value)
		if err == nil && asserted.URI.IsSIP() {
			asserted.Params = nil
			caller.Identity, caller.Asserted = asserted, true
			break
		}
	}
	return caller
}
