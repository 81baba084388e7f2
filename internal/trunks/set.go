package trunks

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
)

// Config is one trunk.
type Config struct {
	// Name is what the API and dialled targets call it.
	Name string
	// URI is the peer: its registrar, and the host of what is called by it.
	URI sipua.URI
	// Username and Password are the account; Realm is the only one that is
	// answered, if it is set.
	Username, Password, Realm string
	// Register keeps us registered, for Expires. Default: 1 h.
	Register bool
	Expires  time.Duration
	// Proxy is the outbound proxy; zero: none.
	Proxy sipua.URI
	// Certificate names one of sipua.TLS.Clients; "": the usual one.
	Certificate string
	// Numbers are patterns of the user parts that are called by this trunk, in which
	// * stands for any text, such as "+44*".
	Numbers []string
	// Keepalive is how often the peer is asked whether it is there; 0: never.
	Keepalive time.Duration
}

// Agent is what a Set needs of a sipua.Agent.
type Agent interface {
	Request(ctx context.Context, request sipua.OutgoingRequest) (*sipua.Response, error)
	Contact(user string, transport ...string) sipua.URI
}

// Status is how a trunk is.
type Status struct {
	Name string
	URI  string
	// State is "registered", "registering", "failed", "up", "down" or "static" (nobody asks).
	State string
	// Reason says why it is not well.
	Reason string
	// Until is when the registration ends.
	Until time.Time
	// Since is when State began.
	Since time.Time
}

// Set are all trunks.
type Set struct {
	agent  Agent
	log    *slog.Logger
	domain string

	mu     sync.Mutex
	trunks []*trunk
	life   context.Context //nolint:containedctx // of the goroutines, ends with Close
	end    context.CancelFunc
	wait   sync.WaitGroup
}

// trunk is one of them.
type trunk struct {
	Config

	set  *Set
	by   *sipua.Trunk
	life context.Context //nolint:containedctx // ends when the trunk is removed
	end  context.CancelFunc

	mu     sync.Mutex
	status Status

	// Only the goroutine of the trunk touches these.
	callID  string
	cseq    uint32
	expires time.Duration
}

// New makes the trunks. domain is our own host: what is called there may go by a
// trunk that has the number.
func New(configs []Config, domain string, agent Agent, log *slog.Logger) *Set {
	s := &Set{agent: agent, log: log, domain: domain}
	s.life, s.end = context.WithCancel(context.Background())
	for i := range configs {
		s.trunks = append(s.trunks, s.prepare(configs[i]))
	}
	return s
}

func (s *Set) prepare(config Config) *trunk {
	t := &trunk{Config: config, set: s, callID: newCallID(), cseq: 1, expires: cmp.Or(config.Expires, time.Hour)}
	t.life, t.end = context.WithCancel(s.life)
	t.by = &sipua.Trunk{Route: config.Proxy, Certificate: config.Certificate}
	if !t.by.Route.IsZero() && !t.by.Route.Params.Has("lr") {
		t.by.Route = t.by.Route.With("lr", "")
	}
	if config.Username != "" {
		t.by.Credentials = &sipua.Credentials{Username: config.Username, Password: config.Password, Realm: config.Realm}
		t.by.From = t.account()
	}
	t.status = Status{Name: config.Name, URI: config.URI.String(), State: "static", Since: time.Now()}
	return t
}

// Start begins to register and to ask.
func (s *Set) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.trunks {
		s.start(t)
	}
}

func (s *Set) start(t *trunk) {
	switch {
	case t.Register:
		t.set.wait.Go(t.keepRegistered)
	case t.Keepalive > 0:
		t.set.wait.Go(t.keepAsking)
	}
}

// Set replaces the trunks. Those that are the same as before go on as they are.
func (s *Set) Set(configs []Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.trunks
	s.trunks = nil
	for i := range configs {
		same := slices.IndexFunc(old, func(t *trunk) bool { return equal(t.Config, configs[i]) })
		if same >= 0 {
			s.trunks = append(s.trunks, old[same])
			old = slices.Delete(slices.Clone(old), same, same+1)
			continue
		}
		t := s.prepare(configs[i])
		s.trunks = append(s.trunks, t)
		s.start(t)
	}
	for _, t := range old {
		t.end()
	}
}

func equal(x, y Config) bool {
	return x.Name == y.Name && x.URI.String() == y.URI.String() && x.Username == y.Username && x.Password == y.Password && x.Realm == y.Realm &&
		x.Register == y.Register && x.Expires == y.Expires && x.Proxy.String() == y.Proxy.String() && x.Certificate == y.Certificate &&
		slices.Equal(x.Numbers, y.Numbers) && x.Keepalive == y.Keepalive
}

// Close ends all registrations at the peers and waits for that, no longer than
// ctx lasts.
func (s *Set) Close(ctx context.Context) error {
	s.end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.wait.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // that of the caller
	}
}

// Status tells how each trunk is, in the order of the configuration.
func (s *Set) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Status, 0, len(s.trunks))
	for _, t := range s.trunks {
		t.mu.Lock()
		list = append(list, t.status)
		t.mu.Unlock()
	}
	return list
}

// Credentials are those to the challenges of a trunk; nil: it has none, or there is
// no such trunk.
func (s *Set) Credentials(name string) *sipua.Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.trunks {
		if t.Name == name {
			return t.by.Credentials
		}
	}
	return nil
}

// Route finds the trunk by which a target is called: the one that the host names,
// or the first that has the number if the target is at our own domain. uri is
// what to call then; listed tells that the number is one of the trunk's.
func (s *Set) Route(target sipua.URI) (uri sipua.URI, by *sipua.Trunk, listed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.trunks {
		if strings.EqualFold(target.Host, t.Name) {
			return t.target(target), t.by, t.has(target.UserPart())
		}
	}
	if s.domain == "" || !strings.EqualFold(target.Host, s.domain) {
		return target, nil, false
	}
	for _, t := range s.trunks {
		if t.has(target.UserPart()) {
			return t.target(target), t.by, true
		}
	}
	return target, nil, false
}

// has tells whether a number is called by this trunk.
func (t *trunk) has(number string) bool {
	return slices.ContainsFunc(t.Numbers, func(pattern string) bool { return matches(pattern, number) })
}

// target is somebody at the peer.
func (t *trunk) target(target sipua.URI) sipua.URI {
	uri := t.URI
	uri.User = target.User
	return uri
}

// account is our address of record at the peer.
func (t *trunk) account() sipua.Address {
	return sipua.Address{URI: sipua.URI{Scheme: t.URI.Scheme, User: sipua.EscapeUser(t.Username), Host: t.URI.Host}}
}

// become notes how the trunk is.
func (t *trunk) become(state, reason string, until time.Time) {
	t.mu.Lock()
	changed := t.status.State != state || t.status.Reason != reason
	if t.status.State != state {
		t.status.Since = time.Now()
	}
	t.status.State, t.status.Reason, t.status.Until = state, reason, until
	t.mu.Unlock()
	if changed {
		t.set.log.Info("trunk", slog.String("name", t.Name), slog.String("state", state), slog.String("reason", reason))
	}
}
