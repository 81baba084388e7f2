package sipua

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/parley-sip/parley/internal/sparing"
)

// acceptPause is how long an accept loop rests after an error.
const acceptPause = 50 * time.Millisecond

// downFor is how long a target that did not answer is tried after the others.
const downFor = 30 * time.Second

// Agent is a SIP user agent: listeners, transactions and dialogs. Make one
// with New; its methods may be called from any goroutine.
type Agent struct {
	config  Config
	handler Handler
	log     *slog.Logger

	// Set by New and Start, then only read.
	udp          []*udpListener
	listeners    []*streamListener
	conns        *connListener
	transport    *sip.TransportLayer
	transactions *sip.TransactionLayer
	secret       [32]byte // of the tags we give

	sessions []byte                         // what session identifiers are made in
	invites  *expiring[*inviteMark]         // INVITEs seen, for CANCEL
	merged   *expiring[string]              // requests seen, for 482
	finished *expiring[func(*sip.Response)] // own INVITEs with a final response
	noTCP    *expiring[struct{}]            // destinations without TCP
	down     *expiring[struct{}]            // targets that did not answer
	resolver *resolver
	calls    *rateLimiter
	sources  *sourceLimiter
	ignored  atomic.Uint64
	rejects  *rateLimiter // raw answers to what cannot be parsed

	tls       atomic.Pointer[TLS]
	streams   *streamTable
	limiter   *connLimiter
	callCount tally
	counts    counts
	refusing  atomic.Bool
	shunned   sparing.Log
	maxCalls  atomic.Int64
	expiries  spaced

	wait     sync.WaitGroup  // everything that runs
	draining chan struct{}   // closed when Shutdown begins
	started  chan struct{}   // closed by Start
	closed   chan struct{}   // closed when nothing may be sent any more
	life     context.Context //nolint:containedctx // ends with closed, for what wants a context
	endLife  context.CancelFunc
	mu       sync.Mutex
	running  bool
	usages   map[DialogID]usage     // confirmed dialogs
	early    map[earlyID]earlyUsage // dialogs that we are about to make
	pending  map[*IncomingCall]struct{}
	dialing  map[string]*dial
}

// usage is what a dialog is used for: a call or a subscription.
type usage interface {
	// receive answers a request within the dialog. An ACK gets no answer.
	receive(in *inbound)
	// announce notes the number of a request that will be given to receive. It
	// must not block.
	announce(seq uint32)
	// shutdown ends the usage when the Agent ends.
	shutdown(ctx context.Context)
}

// earlyID names a dialog of which the remote tag is not known yet.
type earlyID struct{ callID, localTag string }

// earlyUsage is what waits for the dialog.
type earlyUsage interface {
	// receiveEarly gets a request that came before the response which makes the
	// dialog. It returns false when it has no use for it.
	receiveEarly(in *inbound) bool
}

// New makes an Agent. It opens no socket yet. The error wraps ErrConfig.
func New(config Config, handler Handler) (*Agent, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if handler == nil {
		return nil, fmt.Errorf("%w: no handler", ErrConfig)
	}
	config = config.withDefaults()
	remember := max(64*config.Timers.T1, 32*time.Second)
	a := &Agent{
		config:   config,
		handler:  handler,
		log:      config.Logger,
		sessions: newNamespace(),
		invites:  newExpiring[*inviteMark](remember),
		merged:   newExpiring[string](remember),
		finished: newExpiring[func(*sip.Response)](remember),
		noTCP:    newExpiring[struct{}](5 * time.Minute),
		down:     newExpiring[struct{}](downFor),
		resolver: newResolver(config.Resolvers),
		calls:    newRateLimiter(config.Limits.CallsPerSecond),
		sources:  newSourceLimiter(config.Limits.CallsPerSource),
		rejects:  newRateLimiter(rawAnswerRate),
		closed:   make(chan struct{}),
		usages:   map[DialogID]usage{},
		early:    map[earlyID]earlyUsage{},
		pending:  map[*IncomingCall]struct{}{},
		draining: make(chan struct{}),
		started:  make(chan struct{}),
		dialing:  map[string]*dial{},
		streams:  newStreamTable(),
		limiter:  newConnLimiter(config.Limits),
	}
	a.life, a.endLife = context.WithCancel(context.Background())
	a.tls.Store(&config.TLS)
	a.maxCalls.Store(int64(config.Limits.MaxCalls))
	_, _ = rand.Read(a.secret[:])
	return a, nil
}

