package focus

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
)

// deliverInterval is how often the spool is looked at.
const deliverInterval = 2 * time.Second

// deliverSpool brings what is in the spool to recording servers, one segment after the other, for as long as the focus runs.
func (f *Focus) deliverSpool(agent *sipua.Agent) {
	if f.spool == nil {
		return
	}
	interval := f.cfg.Deliver
	if interval <= 0 {
		interval = deliverInterval
	}
	f.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer f.onDrain(cancel)()
		broken := map[string]bool{} // segments that cannot be read
		for {
			select {
			case <-time.After(interval):
			case <-ctx.Done():
				return
			}
			names, err := f.spool.Segments()
			if err != nil {
				f.log.ErrorContext(ctx, "spool", slog.Any("error", err))
				continue
			}
			for _, name := range names {
				if !broken[name] && !f.deliver(ctx, agent, name, broken) {
					break
				}
			}
		}
	})
}

// deliver brings one segment to a server. It reports whether others may be tried.
func (f *Focus) deliver(ctx context.Context, agent *sipua.Agent, name string, broken map[string]bool) bool {
	content, err := survey(f.spool, name)
	if err != nil { // kept: whoever has the right key may read it
		broken[name] = true
		f.log.ErrorContext(ctx, "spool segment cannot be read", slog.String("segment", name), slog.Any("error", err))
		return true
	}
	if content.frames > 0 {
		server, ok := f.deliveryServer(content)
		if !ok {
			return true
		}
		if err := f.deliverTo(ctx, agent, server, content); err != nil {
			f.log.WarnContext(ctx, "spool not delivered", slog.String("segment", name), slog.String("server", server.Name), slog.Any("error", err))
			if ctx.Err() == nil {
				f.pool.failed(server.Name, 0, time.Now())
			}
			return false
		}
		f.pool.began(server.Name, time.Now())
		f.assurance.delivered(content.header.Conference, content.header.Recording, server.Name, uint64(content.frames))
		f.delivered.Add(uint64(content.frames))
		f.log.InfoContext(ctx, "spool delivered", slog.String("segment", name), slog.String("server", server.Name),
			slog.String("conference", string(content.header.Conference)), slog.Duration("length", content.last.Sub(content.first)))
	}
	if err := f.spool.Remove(name); err != nil {
		broken[name] = true // not twice
		f.log.ErrorContext(ctx, "spool", slog.Any("error", err))
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

func (f *Focus) deliverTo(ctx context.Context, agent *sipua.Agent, server Recorder, content *spooled) error {
	p, err := f.newReplay(agent, server, content)
	if err != nil {
		return err
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
