// Package seal proves that what a recorder keeps is what the recording client sent: a [Manifest] counts and hashes each
// stream and each metadata document of a recording session, and is signed with Ed25519 as a compact JSON Web Signature
// (RFC 7515; RFC 8037, section 3.1).
//
// The hash of a stream is SHA-256 over the RTP payloads in the order in which they were sent, without headers, so that it
// does not depend on sources, sequence numbers, protection or padding; [Stream.Packets] tells a recorder whether it has them
// all. A document is hashed as the octets of its body part.
//
// The package is pure: keys and times are arguments, and Ed25519 needs no randomness to sign (RFC 8032, section 5.1.6).
package seal
