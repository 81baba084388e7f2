package sipua

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
)

// inbound is a request together with its transaction.
type inbound struct {
	agent   *Agent
	wire    *sip.Request
	tx      *sip.ServerTx
	request *Request
	initial bool // it has no To tag of its own
	replied atomic.Bool
}

// id is the dialog that the request belongs to, or would make.
func (in *inbound) id() DialogID {
	return DialogID{CallID: in.request.CallID, LocalTag: in.request.localTag, RemoteTag: in.request.From.Tag()}
}

// respond sends a response. A final one is sent once: a second one is dropped.
func (in *inbound) respond(response *Response) error {
	if response.Status >= 200 && in.replied.Swap(true) {
		return ErrAnswered
	}
	if in.request.Method == "ACK" {
		return nil
	}
	if err := in.tx.Respond(in.render(response)); err != nil {
		return fmt.Errorf("%w: %w", ErrTransport, err)
	}
	in.agent.counts.response(in.request.Method, response.Status)
	return nil
}

// refuse answers with a status and no more.
func (in *inbound) refuse(status int, headers ...Header) {
	if err := in.respond(NewResponse(status, headers...)); err != nil {
		in.agent.log.Debug("cannot refuse a request", slog.String("method", in.request.Method),
			slog.Int("status", status), slog.Any("error", err))
	}
}

// render makes the message of a response: what a response repeats of its
// request (RFC 3261, section 8.2.6.2), our own fields, and those of the response.
func (in *inbound) render(response *Response) *sip.Response {
	reason := response.Reason
	if reason == "" {
		reason = ReasonPhrase(response.Status)
	}
	wire := sip.NewResponseFromRequest(in.wire, response.Status, oneLine(reason), nil)
	wire.SipVersion = "SIP/2.0"
	wire.RemoveHeader("Content-Length")
	wire.ReplaceHeader(sip.NewHeader("From", in.request.From.String()))
	if response.Status != 100 || !in.initial {
		wire.ReplaceHeader(sip.NewHeader("To", in.request.To.WithTag(in.request.localTag).String()))
	}
	headers := in.agent.responseHeaders(in.request, response)
	for _, header := range headers {
		wire.AppendHeader(sip.NewHeader(header.Name, oneLine(header.Value)))
	}
	wire.SetBody(response.Body)
	return wire
}

// responseHeaders are the fields of a response beside those of its request.
func (a *Agent) responseHeaders(request *Request, response *Response) Headers {
	headers := Headers{}
	for _, header := range response.Headers {
		switch strings.ToLower(canonicalName(header.Name)) {
		case "via", "from", "to", "call-id", "cseq", "record-route", "content-length":
		default:
			headers = append(headers, header)
		}
	}
	add := func(name, value string) {
		if value != "" && !headers.Has(name) {
			headers = append(headers, Header{Name: name, Value: value})
		}
	}
	add("Session-ID", sessionPair(a.session(request.To), peerSession(request.Headers)))
	class := response.Status / 100
	if response.Status != 100 {
		add("Server", a.config.UserAgent)
	}
	switch {
	case class == 2 && request.Method == methodOptions:
		add("Allow", a.allow())
		add("Accept", strings.Join(a.acceptedTypes(), ", "))
		add("Supported", strings.Join(a.supported(request), ", "))
		add("Allow-Events", strings.Join(a.config.AllowEvents, ", "))
		add("Accept-Language", "en")
	case class <= 2 && response.Status != 100 && (request.Method == "INVITE" || request.Method == "UPDATE"):
		add("Contact", Address{URI: a.contactFor(request)}.String())
		add("Allow", a.allow())
		add("Supported", strings.Join(a.config.Supported, ", "))
		add("Allow-Events", strings.Join(a.config.AllowEvents, ", "))
	case class == 2 && (request.Method == "SUBSCRIBE" || request.Method == "REFER"):
		add("Contact", Address{URI: a.contactFor(request)}.String())
	case response.Status == 405 || response.Status == 501:
		add("Allow", a.allow())
	case response.Status == 415 && !response.Headers.Has("Accept"):
		add("Accept", strings.Join(a.acceptedTypes(), ", "))
	case response.Status == 489:
		add("Allow-Events", strings.Join(a.config.AllowEvents, ", "))
	}
	return headers
}

// oneLine keeps a value from ending its line.
func oneLine(value string) string {
	if !strings.ContainsAny(value, "\r\n\x00") {
		return value
	}
	return strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(value)
}

// guard runs a handler; a panic is logged and answered with 500.
func (in *inbound) guard(f func()) {
	defer func() {
		if fault := recover(); fault != nil {
			in.agent.log.Error("a handler panicked", slog.String("method", in.request.Method),
				slog.String("call_id", in.request.CallID), slog.Any("panic", fault), slog.String("stack", string(debug.Stack())))
			in.refuse(500)
		}
	}()
	f()
}