// Start opens all listeners and begins to serve. When one cannot be opened it
// closes the others again. ctx is only for the opening itself. An Agent can be
// started once.
func (a *Agent) Start(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running || a.isClosed() {
		return ErrClosed
	}
	if err := a.openListeners(ctx, a.openListener); err != nil {
		a.closeListeners()
		a.udp, a.listeners = nil, nil
		return err
	}
	setUpStack(a.log)
	logger := stackLogger(a.log)
	a.transport = sip.NewTransportLayer(a.resolver.system, newParser(a.config.Limits.MaxMessageSize), nil,
		sip.WithTransportLayerLogger(logger),
		sip.WithTransportLayerTransports(sip.TransportsConfig{TCP: &sip.TransportTCP{
			ReadTimeout: a.config.Limits.IdleConnection, WriteTimeout: writeTimeout, DialerCreate: noDialer,
		}}))
	// Before the transaction layer, which handles each message in a goroutine of
	// its own: arrive sees them in the order in which they came.
	a.transport.OnMessage(a.arrive)
	a.transactions = sip.NewTransactionLayer(a.transport,
		sip.WithTransactionLayerLogger(logger),
		sip.WithTransactionLayerTerminateOnConnClose(),
		sip.WithTransactionLayerUnhandledResponseHandler(a.strayResponse))
	a.transactions.OnRequest(a.onRequest)
	a.running = true
	a.serve()
	close(a.started)
	return nil
}

// Started is closed when the Agent serves: from then on it can send requests.
func (a *Agent) Started() <-chan struct{} { return a.started }

// errNoDial says that a connection is gone over which a response should go.
var errNoDial = errors.New("no connection")

// noDialer makes a dialer that never connects: the Agent dials itself, and a
// response whose connection is gone must not make us connect to whatever host
// the request has named.
func noDialer(net.Addr) net.Dialer {
	return net.Dialer{Control: func(string, string, syscall.RawConn) error { return errNoDial }}
}

// closeListeners closes the sockets that take in messages.
func (a *Agent) closeListeners() {
	for _, listener := range a.udp {
		_ = listener.Close()
	}
	for _, listener := range a.listeners {
		_ = listener.Close()
	}
	if a.conns != nil {
		_ = a.conns.Close()
	}
}

// Addr returns the address of the first listener of a transport ("udp", "tcp",
// "tls", "ws" or "wss"), or the zero value when there is none. A port that was 0
// is the real one. It is valid after Start.
func (a *Agent) Addr(transport string) netip.AddrPort {
	if transport == overUDP && len(a.udp) > 0 {
		return a.udp[0].addr
	}
	for _, listener := range a.listeners {
		if listener.transport == transport {
			return listener.addr
		}
	}
	return netip.AddrPort{}
}

// streamAddr is the listener of a transport by which a peer would reach us: the
// first of the same address family, or the first.
func (a *Agent) streamAddr(transport string, peer netip.Addr) netip.AddrPort {
	for _, listener := range a.listeners {
		if listener.transport == transport && peer.IsValid() && listener.addr.Addr().Is4() == peer.Is4() {
			return listener.addr
		}
	}
	return a.Addr(transport)
}

// Dialog finds a dialog that was made by INVITE and is confirmed, as Replaces
// and Join name it.
func (a *Agent) Dialog(id DialogID) (*Dialog, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	dialog, ok := a.usages[id].(*Dialog)
	return dialog, ok
}

// Calls returns the number of INVITE dialogs and pending INVITEs.
func (a *Agent) Calls() int { return int(a.callCount.load()) }

// Refuse makes the Agent answer new calls and subscriptions with 503, as
// Shutdown does in its beginning, without ending anything.
func (a *Agent) Refuse() { a.refusing.Store(true) }

// isClosed reports whether the Agent has been shut down.
func (a *Agent) isClosed() bool {
	select {
	case <-a.closed:
		return true
	default:
		return false
	}
}

// pause waits, and returns false when the Agent is shut down meanwhile.
func (a *Agent) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-a.closed:
		return false
	}
}

// lifetime makes a context that ends after some time, and with the Agent.
func (a *Agent) lifetime(timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	a.wait.Go(func() {
		select {
		case <-a.closed:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}

// spawn runs a function in a goroutine that Shutdown waits for. It returns false
// when the Agent is shut down already.
func (a *Agent) spawn(f func()) bool {
	if !a.enter() {
		return false
	}
	go func() {
		defer a.wait.Done()
		f()
	}()
	return true
}

// enter counts a goroutine that was started elsewhere; the caller calls
// wait.Done at its end, if enter returned true.
func (a *Agent) enter() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.running {
		return false
	}
	a.wait.Add(1)
	return true
}

// isRunning reports whether the Agent serves.
func (a *Agent) isRunning() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.running
}

// register makes a dialog known.
func (a *Agent) register(id DialogID, u usage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.usages[id] = u
}

// unregister forgets a dialog.
func (a *Agent) unregister(id DialogID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.usages, id)
}

// expect announces a dialog of which the remote tag is not known yet.
func (a *Agent) expect(id earlyID, u earlyUsage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.early[id] = u
}

// forget ends an expectation.
func (a *Agent) forget(id earlyID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.early, id)
}

// find looks a dialog up.
func (a *Agent) find(id DialogID) (usage, earlyUsage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.usages[id], a.early[earlyID{callID: id.CallID, localTag: id.LocalTag}]
}
