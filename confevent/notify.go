package confevent

import (
	"strconv"
	"strings"
	"time"
)

// Phase is the state of a subscription (RFC 6665, section 4.1.3).
type Phase uint8

// The phases of a subscription.
const (
	// PhaseActive is a subscription that is served.
	PhaseActive Phase = iota
	// PhasePending is one that waits for a decision: it is told nothing of substance.
	PhasePending
	// PhaseTerminated is one that ended.
	PhaseTerminated
)

// String returns the spelling in Subscription-State.
func (p Phase) String() string { return name(phaseNames, int(p)) }

// Reason is why a subscription ended (RFC 6665, section 4.1.3).
type Reason uint8

// The reasons of RFC 6665 for a terminated subscription.
const (
	ReasonNone Reason = iota
	// ReasonDeactivated tells the subscriber to subscribe again at once: he is moved.
	ReasonDeactivated
	// ReasonProbation tells him to try again later.
	ReasonProbation
	// ReasonRejected says that policy no longer allows it: do not try again.
	ReasonRejected
	// ReasonTimeout says that it was not refreshed, or that it was a fetch or an unsubscription.
	ReasonTimeout
	// ReasonGiveup says that no decision could be had: try later.
	ReasonGiveup
	// ReasonNoResource says that the conference is over.
	ReasonNoResource
	// ReasonInvariant says that the state will never change again.
	ReasonInvariant
)

// String returns the spelling in Subscription-State, empty for ReasonNone.
func (r Reason) String() string { return name(reasonNames, int(r)) }

// The spellings of RFC 6665, section 8.4.
//
//nolint:gochecknoglobals // tables
var (
	phaseNames  = []string{"active", "pending", "terminated"}
	reasonNames = []string{
		"", "deactivated", "probation", "rejected", "timeout", "giveup", "noresource", "invariant",
	}
)

// A Notify is a NOTIFY request to be sent.
type Notify struct {
	// Phase, Expires, Reason and RetryAfter are what Subscription-State says. Expires, the time
	// left, is there unless the phase is terminated; Reason and RetryAfter only then.
	Phase      Phase
	Expires    time.Duration
	Reason     Reason
	RetryAfter time.Duration
	// Rates are those in force, told because the subscriber asked for some (RFC 6446, section 5.2).
	Rates Rates
	// Document is what Body holds.
	Document Document
	// Body is the document as XML of type ContentType; nil if there is nothing to be told. It may be shared with other subscriptions: nobody may write to it.
	Body []byte
}

// Final reports whether it is the last NOTIFY of its subscription.
func (n Notify) Final() bool { return n.Phase == PhaseTerminated }

// SubscriptionState returns the value of the Subscription-State header (RFC 6665,
// section 4.2.2; RFC 6446, section 5.2).
func (n Notify) SubscriptionState() string {
	var b strings.Builder
	b.WriteString(n.Phase.String())
	if n.Phase != PhaseTerminated {
		b.WriteString(";expires=" + strconv.FormatInt(int64(n.Expires/time.Second), 10))
		b.WriteString(n.Rates.params())

		return b.String()
	}
	if n.Reason != ReasonNone {
		b.WriteString(";reason=" + n.Reason.String())
	}
	if n.RetryAfter > 0 {
		b.WriteString(";retry-after=" + strconv.FormatInt(int64((n.RetryAfter+time.Second-1)/time.Second), 10))
	}

	return b.String()
}
