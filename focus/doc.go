// Package focus is the conference focus (RFC 4353, RFC 4579): it brings signalling, media, conference events and recording
// together around one state machine per conference.
//
//	 sipua.Agent            API, CLI
//	     | calls, dialogs      | commands            one goroutine per active conference
//	     V                     |                    +-----------------------------------+
//	+---------+  mailbox of events, select on done  | controller: conference.Machine,   |
//	|  Focus  | ----------------------------------> | participants, mix, recorders      |
//	+---------+                                     +-----------------------------------+
//	                                                   | State, immutable     | Layout
//	        subscriptions, watchers, metrics  <--------+                      v
//	        (bounded, coalesced)                                         mixer.Mix
//
// The controller owns everything of its conference: the machine, the dialogs and media sessions of the participants, the
// mix and the recording sessions. Handlers of SIP requests and callers of the API put events into its mailbox and may wait
// for the outcome; nobody else touches what it owns. What takes time (an INVITE, a BYE, an UPDATE) runs in a goroutine that
// reports back into the mailbox. A conference in which nobody is has no goroutine.
//
// Observers get every State in order of versions, but a slow one gets only the newest: subscribers (RFC 4575), recorders
// (RFC 7866) and applications ([Focus.Watch]) never hold up a conference.
//
// Participants are told of a recording before the first packet of theirs is recorded: by a=record where the user agent
// is record-aware (RFC 7866, section 6.3), by a tone otherwise.
//
// REFER has the focus call somebody in, send somebody out, or ask somebody to call (RFC 4579, sections 5.5 to 5.11), as far as
// [ReferPolicy] allows: by default only moderators, and nobody who is not a participant is called.
//
//	f, err := focus.New(focus.Config{Dynamic: true}, focus.Deps{Mixer: engine, Media: transport})
//	if err != nil {
//		return err
//	}
//	agent, err := sipua.New(sipConfig, f) // the Focus is the handler of what comes in
//	if err != nil {
//		return err
//	}
//	f.Serve(agent)
package focus
