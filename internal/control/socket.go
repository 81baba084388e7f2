package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

const (
	// closePatience bounds the wait for the far end's part of the closing handshake (RFC 6455, section 7.1.1).
	closePatience = time.Second
	// maxFrame bounds what the far end may send: it has nothing to say.
	maxFrame = 4 << 10

	lastEventQuery = "last_event_id"
	lastEventDoc   = "The last event known, for who cannot set header fields; those since then come first, as far as they are kept."
)

func (s *Server) registerSockets(api huma.API) {
	describe := func(at, id, summary string) huma.Operation {
		o := operation(tagEvents, http.MethodGet, at, id, summary)
		o.Errors = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUpgradeRequired}
		o.Description = "The same events as by Server-Sent Events, each as a text message (RFC 6455). A conference need not exist yet. The server closes with 1001 when it ends. Pings keep the connection alive. Pages of other origins are refused. A gap in sequence says that a slow reader has missed events."
		o.Responses = map[string]*huma.Response{"101": {Description: "The connection is a WebSocket"}}
		return o
	}
	huma.Register(api, describe("/events/socket", "follow-events-socket", "Follow all conferences by WebSocket"),
		func(_ context.Context, in *FollowAll) (*huma.StreamResponse, error) {
			return s.socket("", in.last()), nil //nolint:contextcheck // it has the context of its request
		})
	huma.Register(api, describe("/conferences/{id}/events/socket", "follow-conference-socket", "Follow one conference by WebSocket"),
		func(_ context.Context, in *followOne) (*huma.StreamResponse, error) {
			return s.socket(conference.ID(in.Conference), in.last()), nil //nolint:contextcheck // as above
		})
}

func (s *Server) socket(id conference.ID, after string) *huma.StreamResponse {
	watcher := s.focus.Watch(id, after)
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		request, writer := humago.Unwrap(ctx)
		if status, why := unfit(request); status != 0 {
			watcher.Close()
			if status == http.StatusUpgradeRequired {
				writer.Header().Set("Connection", "Upgrade")
				writer.Header().Set("Upgrade", "websocket")
			}
			problem(writer, status, why)
			return
		}
		s.streams.add(watcher)
		defer s.streams.remove(watcher)
		streaming(ctx.Context())
		conn, err := websocket.Accept(writer, request, &websocket.AcceptOptions{InsecureSkipVerify: true}) // unfit has looked at the origin
		if err != nil {
			return // it has been answered
		}
		serveSocket(request.Context(), watcher, conn)
	}}
}

// unfit says why a request cannot become a WebSocket; 0: it can. A page of another origin may open one without being asked, and
// would read what only pages of this host may (RFC 6455, section 10.2).
func unfit(r *http.Request) (status int, why string) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return http.StatusUpgradeRequired, "this is for WebSockets; Server-Sent Events are at " + strings.TrimSuffix(r.URL.Path, "/socket")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return 0, ""
	}
	if u, err := url.Parse(origin); err != nil || !strings.EqualFold(u.Host, r.Host) {
		return http.StatusForbidden, "pages of another origin may not follow events"
	}
	return 0, ""
}

// serveSocket writes events until one of both ends is gone.
func serveSocket(ctx context.Context, from source, conn *websocket.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn.SetReadLimit(maxFrame)
	reading := conn.CloseRead(ctx) // answers pings and the closing handshake
	err := pumpSocket(reading, from, conn)
	if errors.Is(err, focus.ErrShutdown) {
		defer time.AfterFunc(closePatience, cancel).Stop()
		_ = conn.Close(websocket.StatusGoingAway, "the server ends") // nobody is left to tell
		return
	}
	_ = conn.CloseNow() // as above
}

// messages is the far end of a WebSocket.
type messages interface {
	Write(ctx context.Context, kind websocket.MessageType, text []byte) error
	Ping(ctx context.Context) error
}

// pumpSocket writes events until the reader or the source is gone, and says why it ended.
func pumpSocket(ctx context.Context, from source, to messages) error {
	for {
		event, err := next(ctx, from)
		switch {
		case err == nil:
			var text []byte
			if text, err = event.JSON(); err != nil {
				return fmt.Errorf("event %s: %w", event.ID, err)
			}
			err = within(ctx, func(ctx context.Context) error { return to.Write(ctx, websocket.MessageText, text) })
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			err = within(ctx, to.Ping)
		}
		if err != nil {
			return err
		}
	}
}

// within bounds what waits for the far end.
func within(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	return do(ctx)
}
