package webhook

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"
)

// Config says to whom events go.
type Config struct {
	Hooks []Hook
	// Keep is a folder for events that are not delivered: when the Sender has ended, or its process has died, the next one goes on with them. It must
	// exist, and belong to one Sender. Empty: they are given up.
	Keep string
	// UserAgent is sent with every request; empty: parley.
	UserAgent string
	// Dead is called with every event that is given up, from goroutines of the Sender; nil: it is only counted.
	Dead func(hook string, m Message, why string)
	// Logger is told when a hook begins to fail, when it works again, and of dead letters; nil: silent.
	Logger *slog.Logger
}

// Hook is one receiver. Zero durations and numbers are the defaults.
type Hook struct {
	// Name is for logs and metrics; unique.
	Name string
	// URL takes the POSTs: https, or http to a loopback address.
	URL string
	// Plain allows http to anywhere.
	Plain bool
	// Secret signs. With the prefix whsec_ the rest is base64 of the key, otherwise it is the key itself. Required.
	Secret string
	// Events are patterns of types such as participant.* ; empty: all.
	Events []string
	// Conferences are patterns of identifiers; empty: all.
	Conferences []string
	// Timeout of one attempt; default 10 s.
	Timeout time.Duration
	// FirstRetry and LastRetry bound the pause before the next attempt; defaults 1 s and 5 min.
	FirstRetry, LastRetry time.Duration
	// MaxAge is after how long an event is given up; default 24 h.
	MaxAge time.Duration
	// Queue is how many events may wait; beyond, the oldest one becomes a dead letter; default 10000.
	Queue int
	// Parallel is how many requests are under way at once, at most; default 8.
	Parallel int
	// TLS of https; nil: the system's authorities.
	TLS *tls.Config
	// Transport replaces the network, for tests; nil: the network.
	Transport http.RoundTripper
}

// ErrConfig says that a hook is not properly configured.
var ErrConfig = errors.New("webhook")

const (
	defaultTimeout  = 10 * time.Second
	defaultFirst    = time.Second
	defaultLast     = 5 * time.Minute
	defaultMaxAge   = 24 * time.Hour
	defaultQueue    = 10_000
	defaultParallel = 8
	secretPrefix    = "whsec_"
)

// Validate tells what is wrong with a hook.
func (h *Hook) Validate() error {
	u, err := url.Parse(h.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: url: wants https://host/path, has %q", ErrConfig, redacted(h.URL))
	case u.Scheme == "http" && !h.Plain && !loopback(u.Hostname()):
		return fmt.Errorf("%w: url: http beyond this machine shows events to everybody on the way", ErrConfig)
	case h.Secret == "":
		return fmt.Errorf("%w: secret: is needed, so that the receiver knows who calls", ErrConfig)
	}
	if _, err := h.key(); err != nil {
		return err
	}
	for _, pattern := range append(append([]string{}, h.Events...), h.Conferences...) {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%w: %q is not a pattern", ErrConfig, pattern)
		}
	}
	return nil
}

// redacted hides a password in a URL.
func redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "something else"
	}
	return u.Redacted()
}

func loopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// key is what signs.
func (h *Hook) key() ([]byte, error) {
	text, coded := strings.CutPrefix(h.Secret, secretPrefix)
	if !coded {
		return []byte(h.Secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("%w: secret: wants base64 after %s", ErrConfig, secretPrefix)
	}
	return key, nil
}

// wants tells whether an event is for this hook.
func (h *Hook) wants(m *Message) bool {
	return matches(h.Events, m.Type) && matches(h.Conferences, m.Conference)
}

func matches(patterns []string, text string) bool {
	for _, pattern := range patterns {
		if ok, err := path.Match(pattern, text); ok && err == nil {
			return true
		}
	}
	return len(patterns) == 0
}

func withDefaults(h Hook) Hook {
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	set(&h.Timeout, defaultTimeout)
	set(&h.FirstRetry, defaultFirst)
	set(&h.LastRetry, defaultLast)
	set(&h.MaxAge, defaultMaxAge)
	h.LastRetry = max(h.FirstRetry, h.LastRetry)
	if h.Queue <= 0 {
		h.Queue = defaultQueue
	}
	if h.Parallel <= 0 {
		h.Parallel = defaultParallel
	}
	return h
}

const (
	maxRedirects = 3
	idlePerHost  = 8
	idleTimeout  = 90 * time.Second
)

var errRedirect = errors.New("redirected")

// client makes the HTTP client of a hook. A redirect is followed only if it keeps method, scheme and host: events are for the
// receiver that was configured.
func (h *Hook) client() *http.Client {
	transport := h.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: h.TLS, TLSHandshakeTimeout: h.Timeout, ForceAttemptHTTP2: true,
			DialContext: (&net.Dialer{Timeout: h.Timeout}).DialContext, MaxIdleConnsPerHost: idlePerHost, MaxConnsPerHost: h.Parallel,
			IdleConnTimeout: idleTimeout,
		}
	}
	return &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		first := via[0].URL
		switch {
		case r.Method != http.MethodPost:
			return fmt.Errorf("%w with a status that makes a GET of it", errRedirect)
		case r.URL.Scheme != first.Scheme || !strings.EqualFold(r.URL.Host, first.Host):
			return fmt.Errorf("%w to another host", errRedirect)
		case len(via) > maxRedirects:
			return fmt.Errorf("%w too often", errRedirect)
		}
		return nil
	}}
}
