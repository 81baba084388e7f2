package sipua

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// otherMethod stands for every method that is not in a standard, so that a peer cannot make the number of counters grow.
const otherMethod = "other"

// ResponseKind is what responses are counted by.
type ResponseKind struct {
	// Method is that of the request, or "other".
	Method string
	// Status is the status code.
	Status int
}

// Stats are the messages of an Agent since it was made.
type Stats struct {
	// Requests received by method, repeated ones too; methods outside of the
	// standards are counted as "other".
	Requests map[string]uint64
	// Responses sent, each once however often it is repeated. Those that answer
	// what cannot be parsed have the method "other".
	Responses map[ResponseKind]uint64
	// Ignored are requests of sources that get no answer.
	Ignored uint64
	// Connections are those that others have made and that are open;
	// RefusedConnections were beyond the limits.
	Connections        int
	RefusedConnections uint64
}

// Stats returns what was counted so far. It may be called at any time.
func (a *Agent) Stats() Stats {
	a.counts.mu.Lock()
	defer a.counts.mu.Unlock()
	stats := Stats{Requests: map[string]uint64{}, Responses: map[ResponseKind]uint64{}}
	maps.Copy(stats.Requests, a.counts.requests)
	maps.Copy(stats.Responses, a.counts.responses)
	stats.Ignored = a.ignored.Load()
	stats.Connections, stats.RefusedConnections = a.limiter.counts()
	return stats
}

// counts are the counters behind Stats. The zero value is ready.
type counts struct {
	mu        sync.Mutex
	requests  map[string]uint64
	responses map[ResponseKind]uint64
}

func (c *counts) request(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests == nil {
		c.requests = map[string]uint64{}
	}
	c.requests[countedMethod(method)]++
}

func (c *counts) response(method string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.responses == nil {
		c.responses = map[ResponseKind]uint64{}
	}
	c.responses[ResponseKind{Method: countedMethod(method), Status: status}]++
}

func countedMethod(method string) string {
	switch method {
	case "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE", "UPDATE":
		return method
	}
	return otherMethod
}

// Connection is one that is open.
type Connection struct {
	// Transport is "tcp", "tls", "ws" or "wss".
	Transport string
	// Local and Remote are its ends.
	Local, Remote netip.AddrPort
	// Dialed tells that we have made it.
	Dialed bool
	// Names are the domains that the peer has proved to be (RFC 5922).
	Names []string
	// Since is when it came up.
	Since time.Time
}

// Connections are those that are open now, the oldest first. It may be called at any time.
func (a *Agent) Connections() []Connection {
	all := a.streams.all()
	list := make([]Connection, 0, len(all))
	for _, conn := range all {
		i := conn.info
		list = append(list, Connection{Transport: i.transport, Local: i.local, Remote: i.remote, Dialed: i.dialed, Names: i.names, Since: i.since})
	}
	slices.SortFunc(list, func(x, y Connection) int { return x.Since.Compare(y.Since) })
	return list
}

// SetLimits changes the limits of calls: at once, new ones in a second, and the same from one source; 0: none. What is up stays up.
func (a *Agent) SetLimits(calls, perSecond, perSource int) {
	a.maxCalls.Store(int64(max(0, calls)))
	a.calls.set(max(0, perSecond))
	a.sources.set(max(0, perSource))
}
