package sipua

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// stackLogRate is how many records of the SIP stack are logged per second.
const stackLogRate = 10

// stackHandler passes the records of the SIP stack on: never more than
// stackLogRate in a second, never below Warn, and with long attributes cut off,
// because the stack logs whole datagrams at Error.
type stackHandler struct {
	next    slog.Handler
	limiter *rateLimiter
}

// stackLogger makes the logger of the SIP stack.
func stackLogger(logger *slog.Logger) *slog.Logger {
	return slog.New(stackHandler{next: logger.Handler(), limiter: newRateLimiter(stackLogRate)})
}

// Enabled is false below Warn: what a peer does wrong is no news.
func (h stackHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.next.Enabled(ctx, level)
}

// Handle passes a record on, one level lower than the stack wants.
func (h stackHandler) Handle(ctx context.Context, record slog.Record) error {
	if !h.limiter.allow(time.Now()) || !h.next.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	cut := slog.NewRecord(record.Time, slog.LevelDebug, "sip stack: "+record.Message, record.PC)
	record.Attrs(func(attr slog.Attr) bool {
		cut.AddAttrs(slog.String(attr.Key, clip(attr.Value.String())))
		return true
	})
	return h.next.Handle(ctx, cut) //nolint:wrapcheck // a handler passes errors through
}

// WithAttrs keeps the limiter.
func (h stackHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return stackHandler{next: h.next.WithAttrs(attrs), limiter: h.limiter}
}

// WithGroup keeps the limiter.
func (h stackHandler) WithGroup(name string) slog.Handler {
	return stackHandler{next: h.next.WithGroup(name), limiter: h.limiter}
}

// setUpStack sets the process-wide variables of the SIP stack, once: the first
// Agent's logger serves what the stack logs outside of any agent.
func setUpStack(logger *slog.Logger) {
	stackOnce.Do(func() {
		// Responses must go out whatever their size (RFC 3261, section 18.2.2);
		// requests are moved to TCP by the agent (section 18.1.1).
		sip.UDPMTUSize = 65535 + 200
		sip.TransportBufferReadSize = 65535
		sip.SetDefaultLogger(stackLogger(logger))
	})
}

// stackOnce guards the variables of the SIP stack.
//
//nolint:gochecknoglobals // the variables it guards are the library's globals
var stackOnce sync.Once
