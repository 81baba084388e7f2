// Package conference is one conference as a pure state machine: the policy of RFC 4353 (who may join, who is heard,
// when recording runs, when the conference ends) without a socket, a clock or a goroutine.
//
// A [Machine] takes one [Event] at a time and answers with the [Action] values that its owner has to perform. What is
// true afterwards is in its [State], the only roster there is: conference-info documents (RFC 4575), recording metadata
// (RFC 7865), the JSON of the API, the layout of the mixer and the metrics are all functions of one State or of two.
//
//	       events                                            actions
//	Join, Bridged, Left, Adjust,   +---------+   Admit, Reject, Dial, Eject, Indicate,
//	StartRecording, Report, Tick → | Machine | → Publish, UpdateMix, WakeAt, Close …
//	                               +----+----+
//	                                    | State, immutable, with a version that strictly grows
//
// A State handed out is never written again: changes are made on copies, so any goroutine may read any State at any time.
// A Machine belongs to one goroutine. Time and identifiers are arguments.
//
//	m := conference.NewMachine(conference.Config{ID: "1000", URI: "sip:1000@example.com", Dynamic: true})
//	for _, a := range m.Step(conference.Join{ID: "a", Entity: "sip:alice@example.com"}, now) {
//		// perform a
//	}
//	roster := m.State().Participants
package conference
