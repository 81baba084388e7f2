package media

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-sip/parley/codecs"
)

// Transport opens sessions on a range of ports and serves what they have to do outside of the tick. All methods may be
// called by any goroutine.
type Transport struct {
	cfg     Config                 // it began with
	live    atomic.Pointer[Config] // for sessions that are opened
	epoch   time.Time              // zero of all times of the package
	ticks   tickClock
	wall    wallClock
	ports   *ports
	service *service

	mu       sync.Mutex
	sessions map[*Session]struct{}
	texts    map[*TextSession]struct{}
	stats    TransportStats
	stopped  bool
}

// NewTransport starts a transport; the caller closes it. The error is [ErrConfig] or the system's.
func NewTransport(cfg Config) (*Transport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	t := &Transport{
		cfg: cfg, epoch: time.Now(), ports: newPorts(cfg.PortMin, cfg.PortMax, cfg.PortRest), sessions: map[*Session]struct{}{},
		texts: map[*TextSession]struct{}{},
	}
	t.live.Store(&cfg)
	t.wall.set(t.epoch)
	var err error
	if t.service, err = newService(t); err != nil {
		return nil, err
	}
	return t, nil
}

// Reconfigure checks other settings for sessions to come: ListenAddress, ExternalAddress, PortMin, PortMax, JitterMin, JitterMax and Symmetric;
// all else stays. apply makes them hold. Sessions that are open go on as they are. Errors: ErrConfig, and that of the system when nothing can
// be bound to the address.
func (t *Transport) Reconfigure(cfg Config) (apply func(), err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	now := t.live.Load()
	if cfg.ListenAddress != now.ListenAddress {
		probe, err := openSocket(netip.AddrPortFrom(cfg.ListenAddress, 0))
		if err != nil {
			return nil, fmt.Errorf("%w: %v: %w", ErrConfig, cfg.ListenAddress, err)
		}
		probe.close()
	}
	next := *now
	next.ListenAddress, next.ExternalAddress, next.PortMin, next.PortMax = cfg.ListenAddress, cfg.ExternalAddress, cfg.PortMin, cfg.PortMax
	next.JitterMin, next.JitterMax, next.Symmetric = cfg.JitterMin, cfg.JitterMax, cfg.Symmetric
	return func() {
		t.live.Store(&next)
		if next.PortMin != now.PortMin || next.PortMax != now.PortMax {
			t.ports.set(next.PortMin, next.PortMax)
		}
	}, nil
}

// BothFamilies tells whether sessions that are opened now receive over IPv4 and IPv6: those bound to "::".
func (t *Transport) BothFamilies() bool {
	at := t.live.Load().ListenAddress
	return at.Is6() && at.IsUnspecified()
}

// advertised is the address that far ends are told.
func (c *Config) advertised() netip.Addr {
	if c.ExternalAddress.IsValid() {
		return c.ExternalAddress
	}
	return c.ListenAddress
}

// Open takes a pair of ports and returns a session on it that receives nothing yet and sends nothing; the caller closes it.
// The error is [ErrNoPorts], [ErrClosed] or the system's.
func (t *Transport) Open(o Options) (*Session, error) {
	cfg := t.live.Load()
	s := &Session{transport: t, cname: o.CNAME, cfg: cfg, age: &level{}}
	if err := t.bind(s, cfg); err != nil {
		return nil, err
	}
	seed := make([]byte, 4+12)
	_, _ = rand.Read(seed) // never fails
	if s.cname == "" {
		s.cname = base64.RawURLEncoding.EncodeToString(seed[4:]) // 96 bits
	}
	ssrc := binary.BigEndian.Uint32(seed)
	if o.SSRC != 0 {
		ssrc, s.fixedSSRC = o.SSRC, true
	}
	s.out.renumber(max(ssrc, 1)) // 0 is for "none" in our own fields
	s.shared.ssrc.set(int64(s.out.ssrc))
	s.shared.oldSSRC.set(-1)
	s.in.latch.symmetric = cfg.Symmetric
	player := &s.in.player
	player.rate, player.counters = 8000, &s.shared
	player.noise = codecs.NewNoiseGenerator(ssrc)
	player.jitter.minDelay, player.jitter.maxDelay = cfg.JitterMin, cfg.JitterMax
	player.jitter.store.make(chunksOf(cfg.JitterMax))
	player.jitter.reset(8000)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		s.release()
		return nil, ErrClosed
	}
	t.sessions[s] = struct{}{}
	t.stats.Opened++
	t.service.join(s)
	return s, nil
}

// bind gives the session its sockets. A pair of which another process has one is passed over.
func (t *Transport) bind(s *Session, cfg *Config) error {
	for range t.ports.size() {
		port, ok := t.ports.take(time.Since(t.epoch))
		if !ok {
			break
		}
		err := s.open(cfg.ListenAddress, port)
		if err == nil {
			return nil
		}
		t.ports.give(port, time.Since(t.epoch))
		if !errors.Is(err, unix.EADDRINUSE) {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.NoPorts++
	return fmt.Errorf("%w from %d to %d", ErrNoPorts, cfg.PortMin, cfg.PortMax)
}

// open binds both sockets.
func (s *Session) open(local netip.Addr, port uint16) error {
	rtp, err := openSocket(netip.AddrPortFrom(local, port))
	if err != nil {
		return err
	}
	rtcp, err := openSocket(netip.AddrPortFrom(local, port+1))
	if err != nil {
		rtp.close()
		return err
	}
	s.port, s.rtp, s.rtcp = port, rtp, rtcp
	return nil
}

// release gives sockets and ports back.
func (s *Session) release() {
	s.rtp.close()
	s.rtcp.close()
	s.transport.ports.give(s.port, time.Since(s.transport.epoch))
}

// closed forgets a session.
func (t *Transport) closed(s *Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.sessions, s)
	t.stats.Closed++
	t.stats.add(s)
}

// Stats returns what was counted so far.
func (t *Transport) Stats() TransportStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	stats := t.stats
	t.addOpen(&stats)
	stats.Sessions = len(t.sessions)
	stats.Ports = t.ports.size()
	stats.PortsFree = t.ports.free(time.Since(t.epoch))
	return stats
}

// Close closes all sessions, with their farewells, and waits for the service goroutine. No session may be in a tick.
func (t *Transport) Close() error {
	t.mu.Lock()
	t.stopped = true
	open := make([]*Session, 0, len(t.sessions))
	for s := range t.sessions {
		open = append(open, s)
	}
	texts := slices.Collect(maps.Keys(t.texts))
	t.mu.Unlock()
	for _, s := range open {
		_ = s.Close() // never fails
	}
	for _, s := range texts {
		_ = s.Close() // never fails
	}
	t.service.stop()
	return nil
}
