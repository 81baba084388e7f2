package srs

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
)

// ports gives out pairs of UDP ports: an even one for RTP and the next for RTCP
// (RFC 3550, section 11).
type ports struct {
	low, high uint16

	mu   sync.Mutex
	next uint16
}

func newPorts(low, high uint16) *ports {
	low += low % 2

	p := &ports{low: low, high: high, next: low}
	if n := (int(high) - int(low)) / 2; n > 0 { // who begins anew is not to get what is still sent to who was there before
		p.next += 2 * uint16(rand.IntN(n)) //nolint:gosec // no secret, and not above high
	}

	return p
}

// A pair is the two sockets of a stream.
type pair struct {
	rtp, rtcp *media.QuietSocket
}

// tries is how often a free pair is looked for when the system chooses the ports.
const tries = 64

func (p *ports) open(address netip.Addr) (pair, error) {
	if p.high == 0 {
		for range tries {
			if got, err := openPair(address, 0); err == nil {
				return got, nil
			}
		}

		return pair{}, ErrNoPorts
	}
	for range (int(p.high)-int(p.low))/2 + 1 {
		if got, err := openPair(address, p.step()); err == nil {
			return got, nil
		}
	}

	return pair{}, ErrNoPorts
}

// step takes the ports in turn, so that one just freed, to which late packets
// may still come, is used last.
func (p *ports) step() uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	port := p.next
	if p.next += 2; p.next >= p.high || p.next < p.low {
		p.next = p.low
	}

	return port
}

var errOddPort = errors.New("odd port")

func openPair(address netip.Addr, port uint16) (pair, error) {
	rtp, err := media.OpenQuietSocket(netip.AddrPortFrom(address, port))
	if err != nil {
		return pair{}, err //nolint:wrapcheck // it says what and where
	}
	port = rtp.LocalAddr().Port()
	if port%2 != 0 {
		rtp.Close()

		return pair{}, errOddPort
	}
	rtcp, err := media.OpenQuietSocket(netip.AddrPortFrom(address, port+1))
	if err != nil {
		rtp.Close()

		return pair{}, err //nolint:wrapcheck // it says what and where
	}

	return pair{rtp: rtp, rtcp: rtcp}, nil
}

func (p pair) port() uint16 { return p.rtp.LocalAddr().Port() }

// unread is how long packets may wait for a recording that does something else, as one whose disk stands still.
const unread = 8 * time.Second

// reserve has the system keep so much of a stream. Others than uncompressed ones are small: of them it keeps that much anyway.
func (p pair) reserve(codec codecs.Codec) {
	const packetTime, sample = 10 * time.Millisecond, 2 // with longer ones more fits
	if codec.Linear() {
		p.rtp.Room(rtpHeaderSize+sample*codec.Channels()*codec.FrameSamples(packetTime), int(time.Second/packetTime), unread)
	}
}

// drainTime is how long packets that are under way when a stream ends are waited for.
const drainTime = 30 * time.Millisecond

func (p pair) close() {
	p.rtp.Close()
	p.rtcp.Close()
}
