package control

import (
	"net"
	"net/http"
	"sync"
)

// unused are the connections by which no request has come yet. Browsers and HTTP clients open such ahead of need, and http.Server.Shutdown
// waits five seconds for each of them, longer than we wait: it would say that requests were cut off where there was none. Its zero value is
// ready; it is safe for concurrent use.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	over  bool
}

// note is the hook of http.Server.ConnState.
func (u *unused) note(conn net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.conns, conn)
	case u.over:
		_ = conn.Close() // nothing was asked by it
	default:
		if u.conns == nil {
			u.conns = map[net.Conn]struct{}{}
		}
		u.conns[conn] = struct{}{}
	}
}

// end closes them, and whatever comes later.
func (u *unused) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	for conn := range u.conns {
		_ = conn.Close() // as above
	}
}
