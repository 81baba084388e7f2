// Package spool keeps records in files that survive the process, encrypted at rest, within a bound.
//
// A [Store] is a directory. A segment is written by one [Writer] from beginning to end, and read by a [Reader] any time
// after, also when the process died while it was written: then up to the last block that was complete.
//
// # Format
//
//	magic "PLYSPL1\n", salt of 16 octets, then blocks:
//	length of the block, 4 octets big endian | sealed block
//
// A block is a sequence of records, each with its length in 4 octets, sealed with AES-256-GCM. The key of a file is derived
// from the key of the store and the salt (HKDF-SHA256, RFC 5869), so that block numbers can be nonces (NIST SP 800-38D,
// section 8.2.1) and no block can be moved, repeated or left out in the middle unnoticed.
//
// Writing never waits for the disk: blocks are handed to one goroutine of the Store. What it does not keep up with waits in
// memory, and is written in larger blocks then; what is more than may wait, or goes beyond the bound, is refused, record by
// record, so that whoever adds them can count what is lost. Everything older is kept: it is somebody's only copy.
package spool
