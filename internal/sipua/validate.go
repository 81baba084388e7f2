package sipua

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// knownMethods are the methods of the IANA registry: others are answered with
// 501, and those that are not allowed with 405 (RFC 3261, sections 8.2.1 and
// 21.5.2).
//
//nolint:gochecknoglobals // a table
var knownMethods = []string{
	"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "UPDATE", "INFO", "MESSAGE", "REFER", "SUBSCRIBE", "NOTIFY",
	"PRACK", "PUBLISH",
}

// onceOnly are the header fields that a request has at most once.
//
//nolint:gochecknoglobals // a table
var onceOnly = []string{
	"From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type", "Event", "Expires", "Refer-To",
	"Replaces", "Join",
}

// validate checks a request before any handler sees it, in the order of RFC
// 3261, sections 8.1.1 and 8.2. It returns nil or the response that refuses.
func (a *Agent) validate(in *inbound) *Response {
	if in.request.Method == "ACK" && !in.complete() {
		return NewResponse(400) // which is not sent
	}
	if in.wire.SipVersion != "SIP/2.0" {
		return NewResponse(505)
	}
	if !in.complete() {
		return NewResponse(400)
	}
	if in.ends() {
		return nil
	}
	if !in.wellFormed() {
		return NewResponse(400)
	}
	if !slices.Contains(knownMethods, in.request.Method) {
		return NewResponse(501)
	}
	if !slices.Contains(a.config.Methods, in.request.Method) {
		return NewResponse(405)
	}
	if !in.request.URI.IsSIP() && !in.request.URI.IsTel() {
		return NewResponse(416)
	}
	if in.initial && in.isSpent() && in.request.Method != methodOptions {
		return NewResponse(483)
	}
	if unsupported := a.unsupported(in.request); len(unsupported) > 0 {
		return NewResponse(420, Header{Name: "Unsupported", Value: strings.Join(unsupported, ", ")})
	}
	if refusal := a.config.SessionTimer.refuse(in.request); refusal != nil && (in.request.Method == "INVITE" || in.request.Method == "UPDATE") {
		return refusal
	}
	return a.checkBody(in)
}

// ends reports whether a request is one that its sender takes for done whatever is answered: ACK, CANCEL, and BYE in a dialog (RFC 3261, sections
// 15.1.1 and 17.1.1.3). Whatever else they carry, as the ISUP of gateways (RFC 3204), or an option, to refuse them for it would only leave a call
// here, and in recordings, that is over.
func (in *inbound) ends() bool {
	method := in.request.Method
	return method == "ACK" || method == "CANCEL" || method == "BYE" && !in.initial
}

// isSpent reports whether no proxy may pass the request on any more. That is none of our business if it has arrived (RFC 4475, section 3.3.11), but
// new calls that have come so far go round in a loop, most likely.
func (in *inbound) isSpent() bool {
	hops := in.request.Headers.Get("Max-Forwards")
	return hops != "" && strings.Trim(hops, "0") == ""
}

// complete reports whether the mandatory fields are there and can be parsed
// (RFC 3261, section 8.1.1).
func (in *inbound) complete() bool {
	wire := in.wire
	if wire.Via() == nil || wire.From() == nil || wire.To() == nil || wire.CallID() == nil || wire.CSeq() == nil {
		return false
	}
	for _, name := range onceOnly {
		if len(in.request.Headers.Values(name)) > 1 {
			return false
		}
	}
	if in.request.From.Tag() == "" && !in.ancient() {
		return false
	}
	return strings.EqualFold(strings.TrimSpace(string(wire.CSeq().MethodName)), string(wire.Method))
}

// ancient reports whether the peer follows RFC 2543, which knows no tags and no
// magic cookie.
func (in *inbound) ancient() bool {
	branch := in.wire.Via().Params.GetOr("branch", "")
	return !strings.HasPrefix(branch, sip.RFC3261BranchMagicCookie)
}

// wellFormed checks the syntax of what handlers rely upon.
func (in *inbound) wellFormed() bool {
	headers := in.request.Headers
	if in.request.URI.IsZero() || in.request.URI.Headers != "" && in.request.Method != "REGISTER" {
		return false
	}
	for _, name := range []string{"Max-Forwards", "Expires", "Content-Length", "Min-Expires"} {
		if value := headers.Get(name); value != "" && !isNumber(value) {
			return false
		}
	}
	for _, via := range headers.Values("Via") {
		if !strings.HasPrefix(strings.ToUpper(strings.ReplaceAll(via, " ", "")), "SIP/2.0/") {
			return false
		}
	}
	return in.hasAddresses() && in.hasContact() && (len(in.request.Body) == 0 || headers.Get("Content-Type") != "")
}

