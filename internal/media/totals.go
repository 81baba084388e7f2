package media

// add counts the packets of a session.
func (t *TransportStats) add(s *Session) {
	t.PacketsReceived += s.shared.packetsReceived.load()
	t.PacketsSent += s.shared.packetsSent.load()
}

// addOpen counts the packets of the sessions that are open; those of closed ones have been added when they were closed. The
// lock of the transport is held.
func (t *Transport) addOpen(stats *TransportStats) {
	for s := range t.sessions {
		stats.add(s)
	}
}
