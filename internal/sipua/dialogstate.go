package sipua

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// dialogState is what every dialog has, whatever it is used for (RFC 3261,
// section 12). It is safe for concurrent use.
type dialogState struct {
	agent *Agent
	id    DialogID
	gate  *cseqGate
	// owner tells that the Call-ID is ours (RFC 3261, section 14.1).
	owner bool

	mu       sync.Mutex
	local    Address
	remote   Address
	target   URI
	routes   []Address
	seq      uint32
	contact  Address
	via      via
	allow    []string
	hasAllow bool
	// certificate names the one of ours that the dialog's requests show.
	certificate string
	credentials *Credentials
	supported   []string
	peer        string // its half of the Session-ID
}

// dialogOfRequest makes the dialog that a response of ours to this request
// establishes (RFC 3261, section 12.1.1).
func (a *Agent) dialogOfRequest(request *Request, contact Address) (*dialogState, error) {
	target, ok := request.Contact()
	if !ok {
		return nil, fmt.Errorf("%w: no Contact", ErrDialog)
	}
	routes, err := routeSet(request.Headers)
	if err != nil {
		return nil, err
	}
	state := &dialogState{
		agent: a,
		id:    DialogID{CallID: request.CallID, LocalTag: request.localTag, RemoteTag: request.From.Tag()},
		gate:  newCSeqGate(request.CSeq, true),
		local: request.To.WithTag(request.localTag), remote: request.From,
		target: target.URI, routes: routes, seq: newCSeq(), contact: contact,
		via: via{transport: request.Transport, local: request.Local},
	}
	if request.Caller != nil {
		state.credentials = request.Caller.Answers
	}
	state.via.conn = request.conn
	state.noteCapabilities(request.Headers)
	return state, nil
}

// dialogOfResponse makes the dialog that a 2xx to our request establishes (RFC
// 3261, section 12.1.2).
func (a *Agent) dialogOfResponse(o *outbound, response *Response) (*dialogState, error) {
	target, ok := response.Contact()
	if !ok { // which it must have; whom we called is then the best guess, and an ACK that may arrive is better than none
		target.URI = o.uri
	}
	routes, err := routeSet(response.Headers)
	if err != nil {
		return nil, err
	}
	slices.Reverse(routes)
	state := &dialogState{
		agent: a,
		id:    DialogID{CallID: o.callID, LocalTag: o.from.Tag(), RemoteTag: response.To.Tag()},
		gate:  newCSeqGate(0, false),
		owner: true,
		local: o.from, remote: response.To, target: target.URI, routes: routes, seq: o.cseq, contact: o.contact,
		certificate: o.certificate, credentials: o.credentials,
	}
	if o.sent != nil {
		state.via.transport = o.sent.transport
		if reliable(o.sent.transport) {
			state.via.conn = o.sent.conn
			if conn, ok := a.streams.get(o.sent.conn); ok && conn.info.dialed {
				state.via.dialed = conn.info.way()
			}
		} else if listener := a.listenerFor(o.sent.addr.Addr(), o.via.local); listener != nil {
			state.via.local = listener.addr
		}
	}
	state.noteCapabilities(response.Headers)
	return state, nil
}

// routeSet reads Record-Route.
func routeSet(headers Headers) ([]Address, error) {
	var routes []Address
	for _, value := range headers.Values("Record-Route") {
		list, err := ParseAddresses(value)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDialog, err)
		}
		routes = append(routes, list...)
	}
	return routes, nil
}

// outbound makes the next request within the dialog (RFC 3261, section
// 12.2.1.1).
func (s *dialogState) outbound(method string, body Body) *outbound {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	return s.request(method, s.seq, body)
}

// ack makes the ACK of a 2xx to the INVITE with this number.
func (s *dialogState) ack(seq uint32, body Body) *outbound {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.request("ACK", seq, body)
}

// request is called with the lock held.
func (s *dialogState) request(method string, seq uint32, body Body) *outbound {
	headers := slices.Clone(body.Headers)
	if len(body.Data) > 0 && body.ContentType != "" {
		headers = headers.Without("Content-Type").With("Content-Type", body.ContentType)
	}
	return &outbound{
		method: method, uri: s.target, from: s.local, to: s.remote, callID: s.id.CallID, cseq: seq,
		peer: s.peer, routes: s.routes, contact: s.contact, headers: headers, body: body.Data, via: s.via, certificate: s.certificate, credentials: s.credentials,
		number: s.nextNumber,
	}
}

// nextNumber counts a request that is sent again.
func (s *dialogState) nextNumber() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	return s.seq
}

// refresh takes over a new remote target from a request or a 2xx that may change
// it (RFC 3261, section 12.2.1.2), and what the peer can do.
func (s *dialogState) refresh(headers Headers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if contact, ok := firstContact(headers); ok && contact.URI.IsSIP() {
		s.target = contact.URI
	}
	s.note(headers)
}

func (s *dialogState) noteCapabilities(headers Headers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(headers)
}

func (s *dialogState) note(headers Headers) {
	if peer := peerSession(headers); peer != "" {
		s.peer = peer
	}
	if headers.Has("Allow") {
		s.allow, s.hasAllow = headers.List("Allow"), true
	}
	if headers.Has("Supported") {
		s.supported = headers.List("Supported")
	}
}

// moved notes on which connection the peer's last request came.
func (s *dialogState) moved(request *Request) {
	if !request.conn.IsValid() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.via.transport == request.Transport {
		s.via.conn = request.conn
	}
}

func (s *dialogState) allows(method string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hasAllow {
		return slices.Contains([]string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER"}, method)
	}
	return slices.Contains(s.allow, method)
}

func (s *dialogState) supports(option string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.supported, func(e string) bool { return strings.EqualFold(e, option) })
}

func (s *dialogState) parties() (local, remote Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.local, s.remote
}

func (s *dialogState) remoteTarget() URI {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.target
}