// hasAddresses checks the fields that are lists of addresses.
func (in *inbound) hasAddresses() bool {
	for _, name := range []string{"Contact", "Record-Route", "Refer-To", "Referred-By"} {
		for _, value := range in.request.Headers.Values(name) {
			if value == "*" && in.request.Method == "REGISTER" {
				continue
			}
			if _, err := ParseAddresses(value); err != nil {
				return false
			}
		}
	}
	return true
}

// hasContact checks that a request which makes a dialog has one Contact with a
// SIP URI (RFC 3261, section 12.1.1).
func (in *inbound) hasContact() bool {
	contacts := in.request.Headers.List("Contact")
	if method := in.request.Method; method != "INVITE" && method != "SUBSCRIBE" || !in.initial && len(contacts) == 0 {
		return true
	}
	if len(contacts) != 1 {
		return false
	}
	contact, err := ParseAddress(contacts[0])
	return err == nil && contact.URI.IsSIP()
}

func isNumber(s string) bool {
	return s != "" && len(s) <= 10 && isAll(s, func(c byte) bool { return c >= '0' && c <= '9' })
}

// unsupported returns the required option tags that we do not know (RFC 3261,
// section 8.2.2.3).
func (a *Agent) unsupported(request *Request) []string {
	required := request.Headers.List("Require")
	if len(required) == 0 {
		return nil
	}
	supported := a.supported(request)
	return slices.DeleteFunc(required, func(option string) bool {
		return slices.ContainsFunc(supported, func(s string) bool { return strings.EqualFold(s, option) })
	})
}

// supported are the option tags that we know in a request.
func (a *Agent) supported(request *Request) []string {
	if a.config.SupportedFor == nil {
		return a.config.Supported
	}
	return append(slices.Clone(a.config.Supported), a.config.SupportedFor(request)...)
}

// checkBody refuses a body that nobody here understands (RFC 3261, section
// 8.2.3), unless it may be ignored.
func (a *Agent) checkBody(in *inbound) *Response {
	request := in.request
	if len(request.Body) == 0 {
		return nil
	}
	disposition := strings.ReplaceAll(strings.ToLower(request.Headers.Get("Content-Disposition")), " ", "")
	if strings.Contains(disposition, "handling=optional") {
		return nil
	}
	for _, encoding := range request.Headers.List("Content-Encoding") {
		if !strings.EqualFold(encoding, "identity") {
			return NewResponse(415, Header{Name: "Accept-Encoding", Value: "identity"})
		}
	}
	if len(a.config.Accept) == 0 && request.Method != "INVITE" && request.Method != "UPDATE" {
		return nil
	}
	if slices.ContainsFunc(a.acceptedBy(in), func(pattern string) bool { return matchType(pattern, request.ContentType()) }) {
		return nil
	}
	return NewResponse(415, Header{Name: "Accept", Value: strings.Join(a.acceptedBy(in), ", ")})
}

// acceptedBy are the media types that a request may have: those of the agent, or of its dialog if that says something else, as the subscriber's
// side of a subscription does by its Accept.
func (a *Agent) acceptedBy(in *inbound) []string {
	if in.initial {
		return a.acceptedTypes()
	}
	found, early := a.find(in.id())
	if found == nil {
		found, _ = early.(*Subscriber) // its NOTIFY may have overtaken the 2xx
	}
	switch of := found.(type) {
	case *Dialog:
		if more, ok := of.handler.(BodyAccepter); ok {
			return more.Accepts()
		}
	case *Subscriber:
		if of != nil && len(of.wanted.Accept) > 0 {
			return of.wanted.Accept
		}
	}
	return a.acceptedTypes()
}

// matchType compares a media type with one that may have wildcards.
func matchType(pattern, mediaType string) bool {
	pattern = strings.ToLower(pattern)
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return pattern == "*/*" || strings.HasPrefix(mediaType, prefix)
	}
	return pattern == mediaType
}

// acceptedTypes are the media types that we understand.
func (a *Agent) acceptedTypes() []string {
	if len(a.config.Accept) == 0 {
		return []string{"application/sdp"}
	}
	return a.config.Accept
}

// allow is the value of Allow.
func (a *Agent) allow() string { return strings.Join(a.config.Methods, ", ") }
