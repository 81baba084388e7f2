package focus

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

const (
	resourceListsType = "application/resource-lists+xml"
	// recipientListInvite is the option tag of an INVITE with a list (RFC 5366, section 5).
	recipientListInvite = "recipient-list-invite"
	maxRecipients       = 100
	multipart           = "multipart/"
	anonymousURI        = "sip:anonymous@" + anonymousHost
)

// errRecipients refuses a list that cannot be read, or is too long.
var errRecipients = errors.New("recipient list")

// SupportedFor gives the agent the option tags that are understood in some requests only: a list of recipients at the factory URI (RFC
// 5366, section 5), and recording sessions that a recorder begins (RFC 7866, section 6.1.1). For sipua.Config.
func SupportedFor(factory string) func(*sipua.Request) []string {
	return func(request *sipua.Request) []string {
		if factory != "" && request.URI.UserPart() == factory && request.To.Tag() == "" {
			return []string{recipientListInvite}
		}
		if calledByRecorder(request) {
			return []string{siprec.OptionTag}
		}
		return nil
	}
}

// AcceptedTypes are the bodies that requests to the focus may have, for sipua.Config.
func AcceptedTypes() []string {
	// A multipart body of a kind that is not known is a mixed one (RFC 2046, section 5.1.3).
	return []string{sdpType, "multipart/mixed", "multipart/alternative", "multipart/related", sipfragMediaType, dtmfRelayType, dtmfType}
}

// Methods are the methods that the focus takes, for sipua.Config: MESSAGE is none, so that nobody is invited to write to a conference that does not read.
func Methods() []string {
	return []string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE", "INFO", methodRefer, "SUBSCRIBE", "NOTIFY"}
}

// recipient is one entry of a list (RFC 5366, section 4).
type recipient struct {
	uri       sipua.URI
	copyAs    string // to, cc or bcc
	anonymous bool
}

// readRecipients reads resource lists with copy-control attributes. Nested lists are taken flat, references left out. The names of the
// attributes count and not their namespace, which the RFC itself spells in two ways: nobody's wish for anonymity is overlooked. Each URI is
// taken once. Error: errRecipients.
func readRecipients(document []byte) ([]recipient, error) {
	reader := listReader{seen: map[string]bool{}}
	decoder := xml.NewDecoder(bytes.NewReader(document))
	for !reader.done {
		token, err := decoder.Token()
		if err == nil {
			err = reader.take(token)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errRecipients, err)
		}
	}
	if len(reader.list) == 0 {
		return nil, fmt.Errorf("%w: nobody in it", errRecipients)
	}
	return reader.list, nil
}

// listReader takes the parts of a document one by one.
type listReader struct {
	list  []recipient
	seen  map[string]bool
	depth int
	done  bool
}

func (l *listReader) take(token xml.Token) error {
	switch element := token.(type) {
	case xml.EndElement:
		l.depth--
		l.done = l.depth == 0
	case xml.StartElement:
		if l.depth++; l.depth == 1 && element.Name.Local != "resource-lists" {
			return fmt.Errorf("%w: it is a %s", errRecipients, element.Name.Local)
		}
		if element.Name.Local == "entry" {
			return l.entry(element)
		}
	}
	return nil
}

func (l *listReader) entry(element xml.StartElement) error {
	r, err := readEntry(element)
	if err != nil {
		return err
	}
	if key := r.uri.Bare().String(); !l.seen[key] {
		l.seen[key] = true
		l.list = append(l.list, r)
	}
	if len(l.list) > maxRecipients {
		return fmt.Errorf("%w: more than %d", errRecipients, maxRecipients)
	}
	return nil
}

func readEntry(element xml.StartElement) (recipient, error) {
	r := recipient{copyAs: "bcc"}
	for _, attribute := range element.Attr {
		switch attribute.Name.Local {
		case "uri":
			uri, err := sipua.ParseURI(strings.TrimSpace(attribute.Value))
			if err != nil || !uri.IsSIP() {
				return r, fmt.Errorf("%w: %q is no SIP URI", errRecipients, attribute.Value)
			}
			uri.Headers = ""
			r.uri = uri
		case "copyControl":
			r.copyAs = attribute.Value
		case "anonymize":
			r.anonymous = attribute.Value == "true" || attribute.Value == "1"
		}
	}
	if r.uri.IsZero() {
		return r, fmt.Errorf("%w: an entry without URI", errRecipients)
	}
	return r, nil
}

