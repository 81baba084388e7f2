// Package sdp reads and writes session descriptions (RFC 8866) and decides what an offer and its answer mean
// (RFC 3264).
//
// It is pure: it opens no socket, reads no clock and keeps no state. What a dialog has negotiated lives with its
// owner, who hands the last description back in as [Local.Previous]. Every function may be called from several
// goroutines at once; a value handed in must not change during the call, and a result shares no memory with the
// arguments but strings.
//
// [Parse] is strict about what cannot be repaired (version, origin, an m= line that cannot be read, an accepted
// stream without an address) and lenient where peers are known to err: line ends, order of lines, a missing s= or
// t= line, unknown media, transports, bandwidth types and attributes. What it does not model it keeps as text, so
// that [Description.Marshal] writes it again.
//
// Answering an incoming call:
//
//	offer, err := sdp.Parse(body)
//	...
//	plan, err := sdp.Answer(offer, sdp.Local{
//		Address: address, Session: id, Version: 1,
//		Streams: []sdp.LocalStream{{Port: port, Codecs: codecs, Events: true}},
//	})
//	if err != nil {
//		warning := sdp.WarningFor(err) // for the 488 (RFC 3261, section 20.43)
//	}
//	body = plan.Answer.Marshal()
//	stream, ok := plan.Audio() // where to send, what to send, what may come
//
// Offering, in an INVITE, in a re-INVITE or in the answer to an INVITE without a description:
//
//	offer := sdp.Offer(local)
//	plan, err := sdp.Accept(offer, answer)
//
// Also covered: telephone-event (RFC 4733), comfort noise (RFC 3389), Opus parameters (RFC 7587), multiplexed RTCP
// (RFC 5761), audio level extensions (RFC 6464, RFC 6465), and for recording sessions the label (RFC 4574), record
// and recordpref attributes (RFC 7866, section 7).
package sdp
