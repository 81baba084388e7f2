package media

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/rtt"
)

// TextOptions are what a [TextSession] keeps for life.
type TextOptions struct {
	// Beside is the session of the audio with the same far end: it has the same address and CNAME (RFC 3550, section 5.2). nil: there is none.
	Beside *Session
	// Received is called with text as it comes, in order, by one goroutine at a time; it may call other sessions, but not close any.
	Received func([]rtt.Text)
}

// TextParams are what offer and answer have agreed on about real-time text.
type TextParams struct {
	// Remote and RemoteRTCP are as those of [Params].
	Remote, RemoteRTCP netip.AddrPort
	// SendFormat and ReceiveFormat are the formats of each direction.
	SendFormat, ReceiveFormat rtt.Format
	// Protection are the keys of SRTP; nil: plain RTP.
	Protection *Protection
	// DTLS makes the keys by a handshake instead, as that of [Params]. Until there are some nothing is sent, and what is said waits.
	DTLS *Handshake
	// Mux: RTCP on the RTP port (RFC 5761).
	Mux bool
	// Send and Receiving are the direction from our view.
	Send, Receiving bool
}

// TextSession is an RTP session of real-time text with one far end (RFC 4103). It has goroutines of its own, as there is little to do, and
// nothing of it is in the tick. All methods may be called by any goroutine at any time.
type TextSession struct {
	transport *Transport
	port      uint16
	rtp, rtcp *net.UDPConn
	cname     string
	cfg       *Config // as that of a Session
	ssrc      uint32
	received  func([]rtt.Text)
	wake      chan struct{} // of capacity 1
	done      chan struct{}
	running   sync.WaitGroup
	closing   sync.Once

	order sync.Mutex // of what is received; taken before mu

	mu           sync.Mutex
	params       TextParams
	configured   bool
	guard        *guard
	latch        latch
	in           *rtt.Receiver
	out          *rtt.Output // nil until something may be sent
	begin        rtt.SenderConfig
	contributors map[uint32]contributor
	reportAt     time.Duration
	prior        rtt.ReceiverStats
	buffer       []byte
	witness      Witness // nil: nobody
	keying       keying
	secured      func(error) // nil: nobody
	stats        TextStats
}

// TextStats counts what a session of text has sent and received.
type TextStats struct {
	rtt.ReceiverStats
	// Sent are packets; Forged those that came and were not proved to be the far end's, Foreign those from elsewhere.
	Sent, Forged, Foreign uint64
	// Reports are those of the far end.
	Reports uint64
	// Protected tells that there are keys of SRTP.
	Protected bool
}

// OpenText takes a pair of ports and returns a session on it that receives nothing yet and sends nothing; the caller closes it. The error is
// [ErrNoPorts], [ErrClosed] or the system's.
func (t *Transport) OpenText(o TextOptions) (*TextSession, error) {
	s := &TextSession{
		transport: t, cfg: t.live.Load(), received: o.Received, wake: make(chan struct{}, 1), done: make(chan struct{}),
		contributors: map[uint32]contributor{},
	}
	seed := make([]byte, 4+2+4+12)
	_, _ = rand.Read(seed) // never fails
	if o.Beside != nil {
		s.cname, s.cfg = o.Beside.cname, o.Beside.cfg
	} else {
		s.cname = base64.RawURLEncoding.EncodeToString(seed[10:])
	}
	s.ssrc = max(binary.BigEndian.Uint32(seed), 1)
	s.begin = rtt.SenderConfig{SSRC: s.ssrc, Sequence: binary.BigEndian.Uint16(seed[4:]), Timestamp: binary.BigEndian.Uint32(seed[6:])}
	if err := t.bindText(s); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		s.release()
		return nil, ErrClosed
	}
	t.texts[s] = struct{}{}
	s.reportAt = t.now() + firstReport(t.cfg.RTCPInterval)
	s.running.Add(3) //nolint:mnd // the three goroutines
	go s.listen(s.rtp, false)
	go s.listen(s.rtcp, true)
	go s.run()
	return s, nil
}

