package main

import (
	"log/slog"

	"github.com/parley-sip/parley/internal/access"
	"github.com/parley-sip/parley/internal/sipua"
)

// admission lets in whom the gate admits, before anything is looked up or made for him.
type admission struct {
	next    sipua.Handler
	record  func(call *sipua.IncomingCall, status int, why string) // of a call by somebody who is known
	gate    *access.Gate
	refused func()                                // counts
	answers func(trunk string) *sipua.Credentials // those to challenges of a trunk; nil: there are none
	log     *slog.Logger
}

// refusal is the response for whom the gate does not admit, or nil. Those behind are told who the caller is.
func (a *admission) refusal(request *sipua.Request) *sipua.Response {
	response, _ := a.judge(request)
	return response
}

// judge gives the refusal, and in words why who is known was refused; "": he is not known, or was not refused.
func (a *admission) judge(request *sipua.Request) (response *sipua.Response, why string) {
	caller, verdict := a.gate.Admit(request)
	if verdict.Refusal == nil {
		if caller.Trunk != "" && a.answers != nil {
			caller.Answers = a.answers(caller.Trunk)
		}
		request.Caller = &caller
		return nil, ""
	}
	if verdict.Attempt {
		a.refused()
		a.log.Info("request refused", slog.String("method", request.Method), slog.String("source", request.Source.String()),
			slog.String("reason", verdict.Reason))
	}
	if verdict.Banned {
		a.log.Warn("source ignored for a while: it guesses passwords", slog.String("source", request.Source.Addr().String()))
	}
	if caller.Identity.URI.IsZero() {
		return verdict.Refusal, "" // records of those would be for anybody to fill the disk with
	}
	return verdict.Refusal, verdict.Reason
}

// Invite implements sipua.Handler.
func (a *admission) Invite(call *sipua.IncomingCall) {
	response, why := a.judge(call.Request())
	if response == nil {
		a.next.Invite(call)
		return
	}
	_ = call.Reject(response) // fails only when the caller has gone
	if why != "" {
		a.record(call, response.Status, why)
	}
}

// Subscribe implements sipua.Handler.
func (a *admission) Subscribe(subscription *sipua.IncomingSubscription) {
	if response := a.refusal(subscription.Request()); response != nil {
		_ = subscription.Reject(response)
		return
	}
	a.next.Subscribe(subscription)
}

// Request implements sipua.Handler.
func (a *admission) Request(request *sipua.Request) *sipua.Response {
	if response := a.refusal(request); response != nil {
		return response
	}
	return a.next.Request(request)
}

var _ sipua.Handler = (*admission)(nil)
