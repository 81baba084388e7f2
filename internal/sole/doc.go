// Package sole writes words that one goroutine writes and others read, without the fence that sync/atomic has in each store.
//
// On amd64 such a store is an exchange: it waits until all that was written before is in the cache. Where memory has just been asked for, in the middle of
// a tick, that is the time of a line on its way, and several times for each participant. Counters need no order among each other: readers find each
// of them as it was some time ago, never half of it, and never one that is older than one they have read. Readers use sync/atomic as ever.
package sole
