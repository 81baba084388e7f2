package srs

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sipua"
)

// Config is what a Server is made from. Only Directory has no default.
type Config struct {
	// Listen are the addresses of the SIP agent, such as "udp://127.0.0.1:5070"; port 0 takes a
	// free one. Default: udp and tcp at a free port of 127.0.0.1.
	Listen []string
	// Directory is where recordings are written. It is made if it does not exist.
	Directory string
	// ExternalAddress is the host in Contact and, if it is an IP address, in SDP. Default: the
	// address that the INVITE came to.
	ExternalAddress string
	// MediaAddress is where media are received. Default: the address that the INVITE came to.
	MediaAddress netip.Addr
	// PortMin and PortMax bound the UDP ports for media; RTP takes an even one, RTCP the next.
	// Default: any free ones.
	PortMin, PortMax uint16
	// Strict refuses with 400, and reasons, what breaks RFC 7865 or 7866. Otherwise all that can be read is taken, and what is wrong with a
	// document is listed in the report.
	Strict bool
	// TLS has the certificates of listeners with tls, and says whose certificates clients must have.
	TLS sipua.TLS
	// Security says whether streams may or must be SRTP. KeysInClear takes them also where signalling is not TLS, so that everybody on
	// the way can read the keys.
	Security    Security
	KeysInClear bool
	// NoDTLS takes no streams whose keys a handshake makes (DTLS-SRTP, RFC 5763). They do not depend on how the signalling is protected.
	NoDTLS bool
	// Format says what files are written. Default: FormatWAV.
	Format Format
	// Codecs are those that are accepted, the best first. Default: Opus, G722, PCMA, PCMU, and L16 of any rate, in one channel
	// or two.
	Codecs []codecs.Codec
	// PacketTime is asked for in streams of codecs that code each sample by itself, as far as that fits into a packet (a=ptime): longer packets
	// are fewer, which costs both sides less. Others come as they are made. 10 ms to 60 ms. Default: 40 ms.
	PacketTime time.Duration
	// NoComfortNoise has clients send every packet of silence. Else comfort noise is taken in the place of streams of G.711 in which there is nothing (RFC
	// 3389), and they are told so.
	NoComfortNoise bool
	// Allow lists who may record. Default: everybody who can reach the listeners.
	Allow []netip.Prefix
	// MaxRecordings is how many go on at one time. Default: 100.
	MaxRecordings int
	// MaxStreams is how many streams of one recording are accepted at one time. Default: 64.
	MaxStreams int
	// MaxMetadata is how many metadata documents of one recording are kept. Default: 10,000.
	MaxMetadata int
	// MaxDuration is after how long a recording is ended with BYE, so that no file outgrows its
	// format, which holds 12.4 hours at 48 kHz, half of it in two channels. Default and most: 12 hours.
	MaxDuration time.Duration
	// Keepalive is after how long without any packet the recording client is asked by OPTIONS whether
	// it is still there. Default: 1 minute.
	Keepalive time.Duration
	// Flush is how often what was received is written to the files with their headers. Default: 1 s.
	Flush time.Duration
	// Sync is how often what was written is forced to the disk, so that it survives a loss of power and not
	// only the death of the process. 0: when a file is complete.
	Sync time.Duration
	// MinFree is how many octets have to be free for a recording to begin; below, sessions are refused
	// with 503 and those that go on use up the rest. 0: any.
	MinFree int64
	// Retention says what is deleted and when.
	Retention Retention
	// UserAgent is sent in Server. Default: none.
	UserAgent string
	// Timers are those of the SIP agent; tests shorten them.
	Timers sipua.Timers
	// Logger receives what is worth an operator's attention. Default: none.
	Logger *slog.Logger
	// Hooks tell what happens.
	Hooks Hooks
}