// history is the list as the others may see it: without those in blind copy, and with numbers instead of those who wish it (RFC 5366,
// section 5). Nil if nothing is left.
func history(list []recipient) []byte {
	var entries bytes.Buffer
	for _, kind := range []string{"to", "cc"} {
		hidden := 0
		for _, r := range list {
			switch {
			case r.copyAs != kind:
			case r.anonymous:
				hidden++
			default:
				entries.WriteString(`<entry uri="`)
				_ = xml.EscapeText(&entries, []byte(r.uri.String())) // a buffer takes everything
				entries.WriteString(`" cp:copyControl="` + kind + `"/>`)
			}
		}
		if hidden > 0 {
			fmt.Fprintf(&entries, `<entry uri="%s" cp:copyControl="%s" cp:count="%d"/>`, anonymousURI, kind, hidden)
		}
	}
	if entries.Len() == 0 {
		return nil
	}
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" `+
		`xmlns:cp="urn:ietf:params:xml:ns:copycontrol"><list>%s</list></resource-lists>`+"\n", entries.Bytes())
}

// bodies takes the body of an INVITE apart: its description, and the list of whom to call. Either may be missing. What else there is beside them is passed
// over unless it says that it must not be: where RFC 3261, section 20.11 would have silence taken for that, calls with the location of who calls for help (RFC
// 6442, section 4.2 has them without Content-Disposition) and those of gateways that add their ISUP (RFC 3204) would not come in.
func bodies(request *sipua.Request) (description, list []byte, err error) {
	switch t := request.ContentType(); {
	case len(request.Body) == 0:
		return nil, nil, nil
	case t == sdpType:
		return request.Body, nil, nil
	case !isMultipart(t):
		return nil, nil, fmt.Errorf("%w: %s", errMediaType, t)
	}
	parts, err := partsOf(request.Headers, request.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errRecipients, err)
	}
	for _, part := range parts {
		switch {
		case part.Is(sdpType) && description == nil:
			description = part.Body
		case strings.EqualFold(part.Use(), "recipient-list"):
			if !part.Is(resourceListsType) {
				return nil, nil, fmt.Errorf("%w: a list of type %s", errMediaType, part.ContentType)
			}
			list = part.Body
		case part.Handling() == "required":
			return nil, nil, fmt.Errorf("%w: %s", errMediaType, part.ContentType)
		}
	}
	return description, list, nil
}

// answerIn is the description in the body of a 2xx, ACK or PRACK, which may bring other parts along, as gateways do (RFC 3204): they are passed over, as
// nothing can be refused any more.
func answerIn(headers sipua.Headers, body []byte) []byte {
	contentType := headers.Get("Content-Type")
	if len(body) == 0 || !isMultipart(contentType) {
		return body
	}
	parts, err := partsOf(headers, body)
	if err != nil {
		return body // says why it cannot be read
	}
	for _, part := range parts {
		if part.Is(sdpType) {
			return part.Body
		}
	}
	return nil
}

func isMultipart(contentType string) bool {
	return len(contentType) > len(multipart) && strings.EqualFold(contentType[:len(multipart)], multipart)
}

func partsOf(headers sipua.Headers, body []byte) ([]siprec.Part, error) {
	return siprec.ParseParts(headers.Get("Content-Type"), headers.Get("Content-Disposition"), body)
}

// withHistory adds the list to the description that an INVITE carries.
func withHistory(description, list []byte) (contentType string, body []byte) {
	if list == nil {
		return sdpType, description
	}
	return siprec.BuildMultipart([]siprec.Part{
		{ContentType: sdpType, Body: description},
		{ContentType: resourceListsType, Disposition: "recipient-list-history; handling=optional", Body: list},
	})
}
