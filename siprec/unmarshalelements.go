package siprec

import "time"

func (u *reader) recording(root *node) Recording {
	var r Recording
	r.Extensions = u.each(root, func(n *node) bool {
		switch n.name.Local {
		case "datamode":
			r.Mode = u.mode(n)
		case "dataMode":
			u.dialect("dataMode", "", "for datamode")
			r.Mode = u.mode(n)
		case "group":
			r.Groups = append(r.Groups, u.group(n))
		case "session":
			r.Sessions = append(r.Sessions, u.session(n))
		case "participant":
			u.participant(n, &r)
		case "stream":
			r.Streams = append(r.Streams, u.stream(n))
		case "sessionrecordingassoc":
			r.SessionRecordings = append(r.SessionRecordings, u.sessionRecording(n))
		case "participantsessionassoc":
			r.ParticipantSessions = append(r.ParticipantSessions, u.participantSession(n))
		case "participantstreamassoc":
			r.ParticipantStreams = append(r.ParticipantStreams, u.participantStream(n))
		default:
			return false
		}
		return true
	})
	return r
}

func (u *reader) mode(n *node) DataMode {
	switch n.content() {
	case "complete":
		return Complete
	case "partial":
		return Partial
	default:
		u.dialect("datamode", "", "unknown value")
		return Complete
	}
}

// times reads the two times of an association.
func (u *reader) times(n *node, from, to *time.Time) bool {
	switch n.name.Local {
	case "associate-time":
		*from = u.time(n)
	case "disassociate-time":
		*to = u.time(n)
	default:
		return false
	}
	return true
}

func (u *reader) group(n *node) Group {
	g := Group{ID: u.key(n, "group_id", "id")}
	g.Extensions = u.each(n, func(child *node) bool { return u.times(child, &g.Associate, &g.Disassociate) })
	return g
}

func (u *reader) session(n *node) Session {
	s := Session{ID: u.key(n, "session_id", "id")}
	s.Extensions = u.each(n, func(child *node) bool {
		switch child.name.Local {
		case "sipSessionID":
			// The samples of the RFCs break the line inside the value.
			s.SIPSessionIDs = append(s.SIPSessionIDs, stripped(child.content()))
		case "reason":
			protocol, _ := child.attribute("protocol")
			s.Reasons = append(s.Reasons, Reason{Protocol: protocol, Cause: u.cause(child), Text: child.content()})
		case "group-ref":
			s.Group = u.id(child.name.Local, child.content())
		case "start-time":
			s.Start = u.time(child)
		case "stop-time":
			s.Stop = u.time(child)
		default:
			return false
		}
		return true
	})
	return s
}

// participant reads a participant; in the drafts it held its associations, too.
func (u *reader) participant(n *node, r *Recording) {
	p := Participant{ID: u.key(n, "participant_id", "id")}
	session := ParticipantSession{Participant: p.ID}
	stream := ParticipantStream{Participant: p.ID}
	p.Extensions = u.each(n, func(child *node) bool {
		switch child.name.Local {
		case "nameID":
			p.Names = append(p.Names, u.nameID(child))
			return true
		case "send", "recv", "associate-time", "disassociate-time":
			if !u.lenient {
				return false
			}
			u.dialect("participant", p.ID, child.name.Local+" inside of a participant")
			u.streamReference(child, &stream)
			return u.times(child, &session.Associate, &session.Disassociate) || true
		default:
			return false
		}
	})
	if len(p.Names) == 0 {
		u.dialect("participant", p.ID, "no nameID")
	}
	r.Participants = append(r.Participants, p)
	if text, ok := n.attribute("session"); ok && u.lenient {
		u.dialect("participant", p.ID, "session inside of a participant")
		session.Session = u.id("participant", text)
		r.ParticipantSessions = append(r.ParticipantSessions, session)
	}
	if len(stream.Send)+len(stream.Recv) > 0 {
		r.ParticipantStreams = append(r.ParticipantStreams, stream)
	}
}

func (u *reader) nameID(n *node) NameID {
	aor, ok := n.attribute("aor")
	if !ok {
		u.dialect("nameID", "", "no aor")
	}
	name := NameID{AOR: aor}
	for _, child := range n.children {
		if child.name.Local == "name" {
			name.Name, name.Lang = child.content(), child.lang()
		}
	}
	if name.Name == "" {
		name.Lang = ""
	}
	return name
}

func (u *reader) stream(n *node) Stream {
	s := Stream{ID: u.key(n, "stream_id", "id")}
	if text, ok := n.attribute("session_id"); ok {
		s.Session = u.id("stream", text)
	} else if text, ok = n.attribute("session"); ok {
		u.dialect("stream", s.ID, "attribute session for session_id")
		s.Session = u.id("stream", text)
	}
	s.Extensions = u.each(n, func(child *node) bool {
		if child.name.Local != "label" {
			return false
		}
		s.Label = child.content()
		return true
	})
	return s
}

func (u *reader) sessionRecording(n *node) SessionRecording {
	a := SessionRecording{Session: u.key(n, "session_id", "session")}
	a.Extensions = u.each(n, func(child *node) bool { return u.times(child, &a.Associate, &a.Disassociate) })
	return a
}

func (u *reader) participantSession(n *node) ParticipantSession {
	a := ParticipantSession{
		Participant: u.key(n, "participant_id", "participant"),
		Session:     u.key(n, "session_id", "session"),
	}
	a.Extensions = u.each(n, func(child *node) bool {
		if child.name.Local == "param" {
			name, _ := child.attribute("pname")
			value, _ := child.attribute("pval")
			a.Params = append(a.Params, Param{Name: name, Value: value})
			return true
		}
		return u.times(child, &a.Associate, &a.Disassociate)
	})
	return a
}

// streamReference reads send or recv.
func (u *reader) streamReference(n *node, a *ParticipantStream) bool {
	switch n.name.Local {
	case "send":
		a.Send = append(a.Send, u.id("send", n.content()))
	case "recv":
		a.Recv = append(a.Recv, u.id("recv", n.content()))
	default:
		return false
	}
	return true
}

func (u *reader) participantStream(n *node) ParticipantStream {
	a := ParticipantStream{Participant: u.key(n, "participant_id", "participant")}
	a.Extensions = u.each(n, func(child *node) bool {
		return u.streamReference(child, &a) || u.times(child, &a.Associate, &a.Disassociate)
	})
	return a
}
