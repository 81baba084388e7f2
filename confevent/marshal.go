package confevent

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
)

// Marshal writes the document in XML 1.0 and UTF-8 (RFC 4575, section 4.1), valid
// against the schema whatever its texts hold: it is normalized first, see
// [Document.Normalize].
func (d Document) Marshal() []byte {
	return marshalNormalized(d.Normalize())
}

func marshalNormalized(d Document) []byte {
	w := writer{}
	w.buf.WriteString(xml.Header)
	w.conference("conference-info", d, true)
	w.buf.WriteByte('\n')

	return w.buf.Bytes()
}

// A writer writes elements without indentation: documents travel in datagrams.
type writer struct{ buf bytes.Buffer }

func (w *writer) conference(tag string, d Document, root bool) {
	attrs := append([]string{"entity", d.Entity}, state(d.State)...)
	if root {
		version := strconv.FormatUint(uint64(d.Version), 10)
		attrs = []string{"xmlns", Namespace, "entity", d.Entity, "state", d.State.String(), "version", version}
	}
	if d.State == Deleted {
		w.empty(tag, attrs...)

		return
	}
	w.open(tag, attrs...)
	w.description(d.Description)
	w.host(d.Host)
	w.conferenceState(d.ConferenceState)
	w.users(d.Users)
	if d.SidebarsByRef != nil {
		w.uris("sidebars-by-ref", d.SidebarsByRef.Entries, state(d.SidebarsByRef.State)...)
	}
	if l := d.SidebarsByVal; l != nil {
		w.open("sidebars-by-val", state(l.State)...)
		for _, e := range l.Entries {
			w.conference("entry", e, false)
		}
		w.close("sidebars-by-val")
	}
	w.close(tag)
}

func (w *writer) description(d *Description) {
	if d == nil {
		return
	}
	w.open("conference-description")
	w.text("display-text", d.DisplayText)
	w.text("subject", d.Subject)
	w.text("free-text", d.FreeText)
	w.text("keywords", strings.Join(d.Keywords, " "))
	w.uris("conf-uris", d.ConfURIs)
	w.uris("service-uris", d.ServiceURIs)
	if d.MaximumUserCount > 0 {
		w.text("maximum-user-count", strconv.FormatUint(uint64(d.MaximumUserCount), 10))
	}
	if len(d.AvailableMedia) > 0 {
		w.open("available-media")
		for _, m := range d.AvailableMedia {
			w.open("entry", "label", m.Label)
			w.text("display-text", m.DisplayText)
			w.mandatory("type", m.Type)
			w.text("status", m.Status.String())
			w.close("entry")
		}
		w.close("available-media")
	}
	w.close("conference-description")
}

func (w *writer) host(h *Host) {
	if h == nil {
		return
	}
	w.open("host-info")
	w.text("display-text", h.DisplayText)
	w.text("web-page", h.WebPage)
	w.uris("uris", h.URIs)
	w.close("host-info")
}

func (w *writer) conferenceState(s *ConferenceState) {
	if s == nil {
		return
	}
	w.open("conference-state")
	if s.UserCount != nil {
		w.text("user-count", strconv.FormatUint(uint64(*s.UserCount), 10))
	}
	if s.Active != nil {
		w.text("active", strconv.FormatBool(*s.Active))
	}
	if s.Locked != nil {
		w.text("locked", strconv.FormatBool(*s.Locked))
	}
	w.close("conference-state")
}

func (w *writer) uris(tag string, list []URI, attrs ...string) {
	if len(list) == 0 {
		return
	}
	w.open(tag, attrs...)
	for _, u := range list {
		w.open("entry")
		w.mandatory("uri", u.URI)
		w.text("display-text", u.DisplayText)
		w.text("purpose", u.Purpose)
		w.execution("modified", u.Modified)
		w.close("entry")
	}
	w.close(tag)
}

func (w *writer) users(l *Users) {
	if l == nil {
		return
	}
	w.open("users", state(l.State)...)
	for _, u := range l.Users {
		w.user(u)
	}
	w.close("users")
}

