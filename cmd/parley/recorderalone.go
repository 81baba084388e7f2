package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/telemetry"
	"github.com/parley-sip/parley/siprec/srs"
)

type srsCommand struct{ configured }

// Run records until a signal comes.
func (c *srsCommand) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	settings, recorder, err := startAlone(ctx, cfg, t)
	if err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	shown := &atomic.Pointer[[]telemetry.Certificate]{}
	certificates := shownCertificates(sipua.TLS{}, settings.TLS)
	shown.Store(&certificates)
	page, err := recorderAPI(ctx, cfg, recorder, shown, settings.Logger)
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
	reloads := recorderReloads{cfg: cfg, load: c.load, recorder: recorder, page: page, shown: shown, log: settings.Logger}
	reloads.serve(ctx, hangup, manager)
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

// startAlone begins to record.
func startAlone(ctx context.Context, cfg *config.Config, t *terminal) (srs.Config, *srs.Server, error) {
	allow, err := prefixes(cfg.SIP.Allow)
	if err != nil {
		return srs.Config{}, nil, err
	}
	settings, err := recorderConfig(cfg, logger(cfg.Log, t.err))
	if err != nil {
		return srs.Config{}, nil, err
	}
	settings.Allow = allow
	settings.Hooks.Started = func(r srs.Recording) { t.printf("recording %s\n", r.Directory) }
	settings.Hooks.Finished = func(r srs.Recording) { t.printf("finished %s %s\n", r.Directory, r.State) }
	recorder, err := srs.New(settings)
	if err != nil {
		return srs.Config{}, nil, err
	}
	if err = recorder.Start(ctx); err != nil {
		return srs.Config{}, nil, err
	}
	return settings, recorder, nil
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
func recorderAPI(ctx context.Context, cfg *config.Config, recorder *srs.Server, shown *atomic.Pointer[[]telemetry.Certificate], log *slog.Logger) (*control.Server, error) {
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
	metrics.CollectResources(func() telemetry.Resources { return telemetry.Resources{Certificates: *shown.Load()} })
	page := control.New(settings, nil, metrics.Handler())
	if err := page.Start(ctx); err != nil {
		return nil, err
	}
	if len(cfg.HTTP.Tokens) == 0 && !loopback(page.Addr()) {
		log.WarnContext(ctx, "the HTTP API listens beyond loopback without tokens")
	}
	return page, nil
}

// recorderReloads reads the configuration of a recorder alone again.
type recorderReloads struct {
	cfg      *config.Config // that holds
	load     func() (*config.Config, error)
	recorder *srs.Server
	page     *control.Server // nil: none
	shown    *atomic.Pointer[[]telemetry.Certificate]
	log      *slog.Logger
}

// serve does so with each SIGHUP, until ctx ends.
func (r *recorderReloads) serve(ctx context.Context, hangup <-chan os.Signal, manager notifier) {
	for {
		select {
		case <-hangup:
			err := manager.reloading()
			if failed := r.reload(ctx); failed != nil {
				r.log.ErrorContext(ctx, "the configuration stays as it was", slog.Any("error", failed))
			}
			if err = errors.Join(err, manager.ready("records into "+r.cfg.SRS.Directory)); err != nil {
				r.log.WarnContext(ctx, "the service manager does not know how things are", slog.Any("error", err))
			}
		case <-ctx.Done():
			return
		}
	}
}

// aloneLive are the keys that can change while a recorder alone runs.
//
//nolint:gochecknoglobals // a table
var aloneLive = []string{"srs.tls", "http.tokens"}

// reload makes certificates and tokens hold, those of files whose names are the same as well. Errors: config.ErrNotLive, those of the configuration.
func (r *recorderReloads) reload(ctx context.Context) error {
	next, err := r.load()
	if err != nil {
		return err
	}
	changes := config.Diff(r.cfg, next)
	if err = config.CheckLiveOf(changes, aloneLive); err != nil {
		return err
	}
	certificates, err := ownTLS("srs.tls", &next.SRS.TLS)
	if err != nil {
		return err
	}
	if err = r.recorder.SetTLS(certificates); err != nil {
		return err
	}
	if r.page != nil {
		r.page.SetTokens(tokens(next.HTTP.Tokens))
	}
	shown := shownCertificates(sipua.TLS{}, certificates)
	r.shown.Store(&shown)
	r.cfg = next
	for _, change := range changes {
		r.log.InfoContext(ctx, "reloaded", slog.String("change", change.String()))
	}
	r.log.InfoContext(ctx, "configuration reloaded", slog.Int("changes", len(changes)))
	return nil
}
