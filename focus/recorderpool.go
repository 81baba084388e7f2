package focus

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// recorderPool knows of every recording server whether it is there and how much it does. Conferences ask it whom to record
// with, and tell it what became of that. All methods may be called by any goroutine.
type recorderPool struct {
	servers atomic.Pointer[[]Recorder] // not to be changed

	mu     sync.Mutex
	former []Recorder // that a reload has taken away: sessions with them go on
	health map[string]*siprec.Health
	busy   map[string]int                // sessions now
	taken  map[string]taste              // by the name of the server
	probed map[string]answers            // by the name of the server
	logins map[string]*sipua.Credentials // what was learned of its challenges, by the name of the server; nil: it has no account
}

func newRecorderPool(servers []Recorder, now time.Time) *recorderPool {
	p := &recorderPool{health: map[string]*siprec.Health{}, busy: map[string]int{}, taken: map[string]taste{}, probed: map[string]answers{}, logins: map[string]*sipua.Credentials{}}
	p.set(servers, now)
	return p
}

// set replaces the servers. What is known of one that stays the same is kept; sessions with one that goes are not touched.
func (p *recorderPool) set(servers []Recorder, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.list()
	p.servers.Store(&servers)
	gone := func(list []Recorder) []Recorder {
		return slices.DeleteFunc(slices.Clone(list), func(s Recorder) bool { _, still := serverNamed(servers, s.Name); return still })
	}
	p.former = append(gone(p.former), gone(before)...)
	for _, s := range servers {
		if old, was := serverNamed(before, s.Name); !was || old.URI != s.URI || old.Health != s.Health {
			p.health[s.Name] = siprec.NewHealth(s.Health, now)
			delete(p.taken, s.Name)
		}
		if old, was := serverNamed(before, s.Name); !was || old.Account != s.Account {
			p.logins[s.Name] = s.Account.credentials()
		}
	}
}

// list are the servers in the order of the configuration.
func (p *recorderPool) list() []Recorder {
	if servers := p.servers.Load(); servers != nil {
		return *servers
	}
	return nil
}

func serverNamed(servers []Recorder, name string) (Recorder, bool) {
	i := slices.IndexFunc(servers, func(s Recorder) bool { return s.Name == name })
	if i < 0 {
		return Recorder{}, false
	}
	return servers[i], true
}

