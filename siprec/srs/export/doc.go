// Package export gives recordings of the reference recorder to others: as one WAV file with a channel for each participant
// ([Mix]), and as a vCon, the container of the IETF for conversations ([Container]).
//
// It reads what package srs has written and changes nothing. Functions may be called from any goroutine, also while the recording
// goes on: they give what is there at that time.
package export
