package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/internal/telemetry"
	"github.com/parley-sip/parley/siprec/srs"
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

type srsCommand struct{ configured }

// Run records until a signal comes.
func (c *srsCommand) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	allow, err := prefixes(cfg.SIP.Allow)
	if err != nil {
		return err
	}
	settings, err := recorderConfig(cfg, logger(cfg.Log, t.err))
	if err != nil {
		return err
	}
	settings.Allow = allow
	settings.Hooks.Started = func(r srs.Recording) { t.printf("recording %s\n", r.Directory) }
	settings.Hooks.Finished = func(r srs.Recording) { t.printf("finished %s %s\n", r.Directory, r.State) }
	recorder, err := srs.New(settings)
	if err != nil {
		return err
	}
	if err = recorder.Start(ctx); err != nil {
		return err
	}
	page, err := recorderAPI(ctx, cfg, recorder, settings.Logger)
	if err != nil {
		return errors.Join(err, recorder.Close(ctx))
	}
	where := ""
	if page != nil {
		where = " http://" + page.Addr()
	}
	t.printf("parley %s ready: recorder %s%s, writes to %s\n", version, recorderAddresses(recorder), where, cfg.SRS.Directory)
	manager := manager()
	err = manager.ready("records into " + cfg.SRS.Directory)
	<-ctx.Done()
	if err = errors.Join(err, manager.stopping()); err != nil {
		settings.Logger.WarnContext(context.WithoutCancel(ctx), "the service manager does not know how things are", slog.Any("error", err))
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err = recorder.Close(drain)
	if page != nil { // it tells until the end what goes on
		err = errors.Join(err, page.Close(drain))
	}
	return err
}

// recorderAddresses are where it listens.
func recorderAddresses(recorder *srs.Server) string {
	var list []string
	for _, transport := range []string{"udp", "tcp", "tls"} {
		if address := recorder.Addr(transport); address.IsValid() {
			list = append(list, transport+":"+address.String())
		}
	}
	return strings.Join(list, " ")
}

// recorderAPI serves the recorder's part of the API and its metrics, nil if it is not wanted.
func recorderAPI(ctx context.Context, cfg *config.Config, recorder *srs.Server, log *slog.Logger) (*control.Server, error) {
	if cfg.SRS.HTTPListen == "" {
		return nil, nil //nolint:nilnil // none is no error
	}
	settings, err := controlConfig(cfg, log)
	if err != nil {
		return nil, err
	}
	settings.Listen, settings.Recorder = cfg.SRS.HTTPListen, recorder
	metrics := telemetry.New()
	metrics.CollectRecorder(recorderCounts(recorder))
	page := control.New(settings, nil, metrics.Handler())
	if err := page.Start(ctx); err != nil {
		return nil, err
	}
	if len(cfg.HTTP.Tokens) == 0 && !loopback(page.Addr()) {
		log.WarnContext(ctx, "the HTTP API listens beyond loopback without tokens")
	}
	return page, nil
}
