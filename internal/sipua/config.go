package sipua

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// ErrConfig is wrapped by every error that Config.Validate returns.
var ErrConfig = errors.New("invalid configuration of the SIP agent")

// Config is what an Agent is made from. The zero value is valid: such an Agent
// listens on UDP and TCP at a free port of 127.0.0.1.
type Config struct {
	// Listen are the addresses to listen on, such as "udp://127.0.0.1:5060" and
	// "tls://[::1]:5061"; the transports are udp, tcp, tls, ws and wss. Port 0 takes a free one; when udp and tcp of the same
	// host both have port 0, they get the same. Default: udp and tcp at
	// 127.0.0.1:0.
	Listen []string
	// ExternalAddress is the host that is written into Contact and Via instead
	// of the listener's own, for use behind a NAT. Default: none.
	ExternalAddress string
	// Domain is the host of URIs that we make for ourselves (From). Default: the
	// address of the first listener.
	Domain string
	// UserAgent is sent in User-Agent and Server. Default: none is sent.
	UserAgent string
	// Methods are the allowed methods, for Allow and for 405. Default: INVITE,
	// ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, REFER, SUBSCRIBE, NOTIFY.
	Methods []string
	// Supported are the option tags that may be required of us, for Supported
	// and for 420 (RFC 3261, section 8.2.2.3). Default: none.
	Supported []string
	// SupportedFor returns further option tags that are supported for this
	// request, such as recipient-list-invite at a factory URI. May be nil.
	SupportedFor func(request *Request) []string
	// Accept are the media types that a body may have, for Accept and for 415;
	// "application/*" and "*/*" are allowed. Default: application/sdp in INVITE
	// and UPDATE, anything in other requests. See also IncomingCall.
	Accept []string
	// AllowEvents are the event packages for Allow-Events, or none.
	AllowEvents []string
	// MinExpires is the shortest subscription that is not refused with 423.
	// Default: 0, no limit (RFC 6665, section 4.2.1.1).
	MinExpires time.Duration
	// SessionIDs marks every message with the Session-ID of its session (RFC 7989). Default: off.
	SessionIDs bool
	// SessionTimer keeps sessions alive and finds out about peers that are gone. Default: off.
	SessionTimer SessionTimer
	// TLS has the certificates of tls and wss.
	TLS TLS
	// Origins are the hosts of web pages that may use ws and wss, with * as
	// wildcard; pages of this host and clients that are no browsers always may.
	Origins []string
	// Resolvers are DNS servers, host:port. Default: those of the system.
	Resolvers []string
	// Ignore tells from which addresses requests outside of a dialog get no answer
	// at all. Nil: all are answered.
	Ignore func(source netip.Addr) bool
	// Overloaded tells that no new calls are wanted for now: they get 503. Nil:
	// never.
	Overloaded func() bool
	// Limits protect the process.
	Limits Limits
	// Timers are the protocol timers; tests shorten them.
	Timers Timers
	// Network is where listeners are opened and connections made. Default: that of the system.
	Network Network
	// Logger receives what is worth an operator's attention. Default: none.
	Logger *slog.Logger
}

// Limits are beyond which the Agent refuses with 503, or drops, before it
// allocates anything for the request. Zero means the default.
type Limits struct {
	// MaxCalls is the number of INVITE dialogs and pending INVITEs. Default: 0,
	// no limit.
	MaxCalls int
	// CallsPerSecond is how many INVITEs outside of a dialog are let in.
	// Default: 0, no limit.
	CallsPerSecond int
	// CallsPerSource is the same for one address. Default: 0, no limit.
	CallsPerSource int
	// RetryAfter is the Retry-After of the 503. Default: 5 s.
	RetryAfter time.Duration
	// MaxMessageSize is in bytes. A request that is larger by its body is answered with 413; what has larger header fields is dropped.
	// Default: 65535.
	MaxMessageSize int
	// MaxHeaders is the number of header lines. Default: 256.
	MaxHeaders int
	// MaxParams is the number of semicolons in the header part. Default: 1024.
	MaxParams int
	// MaxConnections is the number of connections that others may make. Default:
	// 4096.
	MaxConnections int
	// MaxConnectionsPerSource is the same for one address. Default: half of
	// MaxConnections.
	MaxConnectionsPerSource int
	// IdleConnection is after how long a connection on which nothing is
	// received is closed. Default: 30 min.
	IdleConnection time.Duration
	// SilentConnection is the same before the first message. Default: 1 min.
	SilentConnection time.Duration
}

