package focus

import (
	"encoding/hex"
	"encoding/xml"
	"path"
	"slices"
	"strings"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// callNamespace is that of our extension elements in recording metadata (RFC 7865, section 9: they stand last in their element).
const callNamespace = "urn:parley:recording:call:1"

// What is kept of the header fields of a call for recorders.
const (
	maxCallHeaders     = 24
	maxCallHeaderValue = 512 // octets; longer ones are left out
)

// RecordData says what a recorder is told beside the metadata of RFC 7865, and what it is not.
type RecordData struct {
	// Headers are patterns for the names of header fields of participants' calls, such as "Call-Info" or "X-*". They are an extension of the
	// participant. Of who asks for privacy there are none.
	Headers []string
	// Fields are an extension of the session; {conference} and {name} in a value stand for those of the conference.
	Fields []siprec.Header
	// Roles puts the role of a participant into his extension.
	Roles bool
	// Names says whom participants are named as.
	Names Naming
}

// Naming is how much recording metadata tell of who somebody is.
type Naming uint8

// The namings: all addresses with the display name, the first address alone, or an address that says nothing but who is the same.
const (
	NamedFully Naming = iota
	NamedByAddress
	Unnamed
)

// wants tells whether a header field is for the recorder.
func (d *RecordData) wants(name string) bool {
	return slices.ContainsFunc(d.Headers, func(pattern string) bool {
		ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(name))
		return err == nil && ok
	})
}

// particulars are what is known of a participant for recorders, beside the roster.
type particulars struct {
	aliases []siprec.NameID
	headers sipua.Headers
	role    conference.Role
}

// particularsOf takes from an INVITE, or from the 2xx to one of ours, what any recorder wants. Nothing is taken from who asks for privacy
// (RFC 3323).
func (f *Focus) particularsOf(headers sipua.Headers, private, asserted bool) particulars {
	var p particulars
	if private || sipua.WantsPrivacy(headers) {
		return p
	}
	if asserted {
		for _, value := range headers.List("P-Asserted-Identity") {
			if address, err := sipua.ParseAddress(value); err == nil {
				p.aliases = append(p.aliases, siprec.NameID{AOR: address.URI.Bare().String(), Name: address.Name})
			}
		}
	}
	for _, field := range headers {
		wanted := slices.ContainsFunc(f.live().Recorders, func(r Recorder) bool { return r.Data.wants(field.Name) })
		if wanted && len(field.Value) <= maxCallHeaderValue && len(p.headers) < maxCallHeaders {
			p.headers = append(p.headers, field)
		}
	}
	return p
}

// describe makes a roster what a recorder is to be told.
func (c *controller) describe(roster *siprec.Roster, d *RecordData) {
	for i := range roster.Participants {
		p := &roster.Participants[i]
		if p.Focus {
			continue
		}
		known := c.particulars[p.ID]
		p.Names = naming(p, known.aliases, d.Names)
		if d.Roles || len(d.Headers) > 0 {
			p.Extensions = append(slices.Clone(p.Extensions), callExtension(known, d)...)
		}
	}
	if len(d.Fields) > 0 {
		state := c.machine.State()
		fill := strings.NewReplacer("{conference}", string(c.id), "{name}", state.Name)
		fields := make(sipua.Headers, 0, len(d.Fields))
		for _, f := range d.Fields {
			fields = append(fields, sipua.Header{Name: f.Name, Value: fill.Replace(f.Value)})
		}
		roster.SessionElements = append(slices.Clone(roster.SessionElements), element("conference", "", "field", fields))
	}
}

// naming gives the names of a participant, the best one first.
func naming(p *siprec.RosterParticipant, aliases []siprec.NameID, how Naming) []siprec.NameID {
	switch how {
	case Unnamed:
		return []siprec.NameID{{AOR: "sip:" + hex.EncodeToString([]byte(p.ID))[:16] + "@" + anonymousHost}}
	case NamedByAddress:
		return []siprec.NameID{{AOR: p.Names[0].AOR}}
	case NamedFully:
	}
	names := slices.Clip(p.Names) // others have it, too
	for _, alias := range aliases {
		if !slices.ContainsFunc(names, func(n siprec.NameID) bool { return n.AOR == alias.AOR }) {
			names = append(names, alias)
		}
	}
	return names
}

// callExtension is what a recorder is told of a participant's call; nothing if there is nothing.
func callExtension(known particulars, d *RecordData) []siprec.Extension {
	role := ""
	if d.Roles {
		role = known.role.String()
	}
	headers := slices.DeleteFunc(slices.Clone(known.headers), func(h sipua.Header) bool { return !d.wants(h.Name) })
	if role == "" && len(headers) == 0 {
		return nil
	}
	return []siprec.Extension{element("call", role, "header", headers)}
}

// element is an extension element with an entry for each field.
func element(name, role, entry string, fields sipua.Headers) siprec.Extension {
	var out strings.Builder
	escape := func(text string) { _ = xml.EscapeText(&out, []byte(text)) } // a Builder takes everything
	out.WriteString("<" + name + ` xmlns="` + callNamespace + `"`)
	if role != "" {
		out.WriteString(` role="` + role + `"`)
	}
	out.WriteString(">")
	for _, f := range fields {
		out.WriteString("<" + entry + ` name="`)
		escape(f.Name)
		out.WriteString(`">`)
		escape(f.Value)
		out.WriteString("</" + entry + ">")
	}
	out.WriteString("</" + name + ">")
	return siprec.Extension(out.String())
}
