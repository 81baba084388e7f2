package media

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Defaults of [Config].
const (
	DefaultPortMin    = 16384
	DefaultPortMax    = 32767
	DefaultJitterMax  = 200 * time.Millisecond
	DefaultPortRest   = 5 * time.Second
	maxJitterMax      = 500 * time.Millisecond // what the packet store of a session holds of 20 ms packets
	defaultKeepAlive  = 15 * time.Second       // RFC 6263, section 7
	defaultRTCPPeriod = 5 * time.Second        // minimum interval of reports (RFC 3550, section 6.2)
)

// Config says where the sessions of a [Transport] live. Zero fields take the defaults. It is read by [NewTransport],
// and what [Transport.Reconfigure] says by that.
type Config struct {
	// ListenAddress is where the sockets are bound: an IPv4 or IPv6 address, default 127.0.0.1. Bound to "::", IPv4 far ends
	// are served as well.
	ListenAddress netip.Addr
	// ExternalAddress is what the far end is told, if it is another than ListenAddress (a 1:1 NAT, or an unspecified
	// ListenAddress).
	ExternalAddress netip.Addr
	// PortMin and PortMax bound the ports, both included; an RTP port is even and its RTCP port the next one. Default 16384
	// to 32767.
	PortMin, PortMax uint16
	// PortRest is how long a pair of ports is not used again, so that a late packet of one call is never heard in the next.
	// Default 5 s.
	PortRest time.Duration
	// JitterMin is the least and JitterMax the most delay that the jitter buffer adds; 0 to 500 ms. Default 0 and 200 ms.
	JitterMin, JitterMax time.Duration
	// Symmetric sends media to the address they come from (RFC 4961), under the rules of the package comment.
	Symmetric bool
	// RTCPInterval is the minimum mean interval of reports (RFC 3550, section 6.2), default 5 s. Tests shorten it.
	RTCPInterval time.Duration
	// KeepAlive is after how long of sending nothing an empty datagram goes to the far end, so that boxes between keep the way open
	// (RFC 6263, section 4.1). Where reports take the same way they do that. It is looked at with each report. Default 15 s.
	KeepAlive time.Duration
	// Receive reads a datagram of a session of text, as ReadFromUDPAddrPort does, which is the default. In a bubble of testing/synctest the clock
	// goes on only if it does not wait for the system.
	Receive func(socket *net.UDPConn, buffer []byte) (int, netip.AddrPort, error)
	// Logger gets what an operator should know of; nothing is logged per packet. Default: nothing is logged.
	Logger *slog.Logger
}

// withDefaults fills the zero fields.
func (c Config) withDefaults() Config {
	if !c.ListenAddress.IsValid() {
		c.ListenAddress = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if c.PortMin == 0 {
		c.PortMin = DefaultPortMin
	}
	if c.PortMax == 0 {
		c.PortMax = max(DefaultPortMax, c.PortMin)
	}
	if c.PortRest == 0 {
		c.PortRest = DefaultPortRest
	}
	if c.JitterMax == 0 {
		c.JitterMax = max(DefaultJitterMax, c.JitterMin)
	}
	if c.RTCPInterval == 0 {
		c.RTCPInterval = defaultRTCPPeriod
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = defaultKeepAlive
	}
	if c.Receive == nil {
		c.Receive = (*net.UDPConn).ReadFromUDPAddrPort
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports what [NewTransport] would refuse; the error is [ErrConfig] with the field and its value.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.PortMax < c.PortMin || evenUp(c.PortMin) >= c.PortMax:
		return fmt.Errorf("%w: no even port with its neighbour from %d to %d", ErrConfig, c.PortMin, c.PortMax)
	case c.JitterMin < 0 || c.JitterMax < c.JitterMin || c.JitterMax > maxJitterMax:
		return fmt.Errorf("%w: jitter buffer from %v to %v, want 0 to %v", ErrConfig, c.JitterMin, c.JitterMax, maxJitterMax)
	case c.PortRest < 0:
		return fmt.Errorf("%w: port rest %v is negative", ErrConfig, c.PortRest)
	case c.RTCPInterval < 10*time.Millisecond:
		return fmt.Errorf("%w: RTCP interval %v", ErrConfig, c.RTCPInterval)
	default:
		return nil
	}
}

// evenUp returns the first even port that is not below p.
func evenUp(p uint16) uint16 { return p + p&1 }
