package focus

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// idleInterval is how often a line that nobody has sends a frame of silence, so that bindings of NATs stay (RFC 6263, section 4).
const idleInterval = 15 * time.Second

// keepAlive sends on idle lines until the session is over.
func (h *persistent) keepAlive(ctx context.Context) {
	ticker := time.NewTicker(idleInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.mu.Lock()
			for _, l := range h.lines {
				h.touch(l)
			}
			if h.merged != nil {
				h.merged.weigh()
			}
			h.fill()
			h.mu.Unlock()
		case <-h.over:
			return
		case <-ctx.Done():
			return
		}
	}
}

// touch sends one frame of silence in a line that is nobody's. mu is held.
func (h *persistent) touch(l *line) {
	start, taken := h.playing[l.key]
	if l.lease != nil || !taken || h.merged != nil && h.merged.line == l && (len(h.merged.feeds) > 0 || h.merged.owes()) {
		return
	}
	payload, samples, err := silentFrame(start.Format)
	if err == nil {
		l.session.EmitLate(&codecs.Packet{Payload: payload, Samples: samples}, 0)
	}
}

// silentFrame is 20 ms of silence in a format, or as long as its packets are.
func silentFrame(f codecs.Format) (payload []byte, samples int, err error) {
	if f, err = f.Normalize(); err != nil {
		return nil, 0, err
	}
	encoder, err := codecs.NewEncoder(f)
	if err != nil {
		return nil, 0, err
	}
	payload = make([]byte, codecs.MaxPayload)
	n, err := encoder.Encode(payload, make([]int16, f.FrameSamples()))
	return payload[:n], int(f.PacketTime * time.Duration(f.Codec.ClockRate()) / time.Second), err
}

// take gives a line to a recording: one that is nobody's, or a new one, for which there may be no port. mu is held.
func (h *persistent) take(l *lease) (*line, error) {
	i := slices.IndexFunc(h.lines, func(one *line) bool {
		return one.lease == nil && (h.merged == nil || h.merged.line != one) && !h.tellsOf(one)
	})
	if i < 0 {
		one, err := h.addLine()
		if err != nil {
			return nil, err
		}
		one.lease = l
		return one, nil
	}
	h.lines[i].lease = l
	return h.lines[i], nil
}

// fill opens lines until there are as many as should be held. Where ports are too few it is tried again: who needs a line meanwhile, and gets none, is
// counted. mu is held.
func (h *persistent) fill() {
	n := len(h.lines)
	for len(h.lines) < h.server.Persistent && !h.stopping && !h.closed {
		if _, err := h.addLine(); err != nil {
			if !h.short {
				h.focus.log.Error("no port for a line of a persistent session: media.ports are too few", slog.String("server", h.server.Name), slog.Any("error", err))
				if hook := h.focus.hooks.RecordingFailure; hook != nil {
					hook(h.server.Name, "no-ports")
				}
			}
			h.short = true
			break
		}
		h.short = false
	}
	if len(h.lines) > n {
		h.desire()
	}
}

// giveBack takes a line that no mix sends into any more. Lines beyond those that are held are closed, and one that was taken when the session was over.
func (h *persistent) giveBack(l *line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.lease, l.wish = nil, nil
	if len(h.lines) > h.server.Persistent || h.closed && slices.Contains(h.lines, l) { // it has come into a session that was over
		h.lines = slices.DeleteFunc(h.lines, func(other *line) bool { return other == l })
		h.closeLine(l)
	} else if start, taken := h.playing[l.key]; taken {
		h.start(start)
	}
	h.desire()
}

func (h *persistent) closeLine(l *line) {
	h.focus.tapped.remove(l.session)
	if err := l.session.Close(); err != nil {
		h.focus.log.Warn("closing a recorded stream", slog.Any("error", err))
	}
}
