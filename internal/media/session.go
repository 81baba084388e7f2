package media

import (
	"net/netip"

	"github.com/parley-sip/parley/codecs"
)

// Session is one RTP session with one far end. Ingest and Emit belong to the tick: they are never called at the same time as
// each other. All other methods may be called by any goroutine at any time.
type Session struct{}

// LocalAddr returns the address to put into a description: the external address and the RTP port.
func (s *Session) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

// LocalRTCP returns the address for reports when they are not multiplexed: one port above [Session.LocalAddr].
func (s *Session) LocalRTCP() netip.AddrPort { return netip.AddrPort{} }

// SSRC returns the source that Emit sends as. It changes only if the far end uses the same (RFC 3550, section 8.2).
func (s *Session) SSRC() uint32 { return 0 }

// CNAME returns the canonical name in our reports.
func (s *Session) CNAME() string { return "" }

// Configure replaces the parameters. Everything that costs is prepared here; the tick adopts it as a whole at the next
// Ingest or Emit. State that stays meaningful (decoders of the same codec, jitter buffer, latch on the same remote) is kept.
// The error is [ErrParams], [ErrClosed] or that of a codec; the old parameters then stay.
func (s *Session) Configure(p Params) error { return nil }

// Ingest reads what has arrived, and writes the frame that is due to dst, which has room for [codecs.MaxFrameSamples]. It is
// called once per tick of 20 ms and does not block, lock or allocate.
func (s *Session) Ingest(dst []int16) codecs.Frame { return codecs.Frame{} }

// Emit sends one payload. The timestamp runs by the clock, whether or not Emit was called in every tick, by the packet's
// Samples otherwise. It does not block, lock or allocate.
func (s *Session) Emit(p *codecs.Packet) {}

// SetContributors tells under which name each contributing source is to be announced (RFC 3550, section 7.3): CNAME by SSRC.
// Those that are no longer in it are said goodbye to. The map is not kept.
func (s *Session) SetContributors(cnames map[uint32]string) {}

// Digits returns the channel of the far end's key presses. Nobody listening, the oldest are dropped beyond sixteen. It is
// closed with the session.
func (s *Session) Digits() <-chan Digit { return nil }

// Stats returns what was counted so far; it does not disturb the tick.
func (s *Session) Stats() Stats { return Stats{} }

// Close says BYE if anything was sent, closes the sockets and lets the ports rest. The mixer must have let go of the session
// before. Closing again does nothing.
func (s *Session) Close() error { return nil }
