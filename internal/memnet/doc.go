// Package memnet is a network within a process: datagrams and connections between addresses that exist nowhere else. A goroutine that waits for
// it waits for a channel, and not for the system, so that the clock of a testing/synctest bubble goes on meanwhile: with it, whole SIP agents and
// their dialogs are tested under a virtual clock. Nothing is lost or late by itself; what is sent to where nobody listens vanishes without a word.
package memnet
