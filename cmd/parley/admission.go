package main

import (
	"log/slog"
	"net/netip"

	"github.com/parley-sip/parley/internal/sipua"
)

// admission lets in who calls from an allowed network and refuses all others with 403, before anything is looked up or made for them.
type admission struct {
	next    sipua.Handler
	allow   []netip.Prefix
	refused func() // counts
	log     *slog.Logger
}

const statusForbidden = 403

func (a *admission) allowed(request *sipua.Request) bool {
	source := request.Source.Addr().Unmap()
	for _, prefix := range a.allow {
		if prefix.Contains(source) {
			return true
		}
	}
	a.refused()
	a.log.Info("request refused: its network is not in sip.allow",
		slog.String("method", request.Method), slog.String("source", request.Source.String()))
	return false
}

// Invite implements sipua.Handler.
func (a *admission) Invite(call *sipua.IncomingCall) {
	if !a.allowed(call.Request()) {
		_ = call.Reject(sipua.NewResponse(statusForbidden))
		return
	}
	a.next.Invite(call)
}

// Subscribe implements sipua.Handler.
func (a *admission) Subscribe(subscription *sipua.IncomingSubscription) {
	if !a.allowed(subscription.Request()) {
		_ = subscription.Reject(sipua.NewResponse(statusForbidden))
		return
	}
	a.next.Subscribe(subscription)
}

// Request implements sipua.Handler.
func (a *admission) Request(request *sipua.Request) *sipua.Response {
	if !a.allowed(request) {
		return sipua.NewResponse(statusForbidden)
	}
	return a.next.Request(request)
}

var _ sipua.Handler = (*admission)(nil)
