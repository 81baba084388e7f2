package focus

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
)

// deliverInterval is how often the spool is looked at.
const deliverInterval = 2 * time.Second

const (
	// deliverAtOnce is how many segments are delivered to a server at a time. Each takes as long as it was to record, and after a failure there is one
	// of every conference: one after the other they would not be through for hours.
	deliverAtOnce = 16
	// openingPatience is how long a segment waits for its first server while that has not taken another one, before it goes to the next.
	openingPatience = 2 * time.Second
)

// delivery brings what is in the spool to recording servers for as long as the focus runs. Another segment begins when the server has taken the last
// one: one that refuses is asked once, not sixteen times. Servers do not wait for each other. It belongs to one goroutine.
type delivery struct {
	focus    *Focus
	agent    *sipua.Agent
	broken   map[string]bool     // segments that cannot be read
	meant    map[string][]string // the servers of segments, by their names
	underWay map[string]string   // the servers of those that are being delivered
	opening  map[string]opening  // by server: the segment that it has not taken yet
	events   chan delivered
}

// opening is a segment that a server has not taken yet.
type opening struct {
	segment string
	since   time.Time
}

// delivered is what became of a segment.
type delivered struct {
	name   string
	over   bool // else a server has taken it
	failed bool
	broken bool
}

// deliverSpool begins it.
func (f *Focus) deliverSpool(agent *sipua.Agent) {
	if f.spool == nil {
		return
	}
	interval := f.cfg.Deliver
	if interval <= 0 {
		interval = deliverInterval
	}
	d := &delivery{
		focus: f, agent: agent, broken: map[string]bool{}, meant: map[string][]string{}, underWay: map[string]string{},
		opening: map[string]opening{}, events: make(chan delivered),
	}
	f.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer f.onDrain(cancel)()
		d.run(ctx, interval)
	})
}

func (d *delivery) run(ctx context.Context, interval time.Duration) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for done := ctx.Done(); ; {
		select {
		case <-ticks.C:
			d.next(ctx)
		case e := <-d.events:
			if d.note(e); !e.failed {
				d.next(ctx)
			}
		case <-done:
			done = nil
		}
		if done == nil && len(d.underWay) == 0 {
			return
		}
	}
}

// note takes an event.
func (d *delivery) note(e delivered) {
	if server := d.underWay[e.name]; d.opening[server].segment == e.name {
		delete(d.opening, server)
	}
	if e.over {
		delete(d.underWay, e.name)
	}
	if e.broken { // kept: whoever has the right key may read it
		d.broken[e.name] = true
	}
}

// next begins with the next segments for which there is a server to which another may begin.
func (d *delivery) next(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	names, err := d.focus.spool.Segments()
	if err != nil {
		d.focus.log.ErrorContext(ctx, "spool", slog.Any("error", err))
		return
	}
	if len(d.meant) > len(names) { // some have been delivered
		maps.DeleteFunc(d.meant, func(name string, _ []string) bool { return !slices.Contains(names, name) })
	}
	for _, name := range names {
		if d.broken[name] || d.underWay[name] != "" {
			continue
		}
		if server, ok := d.server(ctx, name); ok {
			d.begin(ctx, name, server)
		}
	}
}

// server is one of those that a segment is meant for and that is there. It is not asked for more than one segment that it has not taken.
func (d *delivery) server(ctx context.Context, name string) (Recorder, bool) {
	f, now := d.focus, time.Now()
	meant, known := d.meant[name]
	if !known {
		header, empty, err := headerOf(f.spool, name)
		switch {
		case err != nil:
			d.broken[name] = true
			f.log.ErrorContext(ctx, "spool segment cannot be read", slog.String("segment", name), slog.Any("error", err))
			return Recorder{}, false
		case empty:
			d.remove(ctx, name)
			return Recorder{}, false
		}
		meant = header.Servers
		d.meant[name] = meant
	}
	for _, candidate := range f.pool.order(meant, false) {
		if o, busy := d.opening[candidate]; busy {
			if now.Sub(o.since) < openingPatience {
				return Recorder{}, false
			}
			continue
		}
		if d.busy(candidate) >= deliverAtOnce {
			continue
		}
		if server, ok := f.pool.find(candidate); ok && f.pool.take(candidate, now) {
			return server, true
		}
	}
	return Recorder{}, false
}

// remove takes away a segment in which nothing is.
func (d *delivery) remove(ctx context.Context, name string) {
	if err := d.focus.spool.Remove(name); err != nil {
		d.broken[name] = true
		d.focus.log.ErrorContext(ctx, "spool", slog.Any("error", err))
	}
}

// busy is how many segments a server is being sent.
func (d *delivery) busy(server string) (n int) {
	for _, s := range d.underWay {
		if s == server {
			n++
		}
	}
	return n
}

// begin begins the delivery of a segment.
func (d *delivery) begin(ctx context.Context, name string, server Recorder) {
	d.opening[server.Name], d.underWay[name] = opening{name, time.Now()}, server.Name
	d.focus.spawn(func(context.Context) {
		e := d.deliver(ctx, name, server)
		e.name, e.over = name, true
		d.events <- e
	})
}

// deliver delivers a segment, in a goroutine of its own.
func (d *delivery) deliver(ctx context.Context, name string, server Recorder) (e delivered) {
	f := d.focus
	content, err := survey(f.spool, name)
	if err != nil {
		f.pool.released(server.Name)
		f.log.ErrorContext(ctx, "spool segment cannot be read", slog.String("segment", name), slog.Any("error", err))
		return delivered{broken: true}
	}
	err = f.deliverTo(ctx, d.agent, server, content, func() { d.events <- delivered{name: name} })
	if err == nil {
		return delivered{broken: !f.tookOver(ctx, server, content)}
	}
	f.log.WarnContext(ctx, "spool not delivered", slog.String("segment", name), slog.String("server", server.Name), slog.Any("error", err))
	if ctx.Err() == nil {
		f.pool.failed(server.Name, 0, time.Now())
	}
	return delivered{failed: true}
}

// tookOver counts what a server has taken, and removes the segment. False: it is still there, and is not to be delivered twice.
func (f *Focus) tookOver(ctx context.Context, server Recorder, content *spooled) bool {
	frames := uint64(content.frames) //nolint:gosec // a count
	f.assurance.delivered(content.header.Conference, content.header.Recording, server.Name, frames)
	f.delivered.Add(frames)
	f.log.InfoContext(ctx, "spool delivered", slog.String("segment", content.name), slog.String("server", server.Name),
		slog.String("conference", string(content.header.Conference)), slog.Duration("length", content.last.Sub(content.first)))
	if err := f.spool.Remove(content.name); err != nil {
		f.log.ErrorContext(ctx, "spool", slog.Any("error", err))
		return false
	}
	return true
}

// deliverTo delivers a segment to a server; taken is called when it flows.
func (f *Focus) deliverTo(ctx context.Context, agent *sipua.Agent, server Recorder, content *spooled, taken func()) error {
	p, err := f.newReplay(agent, server, content)
	if err != nil {
		return err
	}
	p.taken = func() {
		f.pool.began(server.Name, time.Now())
		taken()
	}
	f.pool.opened(server.Name)
	defer f.pool.closed(server.Name)
	ctx, cancel := context.WithCancel(ctx)
	defer p.close()
	defer func() {
		cancel()
		if p.playing {
			<-p.over // the sessions are the player's until then
		}
	}()
	return p.run(ctx)
}
