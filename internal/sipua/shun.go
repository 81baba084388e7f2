package sipua

import (
	"log/slog"
	"net/netip"
	"time"
)

// shunned tells why what is beyond the limits is refused.
type shunned string

// Why requests are refused before anybody looks at them.
const (
	shunRefusing   shunned = "no new calls are taken any more"
	shunOverloaded shunned = "overloaded"
	shunSource     shunned = "more calls per second from one address than the limit"
	shunRate       shunned = "more calls per second than the limit"
	shunCalls      shunned = "more calls at a time than the limit"
)

// shun refuses what is beyond the limits, before anything is allocated for it. That is warned of at most once in [sparing.Every], with the last
// reason. That nothing new is taken at the end of a server is as it should be.
func (a *Agent) shun(in *inbound) bool {
	method, source := in.request.Method, in.request.Source.Addr()
	if !in.initial || method != "INVITE" && method != "SUBSCRIBE" {
		return false
	}
	why := shunRefusing
	if !a.refusing.Load() {
		if method != "INVITE" {
			return false
		}
		if why = a.reserveCall(source); why == "" {
			return false
		}
	}
	in.answer(a.unavailable())
	if why == shunRefusing {
		return true
	}
	if n := a.shunned.Due(time.Now()); n > 0 {
		a.log.Warn("requests are refused", slog.String("method", method), slog.String("source", source.String()), slog.String("reason", string(why)),
			slog.Int("requests", n))
	}
	return true
}

// unavailable is the response to what is too much.
func (a *Agent) unavailable() *Response {
	return NewResponse(503, Header{Name: "Retry-After", Value: seconds(a.config.Limits.RetryAfter)})
}

// reserveCall counts a new INVITE of a peer, if it is within the limits; else it says which one it is beyond. It is counted off by callCount.
func (a *Agent) reserveCall(source netip.Addr) shunned {
	now := time.Now()
	switch {
	case a.config.Overloaded != nil && a.config.Overloaded():
		return shunOverloaded
	case !a.sources.allow(source, now):
		return shunSource
	case !a.calls.allow(now):
		return shunRate
	}
	if n, limit := a.callCount.add(1), a.maxCalls.Load(); limit > 0 && n > limit {
		a.callCount.add(-1)
		return shunCalls
	}
	return ""
}
