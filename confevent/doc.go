// Package confevent is the conference event package of SIP (RFC 4575): what a
// conference focus tells its subscribers about who is in the conference.
//
// The package is pure. It opens no socket, reads no clock and starts no
// goroutine: times and documents are arguments, and what is to be sent comes
// back as a value. It has three layers.
//
//   - [Document] and the types under it hold every element of the schema
//     (RFC 4575, section 6). [Document.Marshal] writes a document that is valid
//     against that schema whatever names participants chose; [Unmarshal] reads
//     what other notifiers send, leniently and within bounds.
//   - [Diff] turns two full documents into the partial document that leads from
//     one to the other, and [Merge] is the subscriber's side of it, the procedure
//     of RFC 4575, section 4.6. Merging a difference into the old document gives
//     the new one; a property test holds the two to each other.
//   - [Subscription] is one subscription at the notifier (RFC 6665, section 4.2):
//     its version counter, the full document at each SUBSCRIBE, partial documents
//     after it, never two NOTIFYs unanswered at once, the minimum interval
//     (RFC 4575, section 3.9), the rates of RFC 6446, expiry and termination.
//
// # Documents
//
// Order carries meaning nowhere: users, endpoints, media and sidebars are tables
// with keys (RFC 4575, section 4.5), and [Document.Equal] compares them as such.
// The zero value of a string, list, pointer or enumeration means that the element
// is absent, which in a partial document says that it did not change.
//
// # Ownership and concurrency
//
// Documents are values with shared innards: a function here never changes a
// document that it was given, and results may share slices and pointers with the
// arguments. Treat a document as frozen once it was handed over. Everything may be
// called from any goroutine, but one Subscription only by one goroutine at a time.
//
// # Example
//
//	sub := confevent.NewSubscription(confevent.SubscriptionConfig{}, doc)
//	out := sub.Subscribe(now, confevent.Request{Expires: time.Hour})
//	send(out.Notify.SubscriptionState(), out.Notify.Body) // version 1, full
//	out = sub.Answered(now, confevent.Answer{Status: 200})
//	out = sub.Update(now, newDoc) // nothing yet: the interval is not over
//	// … at out.Wake
//	out = sub.Tick(out.Wake)      // version 2, partial
package confevent
