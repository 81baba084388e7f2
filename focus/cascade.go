package focus

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// Cascades says of which focuses that take part in a conference those who are there appear in its roster (RFC 4575, section 5.6.5). What they say of
// them is believed.
type Cascades uint8

// CascadesNone of them; CascadesCalled of those that the conference has called itself; CascadesAll also of those that have called it.
const (
	CascadesNone Cascades = iota
	CascadesCalled
	CascadesAll
)

const (
	// linkRetry is the pause after a subscription that could not be had for now.
	linkRetry = 30 * time.Second
	// maxAfar bounds who is listed of one other conference.
	maxAfar = 5000
	// linkExpires is how long a subscription to another conference is asked for; it is refreshed.
	linkExpires = time.Hour
)

// afar are those who are in other conferences of a cascade: the focuses of those are participants here, and are followed for as long as they are. It is
// safe for concurrent use.
type afar struct {
	users    atomic.Pointer[[]confevent.User] // of all links, ready for documents; nil: there are none
	recorded atomic.Pointer[[]beyond]         // the same for recording metadata

	mu    sync.Mutex
	links map[string]*link // by URI
}

// link is the subscription to the events of another focus.
type link struct {
	focus *Focus
	entry *entry
	uri   string
	log   *slog.Logger
	stop  func()                           // gives it up
	given chan struct{}                    // closed when it has been given up
	sub   atomic.Pointer[sipua.Subscriber] // nil before it has been accepted

	asking atomic.Bool // for a full document

	// Owned by OnNotify, whose calls are one at a time.
	callID   string // of the subscription that the document is of
	document confevent.Document

	users []confevent.User // guarded by afar.mu
}

