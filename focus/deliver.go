package focus

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
)

// deliverInterval is how often the spool is looked at.
const deliverInterval = 2 * time.Second

// deliverAtOnce is how many segments are delivered at a time. Each takes as long as it was to record, and after a failure there is one of every
// conference: one after the other they would not be through for hours.
const deliverAtOnce = 16

// delivery brings what is in the spool to recording servers for as long as the focus runs. Another segment begins when a server has taken the last
// one: one that refuses is asked once, not sixteen times. It belongs to one goroutine.
type delivery struct {
	focus    *Focus
	agent    *sipua.Agent
	broken   map[string]bool // segments that cannot be read
	underWay map[string]bool
	opening  string // the segment that no server has taken yet; empty: there is none
	events   chan delivered
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
	d := &delivery{focus: f, agent: agent, broken: map[string]bool{}, underWay: map[string]bool{}, events: make(chan delivered)}
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
	if d.opening == e.name {
		d.opening = ""
	}
	if e.over {
		delete(d.underWay, e.name)
	}
	if e.broken { // kept: whoever has the right key may read it
		d.broken[e.name] = true
	}
}

// next begins with the next segment for which there is a server, if another may begin.
func (d *delivery) next(ctx context.Context) {
	if d.opening != "" || len(d.underWay) >= deliverAtOnce || ctx.Err() != nil {
		return
	}
	names, err := d.focus.spool.Segments()
	if err != nil {
		d.focus.log.ErrorContext(ctx, "spool", slog.Any("error", err))
		return
	}
	for _, name := range names {
		if d.broken[name] || d.underWay[name] {
			continue
		}
		if d.begin(ctx, name) {
			return
		}
	}
}

// begin reports whether the delivery of a segment has begun.
func (d *delivery) begin(ctx context.Context, name string) bool {
	f := d.focus
	content, err := survey(f.spool, name)
	if err != nil {
		d.broken[name] = true
		f.log.ErrorContext(ctx, "spool segment cannot be read", slog.String("segment", name), slog.Any("error", err))
		return false
	}
	if content.frames+content.texts == 0 {
		d.remove(ctx, name)
		return false
	}
	server, ok := f.deliveryServer(content)
	if !ok {
		return false
	}
	d.opening, d.underWay[name] = name, true
	f.spawn(func(context.Context) {
		err := f.deliverTo(ctx, d.agent, server, content, func() { d.events <- delivered{name: name} })
		e := delivered{name: name, over: true, failed: err != nil}
		if err == nil {
			e.broken = !f.tookOver(ctx, server, content)
		} else {
			f.log.WarnContext(ctx, "spool not delivered", slog.String("segment", name), slog.String("server", server.Name), slog.Any("error", err))
			if ctx.Err() == nil {
				f.pool.failed(server.Name, 0, time.Now())
			}
		}
		d.events <- e
	})
	return true
}

// remove takes away a segment in which nothing is.
func (d *delivery) remove(ctx context.Context, name string) {
	if err := d.focus.spool.Remove(name); err != nil {
		d.broken[name] = true
		d.focus.log.ErrorContext(ctx, "spool", slog.Any("error", err))
	}
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

// deliveryServer is one of those that the recording was for and that is there.
func (f *Focus) deliveryServer(content *spooled) (Recorder, bool) {
	for _, name := range f.pool.order(content.header.Servers, false) {
		if server, ok := f.pool.find(name); ok && f.pool.take(name, time.Now()) {
			return server, true
		}
	}
	return Recorder{}, false
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