// Hooks are called with the state of a recording just after recording.json was
// written with it. The value belongs to the hook. Any may be nil. A hook must
// not call methods of the Server, which wait for the goroutine that it runs on.
type Hooks struct {
	// Started is called once, when a recording session was accepted.
	Started func(Recording)
	// Updated is called after each change: metadata, streams that came, went, paused or resumed.
	Updated func(Recording)
	// Finished is called once, when all files are complete and closed.
	Finished func(Recording)
	// Alarm is called when an alarm begins and when it ends, by any goroutine.
	Alarm func(Alarm)
}

func (c Config) withDefaults() Config {
	c.MaxRecordings = orInt(c.MaxRecordings, 100)
	c.MaxStreams = orInt(c.MaxStreams, 64)
	c.MaxMetadata = orInt(c.MaxMetadata, 10_000)
	c.Keepalive = orDuration(c.Keepalive, time.Minute)
	c.PacketTime = orDuration(c.PacketTime, standardPacketTime)
	c.Flush = orDuration(c.Flush, time.Second)
	c.MaxDuration = min(orDuration(c.MaxDuration, longest), longest)
	if len(c.Codecs) == 0 {
		c.Codecs = []codecs.Codec{
			codecs.Opus, codecs.G722, codecs.PCMA, codecs.PCMU,
			codecs.L16At48000, codecs.L16At44100, codecs.L16At16000, codecs.L16At8000,
			codecs.L16At48000Stereo, codecs.L16At44100Stereo, codecs.L16At16000Stereo, codecs.L16At8000Stereo,
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}

	return c
}

// standardPacketTime halves the packets, and delays none by more than jitter does.
const standardPacketTime = 40 * time.Millisecond

// packetTime is what is asked for in a stream.
func (c *Config) packetTime(codec codecs.Codec) time.Duration {
	if !codec.Sampled() {
		return codecs.FrameDuration
	}
	const step = 10 * time.Millisecond
	for t := c.PacketTime; t > step; t -= step {
		whole := t == c.PacketTime || t%codecs.FrameDuration == 0 // what clients make by themselves, mostly
		if _, err := (codecs.Format{Codec: codec, PacketTime: t}).Normalize(); err == nil && whole {
			return t
		}
	}

	return step
}

// longest keeps a file at 48 kHz below the 4 GiB that its header can tell.
const longest = 12 * time.Hour

func orInt(v, standard int) int {
	if v == 0 {
		return standard
	}

	return v
}

func orDuration(v, standard time.Duration) time.Duration {
	if v == 0 {
		return standard
	}

	return v
}

// Validate says what is wrong with the configuration; the error wraps ErrConfig.
func (c Config) Validate() error {
	switch {
	case c.Directory == "":
		return fmt.Errorf("%w: no directory", ErrConfig)
	case c.PortMin > c.PortMax:
		return fmt.Errorf("%w: media ports %d to %d", ErrConfig, c.PortMin, c.PortMax)
	case c.PortMax != 0 && int(c.PortMax)-int(c.PortMin) < 2:
		return fmt.Errorf("%w: fewer than one pair of media ports", ErrConfig)
	case c.MaxRecordings < 0 || c.MaxStreams < 0 || c.MaxMetadata < 0:
		return fmt.Errorf("%w: negative limit", ErrConfig)
	case c.PacketTime != 0 && (c.PacketTime < 10*time.Millisecond || c.PacketTime > 60*time.Millisecond || c.PacketTime%(10*time.Millisecond) != 0):
		return fmt.Errorf("%w: packet time of %v", ErrConfig, c.PacketTime)
	case !c.Format.Valid():
		return fmt.Errorf("%w: format %d", ErrConfig, c.Format)
	case c.MinFree < 0 || c.Retention.Size < 0:
		return fmt.Errorf("%w: negative size", ErrConfig)
	case c.MaxDuration < 0 || c.Keepalive < 0 || c.Flush < 0 || c.Sync < 0 || c.Retention.Age < 0:
		return fmt.Errorf("%w: negative duration", ErrConfig)
	}
	for _, codec := range c.Codecs {
		if !codec.Valid() {
			return fmt.Errorf("%w: codec %v", ErrConfig, codec)
		}
	}
	if err := c.agent().Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}

	return nil
}
