// Package ice is the lite end of ICE (RFC 8445): it answers the checks of a peer that looks for a way to us, and keeps the way that the
// peer has chosen. It never looks for one itself, which is enough for who can be reached at its addresses.
//
//	agent := ice.NewAgent(local, remote) // both from the descriptions
//	reply, event := agent.Receive(ice.RTP, from, datagram, now)
//	// reply goes back to from; event tells whether a way is open, and whether the peer has chosen it
//	where, ok := agent.Selected(ice.RTP)
//
// An agent has no clock, socket or lock: time is an argument, and one goroutine at a time may use it. The same checks go on for as long as
// the peer consents to get media (RFC 7675).
package ice
