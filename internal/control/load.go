package control

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	// bodyPatience is how long what comes with a request may take when nobody reads it: a server reads the rest of it before it takes the next request of a connection, and would wait for ever. Routes that
	// want it set their own time.
	bodyPatience = 10 * time.Second
	// turnPatience is how long a request waits for its turn.
	turnPatience = 10 * time.Second
	// uploadsAtOnce bounds what sounds take of the memory while they come, at maxAnnouncement each.
	uploadsAtOnce = 8
)

// turns bounds how many requests are worked on at once. What is answered is made within a moment, but hundreds that want to be made at the same moment would all be in line for the processors, before
// what mixes and before who calls (ADR 88).
type turns struct {
	reading  chan struct{} // what the server knows
	library  chan struct{} // what is on the disk of the reference recorder, which may stand still
	bringing chan struct{} // sounds
}

func newTurns() turns {
	return turns{
		reading: make(chan struct{}, runtime.GOMAXPROCS(0)), library: make(chan struct{}, runtime.GOMAXPROCS(0)), bringing: make(chan struct{}, uploadsAtOnce),
	}
}

// errBusy says that a turn did not come.
var errBusy = errors.New("too many requests at once")

// take waits for a turn among those of its kind; back gives it back, once. It is nil where none is needed.
func (t *turns) take(r *http.Request) (back func(), err error) {
	kind := t.kind(r)
	if kind == nil {
		return nil, nil //nolint:nilnil // none is needed
	}
	select {
	case kind <- struct{}{}:
	default:
		ctx, cancel := context.WithTimeout(r.Context(), turnPatience)
		defer cancel()
		select {
		case kind <- struct{}{}:
		case <-ctx.Done():
			return nil, errBusy
		}
	}
	return sync.OnceFunc(func() { <-kind }), nil
}

// kind tells what a request takes most of; nil: of nothing much, or it goes on for long and is bounded otherwise.
func (t *turns) kind(r *http.Request) chan struct{} {
	at := r.URL.Path
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(at, "/announcements"):
		return t.bringing
	case !reads(r), !strings.HasPrefix(at, apiPrefix), hasAudio(at), isStream(at):
		return nil
	case strings.HasPrefix(at, apiPrefix+recorderPath):
		return t.library
	}
	return t.reading
}

// isStream tells whether a path is answered for as long as somebody reads.
func isStream(at string) bool {
	for _, end := range []string{"/events", "/socket", "/levels"} {
		if strings.HasSuffix(at, end) {
			return true
		}
	}
	return false
}

// turnWriter gives the turn of a request back when its answer is made: that a reader is slow is no work.
type turnWriter struct {
	http.ResponseWriter

	back func()
}

// Write implements http.ResponseWriter.
func (w *turnWriter) Write(b []byte) (int, error) {
	w.back()
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *turnWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// await bounds how long what comes with a request may take, as far as its route says nothing else.
func await(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyPatience)) // fails where there is no connection
}

// connKey is under which the context of a request has its connection.
type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// streaming prepares the connection of a request for a stream.
func streaming(ctx context.Context) {
	if conn, ok := ctx.Value(connKey{}).(*heldConn); ok {
		conn.streaming()
	}
}
