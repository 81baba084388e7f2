package focus

import (
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// creation is a call to the conference factory URI (RFC 4579, section 5.4).
type creation struct {
	recipients []recipient
}

// create makes an ad-hoc conference for a call to the factory. Its name cannot be guessed (RFC 4579, section 5.3). Whom its creator wants
// called is looked at before anything is made.
func (f *Focus) create(request *sipua.Request) (conference.ID, *creation, error) {
	_, document, err := bodies(request)
	if err != nil {
		return "", nil, err
	}
	made := &creation{}
	if document != nil {
		if made.recipients, err = readRecipients(document); err != nil {
			return "", nil, err
		}
	} else if request.Headers.Contains("Require", recipientListInvite) {
		return "", nil, fmt.Errorf("%w: there is none", errRecipients)
	}
	for _, r := range made.recipients {
		if f.live().Refer.From == ReferNobody || !f.live().Refer.admits(r.uri) {
			return "", nil, fmt.Errorf("%w: %s may not be called out", errRefused, r.uri.Bare())
		}
	}
	if wait, ok := f.creations.take(creator(request), f.live().Limits.Creations, time.Now()); !ok {
		return "", nil, laterError{ErrBusy, wait}
	}
	cfg := f.live().Defaults
	cfg.ID = conference.ID(newName())
	if longest := cfg.Rules.MaxDuration; f.cfg.FactoryLasts == ForDuration && longest > 0 {
		cfg.Closes, cfg.Grace = time.Now().Add(longest), longest
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.draining:
		return "", nil, ErrShutdown
	case f.full():
		return "", nil, ErrBusy
	}
	f.entries[cfg.ID] = newEntry(cfg, false, true)
	return cfg.ID, made, nil
}

// uncreate takes back a conference that nobody came into.
func (f *Focus) uncreate(id conference.ID) {
	f.mu.Lock()
	e := f.entries[id]
	unused := e != nil && e.ctl == nil
	if unused {
		delete(f.entries, id)
	}
	f.mu.Unlock()
	if unused {
		e.retire()
	}
}

// isFactory tells whether a user part is that of the factory.
func (f *Focus) isFactory(user string) bool { return f.cfg.Factory != "" && user == f.cfg.Factory }

// invite calls all who are on a list, as if each had been asked for alone (RFC 5366, section 5).
func (c *controller) inviteAll(list []recipient) {
	seen := history(list)
	for _, r := range list {
		id := conference.ParticipantID(shortName("p"))
		c.calls[id] = outgoing{history: seen}
		err := c.step(conference.Invite{ID: id, Entity: r.uri.Bare().String(), Target: r.uri.String(), DisplayName: r.uri.UserPart()})
		if err != nil {
			delete(c.calls, id)
		}
	}
}

// Lasting is how long a conference lasts that was made at the factory.
type Lasting uint8

const (
	// WithCreator says that it ends when its creator leaves (RFC 4579, section 5.12).
	WithCreator Lasting = iota
	// WhileUsed says that it ends when it is empty.
	WhileUsed
	// ForDuration says that it ends when the longest duration of conferences is over, from its creation on, and is kept until then though nobody may be there.
	ForDuration
)

// creations counts the conferences that callers make. It is safe for concurrent use.
type creations struct {
	mu sync.Mutex
	of map[string]*rate.Limiter // by caller
}

// manyCreators is how many callers are looked at before those are forgotten that have made nothing lately.
const manyCreators = 1024

// creator is who makes conferences: an account, who calls by a trunk, or a network.
func creator(request *sipua.Request) string {
	if request.Caller != nil && request.Caller.User != "" {
		return "user " + request.Caller.User
	}
	return guessSource(request)
}

// take counts one more, unless that would be more than so many in a minute: then it says how long to wait. 0: any number.
func (c *creations) take(who string, perMinute int, now time.Time) (wait time.Duration, ok bool) {
	if perMinute == 0 {
		return 0, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.of) >= manyCreators {
		for name, l := range c.of {
			if l.TokensAt(now) >= float64(l.Burst()) {
				delete(c.of, name)
			}
		}
	}
	l := c.of[who]
	if l == nil || l.Burst() != perMinute {
		if c.of == nil {
			c.of = map[string]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Limit(float64(perMinute)/time.Minute.Seconds()), perMinute)
		c.of[who] = l
	}
	if l.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - l.TokensAt(now)
	return time.Duration(math.Ceil(missing / float64(l.Limit()) * float64(time.Second))), false
}
