package siprec

import "slices"

// Diff returns the smallest document that turns old into updated by [Merge]: a partial
// one, or the complete new one when something has to go, which no partial document can
// say (RFC 7865, section 5). When nothing changed, the partial document is empty.
func Diff(old, updated Recording) Recording {
	d := Recording{Mode: Partial}
	expressible := len(old.Extensions) == 0 || len(updated.Extensions) > 0
	expressible = changed(old.Groups, updated.Groups, &d.Groups) && expressible
	expressible = changed(old.Sessions, updated.Sessions, &d.Sessions) && expressible
	expressible = changed(old.Participants, updated.Participants, &d.Participants) && expressible
	expressible = changed(old.Streams, updated.Streams, &d.Streams) && expressible
	expressible = changed(old.SessionRecordings, updated.SessionRecordings, &d.SessionRecordings) && expressible
	expressible = changed(old.ParticipantSessions, updated.ParticipantSessions, &d.ParticipantSessions) && expressible
	expressible = changed(old.ParticipantStreams, updated.ParticipantStreams, &d.ParticipantStreams) && expressible
	if !expressible {
		updated.Mode = Complete
		return updated
	}
	if !slices.Equal(old.Extensions, updated.Extensions) {
		d.Extensions = updated.Extensions
	}
	return d
}

// changed collects the elements that are new or different, and tells whether a partial
// document can say all of it: no element is gone, no key stands twice.
func changed[T element[T]](old, updated []T, out *[]T) bool {
	before := make(map[pairKey]T, len(old))
	for _, e := range old {
		before[e.key()] = e
	}
	seen := make(map[pairKey]bool, len(updated))
	for _, e := range updated {
		seen[e.key()] = true
		was, ok := before[e.key()]
		if !ok || !was.equal(e) {
			*out = append(*out, e)
		}
	}
	if len(before) != len(old) || len(seen) != len(updated) {
		return false
	}
	for key := range before {
		if !seen[key] {
			return false
		}
	}
	return true
}

// DiffSelfContained returns [Diff], completed by everything it refers to and by at
// least one session and one participant, for recorders that judge each document alone.
// It carries stream labels as soon as it refers to a stream.
func DiffSelfContained(old, updated Recording) Recording {
	d := Diff(old, updated)
	if d.Mode == Complete || d.IsEmpty() {
		return d
	}
	wanted := references(d)
	if len(d.Sessions) == 0 && len(wanted.sessions) == 0 && len(updated.Sessions) > 0 {
		wanted.sessions[updated.Sessions[0].ID] = true
	}
	if len(d.Participants) == 0 && len(wanted.participants) == 0 && len(updated.Participants) > 0 {
		wanted.participants[updated.Participants[0].ID] = true
	}
	// Streams first: they refer to sessions, and those to groups.
	d.Streams = complete(d.Streams, updated.Streams, wanted.streams)
	for _, s := range d.Streams {
		wanted.sessions[s.Session] = true
	}
	d.Participants = complete(d.Participants, updated.Participants, wanted.participants)
	d.Sessions = complete(d.Sessions, updated.Sessions, wanted.sessions)
	for _, s := range d.Sessions {
		wanted.groups[s.Group] = true
	}
	d.Groups = complete(d.Groups, updated.Groups, wanted.groups)
	return d
}

// referenceSets are the identifiers a document refers to.
type referenceSets struct{ groups, sessions, participants, streams map[ID]bool }

func references(r Recording) referenceSets {
	set := referenceSets{map[ID]bool{}, map[ID]bool{}, map[ID]bool{}, map[ID]bool{}}
	for _, s := range r.Sessions {
		set.groups[s.Group] = true
	}
	for _, s := range r.Streams {
		set.sessions[s.Session] = true
	}
	for _, a := range r.SessionRecordings {
		set.sessions[a.Session] = true
	}
	for _, a := range r.ParticipantSessions {
		set.participants[a.Participant] = true
		set.sessions[a.Session] = true
	}
	for _, a := range r.ParticipantStreams {
		set.participants[a.Participant] = true
		for _, id := range slices.Concat(a.Send, a.Recv) {
			set.streams[id] = true
		}
	}
	for _, ids := range []map[ID]bool{set.groups, set.sessions, set.participants, set.streams} {
		delete(ids, "")
	}
	return set
}

// complete returns the elements of all that are in part or wanted, in the order of all.
func complete[T element[T]](part, all []T, wanted map[ID]bool) []T {
	for _, e := range part {
		wanted[e.key().first] = true
	}
	var out []T
	for _, e := range all {
		if wanted[e.key().first] {
			out = append(out, e)
		}
	}
	return out
}
