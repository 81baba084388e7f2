package srs

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
)

// A Server is a Session Recording Server. Its methods may be called from any goroutine.
type Server struct {
	cfg     Config
	agent   *sipua.Agent
	ports   *ports
	keeper  *keeper
	totals  totals
	stop    chan struct{} // closed by Close, ends the keeper
	keeping sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	recordings map[*recording]struct{}
	running    sync.WaitGroup // of recordings
}

// New makes a Server. It opens nothing yet. The error wraps ErrConfig.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg.withDefaults(), recordings: make(map[*recording]struct{}), stop: make(chan struct{})}
	s.ports = newPorts(s.cfg.PortMin, s.cfg.PortMax)
	s.keeper = newKeeper(&s.cfg)
	agent, err := sipua.New(s.cfg.agent(), s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	s.agent = agent

	return s, nil
}

// maxHead is the room for the header fields of a message, in octets.
const maxHead = 64 << 10

// agent is the configuration of the SIP agent.
func (c Config) agent() sipua.Config {
	return sipua.Config{
		Listen:          c.Listen,
		TLS:             c.TLS,
		ExternalAddress: c.ExternalAddress,
		UserAgent:       c.UserAgent,
		Methods:         []string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "INFO"},
		Supported:       []string{siprec.OptionTag},
		Accept: []string{
			"application/sdp", "multipart/mixed", siprec.MetadataType, siprec.MetadataTypeOld, seal.ContentType,
		},
		Limits: sipua.Limits{MaxCalls: c.MaxRecordings, MaxMessageSize: siprec.MaxDocument + maxHead},
		Timers: c.Timers,
		Logger: c.Logger,
	}
}

// Start makes the directory, marks recordings that a dead process left there as
// interrupted, and begins to listen. ctx is only for the opening itself.
func (s *Server) Start(ctx context.Context) error {
	if err := s.keeper.prepare(); err != nil {
		return fmt.Errorf("srs: %w", err)
	}
	s.recover()
	s.keeper.look()
	s.keeper.expire(time.Now())
	if err := s.agent.Start(ctx); err != nil {
		return fmt.Errorf("srs: %w", err)
	}
	s.keeping.Go(func() { s.keeper.run(s.stop) })

	return nil
}

// SetTLS replaces certificates and authorities; connections stay. The error wraps ErrConfig.
func (s *Server) SetTLS(settings sipua.TLS) error {
	if err := s.agent.SetTLS(settings); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}

	return nil
}

// Addr returns the address of the listener of a transport, "udp", "tcp" or "tls"; the
// zero value if there is none. It is valid after Start.
func (s *Server) Addr(transport string) netip.AddrPort { return s.agent.Addr(transport) }

// Recordings returns the recordings that go on, in no order.
func (s *Server) Recordings() []Recording {
	active := s.active()
	list := make([]Recording, 0, len(active))
	for _, r := range active {
		if report, ok := r.snapshot(); ok {
			list = append(list, report)
		}
	}

	return list
}

// Close ends all recordings with BYE, completes their files and closes the
// listeners. It returns when all is written, or with the error of ctx, and then
// files may be incomplete.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		close(s.stop)
	}
	s.closed = true
	s.mu.Unlock()
	s.keeping.Wait()
	err := s.agent.Shutdown(ctx)
	for _, r := range s.active() {
		r.finish("shutdown", StateFinished)
	}
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("srs: %w", err)
	}

	return nil
}

func (s *Server) active() []*recording {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Collect(maps.Keys(s.recordings))
}

// add takes a new recording in, unless there are too many.
func (s *Server) add(r *recording) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case len(s.recordings) >= s.cfg.MaxRecordings:
		return errTooMany
	}
	s.recordings[r] = struct{}{}
	s.running.Add(1)

	return nil
}

func (s *Server) remove(r *recording) {
	s.mu.Lock()
	delete(s.recordings, r)
	s.mu.Unlock()
	s.running.Done()
}

// Subscribe refuses subscriptions: there are no event packages here.
func (s *Server) Subscribe(subscription *sipua.IncomingSubscription) {
	if err := subscription.Reject(sipua.NewResponse(489)); err != nil {
		s.cfg.Logger.Debug("subscription not refused", slog.Any("error", err))
	}
}

// Request leaves requests outside of a dialog to the agent.
func (s *Server) Request(*sipua.Request) *sipua.Response { return nil }
