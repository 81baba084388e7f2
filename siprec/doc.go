// Package siprec is the recording side of a conference: the metadata a Session
// Recording Client sends to a Session Recording Server, the bodies that carry it, and
// the recording session itself as a state machine.
//
// The documents are values (RFC 7865, section 6). A [Roster], the neutral view of who
// is in a communication session and in which stream, maps to a [Recording] document by
// [Document]; [Diff] tells what changed between two documents, [Merge] applies it at
// the far end, and [Verify] checks a document against the labels of the SDP it travels
// with. Merge(old, Diff(old, new)) equals new, always.
//
// A [Client] is the recording session toward one recorder (RFC 7866). It does no input
// or output: [Client.Step] takes what happened and the time, and returns what to do.
//
//	desired streams, roster ──▶ ┌────────┐ ──▶ INVITE, re-INVITE, UPDATE, BYE
//	answers, requests, ticks ─▶ │ Client │ ──▶ start and stop of media
//	                            └────────┘ ──▶ reports and alarms
//
// Joins, leaves, holds and pauses are only a new desired state. The client keeps what
// the recorder has acknowledged, keeps at most one offer open (RFC 3264, section 8),
// puts changes that come close together into one offer, and reports acknowledged state
// only. Recorders speak dialects: a [Profile] says which one.
//
// A recorder in the field may send documents that no schema accepts: [Unmarshal] is
// exact, [UnmarshalLenient] reads them and tells what was wrong.
//
// # Concurrency
//
// Everything here is pure: no clock, no network, no randomness; times, identifiers and
// seeds are arguments. Values may be shared once nobody changes them. A Client belongs
// to one goroutine.
//
// # Sources
//
// RFC 7866 (protocol), RFC 7865 (metadata), RFC 8068 (call flows), RFC 9806 (media
// type), RFC 7245 (architecture), RFC 2046 (multipart), RFC 3264 (offer and answer).
package siprec
