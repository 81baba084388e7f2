package siprec

import (
	"net/netip"
	"time"
)

// Config of a [Client]. Zero durations take the defaults named.
type Config struct {
	Profile     Profile
	Address     netip.Addr    // for o= and c=
	SDPSession  uint64        // session id of o=; the same for all dialogs of the session
	Coalesce    time.Duration // wait for more changes before an offer; 200 ms; negative: none
	MinInterval time.Duration // between two requests that we begin; 0: none beyond Coalesce
	Snapshot    time.Duration // between two snapshots on request; 1 s
	Retry       RetryPolicy
	Seed        uint64 // of the jitter
}

// RetryPolicy says how a lost or refused session is tried again.
type RetryPolicy struct {
	Initial  time.Duration // before the first retry; 1 s
	Max      time.Duration // between two retries at most; 1 min
	Jitter   float64       // share of each delay that is random, 0 to 1
	Attempts int           // retries in a row before giving up; 0: no limit; negative: never retry
	Stable   time.Duration // a dialog this old resets the count; 30 s
}

// Client is the recording session toward one recorder. It is not safe for concurrent
// use.
type Client struct{}

// New returns a client that waits for its first [Desire]. The error wraps [ErrProfile].
func New(cfg Config) (*Client, error) { return nil, nil }

// Step takes an event and the time, which must not go backwards, and returns what is
// to be done, in order.
func (c *Client) Step(ev Event, now time.Time) []Action { return nil }

// State returns the acknowledged state.
func (c *Client) State() State { return StateIdle }

// Label returns the label of a stream by its key, empty when it never had one.
func (c *Client) Label(key string) string { return "" }

// Acknowledged returns the document the recorder has by now, merged from all it has
// acknowledged, and whether there is one.
func (c *Client) Acknowledged() (Recording, bool) { return Recording{}, false }
