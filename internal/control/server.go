package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/siprec/srs/export"
)

// Config says where the API listens and who may use it.
type Config struct {
	Listen  string       // host:port; port 0 takes a free one
	Tokens  []Token      // empty: everybody who reaches the socket is let in
	Page    bool         // the operator's page is served
	Most    int          // connections at once, half of them from one address; 0: any number
	Version string       // of the program, for the API's description
	Logger  *slog.Logger // nil: silent

	Operation Operation      // of the whole server; nil: it cannot be asked
	Recorder  Recorder       // the reference recorder in this process, nil: none
	Signer    *export.Signer // of vCons, nil: they are not signed
}

// Token lets its bearer in.
type Token struct {
	Name     string // for the log
	Secret   string
	ReadOnly bool // scopes read and listen: only GET
	Listen   bool // scope listen: also what was recorded
}

const (
	headerTimeout   = 5 * time.Second
	answerTimeout   = time.Minute // of everything but streams, which set their own
	idleTimeout     = 2 * time.Minute
	maxHeaderBytes  = 64 << 10
	shutdownPatient = 2 * time.Second
)

// Server is the HTTP server of a focus, of a recorder, or of both.
type Server struct {
	cfg      Config
	focus    *focus.Focus
	http     *http.Server
	listener net.Listener
	served   chan struct{}
	held     *connections // nil before Start
	streams  streams
	turns    turns
	unused   unused
	ready    atomic.Bool
	log      *slog.Logger
	tokens   atomic.Pointer[[]Token]
	tickets  ticketKey
	analyses analyses
}

// New makes the server; f is nil where there is only a recorder; metrics is what /metrics serves, nil for nothing.
func New(cfg Config, f *focus.Focus, metrics http.Handler) *Server {
	s := &Server{cfg: cfg, focus: f, served: make(chan struct{}), log: cfg.Logger, turns: newTurns(), tickets: newTicketKey(), analyses: newAnalyses()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.SetTokens(cfg.Tokens)
	mux := http.NewServeMux()
	s.registerAPI(mux, metrics != nil)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, "ok") })
	mux.HandleFunc("GET /readyz", s.readiness)
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { nothingThere(mux, w, r) })
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "pages of another origin may not change anything")
	}))
	s.http = &http.Server{
		Handler: s.guard(sameOrigin.Handler(mux)), ReadHeaderTimeout: headerTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), ConnState: s.unused.note,
		ConnContext: withConn,
	}
	return s
}

func plain(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text + "\n")) // the reader has gone
}

// nothingThere answers what no route takes: 405 when another method would be taken at this path, 404 otherwise.
func nothingThere(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(other); strings.HasPrefix(pattern, method+" ") {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		problem(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	problem(w, http.StatusMethodNotAllowed, r.URL.Path+" takes "+strings.Join(allowed, ", "))
}

func (s *Server) readiness(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() || s.focus != nil && s.focus.Draining() {
		problem(w, http.StatusServiceUnavailable, "not taking calls")
		return
	}
	plain(w, "ready")
}

// Start opens the socket and serves until Close. ctx bounds only the opening.
func (s *Server) Start(ctx context.Context) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	s.held = bounded(listener, s.cfg.Most, s.log)
	s.listener = s.held
	s.ready.Store(true)
	go func() {
		defer close(s.served)
		if err := s.http.Serve(s.held); !errors.Is(err, http.ErrServerClosed) {
			s.log.ErrorContext(context.WithoutCancel(ctx), "HTTP server ended", slog.Any("error", err))
		}
	}()
	return nil
}

// SetTokens replaces the tokens. Streams that are open stay open.
func (s *Server) SetTokens(tokens []Token) { s.tokens.Store(&tokens) }

// Addr is where the server listens, once started.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Unready makes /readyz say no, ahead of a shutdown.
func (s *Server) Unready() { s.ready.Store(false) }

// Close ends event streams and connections without a request, lets running requests finish while ctx allows, at most two seconds, and closes the socket. The error
// says that requests were cut off.
func (s *Server) Close(ctx context.Context) error {
	s.Unready()
	gone := s.streams.end()
	if s.listener == nil {
		return nil // never started
	}
	ctx, cancel := context.WithTimeout(ctx, shutdownPatient)
	defer cancel()
	s.unused.end()
	err := s.http.Shutdown(ctx)
	select {
	case <-gone: // WebSockets among them, for which Shutdown does not wait
	case <-ctx.Done():
	}
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.served
	return err
}
