package confevent

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unmarshal reads a conference document. It is lenient (RFC 4575, section 4.1):
// elements and attributes it does not know, wherever they are, and values that the
// schema does not have are left out; white space around texts is too; the order of
// children does not matter; a missing version is 0. It does not check keys.
//
// Errors are ErrTooLarge, ErrMalformed and ErrNotConferenceInfo.
func Unmarshal(data []byte) (Document, error) {
	root, err := parseTree(data)
	if err != nil {
		return Document{}, err
	}
	if root.name != "conference-info" {
		return Document{}, fmt.Errorf("%w: root element is %q", ErrNotConferenceInfo, root.name)
	}
	d := readConference(root)
	if v := readUint(root.attr("version")); v != nil {
		d.Version = *v
	}

	return d, nil
}

func readConference(n *node) Document {
	d := Document{Entity: n.attr("entity"), State: readState(n)}
	if d.State == Deleted {
		return d
	}
	if k := n.child("conference-description"); k != nil {
		d.Description = readDescription(k)
	}
	if k := n.child("host-info"); k != nil {
		d.Host = &Host{DisplayText: k.string("display-text"), WebPage: k.string("web-page"), URIs: readURIs(k.child("uris"))}
	}
	if k := n.child("conference-state"); k != nil {
		d.ConferenceState = &ConferenceState{
			UserCount: readUint(k.string("user-count")),
			Active:    readBool(k.string("active")),
			Locked:    readBool(k.string("locked")),
		}
	}
	if k := n.child("users"); k != nil {
		d.Users = &Users{State: readState(k)}
		k.all("user", func(u *node) { d.Users.Users = append(d.Users.Users, readUser(u)) })
	}
	if k := n.child("sidebars-by-ref"); k != nil {
		d.SidebarsByRef = &URIs{State: readState(k), Entries: readURIs(k)}
	}
	if k := n.child("sidebars-by-val"); k != nil {
		d.SidebarsByVal = &Sidebars{State: readState(k)}
		k.all("entry", func(e *node) { d.SidebarsByVal.Entries = append(d.SidebarsByVal.Entries, readConference(e)) })
	}

	return d
}

func readDescription(n *node) *Description {
	d := &Description{
		DisplayText: n.string("display-text"),
		Subject:     n.string("subject"),
		FreeText:    n.string("free-text"),
		Keywords:    readWords(n.string("keywords")),
		ConfURIs:    readURIs(n.child("conf-uris")),
		ServiceURIs: readURIs(n.child("service-uris")),
	}
	if v := readUint(n.string("maximum-user-count")); v != nil {
		d.MaximumUserCount = *v
	}
	if k := n.child("available-media"); k != nil {
		k.all("entry", func(m *node) {
			d.AvailableMedia = append(d.AvailableMedia, Medium{
				Label:       m.attr("label"),
				DisplayText: m.string("display-text"),
				Type:        m.string("type"),
				Status:      MediaStatus(value(mediaNames, m.string("status"))),
			})
		})
	}

	return d
}

func readURIs(n *node) []URI {
	if n == nil {
		return nil
	}
	var list []URI
	n.all("entry", func(e *node) {
		list = append(list, URI{
			URI:         e.string("uri"),
			DisplayText: e.string("display-text"),
			Purpose:     e.string("purpose"),
			Modified:    readExecution(e.child("modified")),
		})
	})

	return list
}

func readUser(n *node) User {
	u := User{Entity: n.attr("entity"), State: readState(n)}
	if u.State == Deleted {
		return u
	}
	u.DisplayText = n.string("display-text")
	u.AssociatedAORs = readURIs(n.child("associated-aors"))
	if k := n.child("roles"); k != nil {
		k.all("entry", func(r *node) {
			if s := trim(string(r.text)); s != "" {
				u.Roles = append(u.Roles, s)
			}
		})
	}
	u.Languages = readWords(n.string("languages"))
	u.CascadedFocus = n.string("cascaded-focus")
	n.all("endpoint", func(e *node) { u.Endpoints = append(u.Endpoints, readEndpoint(e)) })

	return u
}

func readEndpoint(n *node) Endpoint {
	e := Endpoint{Entity: n.attr("entity"), State: readState(n)}
	if e.State == Deleted {
		return e
	}
	e.DisplayText = n.string("display-text")
	e.Referred = readExecution(n.child("referred"))
	e.Status = Status(value(statusNames, n.string("status")))
	e.JoiningMethod = JoiningMethod(value(joiningNames, n.string("joining-method")))
	e.JoiningInfo = readExecution(n.child("joining-info"))
	e.DisconnectionMethod = DisconnectionMethod(value(disconnectionNames, n.string("disconnection-method")))
	e.DisconnectionInfo = readExecution(n.child("disconnection-info"))
	n.all("media", func(m *node) {
		e.Media = append(e.Media, Media{
			ID:          m.attr("id"),
			DisplayText: m.string("display-text"),
			Type:        m.string("type"),
			Label:       m.string("label"),
			SrcID:       m.string("src-id"),
			Status:      MediaStatus(value(mediaNames, m.string("status"))),
		})
	})
	if k := n.child("call-info"); k != nil {
		if s := k.child("sip"); s != nil {
			e.CallInfo = &CallInfo{
				DisplayText: s.string("display-text"),
				CallID:      s.string("call-id"),
				FromTag:     s.string("from-tag"),
				ToTag:       s.string("to-tag"),
			}
		}
	}

	return e
}

func readExecution(n *node) *Execution {
	if n == nil {
		return nil
	}
	x := &Execution{Reason: n.string("reason"), By: n.string("by")}
	when := n.string("when")
	if t, err := time.Parse(time.RFC3339Nano, when); err == nil {
		x.When = t.UTC()
	} else if t, err := time.Parse("2006-01-02T15:04:05", when); err == nil {
		x.When = t // xs:dateTime without a zone
	}

	return x
}

func readState(n *node) State { return State(value(stateNames, n.attr("state"))) }

func readWords(s string) []string {
	if s == "" {
		return nil
	}

	return strings.Fields(s)
}

func readUint(s string) *uint32 {
	v, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return nil
	}

	return new(uint32(v))
}

// readBool reads an xs:boolean.
func readBool(s string) *bool {
	switch s {
	case "true", "1":
		return new(true)
	case "false", "0":
		return new(false)
	}

	return nil
}