// Timers are those of RFC 3261, section 17.1.1.1. They hold for what this
// package does itself: retransmission of 2xx responses, time-outs, and
// back-off after 491.
type Timers struct {
	// T1 is the estimated round-trip time. Default: 500 ms.
	T1 time.Duration
	// T2 is the longest retransmission interval. Default: 4 s.
	T2 time.Duration
	// Glare is the unit of the back-off of RFC 3261, section 14.1. Default: 1 s.
	Glare time.Duration
	// FailOver is how long a target may be silent when there is another one to
	// try. Default: 4 s.
	FailOver time.Duration
	// KeepAlive is the longest time between two pings on a connection that we have made (RFC 5626, section 4.4.1); each is up to
	// a fifth earlier. Default: 2 min.
	KeepAlive time.Duration
	// Provisional is how often a provisional response is repeated, so that proxies do not give the call up (RFC 3261, section 13.3.1.1); a
	// reliable one is followed by another after two and a half times that (RFC 3262, section 3). Default: 1 min.
	Provisional time.Duration
}

// listenAddress is one parsed element of Config.Listen.
type listenAddress struct {
	transport string
	addr      netip.AddrPort
}

// Validate says what is wrong with the configuration; the error wraps
// ErrConfig.
func (c Config) Validate() error {
	for _, s := range c.Listen {
		if _, err := parseListen(s); err != nil {
			return err
		}
	}
	l := c.Limits
	if l.MaxCalls < 0 || l.CallsPerSource < 0 || l.CallsPerSecond < 0 || l.RetryAfter < 0 || l.MaxMessageSize < 0 || l.MaxHeaders < 0 ||
		l.MaxParams < 0 || l.MaxConnections < 0 || l.IdleConnection < 0 || l.MaxConnectionsPerSource < 0 || l.SilentConnection < 0 {
		return fmt.Errorf("%w: a limit is negative", ErrConfig)
	}
	if c.Timers.T1 < 0 || c.Timers.T2 < 0 || c.Timers.Glare < 0 || c.Timers.FailOver < 0 || c.Timers.KeepAlive < 0 || c.Timers.Provisional < 0 || c.MinExpires < 0 {
		return fmt.Errorf("%w: a timer is negative", ErrConfig)
	}
	if s := c.SessionTimer; s.Interval != 0 && s.Interval < leastSession || s.Min < 0 || s.on() && s.Interval < s.Min {
		return fmt.Errorf("%w: a session timer of %v, at least %v, want 90s or more", ErrConfig, s.Interval, s.Min)
	}
	return c.TLS.validate(c.Listen)
}

// defaultPort is the port of a transport when none is given (RFC 3261, section
// 18.2.1; RFC 7118, section 5.4).
func defaultPort(transport string) uint16 {
	switch transport {
	case overTLS:
		return 5061
	case overWS:
		return 80
	case overWSS:
		return 443
	}
	return 5060
}

func parseListen(s string) (listenAddress, error) {
	u, err := url.Parse(s)
	if err != nil {
		return listenAddress{}, fmt.Errorf("%w: listen address %s: %w", ErrConfig, clip(s), err)
	}
	if !slices.Contains([]string{overUDP, overTCP, overTLS, overWS, overWSS}, u.Scheme) {
		return listenAddress{}, fmt.Errorf("%w: listen address %s: transport must be udp, tcp, tls, ws or wss", ErrConfig, clip(s))
	}
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "0.0.0.0"
	}
	if port == "" {
		port = strconv.Itoa(int(defaultPort(u.Scheme)))
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	addr, err := netip.ParseAddrPort(bracket(host) + ":" + port)
	if err != nil {
		return listenAddress{}, fmt.Errorf("%w: listen address %s: %w", ErrConfig, clip(s), err)
	}
	return listenAddress{transport: u.Scheme, addr: addr}, nil
}

// withDefaults fills in what is not set.
func (c Config) withDefaults() Config {
	if len(c.Listen) == 0 {
		c.Listen = []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}
	}
	if len(c.Methods) == 0 {
		c.Methods = []string{
			"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE", "INFO", "MESSAGE", "REFER", "SUBSCRIBE", "NOTIFY",
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.SessionTimer.on() {
		c.Supported = append(slices.Clone(c.Supported), optionTimer)
	}
	c.Limits = c.Limits.withDefaults()
	if c.Network == nil {
		c.Network = &system{}
	}
	setDefault(&c.Timers.T1, 500*time.Millisecond)
	setDefault(&c.Timers.T2, 4*time.Second)
	setDefault(&c.Timers.Glare, time.Second)
	setDefault(&c.Timers.FailOver, 4*time.Second)
	setDefault(&c.Timers.KeepAlive, 2*time.Minute)
	setDefault(&c.Timers.Provisional, time.Minute)
	return c
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.RetryAfter, 5*time.Second)
	setDefault(&l.MaxMessageSize, 65535)
	setDefault(&l.MaxHeaders, 256)
	setDefault(&l.MaxParams, 1024)
	setDefault(&l.MaxConnections, 4096)
	setDefault(&l.MaxConnectionsPerSource, max(1, l.MaxConnections/2))
	setDefault(&l.IdleConnection, 30*time.Minute)
	setDefault(&l.SilentConnection, time.Minute)
	return l
}

func setDefault[T int | time.Duration](value *T, to T) {
	if *value == 0 {
		*value = to
	}
}
