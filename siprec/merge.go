package siprec

import "slices"

// Merge applies a document to what a recorder knows: a complete document replaces all
// of it, an element of a partial one replaces the element with the same key
// (RFC 8068, section 3.3.3), and its extensions, if any, replace those of the document.
// The result is complete. Neither argument is changed.
func Merge(old, update Recording) Recording {
	if update.Mode == Complete {
		return update
	}
	merged := Recording{
		Mode:                Complete,
		Groups:              replaced(old.Groups, update.Groups),
		Sessions:            replaced(old.Sessions, update.Sessions),
		Participants:        replaced(old.Participants, update.Participants),
		Streams:             replaced(old.Streams, update.Streams),
		SessionRecordings:   replaced(old.SessionRecordings, update.SessionRecordings),
		ParticipantSessions: replaced(old.ParticipantSessions, update.ParticipantSessions),
		ParticipantStreams:  replaced(old.ParticipantStreams, update.ParticipantStreams),
		Extensions:          old.Extensions,
	}
	if len(update.Extensions) > 0 {
		merged.Extensions = update.Extensions
	}
	return merged
}

// replaced puts each updated element in the place of the one with its key, or at the end.
func replaced[T element[T]](old, update []T) []T {
	out := slices.Clone(old)
	place := make(map[pairKey]int, len(out))
	for i, e := range out {
		place[e.key()] = i
	}
	for _, e := range update {
		if i, ok := place[e.key()]; ok {
			out[i] = e
			continue
		}
		place[e.key()] = len(out)
		out = append(out, e)
	}
	return out
}
