package media

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/dtls"
)

// Session is one RTP session with one far end. Ingest and Emit belong to the tick: they are never called at the same time as
// each other. All other methods may be called by any goroutine at any time.
type Session struct {
	transport *Transport
	port      uint16
	rtp, rtcp socket
	cfg       *Config // of the transport when it was opened
	cname     string
	fixedSSRC bool

	offered atomic.Pointer[agreement] // set by Configure, adopted by the tick
	shared  counters                  // written by the tick
	digits  digitRing                 // tick to service goroutine
	reports atomic.Pointer[reportRing]
	asides  atomic.Pointer[asideRing]

	in  receiver // the tick's
	out sender   // the tick's

	report reporter              // the service goroutine's
	age    *level                // of what it plays, 0: not known; the tick sets it
	told   atomic.Pointer[level] // that of what it sends; see [Session.Recount]

	redundancy atomic.Int32 // how many earlier packets a packet carries

	mu           sync.Mutex
	have         [codecCount]bool // decoders ever made
	contributors map[uint32]string
	departed     []uint32
	closed       bool
	presses      *digitRing // nil until events may be sent
	keying       keying

	pressed   atomic.Pointer[func(Digit)] // called by the service goroutine
	secured   atomic.Pointer[func(error)] // called by handshakes
	consented level                       // when the far end last checked its way, 0: never
	closeOnce sync.Once
}

// LocalAddr returns the address to put into a description: the external address and the RTP port.
func (s *Session) LocalAddr() netip.AddrPort {
	return netip.AddrPortFrom(s.cfg.advertised(), s.port)
}

// LocalRTCP returns the address for reports when they are not multiplexed: one port above [Session.LocalAddr].
func (s *Session) LocalRTCP() netip.AddrPort {
	return netip.AddrPortFrom(s.cfg.advertised(), s.port+1)
}

// SSRC returns the source that Emit sends as. It changes only if the far end uses the same (RFC 3550, section 8.2).
func (s *Session) SSRC() uint32 { return uint32(s.shared.ssrc.get()) }

// CNAME returns the canonical name in our reports.
func (s *Session) CNAME() string { return s.cname }

// Configure replaces the parameters. Everything that costs is prepared here; the tick adopts it as a whole at the next
// Ingest or Emit. State that stays meaningful (decoders of the same codec, jitter buffer, latch on the same remote) is kept.
// The error is [ErrParams], [ErrClosed] or that of a codec; the old parameters then stay.
func (s *Session) Configure(p Params) error {
	a, err := newAgreement(p)
	if err != nil {
		return err
	}
	s.mu.Lock()
	over, err := s.configure(&p, a)
	s.mu.Unlock()
	for _, association := range over {
		association.Close()
	}
	return err
}

// configure is Configure under the mutex. It returns what is to be closed without it.
func (s *Session) configure(p *Params, a *agreement) ([]*dtls.Association, error) {
	if s.closed {
		return nil, ErrClosed
	}
	var before *guard
	if previous := s.offered.Load(); previous != nil {
		a.inherit(previous, s.in.adopted.Load() == previous)
		before = previous.guard
		if p.DTLS != nil && previous.params.DTLS != nil && p.DTLS.Certificate == previous.params.DTLS.Certificate {
			a.guard = before // until there are others
		}
	}
	a.inheritCopies(p, s.offered.Load())
	var err error
	if p.DTLS == nil {
		a.guard, err = newGuard(p.Protection, before)
	} else if a.guard == nil {
		a.guard = &guard{} // without keys nothing passes
	}
	if err != nil {
		return nil, err
	}
	have := s.have
	if err = a.prepare(&have); err != nil {
		return nil, err
	}
	s.have = have
	if p.Events {
		if s.presses == nil {
			s.presses = &digitRing{}
		}
		a.presses = s.presses
	}
	if p.Mux {
		if s.reports.Load() == nil {
			s.reports.Store(&reportRing{})
		}
		a.reports = s.reports.Load()
	}
	if p.DTLS != nil || p.ICE != nil {
		if s.asides.Load() == nil {
			s.asides.Store(&asideRing{})
		}
		a.aside = s.asides.Load()
	}
	over := s.rekey(p, a)
	s.transport.service.configured(s)
	return over, nil
}

// rekey begins the handshake of new parameters and puts them into use.
func (s *Session) rekey(p *Params, a *agreement) []*dtls.Association {
	over := s.keying.configure(s, p)
	if s.keying.agent != nil {
		s.keying.way(a)
	}
	before := s.offered.Load()
	s.offered.Store(a)
	if before != nil && a.alone && before.params.Remote != a.params.Remote {
		s.rtp.disconnect() // no tick may see that the far end is another one before there are keys, and the system would drop its handshake
	}
	return over
}

// inherit takes over what an agreement that the tick may never see has prepared.
func (a *agreement) inherit(previous *agreement, adopted bool) {
	if adopted {
		return
	}
	a.decoders = previous.decoders
}

// Rates returns the sample rates of the frames that Ingest may yield until the next Configure, in Hz.
func (s *Session) Rates() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rates []int
	for codec, have := range s.have {
		if rate := codecs.Codec(codec).SampleRate(); have && !slices.Contains(rates, rate) {
			rates = append(rates, rate)
		}
	}
	return rates
}

// Ingest reads what has arrived, and writes the frame that is due to dst, which has room for [codecs.MaxFrameSamples]. It is
// called once per tick of 20 ms and does not block, lock or allocate.
func (s *Session) Ingest(dst []int16) codecs.Frame {
	now := time.Since(s.transport.epoch)
	s.adopt(now)
	s.drain(now)
	s.in.room = nil // goes back
	s.in.idleEmits = 0
	s.grow()
	f := s.in.player.frame(dst, now)
	s.listen(&f, dst)
	s.publish(now)
	f.SSRC = s.in.source.ssrc
	if f.SSRC != 0 && s.in.csrcCount > 0 {
		f.CSRCCount, f.CSRC = s.in.csrcCount, s.in.csrc
	}
	return f
}

// Encoded returns the payload of which the last frame of Ingest was decoded, all of it and nothing else, and its codec; nil if it was put
// together of several, made up, or of none. It is valid until the next Ingest of the session.
func (s *Session) Encoded() (codecs.Codec, []byte) { return s.in.player.codec, s.in.player.whole }

// SetContributors tells under which name each contributing source is to be announced (RFC 3550, section 7.3): CNAME by SSRC.
// Those that are no longer in it are said goodbye to with the next report, or at once where packets of reduced size are agreed on. The map is not kept.
func (s *Session) SetContributors(cnames map[uint32]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ssrc := range s.contributors {
		if _, stays := cnames[ssrc]; !stays {
			s.departed = append(s.departed, ssrc)
		}
	}
	s.contributors = maps.Clone(cnames)
	if a := s.offered.Load(); a != nil && a.params.ReducedSize && len(s.departed) > 0 {
		s.transport.service.request(func() { s.transport.service.hasten(s) })
	}
}

// OnDigit has the far end's key presses told to a function, in order, one after the other, until the session is closed; those before are
// told first, as far as they are the last sixteen. The function must not block.
func (s *Session) OnDigit(pressed func(Digit)) {
	s.pressed.Store(&pressed)
	s.transport.service.knock()
}

// Close says BYE if anything was sent, closes the sockets and lets the ports rest. The mixer must have let go of the session
// before. Closing again does nothing.
func (s *Session) Close() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.unkey()
		s.transport.service.leave(s)
		s.transport.closed(s)
	})
	return nil
}
