package siprec

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

// timeLayout is RFC 3339 in UTC with milliseconds (RFC 7865, section 6.9). More digits
// or an offset trip recorders in the field.
const timeLayout = "2006-01-02T15:04:05.000Z"

// xmlHeader is the declaration that names UTF-8 (RFC 7865, section 5.1).
const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// writer writes elements, two blanks deeper for each level. No prefix is ever used:
// some recorders look for the literal "<recording".
type writer struct {
	text  strings.Builder
	depth int
}

func (w *writer) indent() {
	for range w.depth {
		w.text.WriteString("  ")
	}
}

func (w *writer) escape(s string) {
	// A strings.Builder returns no error.
	_ = xml.EscapeText(&w.text, []byte(s))
}

// tag writes the start of an element with its attributes, which come in pairs; those
// with an empty value are left out.
func (w *writer) tag(name string, attributes ...string) {
	w.indent()
	w.text.WriteString("<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] == "" {
			continue
		}
		w.text.WriteString(" " + attributes[i] + `="`)
		w.escape(attributes[i+1])
		w.text.WriteString(`"`)
	}
}

func (w *writer) open(name string, attributes ...string) {
	w.tag(name, attributes...)
	w.text.WriteString(">\n")
	w.depth++
}

func (w *writer) close(name string) {
	w.depth--
	w.indent()
	w.text.WriteString("</" + name + ">\n")
}

func (w *writer) leaf(name, value string, attributes ...string) {
	w.tag(name, attributes...)
	w.text.WriteString(">")
	w.escape(value)
	w.text.WriteString("</" + name + ">\n")
}

func (w *writer) time(name string, t time.Time) {
	if !t.IsZero() {
		w.leaf(name, t.UTC().Format(timeLayout))
	}
}

func (w *writer) ids(name string, ids []ID) {
	for _, id := range ids {
		w.leaf(name, string(id))
	}
}

func (w *writer) extensions(list []Extension) {
	for _, e := range list {
		w.indent()
		w.text.WriteString(string(e) + "\n")
	}
}

// Marshal returns the document in schema order, UTF-8 with an XML declaration
// (RFC 7865, sections 5.1 and 9). namespace is [Namespace] when empty. Times are
// written in milliseconds.
func Marshal(r Recording, namespace string) []byte {
	if namespace == "" {
		namespace = Namespace
	}
	var w writer
	w.text.WriteString(xmlHeader)
	w.open("recording", "xmlns", namespace)
	w.leaf("datamode", r.Mode.String())
	for _, g := range r.Groups {
		w.open("group", "group_id", string(g.ID))
		w.time("associate-time", g.Associate)
		w.time("disassociate-time", g.Disassociate)
		w.extensions(g.Extensions)
		w.close("group")
	}
	for _, s := range r.Sessions {
		w.session(s)
	}
	for _, p := range r.Participants {
		w.participant(p)
	}
	for _, s := range r.Streams {
		w.open("stream", "stream_id", string(s.ID), "session_id", string(s.Session))
		if s.Label != "" {
			w.leaf("label", s.Label)
		}
		w.extensions(s.Extensions)
		w.close("stream")
	}
	w.associations(r)
	w.extensions(r.Extensions)
	w.close("recording")
	return []byte(w.text.String())
}

func (w *writer) session(s Session) {
	w.open("session", "session_id", string(s.ID))
	for _, id := range s.SIPSessionIDs {
		w.leaf("sipSessionID", id)
	}
	for _, reason := range s.Reasons {
		// The schema wants a cause, RFC 3326 does not: 0 stands for none.
		w.leaf("reason", reason.Text, "cause", strconv.Itoa(int(reason.Cause)), "protocol", reason.Protocol)
	}
	if s.Group != "" {
		w.leaf("group-ref", string(s.Group))
	}
	w.time("start-time", s.Start)
	w.time("stop-time", s.Stop)
	w.extensions(s.Extensions)
	w.close("session")
}

func (w *writer) participant(p Participant) {
	w.open("participant", "participant_id", string(p.ID))
	for _, n := range p.Names {
		if n.Name == "" {
			w.tag("nameID", "aor", n.AOR)
			w.text.WriteString("/>\n")
			continue
		}
		w.open("nameID", "aor", n.AOR)
		w.leaf("name", n.Name, "xml:lang", n.Lang)
		w.close("nameID")
	}
	w.extensions(p.Extensions)
	w.close("participant")
}

func (w *writer) associations(r Recording) {
	for _, a := range r.SessionRecordings {
		w.open("sessionrecordingassoc", "session_id", string(a.Session))
		w.time("associate-time", a.Associate)
		w.time("disassociate-time", a.Disassociate)
		w.extensions(a.Extensions)
		w.close("sessionrecordingassoc")
	}
	for _, a := range r.ParticipantSessions {
		w.open("participantsessionassoc", "participant_id", string(a.Participant), "session_id", string(a.Session))
		w.time("associate-time", a.Associate)
		w.time("disassociate-time", a.Disassociate)
		for _, p := range a.Params {
			w.param(p)
		}
		w.extensions(a.Extensions)
		w.close("participantsessionassoc")
	}
	for _, a := range r.ParticipantStreams {
		w.open("participantstreamassoc", "participant_id", string(a.Participant))
		w.ids("send", a.Send)
		w.ids("recv", a.Recv)
		// Unlike everywhere else the times come last (RFC 7865, section 9).
		w.time("associate-time", a.Associate)
		w.time("disassociate-time", a.Disassociate)
		w.extensions(a.Extensions)
		w.close("participantstreamassoc")
	}
}

// param writes both attributes even when they are empty, since both are required.
func (w *writer) param(p Param) {
	w.indent()
	w.text.WriteString(`<param pname="`)
	w.escape(p.Name)
	w.text.WriteString(`" pval="`)
	w.escape(p.Value)
	w.text.WriteString("\"/>\n")
}