func (t *Transport) now() time.Duration { return time.Since(t.epoch) }

// bindText gives the session its sockets. A pair of which another process has one is passed over.
func (t *Transport) bindText(s *TextSession) error {
	for range t.ports.size() {
		port, ok := t.ports.take(t.now())
		if !ok {
			break
		}
		rtp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.cfg.ListenAddress, port)))
		if err == nil {
			var rtcp *net.UDPConn
			if rtcp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.cfg.ListenAddress, port+1))); err == nil {
				s.port, s.rtp, s.rtcp = port, rtp, rtcp
				return nil
			}
			_ = rtp.Close()
		}
		t.ports.give(port, t.now())
		if !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
	return fmt.Errorf("%w from %d to %d", ErrNoPorts, s.cfg.PortMin, s.cfg.PortMax)
}

func (s *TextSession) release() {
	_, _ = s.rtp.Close(), s.rtcp.Close()
	s.transport.ports.give(s.port, s.transport.now())
}

// Port returns the RTP port to put into a description, with the address of [Session.LocalAddr].
func (s *TextSession) Port() uint16 { return s.port }

// LocalAddr returns the address and port that packets come from.
func (s *TextSession) LocalAddr() netip.AddrPort {
	addr, _ := s.rtp.LocalAddr().(*net.UDPAddr) // of a UDP socket
	return unmapped(addr.AddrPort())
}

// SSRC returns the source that we send as.
func (s *TextSession) SSRC() uint32 { return s.ssrc }

// Stats returns what was counted so far.
func (s *TextSession) Stats() TextStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Protected = s.guard != nil && !s.guard.waits()
	if s.in != nil {
		stats.ReceiverStats = s.in.Stats()
	}
	return stats
}

// Configure replaces the parameters. The first that let us send begin the stream with a byte order mark (RFC 9071, section 3.2). The error is
// [ErrParams] or [ErrClosed]; the old parameters then stay.
func (s *TextSession) Configure(p TextParams) error {
	over, err := s.configure(p)
	for _, association := range over {
		association.Close()
	}
	return err
}

// configure is Configure under the mutex. It returns what is to be closed without it.
func (s *TextSession) configure(p TextParams) ([]*dtls.Association, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return nil, ErrClosed
	default:
	}
	made, err := s.newGuard(&p)
	if err != nil {
		return nil, err
	}
	p.Remote, p.RemoteRTCP, p.Protection = unmapped(p.Remote), unmapped(p.RemoteRTCP), nil
	s.latch.describe(p.Remote, s.cfg.Symmetric)
	s.guard, s.params, s.configured = made, p, true
	now := s.transport.now()
	if s.in == nil {
		s.in = rtt.NewReceiver(p.ReceiveFormat)
	}
	s.in.Configure(p.ReceiveFormat)
	switch {
	case s.out != nil:
		s.out.Configure(now, p.SendFormat)
	case p.Send:
		s.out = rtt.NewOutput(now, s.begin, p.SendFormat)
	}
	over := s.keying.configure(s, &Params{Remote: p.Remote, RemoteRTCP: p.RemoteRTCP, Mux: p.Mux, DTLS: p.DTLS})
	s.nudge()
	return over, nil
}

// Say sends what somebody has written. What may not be sent now, because the far end holds us, is not kept for later. It returns how many characters
// are lost, as more of that writer wait already than he can write in a quarter of an hour.
func (s *TextSession) Say(from rtt.Source, cname, text string) (lost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil || !s.params.Send {
		return 0
	}
	if from.ID != 0 {
		s.contributors[from.ID] = contributor{cname: cname, name: from.Name}
	}
	lost = s.out.Text(s.transport.now(), from, text)
	s.nudge()
	return lost
}

// Drop forgets what was not sent of somebody: the far end may not read it any more.
func (s *TextSession) Drop(source uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.contributors, source)
	if s.out != nil {
		s.out.Drop(source)
	}
}

