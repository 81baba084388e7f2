package access

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// ErrConfig says what is wrong with a Config.
var ErrConfig = errors.New("invalid rules of access")

// Config are the rules. The zero value lets nobody in.
type Config struct {
	// Realm is that of our challenges, and the host of our users' identities.
	// Default: "parley".
	Realm string
	// Networks may call without credentials.
	Networks []netip.Prefix
	// Users may call with credentials.
	Users []User
	// Trunks may call without credentials.
	Trunks []Trunk
	// Conferences are rules by the user part of the conference's URI; those of ""
	// are for all that have none of their own.
	Conferences map[string]Rule
	// DialOut are the targets that may be called beside those in Networks: a
	// network, or a pattern for user@host such as "*@pbx.example.com" or
	// "+44*@*".
	DialOut []string
	// Domain is our own host, which may be called.
	Domain string
	// Failures is how many wrong answers in Window are one too many. Default: 10 in 1
	// min.
	Failures int
	Window   time.Duration
	// Ban is how long the source is ignored then; each further time twice as long, up
	// to MaxBan. Default: 1 min to 1 h.
	Ban, MaxBan time.Duration
	// Algorithms are those of our challenges, in the order in which they are offered
	// (RFC 8760, section 2.3). Default: SHA-256, MD5.
	Algorithms []string
	// OpenTakeover lets who needs no credentials take the place of a call, or join it, by naming it. Otherwise only accounts and trunks may (RFC
	// 3891, section 8; RFC 3911, section 9).
	OpenTakeover bool
	// NonceLife is how long a nonce may be used. Default: 5 min.
	NonceLife time.Duration
}

// User is an account.
type User struct {
	Name, Password string
	Roles          []string
}

// Trunk is a peer that calls for others.
type Trunk struct {
	Name string
	// Networks and Names (of certificates) are how it is known.
	Networks []netip.Prefix
	Names    []string
	// Roles are those of its callers.
	Roles []string
	// Trusted tells that its P-Asserted-Identity is believed (RFC 3325, section
	// 5).
	Trusted bool
}

// Rule says who may enter. Deny goes first; an empty Allow allows all others. An
// entry is a network, "user:NAME", "role:NAME", "trunk:NAME", or a pattern for
// user@host of the caller's identity, such as "*@example.com".
type Rule struct {
	Allow, Deny []string
}

func (c Config) withDefaults() Config {
	if c.Realm == "" {
		c.Realm = "parley"
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{"SHA-256", "MD5"}
	}
	if c.Failures == 0 {
		c.Failures = 10
	}
	for value, otherwise := range map[*time.Duration]time.Duration{
		&c.Window: time.Minute, &c.Ban: time.Minute, &c.MaxBan: time.Hour, &c.NonceLife: 5 * time.Minute,
	} {
		if *value == 0 {
			*value = otherwise
		}
	}
	return c
}

// rules is a Config made ready.
type rules struct {
	Config

	users   map[string]User
	byName  map[string]rule
	dialOut []matcher
}

type rule struct {
	allow, deny []matcher
}

func compile(config Config) (*rules, error) {
	r := &rules{Config: config.withDefaults(), users: map[string]User{}, byName: map[string]rule{}}
	for _, user := range config.Users {
		if _, twice := r.users[user.Name]; twice || user.Name == "" {
			return nil, fmt.Errorf("%w: user %q", ErrConfig, user.Name)
		}
		r.users[user.Name] = user
	}
	var err error
	for id, given := range config.Conferences {
		var ready rule
		if ready.allow, err = matchers(given.Allow); err == nil {
			ready.deny, err = matchers(given.Deny)
		}
		if err != nil {
			return nil, err
		}
		r.byName[id] = ready
	}
	if r.dialOut, err = matchers(config.DialOut); err != nil {
		return nil, err
	}
	return r, nil
}