// follow has those focuses followed that a version has, and no others.
func (a *afar) follow(f *Focus, e *entry, s *conference.State) {
	wanted := map[string]bool{}
	for i := range s.Participants {
		if p := s.Participants[i]; e.cfg.Roster.Cascades.follows(p) {
			wanted[p.Session.Contact] = true
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for uri := range wanted {
		if a.links[uri] == nil {
			if a.links == nil {
				a.links = map[string]*link{}
			}
			a.links[uri] = f.link(e, uri)
		}
	}
	for uri, l := range a.links {
		if !wanted[uri] {
			l.stop()
			delete(a.links, uri)
			a.collect()
		}
	}
}

// follows tells whether a participant is a focus that is to be followed.
func (c Cascades) follows(p *conference.Participant) bool {
	return p.Session.Focus && p.Present() && !p.Anonymous && (c == CascadesAll || c == CascadesCalled && p.Method == conference.DialedOut)
}

// told takes the users of a link, unless it has been given up.
func (a *afar) told(l *link, users []confevent.User) {
	a.mu.Lock()
	current := a.links[l.uri] == l
	if current {
		l.users = users
		a.collect()
	}
	a.mu.Unlock()
	if current {
		l.entry.notify()
		l.entry.tellRecorders(l.focus)
	}
}

// collect puts together who is afar, in the order of the links, each once; a.mu is held. Of a focus that is linked with us we do not believe others.
func (a *afar) collect() {
	var all []confevent.User
	var recorded []beyond
	seen := map[string]bool{}
	for _, uri := range slices.Sorted(maps.Keys(a.links)) {
		for _, u := range a.links[uri].users {
			direct := u.CascadedFocus != uri && slices.ContainsFunc(slices.Collect(maps.Keys(a.links)), func(other string) bool { return sameBare(other, u.CascadedFocus) })
			if !seen[u.Entity] && !direct {
				seen[u.Entity] = true
				all = append(all, u)
				if u.Entity != uri { // that focus is a participant itself
					recorded = append(recorded, beyondOf(&u, uri))
				}
			}
		}
	}
	a.users.Store(&all)
	a.recorded.Store(&recorded)
}

// link begins to follow another focus.
func (f *Focus) link(e *entry, uri string) *link {
	l := &link{
		focus: f, entry: e, uri: uri, log: f.log.With(slog.String("conference", string(e.cfg.ID)), slog.String("focus", uri)), given: make(chan struct{}),
	}
	l.stop = sync.OnceFunc(func() { close(l.given) })
	f.spawn(func(life context.Context) {
		ctx, cancel := context.WithCancel(life)
		defer cancel()
		go func() {
			select {
			case <-l.given:
				cancel()
			case <-ctx.Done():
			}
		}()
		l.run(life, ctx)
	})
	return l
}

// run is the life of a link: until it is given up, when ctx ends, or the other side says that there is nothing to be had. A subscription that could
// not be refreshed in time is followed by another one.
func (l *link) run(life, ctx context.Context) {
	for {
		ended := make(chan sipua.EndReason, 1)
		sub, err := l.subscribe(ctx, func(reason sipua.EndReason) { ended <- reason })
		if err == nil {
			l.sub.Store(sub)
			var reason sipua.EndReason
			select {
			case reason = <-ended:
			case <-ctx.Done():
				l.leave(life, sub)
				return
			}
			l.entry.afar.told(l, nil)
			if reason.Cause != sipua.EndRefused {
				return // the other side has ended it for good: it renews itself otherwise
			}
			l.log.InfoContext(ctx, "its roster is lost for now", slog.Any("error", reason.Err))
		} else if code := sipua.Status(err); ctx.Err() != nil || code != 0 && code/100 != 5 { //nolint:mnd // the class of failures of servers
			l.log.InfoContext(ctx, "its roster is not to be had", slog.Any("error", err))
			return
		}
		select {
		case <-time.After(linkRetry):
		case <-ctx.Done():
			return
		}
	}
}

// leave ends a subscription. That it fails is of no matter: the other side finds out by itself.
func (l *link) leave(ctx context.Context, sub *sipua.Subscriber) {
	ctx, cancel := context.WithTimeout(ctx, byeTimeout)
	defer cancel()
	patience, release := l.focus.patient(ctx, participantPatience)
	defer release()
	_ = sub.Close(patience)
}

// subscribe asks the other focus for its events, in a dialog of its own (RFC 4579, section 3.4).
func (l *link) subscribe(ctx context.Context, ended func(sipua.EndReason)) (*sipua.Subscriber, error) {
	agent := l.focus.agent.Load()
	target, err := sipua.ParseURI(l.uri)
	if err != nil {
		return nil, err
	}
	target, trunk, err := l.focus.way(target)
	if err != nil {
		return nil, err
	}
	transport := strings.ToLower(target.Param("transport"))
	return agent.Subscribe(ctx, sipua.OutgoingSubscription{
		To: sipua.Address{URI: target}, From: sipua.Address{URI: l.focus.conferenceURI(l.entry.cfg.ID)},
		Contact: sipua.Address{URI: l.focus.contactURI(l.entry.cfg.ID, transport)}.With("isfocus", ""),
		Event:   confevent.EventPackage, Accept: []string{confevent.ContentType}, Expires: linkExpires, Trunk: trunk, Renew: true, OnNotify: l.notified, OnEnd: ended,
	})
}

// notified merges a document (RFC 4575, section 4.6).
func (l *link) notified(request *sipua.Request) *sipua.Response {
	if request.CallID != l.callID {
		l.callID, l.document = request.CallID, confevent.Document{} // a new subscription counts anew
	}
	if len(request.Body) == 0 {
		return nil
	}
	update, err := confevent.Unmarshal(request.Body)
	if err == nil {
		update, err = confevent.Merge(l.document, update)
	}
	switch {
	case errors.Is(err, confevent.ErrStale):
		return nil
	case errors.Is(err, confevent.ErrRefreshNeeded):
		l.refresh()
		return nil
	case err != nil:
		l.log.Warn("its roster cannot be read", slog.Any("error", err))
		return nil
	}
	l.document = update
	if update.State == confevent.Deleted {
		l.stop() // there will be nothing any more
	}
	l.entry.afar.told(l, l.listed(&update))
	return nil
}

// refresh asks for a full document, since one before the last has not come.
func (l *link) refresh() {
	sub := l.sub.Load()
	if sub == nil || !l.asking.CompareAndSwap(false, true) {
		return
	}
	l.focus.spawn(func(ctx context.Context) {
		defer l.asking.Store(false)
		ctx, cancel := context.WithTimeout(ctx, byeTimeout)
		defer cancel()
		if err := sub.Refresh(ctx, linkExpires); err != nil {
			l.log.InfoContext(ctx, "its roster is not to be had", slog.Any("error", err))
		}
	})
}

// listed are the users of a document as our own roster shows them: without us and whoever is known through us, and without what makes sense in the
// dialogs and media of the other focus only.
func (l *link) listed(d *confevent.Document) []confevent.User {
	if d.State == confevent.Deleted || d.Users == nil {
		return nil
	}
	own := l.focus.conferenceURI(l.entry.cfg.ID).String()
	var users []confevent.User
	for _, u := range d.Users.Users {
		if u.State == confevent.Deleted || sameBare(u.Entity, own) || u.CascadedFocus != "" && sameBare(u.CascadedFocus, own) || len(users) >= maxAfar {
			continue
		}
		afar := confevent.User{Entity: u.Entity, DisplayText: u.DisplayText, Roles: u.Roles, Languages: u.Languages, CascadedFocus: u.CascadedFocus}
		if afar.CascadedFocus == "" {
			afar.CascadedFocus = l.uri
		}
		for _, e := range u.Endpoints {
			if e.State == confevent.Deleted {
				continue
			}
			e.CallInfo, e.Media, e.Referred = nil, nil, nil
			afar.Endpoints = append(afar.Endpoints, e)
		}
		users = append(users, afar)
	}
	return users
}

// cascaded adds to a roster who is in other conferences of a cascade. Who is here, too, is listed as such alone.
func (a aspect) cascade(users *confevent.Users) {
	if a.afar == nil {
		return
	}
	here := map[string]bool{}
	for i := range users.Users {
		here[users.Users[i].Entity] = true
	}
	for _, u := range *a.afar {
		hidden := a.roster.HideAnonymous && a.viewer != forHosts && strings.HasSuffix(u.Entity, ".invalid")
		if !here[u.Entity] && !hidden {
			users.Users = append(users.Users, u)
		}
	}
}
