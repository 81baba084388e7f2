package media

// Receive reads one packet and leaves it for Ingest, unless there is one already. The room that it is read into is the session's until then: 2 KiB;
// less, as nil, has the session use its own. It does not block, lock or, with room, allocate, and belongs to the tick.
//
// Who calls for many sessions in turn lends them the same few rooms: these stay in the near caches, where those of each session would not.
func (s *Session) Receive(room []byte) {
	in := &s.in
	if !in.hasGot {
		in.gotError = s.rtp.receive(in.borrow(room), &in.got)
		in.hasGot = true
	}
}

// borrow has the room used from now on, unless one is in use, or else the session's own.
func (in *receiver) borrow(room []byte) []byte {
	switch {
	case in.room != nil:
	case len(room) >= scratchSize:
		in.room = room
	default:
		if in.own == nil {
			in.own = make([]byte, scratchSize)
		}
		in.room = in.own
	}
	return in.room
}
