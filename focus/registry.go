package focus

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// entry is a conference that exists, active or idle.
type entry struct {
	// Immutable.
	cfg     ConferenceConfig
	dynamic bool          // ends with its last participant
	access  *AccessNumber // is no conference, but leads to them; nil: it is one

	state atomic.Pointer[conference.State] // the newest; nil before the first controller
	docs  documents                        // conference-info of it
	afar  afar                             // who is in other conferences of a cascade

	// Guarded by Focus.mu.
	ctl        *controller         // nil while idle
	machine    *conference.Machine // kept while idle
	configured bool                // from the configuration: comes back after Delete
	successor  *ConferenceConfig   // of a reload: what it is to be when it begins anew; nil: as it is
	removed    bool                // by a reload: ends as soon as it is idle and nobody observes it

	observers
}

func newEntry(cfg ConferenceConfig, configured, dynamic bool) *entry {
	return &entry{cfg: cfg, configured: configured, dynamic: dynamic}
}

// current is the newest state; of a conference that never was active, one that says so.
func (f *Focus) current(e *entry) *conference.State {
	if s := e.state.Load(); s != nil {
		return s
	}
	return conference.NewMachine(f.machineConfig(e)).State()
}

func (f *Focus) machineConfig(e *entry) conference.Config {
	c := e.cfg
	c.Recording = f.recordingConfig(c.Recording)
	return conference.Config{
		ID: c.ID, URI: f.conferenceURI(c.ID).String(), Name: c.Name, Dynamic: e.dynamic, Grace: c.Grace, Locked: c.Locked,
		MutedOnEntry: c.MutedOnEntry, MaxParticipants: c.MaxParticipants, Recording: c.Recording,
		Rules: c.Rules, Warnings: c.Warnings, Farewell: f.farewellTime(&c), Calls: c.Calls.config(),
		Door: f.door(e), Menu: f.live().Menu, Opens: c.Opens, Closes: c.Closes,
	}
}

// lookup finds a conference that exists.
func (f *Focus) lookup(id conference.ID) (*entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.entries[id]; e != nil && e.access == nil {
		return e, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNoConference, id)
}

// enter gives the controller of a conference, woken up if it is idle, and made if create allows and there is none.
func (f *Focus) enter(id conference.ID, create bool) (*controller, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draining {
		return nil, ErrShutdown
	}
	e := f.renew(f.entries[id])
	if e == nil {
		if !create || !f.live().Dynamic || !conferenceID.MatchString(string(id)) {
			return nil, fmt.Errorf("%w: %q", ErrNoConference, id)
		}
		if f.full() {
			return nil, ErrBusy
		}
		cfg := f.live().Defaults
		cfg.ID = id
		e = newEntry(cfg, false, true)
		f.entries[id] = e
	}
	if e.access != nil && !create { // takes calls only
		return nil, fmt.Errorf("%w: %q", ErrNoConference, id)
	}
	if e.ctl == nil {
		e.ctl = f.newController(e)
	}
	return e.ctl, nil
}

// full tells whether one more conference would be too many; Focus.mu is held.
func (f *Focus) full() bool {
	return f.live().Limits.Conferences > 0 && len(f.entries) >= f.live().Limits.Conferences
}

// forget takes a conference that has ended out of the registry; one of the configuration begins anew.
func (f *Focus) forget(e *entry) {
	f.mu.Lock()
	if f.entries[e.cfg.ID] == e {
		delete(f.entries, e.cfg.ID)
		if e.configured && !f.draining {
			f.entries[e.cfg.ID] = newEntry(e.next(), true, false)
		}
	}
	f.mu.Unlock()
	e.retire()
}

// send puts a message into the mailbox of a conference; when its controller goes idle meanwhile, into that of the next.
func (f *Focus) send(ctx context.Context, id conference.ID, create bool, m message) (*controller, error) {
	for {
		c, err := f.enter(id, create)
		if err != nil {
			return nil, err
		}
		select {
		case c.mailbox <- m:
			return c, nil
		case <-c.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Conferences gives the State of every conference, static ones also when idle, in order of their identifiers.
func (f *Focus) Conferences() []*conference.State {
	f.mu.Lock()
	entries := make([]*entry, 0, len(f.entries))
	for _, e := range f.entries {
		if e.access == nil {
			entries = append(entries, e)
		}
	}
	f.mu.Unlock()
	states := make([]*conference.State, 0, len(entries))
	for _, e := range entries {
		states = append(states, f.current(e))
	}
	slices.SortFunc(states, func(a, b *conference.State) int { return cmp.Compare(a.ID, b.ID) })
	return states
}

// Conference gives the State of one. Error: ErrNoConference.
func (f *Focus) Conference(id conference.ID) (*conference.State, error) {
	e, err := f.lookup(id)
	if err != nil {
		return nil, err
	}
	return f.current(e), nil
}

// conferenceURI is the identity of a conference: what to call and what to subscribe to (RFC 4353, section 3.1).
func (f *Focus) conferenceURI(id conference.ID) sipua.URI {
	return f.contactURI(id, "").Bare()
}

// contactURI is the conference URI as it can be reached over a transport (RFC 4579, section 5.1).
func (f *Focus) contactURI(id conference.ID, transport string) sipua.URI {
	var uri sipua.URI
	if agent := f.agent.Load(); agent != nil {
		if transport == "" {
			uri = agent.Contact(string(id))
		} else {
			uri = agent.Contact(string(id), transport)
		}
	}
	if uri.IsZero() {
		uri = sipua.URI{Scheme: "sip", User: string(id), Host: "localhost"}
	}
	if f.cfg.Domain != "" {
		if domain, err := sipua.ParseURI("sip:" + f.cfg.Domain); err == nil {
			uri.Host, uri.Port = domain.Host, domain.Port
		}
	}
	return uri
}

// newName gives an unguessable name of 120 random bits.
func newName() string {
	var bits [15]byte
	_, _ = rand.Read(bits[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bits[:]))
}

// shortName is long enough to be unique in one conference, and short enough to be typed.
func shortName(prefix string) string { return prefix + newName()[:10] }
