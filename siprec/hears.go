package siprec

import (
	"encoding/xml"
	"slices"
)

// hearsNamespace is that of the element that says that somebody receives all streams of a session. RFC 7865, section 6.8.1, has a recv element for each stream
// that somebody receives, and so a document that grows with the square of the participants where each has a stream of his own.
const hearsNamespace = "urn:parley:recording:hears:1"

// briefFrom is how many streams somebody has to receive for it to be said in brief.
const briefFrom = 8

// hearing is the element: all streams of a session, but for some.
type hearing struct {
	XMLName xml.Name `xml:"urn:parley:recording:hears:1 hears"`
	Session ID       `xml:"session_id,attr"`
	Except  []ID     `xml:"except"`
}

// hears tells whether somebody receives all streams of a session but his own, of which there are enough for it to be said in brief.
func (r *Roster) hears(p *RosterParticipant) (h hearing, all bool) {
	n := 0
	for i := range r.Streams {
		switch s := &r.Streams[i]; {
		case s.Shared || s.Rest: // is listed, or nobody hears it
		case s.own(p):
			h.Except = append(h.Except, s.ID)
		case !s.open(p) || !s.heardBy(p):
			return h, false
		default:
			n++
		}
	}
	h.Session = r.Session
	return h, n >= briefFrom
}

// extension is the element as it stands in a document.
func (h *hearing) extension() Extension {
	var w writer
	w.text.WriteString(`<hears xmlns="` + hearsNamespace + `" session_id="`)
	w.escape(string(h.Session))
	w.text.WriteString(`">`)
	for _, id := range h.Except {
		w.text.WriteString("<except>")
		w.escape(string(id))
		w.text.WriteString("</except>")
	}
	w.text.WriteString("</hears>")
	return Extension(w.text.String())
}

// Expand gives a complete document in which whoever is said in brief to receive all streams of a session ([Profile].BriefRecv) has a recv for each of them, as
// everybody else has. Streams that have ended, and are described because their m-line still has a label, are among them.
func (r Recording) Expand() Recording {
	r.ParticipantStreams = slices.Clone(r.ParticipantStreams)
	for i := range r.ParticipantStreams {
		a := &r.ParticipantStreams[i]
		var rest []Extension
		for _, e := range a.Extensions {
			var h hearing
			if xml.Unmarshal([]byte(e), &h) != nil {
				rest = append(rest, e)
				continue
			}
			a.Recv = slices.Clip(a.Recv)
			for _, s := range r.Streams {
				if s.Session == h.Session && !slices.Contains(h.Except, s.ID) && !slices.Contains(a.Recv, s.ID) {
					a.Recv = append(a.Recv, s.ID)
				}
			}
		}
		a.Extensions = rest
	}
	return r
}
