package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/parley-sip/parley/internal/config"
)

// configured is embedded in the commands that read the configuration.
type configured struct {
	Config string `name:"config" short:"c" placeholder:"FILE" complete:"files" help:"Configuration file. Default: ./parley.yml, or the embedded default if there is none."`
}

const defaultFile = "parley.yml"

func (c *configured) load() (*config.Config, error) {
	file := c.Config
	if file == "" {
		if _, err := os.Stat(defaultFile); err == nil {
			file = defaultFile
		}
	}
	cfg, err := config.Load(file, os.Environ())
	if err != nil {
		return nil, err
	}
	return &cfg, nil
}

type serveCommand struct{ configured }

// Run serves until a signal comes, then drains; a second signal ends at once.
func (c *serveCommand) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	s, err := start(ctx, cfg, t.err)
	if err != nil {
		return err
	}
	warnOfLimits(ctx, s.log, cfg)
	if len(cfg.HTTP.Tokens) == 0 && !loopback(s.control.Addr()) {
		s.log.WarnContext(ctx, "the HTTP API listens beyond loopback without tokens")
	}
	for i := range cfg.Recording.Servers {
		server := &cfg.Recording.Servers[i]
		if exposed := cfg.Exposed(server); exposed != "" {
			s.log.WarnContext(ctx, "recordings are less protected than calls: recording.allow_insecure", slog.String("server", server.Name), slog.String("detail", exposed))
		}
	}
	s.reloads.mu.Lock()
	s.reloads.load = c.load
	s.reloads.mu.Unlock()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	t.printf("parley %s ready:%s\n", version, s.addresses())
	manager := manager()
	s.logged(ctx, manager.ready("serves at"+s.addresses()))
	s.reloadOn(ctx, hangup, manager)
	s.logged(context.WithoutCancel(ctx), manager.stopping())
	impatient, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s.drain(impatient)
	drain, cancel := context.WithTimeout(impatient, drainTime)
	defer cancel()
	return s.close(drain)
}

// reloadOn reads the configuration again with each SIGHUP, until ctx ends.
func (s *service) reloadOn(ctx context.Context, hangup <-chan os.Signal, manager notifier) {
	for {
		select {
		case <-hangup:
			s.logged(ctx, manager.reloading())
			_, _ = s.reload(ctx) // it is in the log
			s.logged(ctx, manager.ready("serves at"+s.addresses()))
		case <-ctx.Done():
			return
		}
	}
}

// logged logs what is no reason to end.
func (s *service) logged(ctx context.Context, err error) {
	if err != nil {
		s.log.WarnContext(ctx, "the service manager does not know how things are", slog.Any("error", err))
	}
}
