package confevent

// Namespace is the XML namespace of conference documents (RFC 4575, section 4.2).
const Namespace = "urn:ietf:params:xml:ns:conference-info"

// ContentType is the media type of conference documents (RFC 4575, section 3.4).
const ContentType = "application/conference-info+xml"

// EventPackage is the name of the package in the Event header (RFC 4575, section 3.1).
const EventPackage = "conference"

// A Document is a conference-info element, or one entry of sidebars-by-val, which
// has the same content (RFC 4575, sections 5.2 and 5.9.2).
//
// A full document describes the conference completely; a partial one only what
// changed; in a deleted one everything but Entity and Version is ignored.
type Document struct {
	// Entity is the conference URI, the one to subscribe to; of a sidebar entry its key.
	Entity string
	// State says how complete the document is.
	State State
	// Version numbers the documents of one subscription from 1 without gap
	// (RFC 4575, section 5.2; RFC 6665, section 5.3.2). A sidebar entry has none.
	Version uint32
	// Description is replaced as a whole; a full document always has one.
	Description *Description
	// Host is replaced as a whole.
	Host *Host
	// ConferenceState is replaced as a whole.
	ConferenceState *ConferenceState
	// Users is the roster; a full document always has one.
	Users *Users
	// SidebarsByRef lists sidebars by their URIs.
	SidebarsByRef *URIs
	// SidebarsByVal holds sidebars with their content.
	SidebarsByVal *Sidebars
}

// Empty reports whether a partial document says nothing: its merge changes only the version.
func (d Document) Empty() bool {
	return d.State == Partial && d.Description == nil && d.Host == nil && d.ConferenceState == nil &&
		d.Users == nil && d.SidebarsByRef == nil && d.SidebarsByVal == nil
}

// Users is the roster (RFC 4575, section 5.6). Entity is the key of its users.
type Users struct {
	State State
	Users []User
}

// Sidebars holds sidebar conferences by value (RFC 4575, section 5.9.2). Entity is
// the key of its entries.
type Sidebars struct {
	State   State
	Entries []Document
}

// URIs is a list of URIs (uris-type). Only as sidebars-by-ref may its State be
// other than Full (RFC 4575, section 4.4); there the URI is the key.
type URIs struct {
	State   State
	Entries []URI
}
