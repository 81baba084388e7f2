package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/cdr"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/telemetry"
	"github.com/parley-sip/parley/internal/webhook"
)

// startApplications starts what tells applications of calls: webhooks and call records. They end after the focus. Both are there also when nobody
// wants them: a reload may bring who does, and then knows of the calls that go on.
func (s *service) startApplications(_ context.Context, cfg *config.Config) error {
	hooks, err := webhookConfigs(cfg)
	if err != nil {
		return err
	}
	settings := webhook.Config{Hooks: hooks, UserAgent: "parley/" + version, Logger: s.log, Keep: cfg.Events.Undelivered}
	if settings.Keep != "" {
		if err = os.MkdirAll(settings.Keep, folderMode); err != nil {
			return fmt.Errorf("events.undelivered: %w", err)
		}
	}
	if s.webhooks, err = webhook.New(settings); err != nil { //nolint:contextcheck // what was kept is sent for as long as the service runs
		return err
	}
	s.onClose("webhooks", func(ctx context.Context) error { return lastly(ctx, s.webhooks.Close) })
	records := cdr.Config{Sync: cfg.CDR.Sync, Logger: s.log, Publish: s.publishRecord}
	if cfg.CDR.File != "" {
		if records.Log, err = cdr.OpenLog(logConfig(&cfg.CDR)); err != nil {
			return fmt.Errorf("cdr.file: %w", err)
		}
	}
	s.records = cdr.New(records)
	s.onClose("call records", func(ctx context.Context) error { return lastly(ctx, s.records.Close) })
	return nil
}

func logConfig(c *config.CDR) cdr.LogConfig {
	return cdr.LogConfig{Path: c.File, MaxSize: int64(c.MaxSize), MaxAge: c.MaxAge, Keep: c.Keep}
}

// webhookConfigs are the hooks of a configuration, with their secrets as they are now.
func webhookConfigs(cfg *config.Config) ([]webhook.Hook, error) {
	var hooks []webhook.Hook
	for i := range cfg.Events.Webhooks {
		hook, err := webhookConfig(&cfg.Events.Webhooks[i])
		if err != nil {
			return nil, fmt.Errorf("events.webhooks[%d].%w", i, err)
		}
		hooks = append(hooks, hook)
	}
	return hooks, nil
}

// folderMode lets nobody else look into a folder of ours.
const folderMode = 0o700

// lastTime is what is left for applications when calls have taken all the time there was to end.
const lastTime = 2 * time.Second

// lastly closes with some time of its own when the time of ctx is up, but not when somebody wants the end at once.
func lastly(ctx context.Context, closing func(context.Context) error) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < lastTime && !errors.Is(ctx.Err(), context.Canceled) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), lastTime)
		defer cancel()
	}
	return closing(ctx)
}

var errEmptySecret = errors.New("is empty")

func webhookConfig(w *config.Webhook) (webhook.Hook, error) {
	out := webhook.Hook{
		Name: w.Label(), URL: w.URL, Plain: w.AllowInsecure, Secret: w.Secret.Reveal(), Events: w.Events, Conferences: w.Conferences,
		Timeout: w.Timeout, FirstRetry: w.RetryInitial, LastRetry: w.RetryMax, MaxAge: w.MaxAge, Queue: w.Queue, Parallel: w.Parallel,
	}
	switch {
	case w.SecretFile != "":
		text, err := os.ReadFile(w.SecretFile)
		if err != nil {
			return out, fmt.Errorf("secret_file: %w", err)
		}
		if out.Secret = string(bytes.TrimSpace(text)); out.Secret == "" {
			return out, fmt.Errorf("secret_file: %s %w", w.SecretFile, errEmptySecret)
		}
	case w.SecretEnv != "":
		if out.Secret = os.Getenv(w.SecretEnv); out.Secret == "" {
			return out, fmt.Errorf("secret_env: %s %w", w.SecretEnv, errEmptySecret)
		}
	}
	pool, err := authorities("ca", w.CA)
	if err != nil {
		return out, err
	}
	if pool != nil {
		out.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return out, nil
}

// hooks are what the focus is to call.
func (s *service) hooks() focus.Hooks {
	hooks := s.metrics.Hooks()
	ended := hooks.CallEnded
	hooks.CallEnded = func(r focus.CallRecord) {
		ended(r)
		s.records.CallEnded(r)
	}
	hooks.RecordingEnded = s.records.RecordingEnded
	hooks.Event = func(e focus.Event) {
		s.records.Event(e)
		s.webhooks.Publish(webhook.Message{ID: e.ID, Type: string(e.Type), Conference: string(e.Conference), Object: e})
	}
	return hooks
}

// publishRecord sends a call record to webhooks.
func (s *service) publishRecord(r cdr.Record) {
	e := cdr.EventOf(r, time.Now())
	s.webhooks.Publish(webhook.Message{ID: e.ID, Type: string(e.Type), Conference: string(e.Conference), Object: e})
}

// applications gives the metrics what was counted.
func (s *service) applications() telemetry.Applications {
	stats := s.records.Stats()
	out := telemetry.Applications{Records: &telemetry.Records{
		Written: map[string]uint64{}, Failures: stats.Failures, Lost: stats.Lost, Waiting: stats.Waiting, Failing: stats.Failing,
	}}
	for kind, n := range stats.Written {
		out.Records.Written[string(kind)] = n
	}
	for _, h := range s.webhooks.Stats() {
		out.Webhooks = append(out.Webhooks, telemetry.Webhook{
			Name: h.Hook, Delivered: h.Delivered, Failures: h.Failures, Dead: h.Dead, Waiting: h.Waiting, Failing: h.Failing,
		})
	}
	return out
}
