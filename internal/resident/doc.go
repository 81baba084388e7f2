// Package resident has the system load the program before it is needed.
//
// Pages of a program come into memory when they are first used, the codecs' with the first call. Where they are on a disk that is busy, a thread
// that mixes waits for it in its tick, with everybody whom it mixes; where they are cached, that costs a fault for each 64 KiB.
package resident
