package control

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/parley-sip/parley/focus"
)

// Config says where the API listens and who may use it.
type Config struct {
	Listen  string // host:port; port 0 takes a free one
	Tokens  []Token
	Version string // of the program, for the API's description
	Logger  *slog.Logger
}

// Token lets its bearer in.
type Token struct {
	Name     string // for the log
	Secret   string
	ReadOnly bool // scope read: only GET
}

const (
	headerTimeout   = 5 * time.Second
	idleTimeout     = 2 * time.Minute
	apiPrefix       = "/api/v1"
	maxHeaderBytes  = 64 << 10
	shutdownPatient = 2 * time.Second
)

// Server is the HTTP server of one focus.
type Server struct {
	cfg      Config
	focus    *focus.Focus
	http     *http.Server
	listener net.Listener
	served   chan struct{}
	closing  context.CancelFunc
	ready    atomic.Bool
	log      *slog.Logger
}

// New makes the server; metrics is what /metrics serves, nil for nothing.
func New(cfg Config, f *focus.Focus, metrics http.Handler) *Server {
	s := &Server{cfg: cfg, focus: f, served: make(chan struct{}), log: cfg.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	s.registerAPI(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.readiness)
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
	})
	s.http = &http.Server{
		Handler: http.NewCrossOriginProtection().Handler(s.guard(mux)), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return s
}

func (s *Server) registerAPI(mux *http.ServeMux) {
	config := huma.DefaultConfig("Parley", s.cfg.Version)
	config.Info.Description = "Conferences, their participants, recordings and events. Errors are problem documents (RFC 9457)."
	config.CreateHooks = nil // no $schema in every object
	config.DocsPath = ""     // the built-in pages load a script from elsewhere; ours do not
	config.SchemasPath = ""
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer"}}
	api := humago.New(mux, config)
	s.registerConferences(api)
	s.registerParticipants(api)
	s.registerRecordings(api)
	s.registerEvents(api)
	mux.HandleFunc("GET /docs", docsPage(api.OpenAPI()))
}

func (s *Server) readiness(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() || s.focus.Draining() {
		problem(w, http.StatusServiceUnavailable, "not taking calls")
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

// Start opens the socket and serves until Close. ctx bounds only the opening.
func (s *Server) Start(ctx context.Context) error {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("http: %w", err)
	}
	s.listener = listener
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.closing = cancel
	s.http.BaseContext = func(net.Listener) context.Context { return base }
	s.ready.Store(true)
	go func() {
		defer close(s.served)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("HTTP server ended", slog.Any("error", err))
		}
	}()
	return nil
}

// Addr is where the server listens, once started.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Unready makes /readyz say no, ahead of a shutdown.
func (s *Server) Unready() { s.ready.Store(false) }

// Close ends event streams, lets running requests finish while ctx allows, and closes the socket.
func (s *Server) Close(ctx context.Context) error {
	s.Unready()
	s.closing()
	ctx, cancel := context.WithTimeout(ctx, shutdownPatient)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.served
	return err
}

// guard asks for a token where there are any, and turns a panic into a 500.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if trouble := recover(); trouble != nil && trouble != http.ErrAbortHandler { //nolint:errorlint // a value, compared as such
				s.log.Error("panic in an HTTP handler", slog.String("path", r.URL.Path), slog.Any("panic", trouble))
				problem(w, http.StatusInternalServerError, "internal error")
			}
		}()
		if status, why := s.admit(r); status != 0 {
			if status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="parley"`)
			}
			problem(w, status, why)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// admit gives the status that refuses the request, or 0.
func (s *Server) admit(r *http.Request) (status int, why string) {
	if len(s.cfg.Tokens) == 0 || (!strings.HasPrefix(r.URL.Path, apiPrefix) && r.URL.Path != "/metrics") {
		return 0, ""
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return http.StatusUnauthorized, "a bearer token is needed"
	}
	for _, token := range s.cfg.Tokens {
		if subtle.ConstantTimeCompare([]byte(given), []byte(token.Secret)) != 1 {
			continue
		}
		if token.ReadOnly && r.Method != http.MethodGet && r.Method != http.MethodHead {
			return http.StatusForbidden, "this token may only read"
		}
		return 0, ""
	}
	return http.StatusUnauthorized, "unknown token"
}