// find gives a server by its name, a former one too: who still knows its name may go on with it.
func (p *recorderPool) find(name string) (Recorder, bool) {
	if s, ok := serverNamed(p.list(), name); ok {
		return s, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return serverNamed(p.former, name)
}

// answers are those to the challenges of a server; nil: it has no account.
func (p *recorderPool) answers(name string) *sipua.Credentials {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logins[name]
}

// expand replaces the names of groups by those of their members.
func (p *recorderPool) expand(names []string) []string {
	var out []string
	for _, name := range names {
		members := []string{name}
		if _, ok := p.find(name); !ok {
			members = members[:0]
			for _, s := range p.list() {
				if s.Group == name {
					members = append(members, s.Name)
				}
			}
		}
		for _, m := range members {
			if !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
	}
	return out
}

// has tells whether a name is that of a server or of a group.
func (p *recorderPool) has(name string) bool {
	return slices.ContainsFunc(p.list(), func(s Recorder) bool { return s.Name == name || s.Group == name })
}

// order sorts servers by how much they are wanted: lower priority numbers first, then as listed or, to balance, by how little
// they do for their weight.
func (p *recorderPool) order(names []string, balance bool) []string {
	known := map[string]Recorder{}
	for _, name := range names {
		known[name], _ = p.find(name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := slices.Clone(names)
	slices.SortStableFunc(out, func(a, b string) int {
		x, y := known[a], known[b]
		if n := cmp.Compare(x.Priority, y.Priority); n != 0 || !balance {
			return n
		}
		return cmp.Compare(float64(p.busy[a]+1)/float64(max(1, x.Weight)), float64(p.busy[b]+1)/float64(max(1, y.Weight)))
	})
	return out
}

// choose takes the servers for n copies: those that are there first, others only if there are too few. What it gives will be
// tried, and the outcome is to be reported.
func (p *recorderPool) choose(names []string, n int, balance bool, now time.Time) []string {
	ordered := p.order(names, balance)
	chosen := make([]string, 0, n)
	for _, name := range ordered {
		if len(chosen) < n && p.take(name, now) {
			chosen = append(chosen, name)
		}
	}
	for _, name := range ordered {
		if len(chosen) < n && !slices.Contains(chosen, name) {
			chosen = append(chosen, name)
		}
	}
	return chosen
}

// take tells whether a session may begin with a server now.
func (p *recorderPool) take(name string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.health[name]
	return h != nil && h.Take(now)
}

// began and failed tell what became of an attempt, or of a session.
func (p *recorderPool) began(name string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health[name].Began(now)
}

func (p *recorderPool) failed(name string, after time.Duration, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health[name].Failed(after, now)
}

// released tells that an attempt has been taken back, with no outcome.
func (p *recorderPool) released(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health[name].Released()
}

// took remembers in what format a server has taken a stream, of what it was offered.
func (p *recorderPool) took(name string, format codecs.Format, offered []codecs.Codec) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.taken[name]
	t.format[format.Codec] = format
	t.last, t.follows = format.Codec, len(offered) > 0 && offered[0] == format.Codec
	p.taken[name] = t
}

// presume is the format that a server will most likely take: what it is offered first, unless it has taken something else before.
func (p *recorderPool) presume(name string, offered []codecs.Codec) codecs.Format {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, known := p.taken[name]
	codec := offered[0]
	if known && !t.follows && slices.Contains(offered, t.last) {
		codec = t.last
	}
	if f := t.format[codec]; f.Codec == codec {
		return f
	}
	return codecs.Format{Codec: codec}
}

// taste is how a server has chosen among the codecs that it was offered.
type taste struct {
	last    codecs.Codec
	follows bool // it took the first one
	format  [codecs.Count]codecs.Format
}

// opened and closed count sessions.
func (p *recorderPool) opened(name string) { p.count(name, 1) }
func (p *recorderPool) closed(name string) { p.count(name, -1) }

func (p *recorderPool) count(name string, by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy[name] += by
}

// probe takes the outcome of a probe that went out at a time, and reports whether the server is down since it.
func (p *recorderPool) probe(name string, answered bool, asked, now time.Time) (old, state siprec.HealthState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.probed[name]
	switch {
	case answered:
		known = answers{answered: asked}
	case known.missed.IsZero():
		known.missed = asked
	}
	p.probed[name] = known
	h := p.health[name]
	old = h.State(now)
	h.Probed(answered, now)
	return old, h.State(now)
}

// RecorderStatus is a recording server as it is known now.
type RecorderStatus struct {
	Name       string `json:"name" doc:"Name of the server in the configuration."`
	URI        string `json:"uri" doc:"Where it is called."`
	State      string `json:"state" doc:"What is known of it: unknown, up, down (answers no probes) or resting (failed too often, or asked to be left alone)."`
	Since      Time   `json:"since" doc:"Since when it is in this state."`
	RestsUntil *Time  `json:"rests_until,omitempty" doc:"When it is tried again; left out unless it rests."`
	Failures   int    `json:"failures" doc:"Sessions in a row that could not begin or were lost."`
	Sessions   int    `json:"sessions" doc:"Recording sessions now, those that are about to begin among them."`
	Priority   int    `json:"priority" doc:"Lower numbers are preferred."`
	Weight     int    `json:"weight" doc:"Its share when recordings are balanced."`
	Group      string `json:"group,omitempty" doc:"Group that policies may name; left out: none."`
	Profile    string `json:"profile" doc:"Dialect that it is spoken to in."`
}

// RecordingServers gives all recording servers in the order of the configuration.
func (f *Focus) RecordingServers() []RecorderStatus {
	p, now := f.pool, time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	servers := p.list()
	list := make([]RecorderStatus, 0, len(servers))
	for _, s := range servers {
		h := p.health[s.Name]
		list = append(list, RecorderStatus{
			Name: s.Name, URI: s.URI, State: h.State(now).String(), Since: Time(h.Since()), RestsUntil: pointTime(h.RestsUntil()),
			Failures: h.Failures(), Sessions: p.busy[s.Name], Priority: s.Priority, Weight: max(1, s.Weight), Group: s.Group,
			Profile: s.Profile.Normalize().Name,
		})
	}
	return list
}

// probeRecorders asks every server that wants it, again and again, whether it is there. Those of before are asked no more.
func (f *Focus) probeRecorders(agent *sipua.Agent) {
	probing, stop := context.WithCancel(context.Background())
	f.mu.Lock()
	before := f.stopProbes
	f.stopProbes = stop
	f.mu.Unlock()
	if before != nil {
		before()
	}
	for _, s := range f.live().Recorders {
		if s.Probe.Interval <= 0 {
			continue
		}
		target, err := sipua.ParseURI(s.URI)
		if err != nil {
			f.log.Error("recording server cannot be probed", slog.String("server", s.Name), slog.Any("error", err))
			continue
		}
		f.spawn(func(ctx context.Context) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer f.onDrain(cancel)()
			defer context.AfterFunc(probing, cancel)()
			select {
			case <-agent.Started(): // a first probe before would be lost, and the next one an interval away
			case <-ctx.Done():
				return
			}
			for {
				f.probe(ctx, agent, s, target)
				select {
				case <-time.After(s.Probe.Interval):
				case <-ctx.Done():
					return
				}
			}
		})
	}
}

// probe sends one OPTIONS (RFC 3261, section 11).
func (f *Focus) probe(ctx context.Context, agent *sipua.Agent, s Recorder, target sipua.URI) {
	timeout := s.Probe.Timeout
	if timeout <= 0 {
		timeout = time.Second
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	asked := time.Now()
	_, err := agent.Request(limited, sipua.OutgoingRequest{Method: "OPTIONS", URI: target, Headers: sipua.Headers{
		{Name: "Accept", Value: sdpType + ", " + siprec.MetadataType},
	}})
	if ctx.Err() != nil || errors.Is(err, sipua.ErrClosed) { // it is our end that does not run
		return
	}
	old, state := f.pool.probe(s.Name, answersProbe(err), asked, time.Now())
	if old == state {
		return
	}
	f.log.WarnContext(ctx, "recording server", slog.String("server", s.Name), slog.String("state", state.String()), slog.String("before", old.String()))
	if h := f.hooks.RecorderChanged; h != nil {
		h(s.Name, state.String())
	}
	if state == siprec.HealthDown {
		f.evacuate(s.Name)
	}
}

// answersProbe tells whether the outcome of an OPTIONS shows that somebody is there who may record: any response does, but
// those that speak of overload, a failure, or nobody behind a proxy.
func answersProbe(err error) bool {
	if err == nil {
		return true
	}
	var refused *sipua.StatusError
	return errors.As(err, &refused) && refused.Response.Status != 408 && (refused.Response.Status < 500 || refused.Response.Status == 501)
}

// evacuate tells all conferences that a server is down.
func (f *Focus) evacuate(name string) {
	f.mu.Lock()
	var running []*controller
	for _, e := range f.entries {
		if e.ctl != nil {
			running = append(running, e.ctl)
		}
	}
	f.mu.Unlock()
	for _, c := range running {
		f.spawn(func(context.Context) { c.post(recorderDown{name}) })
	}
}

// recorderDown says that a server answers no probes any more.
type recorderDown struct{ name string }

func (m recorderDown) handle(c *controller) {
	for _, r := range slices.Clone(c.recorders) {
		if r.server.Name == m.name && !r.over {
			c.handOver(r, "answers no OPTIONS", true)
		}
	}
}

// copies is how many servers record at once.
func copies(cfg conference.RecordingConfig, servers int) int {
	if cfg.Copies <= 0 || cfg.Copies > servers {
		return servers
	}
	return cfg.Copies
}
