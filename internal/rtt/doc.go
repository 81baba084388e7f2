// Package rtt is real-time text in conferences: T.140 blocks with redundancy (RFC 4103, RFC 2198), and what a mixer makes of those of several
// participants for each of them (RFC 9071): packets per source for who knows several, labelled lines for who does not.
//
//	in := rtt.NewReceiver(format)
//	for _, text := range in.Put(now, packet) { // repaired, in order, per source
//		out.Text(now, rtt.Source{ID: text.Source, Name: "Bob"}, text.Text) // for everybody who may read it
//	}
//	for packet, ok := out.Poll(now); ok; packet, ok = out.Poll(now) {
//		send(packet)
//	}
//	again, ok := out.Next() // when to poll if nothing comes before
//
// Nothing here has a clock, socket or lock: now is a time since any moment that stays the same, and one goroutine at a time may use a value.
package rtt

import "time"

const (
	// Interval is the longest time between the packets of a source that has something to repeat (RFC 9071, section 3.4).
	Interval = 330 * time.Millisecond
	// Reordering is how long a late packet is waited for (RFC 4103, section 5.4).
	Reordering = time.Second
	// DefaultCPS is how many characters per second may be sent to who says nothing else (RFC 4103, section 6).
	DefaultCPS = 30
	// MixerCPS is what a mixer and its participants should take (RFC 9071, section 3.21).
	MixerCPS = 90
	// MaxGenerations is how many repetitions are ever sent; two are usual (RFC 4103, section 4).
	MaxGenerations = 4

	bom     = '\ufeff'
	missing = "\ufffd"
)

// Format is what offer and answer have agreed on.
type Format struct {
	// Text is the payload type of t140, Red that of red; they are what is sent with, and what comes has the same.
	Text, Red uint8
	// Generations is how many earlier blocks are repeated in each packet: the smaller number of both sides (RFC 9071, section 3.8). 0: t140
	// alone, without redundancy.
	Generations int
	// CPS is how many characters per second the far end takes, on average over ten seconds; 0: DefaultCPS.
	CPS int
	// Aware tells that both sides have agreed on rtt-mixer (RFC 9071, section 2.3).
	Aware bool
}

func (f Format) normal() Format {
	if f.CPS <= 0 {
		f.CPS = DefaultCPS
	}
	f.Generations = min(max(f.Generations, 0), MaxGenerations)
	return f
}
