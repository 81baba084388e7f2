// Package srtp protects RTP and RTCP packets (RFC 3711, RFC 7714).
//
// It has one type for each direction of each protocol, because each has its own counters and its own goroutine: [Sender] and
// [Receiver] belong to the media path, [ReportSender] and [ReportReceiver] to whoever handles RTCP. None of them is safe for
// concurrent use; none allocates, locks or fails with more than a value once it is made.
//
// What a packet claims is believed only after it is authenticated: a forged source leaves nothing behind, neither state nor
// a moved window. Replayed packets are refused always, there is no switch for it. A context never wraps a counter that is
// part of an initialisation vector: it stops.
package srtp
