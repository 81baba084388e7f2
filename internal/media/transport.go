package media

// Transport opens sessions on a range of ports and serves what they have to do outside of the tick. All methods may be
// called by any goroutine.
type Transport struct{}

// NewTransport starts a transport; the caller closes it. The error is [ErrConfig] or the system's.
func NewTransport(cfg Config) (*Transport, error) { return nil, cfg.Validate() }

// Open takes a pair of ports and returns a session on it that receives nothing yet and sends nothing; the caller closes it.
// The error is [ErrNoPorts], [ErrClosed] or the system's.
func (t *Transport) Open(o Options) (*Session, error) { return &Session{}, nil }

// Stats returns what was counted so far.
func (t *Transport) Stats() TransportStats { return TransportStats{} }

// Close closes all sessions, with their farewells, and waits for the service goroutine. No session may be in a tick.
func (t *Transport) Close() error { return nil }
