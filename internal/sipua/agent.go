package sipua

import (
	"context"
	"net/netip"
)

// Agent is a SIP user agent: listeners, transactions and dialogs. Make one
// with New; its methods may be called from any goroutine.
type Agent struct {
	config  Config
	handler Handler
}

// New makes an Agent. It opens no socket yet. The error wraps ErrConfig.
func New(config Config, handler Handler) (*Agent, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return &Agent{config: config.withDefaults(), handler: handler}, nil
}

// Start opens all listeners and begins to serve. When one cannot be opened it
// closes the others again. ctx is only for the opening itself.
func (a *Agent) Start(ctx context.Context) error { return nil }

// Addr returns the address of the first listener of a transport ("udp" or
// "tcp"), or the zero value when there is none. A port that was 0 is the real
// one.
func (a *Agent) Addr(transport string) netip.AddrPort { return netip.AddrPort{} }

// Contact makes the URI under which this Agent is reached: the user part, the
// external address or that of the listener, the port, and ;transport=tcp when
// a transport other than udp is asked for. The transport defaults to that of
// the first listener.
func (a *Agent) Contact(user string, transport ...string) URI { return URI{} }

// Dialog finds a dialog that was made by INVITE and is confirmed, as Replaces
// and Join name it.
func (a *Agent) Dialog(id DialogID) (*Dialog, bool) { return nil, false }

// Calls returns the number of INVITE dialogs and pending INVITEs.
func (a *Agent) Calls() int { return 0 }

// Refuse makes the Agent answer new calls and subscriptions with 503, as
// Shutdown does in its beginning, without ending anything.
func (a *Agent) Refuse() {}

// Shutdown refuses new calls with 503, sends BYE in all dialogs, ends all
// subscriptions, waits for the answers, and closes the sockets. When ctx ends
// earlier it closes at once and returns its error. No goroutine of the Agent
// runs any more when it returns.
func (a *Agent) Shutdown(ctx context.Context) error { return nil }

// OutgoingRequest is a request outside of a dialog.
type OutgoingRequest struct {
	// Method is the method, such as OPTIONS.
	Method string
	// URI is the Request-URI, and where the request is sent unless it has a
	// Route.
	URI URI
	// To and From are the parties; defaults: URI, and the domain of the Agent.
	To, From Address
	// Headers are additional header fields.
	Headers Headers
	// ContentType and Body are the body.
	ContentType string
	Body        []byte
}

// Request sends a request outside of a dialog and waits for its final response.
// Errors: *StatusError for what is not a 2xx, ErrTimeout, ErrTransport,
// ErrClosed, and that of ctx.
func (a *Agent) Request(ctx context.Context, request OutgoingRequest) (*Response, error) {
	return nil, ErrClosed
}