// SetWitness has somebody told of each packet that leaves from now on, under the lock of the session; nil: nobody.
func (s *TextSession) SetWitness(w Witness) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.witness = w
}

// maxFinish is how many packets end a stream: those of all that can wait of some writers who have pasted a book each, with their repetition.
const maxFinish = 512

// finishBurst packets of them go at once, and the next after finishRest.
const (
	finishBurst = 32
	finishRest  = 3 * time.Millisecond
)

// Finish sends all that waits, with its repetition, at once instead of by and by, and then nothing more until the next call of
// [TextSession.Configure]: what is said next may not be read there. Timestamps are those that the packets would have had. It returns how many
// characters were too many, or had nowhere to go, and are lost.
func (s *TextSession) Finish() (lost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil || !s.params.Send {
		return 0
	}
	for n := range maxFinish {
		if s.guard.waits() {
			break // what nobody could read has nowhere to go
		}
		at, ok := s.out.Next()
		if !ok {
			break
		}
		if n%finishBurst == finishBurst-1 {
			time.Sleep(finishRest) // else the far end's socket overflows, and what repeats it is in the same flood
		}
		for p, ok := s.out.Poll(at); ok; p, ok = s.out.Poll(at) {
			s.send(p)
		}
	}
	lost = s.out.Waiting()
	s.out.Clear()
	s.params.Send = false
	return lost
}

// Close says BYE, and waits for the goroutines. It must not be called by Received.
func (s *TextSession) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.report(true)
		close(s.done)
		over := s.keying.stop()
		s.mu.Unlock()
		for _, association := range over {
			association.Close()
		}
		s.release()
		s.running.Wait()
		s.mu.Lock()
		s.guard.wipe()
		s.guard = nil
		s.configured = false
		s.mu.Unlock()
		s.transport.mu.Lock()
		delete(s.transport.texts, s)
		s.transport.mu.Unlock()
	})
	return nil
}

// listen takes what comes to a socket.
func (s *TextSession) listen(socket *net.UDPConn, reports bool) {
	defer s.running.Done()
	buffer := make([]byte, 2048)
	for {
		n, from, err := s.cfg.Receive(socket, buffer)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an ICMP error of what we have sent
		}
		from = unmapped(from)
		if s.aside(reports, buffer[:n], from) {
			continue
		}
		if reports || isRTCP(buffer[:n]) {
			s.reported(buffer[:n], from)
			continue
		}
		s.arrived(buffer[:n], from)
	}
}

// arrived takes one packet.
func (s *TextSession) arrived(octets []byte, from netip.AddrPort) {
	s.order.Lock()
	defer s.order.Unlock()
	s.deliver(func(now time.Duration) []rtt.Text {
		if !s.configured || !s.params.Receiving {
			return nil
		}
		if s.guard.waits() {
			s.stats.Forged++
			return nil
		}
		if s.guard != nil {
			size, err := s.guard.receive.Unprotect(octets)
			if err != nil {
				s.stats.Forged++
				return nil
			}
			octets = octets[:size]
		}
		p, err := rtt.ParsePacket(octets)
		if err != nil {
			return nil
		}
		if at := s.latch.addr; at.IsValid() && from.Addr() != at.Addr() && from != s.latch.described {
			s.stats.Foreign++ // silence is no sign that somebody has gone elsewhere: who writes pauses
			return nil
		}
		switch s.latch.judge(from, p.SSRC, p.Sequence, now) {
		case verdictAccept, verdictNewSource, verdictUnknown: // without waiting for a second one: it may be all there is to read
			return s.in.Put(now, p)
		case verdictForeign:
			s.stats.Foreign++
		}
		return nil
	})
}

// deliver passes on what take gives, in order; order is held.
func (s *TextSession) deliver(take func(time.Duration) []rtt.Text) {
	s.mu.Lock()
	list := take(s.transport.now())
	s.mu.Unlock()
	if len(list) > 0 && s.received != nil {
		s.received(list)
	}
	s.nudge()
}