func (w *writer) user(u User) {
	attrs := append([]string{"entity", u.Entity}, state(u.State)...)
	if u.State == Deleted {
		w.empty("user", attrs...)

		return
	}
	w.open("user", attrs...)
	w.text("display-text", u.DisplayText)
	w.uris("associated-aors", u.AssociatedAORs)
	if len(u.Roles) > 0 {
		w.open("roles")
		for _, r := range u.Roles {
			w.mandatory("entry", r)
		}
		w.close("roles")
	}
	w.text("languages", strings.Join(u.Languages, " "))
	w.text("cascaded-focus", u.CascadedFocus)
	for _, e := range u.Endpoints {
		w.endpoint(e)
	}
	w.close("user")
}

func (w *writer) endpoint(e Endpoint) {
	attrs := append([]string{"entity", e.Entity}, state(e.State)...)
	if e.State == Deleted {
		w.empty("endpoint", attrs...)

		return
	}
	w.open("endpoint", attrs...)
	w.text("display-text", e.DisplayText)
	w.execution("referred", e.Referred)
	w.text("status", e.Status.String())
	w.text("joining-method", e.JoiningMethod.String())
	w.execution("joining-info", e.JoiningInfo)
	w.text("disconnection-method", e.DisconnectionMethod.String())
	w.execution("disconnection-info", e.DisconnectionInfo)
	for _, m := range e.Media {
		w.open("media", "id", m.ID)
		w.text("display-text", m.DisplayText)
		w.text("type", m.Type)
		w.text("label", m.Label)
		w.text("src-id", m.SrcID)
		w.text("status", m.Status.String())
		w.close("media")
	}
	if c := e.CallInfo; c != nil {
		w.open("call-info")
		w.open("sip")
		w.text("display-text", c.DisplayText)
		w.mandatory("call-id", c.CallID)
		w.mandatory("from-tag", c.FromTag)
		w.mandatory("to-tag", c.ToTag)
		w.close("sip")
		w.close("call-info")
	}
	w.close("endpoint")
}

func (w *writer) execution(tag string, x *Execution) {
	if x == nil {
		return
	}
	w.open(tag)
	if !x.When.IsZero() {
		w.text("when", x.When.Format(whenLayout))
	}
	w.text("reason", x.Reason)
	w.text("by", x.By)
	w.close(tag)
}

// state gives the attribute, which only says something where it is not the default.
func state(s State) []string {
	if s == Full {
		return nil
	}

	return []string{"state", s.String()}
}

func (w *writer) start(tag string, attrs []string) {
	w.buf.WriteByte('<')
	w.buf.WriteString(tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		w.buf.WriteByte(' ')
		w.buf.WriteString(attrs[i])
		w.buf.WriteString(`="`)
		w.escape(attrs[i+1])
		w.buf.WriteByte('"')
	}
}

func (w *writer) open(tag string, attrs ...string) {
	w.start(tag, attrs)
	w.buf.WriteByte('>')
}

func (w *writer) empty(tag string, attrs ...string) {
	w.start(tag, attrs)
	w.buf.WriteString("/>")
}

func (w *writer) close(tag string) {
	w.buf.WriteString("</")
	w.buf.WriteString(tag)
	w.buf.WriteByte('>')
}

// text writes an optional element: none for the empty text.
func (w *writer) text(tag, s string) {
	if s != "" {
		w.mandatory(tag, s)
	}
}

func (w *writer) mandatory(tag, s string) {
	w.open(tag)
	w.escape(s)
	w.close(tag)
}

// escape writes s, which is normalized, with the markup characters as entities.
func (w *writer) escape(s string) {
	for i := range len(s) {
		switch c := s[i]; c {
		case '&':
			w.buf.WriteString("&amp;")
		case '<':
			w.buf.WriteString("&lt;")
		case '>':
			w.buf.WriteString("&gt;")
		case '"':
			w.buf.WriteString("&quot;")
		default:
			w.buf.WriteByte(c)
		}
	}
}
