// Package srs is the reference Session Recording Server (RFC 7866): it takes
// recording sessions and leaves one folder for each on disk.
//
// A [Server] owns a SIP agent. An INVITE that requires siprec and whose Contact
// has +sip.src becomes a recording (RFC 7866, section 6.2), everything else is
// refused. Each recording writes
//
//	<directory>/<start in UTC>-<id>/
//	    recording.json         what is known about it, see [Recording]
//	    metadata-0001.xml …    each metadata document as it was received
//	    1-alice.wav …          one file for each stream, .opus by [Format]
//
// All files of a recording begin at the same instant and end at the same
// one: sample n of a file at rate r is n/r seconds after the start, in every file.
// What was not sent, paused or lost is silence, apart from short concealment.
// Streams are put on the common time line by the NTP times of their sender reports
// (RFC 3550, section 6.4.1), and by the arrival of their packets as long as there is
// none. Headers and recording.json are rewritten while the recording goes on, so
// that they are valid whenever the process dies.
//
// # Ownership and concurrency
//
//	agent's goroutines ──commands──▶ ┌───────────┐ ──▶ WAV, XML, JSON
//	sockets ◀──looked at every tick─ │ recording │ ──▶ hooks
//	                                 └───────────┘
//
// One goroutine owns a recording: its streams, sockets, files and metadata. Packets wake nobody: they wait, with the
// system's time stamps, until it looks, some at a time. The methods of
// a Server may be called from any goroutine. Hooks are called by the goroutine of
// their recording, in order; a hook that blocks holds up that recording.
//
// # Example
//
//	server, err := srs.New(srs.Config{Listen: []string{"udp://127.0.0.1:5070"}, Directory: "recordings"})
//	if err != nil {
//		return err
//	}
//	if err := server.Start(ctx); err != nil {
//		return err
//	}
//	defer server.Close(ctx)
package srs
