package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/access"
	"github.com/parley-sip/parley/internal/cdr"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/trunks"
	"github.com/parley-sip/parley/internal/webhook"
)

// reloads is what a reload starts from.
type reloads struct {
	mu   sync.Mutex // one at a time
	cfg  *config.Config
	load func() (*config.Config, error) // reads the configuration again; nil: it came from nowhere
}

var errNothingToRead = errors.New("the configuration was not read from anywhere")

// reload reads the configuration again and makes it hold, all of it or nothing. Calls in progress are not touched. It gives what has
// changed. Errors: config.ErrNotLive, those of the configuration, focus.ErrShutdown.
func (s *service) reload(ctx context.Context) ([]config.Change, error) {
	s.reloads.mu.Lock()
	defer s.reloads.mu.Unlock()
	s.records.Reopen()            // also with a file that is wrong: who rotates call records wants nothing else
	changes, err := s.tryReload() //nolint:contextcheck // what it starts lives on
	if err != nil {
		s.log.ErrorContext(ctx, "the configuration stays as it was", slog.Any("error", err))
		return nil, err
	}
	for _, change := range changes {
		s.log.InfoContext(ctx, "reloaded", slog.String("change", change.String()))
	}
	s.log.InfoContext(ctx, "configuration reloaded", slog.Int("changes", len(changes)))
	return changes, nil
}

// tryReload checks everything before it changes anything.
func (s *service) tryReload() ([]config.Change, error) {
	if s.reloads.load == nil {
		return nil, errNothingToRead
	}
	if s.focus.Draining() {
		return nil, focus.ErrShutdown
	}
	next, err := s.reloads.load()
	if err != nil {
		return nil, err
	}
	changes := config.Diff(s.reloads.cfg, next)
	if err = config.CheckLive(changes); err != nil {
		return nil, err
	}
	ready, err := s.prepare(next)
	if err != nil {
		return nil, err
	}
	if err = s.setTLS(ready); err != nil { // the last that can fail
		return nil, errors.Join(err, ready.records.Drop())
	}
	if err = s.apply(ready, next); err != nil {
		return nil, err
	}
	s.reloads.cfg = next
	return changes, nil
}

// prepared is a configuration that has been checked, in the form in which each part takes it.
type prepared struct {
	rules        access.Config
	trunks       []trunks.Config
	tls          sipua.TLS
	recorderTLS  sipua.TLS
	hooks        []webhook.Hook
	focus, media func() // make it hold there
	records      *cdr.Change
}

// prepare checks a configuration without changing anything. Its records are to be applied or dropped.
func (s *service) prepare(next *config.Config) (*prepared, error) {
	out := &prepared{}
	var err error
	if out.rules, err = accessConfig(next); err != nil {
		return nil, err
	}
	if _, err = access.New(out.rules); err != nil {
		return nil, err
	}
	if out.trunks, err = trunkConfigs(next.SIP.Trunks); err != nil {
		return nil, err
	}
	if out.tls, err = tlsSettings(&next.SIP); err != nil {
		return nil, err
	}
	if out.recorderTLS, err = ownTLS("srs.tls", &next.SRS.TLS); err != nil {
		return nil, err
	}
	if out.hooks, err = webhookConfigs(next); err != nil {
		return nil, err
	}
	if err = webhook.Check(out.hooks); err != nil {
		return nil, err
	}
	settings, err := s.focusSettings(next)
	if err != nil {
		return nil, err
	}
	if out.focus, err = s.focus.Reconfigure(settings); err != nil {
		return nil, err
	}
	if out.media, err = s.media.Reconfigure(mediaConfig(next.Media, s.log)); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	if out.records, err = s.records.Prepare(logConfig(&next.CDR), next.CDR.Sync); err != nil {
		return nil, fmt.Errorf("cdr.file: %w", err)
	}
	return out, nil
}

// apply makes hold what has been checked.
func (s *service) apply(ready *prepared, next *config.Config) error {
	ready.media()
	ready.focus()
	ready.records.Apply()
	if err := errors.Join(s.gate.Set(ready.rules), s.webhooks.Set(ready.hooks)); err != nil {
		return fmt.Errorf("what was checked: %w", err)
	}
	s.trunks.Load().Set(ready.trunks)
	s.agent.SetLimits(next.Limits.Calls, next.Limits.CallsPerSecond, next.Limits.PerSource)
	s.cpuLimit.Store(int64(next.Limits.CPU))
	s.level.Set(levelOf(next.Log))
	s.control.SetTokens(tokens(next.HTTP.Tokens))
	return nil
}

// current is the configuration that holds.
func (s *service) current() *config.Config {
	s.reloads.mu.Lock()
	defer s.reloads.mu.Unlock()
	return s.reloads.cfg
}

// farewellTime bounds how long participants are told that it ends.
const farewellTime = 10 * time.Second

// drain takes no more calls, and lets those in progress go on for as long as the configuration says; then participants are told. It
// returns early with ctx, or when nobody is left.
func (s *service) drain(ctx context.Context) {
	cfg := s.current().Shutdown
	s.control.Unready()
	s.agent.Refuse()
	s.focus.Refuse()
	s.log.InfoContext(ctx, "draining", slog.Int("calls", s.calls()), slog.Duration("for", cfg.Drain))
	over := outlast(ctx, cfg.Drain, s.calls)
	if ctx.Err() != nil {
		return
	}
	if !over {
		s.log.InfoContext(ctx, "the drain is over", slog.Int("calls", s.calls()))
	}
	if !cfg.Announce {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, farewellTime)
	defer cancel()
	if err := s.focus.Farewell(ctx); err != nil {
		s.log.WarnContext(ctx, "not everybody could be told of the end", slog.Any("error", err))
	}
}

// calls is how many dialogs a drain waits for: of callers and of recordings. Recording sessions that are kept up while nothing is recorded would
// outlast any drain. As they come and go by themselves it is never less than there are participants.
func (s *service) calls() int {
	now := s.focus.Stats()
	return max(s.agent.Calls()-s.focus.KeptSessions(), now.Participants+now.Waiting)
}

// drainLook is how often it is looked whether calls are left.
const drainLook = 100 * time.Millisecond

// outlast waits until no calls are left, for so long at most, or until ctx ends. It reports whether there are none.
func outlast(ctx context.Context, most time.Duration, calls func() int) bool {
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for calls() > 0 {
		if most <= 0 {
			return false
		}
		select {
		case <-look.C:
		case <-deadline.C:
			return calls() == 0
		case <-ctx.Done():
			return false
		}
	}
	return true
}
