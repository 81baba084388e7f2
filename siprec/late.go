package siprec

import "slices"

// Sender is somebody who is in what was sent of a stream, or is yet to be, although he does not feed it any more.
type Sender struct {
	Participant ID
	Stream      ID
}

// nameSenders adds senders to the associations of a document: with the disassociate-time of who has left (RFC 7865, section 6.8.1). Of a stream that is not in it
// nothing can be said, nor of who was in no session while it was recorded.
func (r *Recording) nameSenders(late []Sender) {
	if len(late) == 0 {
		return
	}
	streams := keys(r.Streams)
	places := make(map[ID]int, len(r.ParticipantStreams))
	for i := range r.ParticipantStreams {
		places[r.ParticipantStreams[i].Participant] = i
	}
	for _, s := range late {
		i, there := places[s.Participant]
		if !there || !streams[pairKey{first: s.Stream}] {
			continue
		}
		if a := &r.ParticipantStreams[i]; !slices.Contains(a.Send, s.Stream) {
			a.Send = append(slices.Clip(a.Send), s.Stream)
		}
	}
}

// Sends tells whether a document names somebody as who sends a stream.
func (r *Recording) Sends(s Sender) bool {
	return slices.ContainsFunc(r.ParticipantStreams, func(a ParticipantStream) bool {
		return a.Participant == s.Participant && slices.Contains(a.Send, s.Stream)
	})
}
