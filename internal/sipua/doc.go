// Package sipua is Parley's SIP user agent: listeners, transactions (by the
// sipgo library, which nothing outside this package sees) and a dialog layer
// of its own.
//
// # What it does
//
//   - RFC 3261: an Agent listens on UDP and TCP, answers what is malformed or
//     unwanted before anybody else sees it, and hands INVITEs to a Handler as
//     IncomingCall, from which a Dialog is made. Invite makes a Dialog in the
//     other direction.
//   - RFC 3264 and RFC 3311: offers travel in INVITE, re-INVITE and UPDATE in
//     both directions. A Dialog sends one offer at a time, refuses overlapping
//     ones and resolves glare.
//   - RFC 6665: IncomingSubscription and NotifierDialog are the notifier's
//     half of a subscription, Subscriber is the other half.
//   - RFC 6026, RFC 3581: transactions that survive a 2xx, symmetric responses.
//
// # Ownership and concurrency
//
// An Agent owns its sockets, transactions and dialogs; Shutdown ends them all
// and returns when no goroutine of the Agent runs any more, or with its context
// when a handler does not return. Every exported method may be called from any
// goroutine. Handlers are called in goroutines of the Agent, several at once for
// different calls; a panic in a handler is answered with 500 and logged. Values
// handed to handlers (Request, Response) belong to the handler and are not
// touched by the Agent afterwards.
//
// # Example
//
//	agent, err := sipua.New(sipua.Config{Listen: []string{"udp://127.0.0.1:5060"}}, handler)
//	if err != nil {
//		return err
//	}
//	if err := agent.Start(ctx); err != nil {
//		return err
//	}
//	defer agent.Shutdown(ctx)
//
// where handler.Invite answers a call:
//
//	func (h *bridge) Invite(call *sipua.IncomingCall) {
//		answer := sipua.NewResponse(200).WithBody("application/sdp", h.answer(call.Request().Body))
//		dialog, err := call.Answer(context.Background(), answer, h.newLeg())
//		…
//	}
package sipua
