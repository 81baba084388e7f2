package media

// Receive reads one packet and leaves it for Ingest, unless there is one already. The room that it is read into is the session's until then: 2 KiB;
// less, as nil, has the session use its own. It does not block, lock or, with room, allocate, and belongs to the tick.
//
// Who calls for many sessions in turn lends them the same few rooms: these stay in the near caches, where those of each session would not.
//
// With a [Batch] it only leaves the call there, which that makes when it is submitted, before Ingest.
func (s *Session) Receive(room []byte, calls interface{ Submit() }) {
	in := &s.in
	if in.hasGot {
		return
	}
	in.borrow(room)
	in.hasGot = true
	if b, ok := calls.(*Batch); !ok || !b.receive(s) {
		in.gotError = s.rtp.receive(in.room, &in.got)
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
