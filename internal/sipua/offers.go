package sipua

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// offers knows which offers of a dialog are open, and decides what may happen
// beside them (RFC 3261, sections 14.1 and 14.2; RFC 3311, sections 5.1 and 5.2;
// RFC 3264, section 4).
type offers struct {
	mu           sync.Mutex
	changed      chan struct{} // closed and replaced with each change
	localInvite  bool          // a re-INVITE of ours has no final response
	localOffer   bool          // an offer of ours has no answer
	remoteInvite bool          // a re-INVITE of the peer has no final response
	remoteUpdate bool          // an UPDATE of the peer has none
	unacked      int           // 2xx of ours to INVITEs that have no ACK
	lateOffer    bool          // one of these carried our offer
}

func newOffers() *offers { return &offers{changed: make(chan struct{})} }

// change applies f and wakes those who wait.
func (o *offers) change(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
	close(o.changed)
	o.changed = make(chan struct{})
}

// admit decides about a re-INVITE or UPDATE of the peer; nil lets it in, and
// leave must be called when it has its final response.
func (o *offers) admit(invite, hasOffer bool) *Response {
	o.mu.Lock()
	defer o.mu.Unlock()
	pending := func() *Response {
		return NewResponse(500, Header{Name: "Retry-After", Value: seconds(randomBetween(0, 9*time.Second))})
	}
	if invite {
		switch {
		case o.remoteInvite, o.remoteUpdate:
			return pending()
		case o.localInvite, o.localOffer, o.lateOffer:
			return NewResponse(491)
		}
		o.remoteInvite = true
		return nil
	}
	switch {
	case o.remoteUpdate:
		return pending()
	case hasOffer && (o.localOffer || o.lateOffer):
		return NewResponse(491)
	case hasOffer && o.remoteInvite:
		return pending()
	}
	o.remoteUpdate = true
	return nil
}

// awaitAnswer waits a moment for the ACK with the answer to an offer of ours in a 2xx: it may have been overtaken by the request that
// the peer sent right behind it.
func (o *offers) awaitAnswer(patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		o.mu.Lock()
		changed, open := o.changed, o.lateOffer
		o.mu.Unlock()
		if !open {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		}
	}
}

// leave ends what admit let in.
func (o *offers) leave(invite bool) {
	o.change(func() {
		if invite {
			o.remoteInvite = false
		} else {
			o.remoteUpdate = false
		}
	})
}

// begin waits until an offer of ours may be sent, and marks it as open. There is
// at most one caller at a time.
func (o *offers) begin(ctx context.Context, ended <-chan struct{}, invite, hasOffer bool) error {
	for {
		o.mu.Lock()
		changed := o.changed
		free := !o.remoteInvite && !o.remoteUpdate && !o.lateOffer && (!invite || o.unacked == 0)
		if free {
			o.localInvite, o.localOffer = invite, hasOffer
		}
		o.mu.Unlock()
		if free {
			return nil
		}
		select {
		case <-changed:
		case <-ended:
			return ErrEnded
		case <-ctx.Done():
			return fmt.Errorf("offer: %w", ctx.Err())
		}
	}
}

// end closes our offer.
func (o *offers) end() {
	o.change(func() { o.localInvite, o.localOffer = false, false })
}

// sent notes a 2xx of ours that waits for its ACK.
func (o *offers) sent(offer bool) {
	o.change(func() {
		o.unacked++
		o.lateOffer = o.lateOffer || offer
	})
}

// acked notes that the ACK has come, or will not come.
func (o *offers) acked() {
	o.change(func() {
		if o.unacked--; o.unacked == 0 {
			o.lateOffer = false
		}
	})
}

// settled waits until all our 2xx are acknowledged.
func (o *offers) settled(ctx context.Context) error {
	for {
		o.mu.Lock()
		changed, unacked := o.changed, o.unacked
		o.mu.Unlock()
		if unacked == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for ACK: %w", ctx.Err())
		}
	}
}
