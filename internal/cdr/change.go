package cdr

import (
	"errors"
	"log/slog"
	"path/filepath"
	"time"
)

// Change is another file, or other limits of the same, for the lines to come. It is to be applied or dropped.
type Change struct {
	keeper *Keeper
	log    *Log // opened; nil: none, or the same file as before
	cfg    LogConfig
	sync   time.Duration
	same   bool
}

// Prepare opens the file that is to take the lines from the Change on; with an empty path none is written then. The file that is written already
// is not opened twice. Errors: those of OpenLog.
func (k *Keeper) Prepare(cfg LogConfig, sync time.Duration) (*Change, error) {
	c := &Change{keeper: k, cfg: cfg, sync: sync}
	k.mu.Lock()
	c.same = k.path == pathOf(cfg)
	k.mu.Unlock()
	if c.same || cfg.Path == "" {
		return c, nil
	}
	var err error
	if c.log, err = OpenLog(cfg); err != nil {
		return nil, errors.Join(err, c.Drop())
	}
	return c, nil
}

// Apply has the change made, and returns at once. What the old file has not taken goes to the new one; without any it is lost, and logged.
func (c *Change) Apply() {
	c.keeper.mu.Lock()
	defer c.keeper.mu.Unlock()
	c.keeper.changes = append(c.keeper.changes, c)
	c.keeper.path = pathOf(c.cfg)
	c.keeper.nudge()
}

// Drop takes the change back. A file that was made for it stays, empty.
func (c *Change) Drop() error {
	if c.log == nil {
		return nil
	}
	return c.log.Close()
}

// pathOf is the path by which files are told apart; empty: there is none.
func pathOf(cfg LogConfig) string {
	if cfg.Path == "" {
		return ""
	}
	if path, err := filepath.Abs(cfg.Path); err == nil {
		return path
	}
	return cfg.Path
}

// change goes over to another file.
func (k *Keeper) change(c *Change, now time.Time) {
	k.cfg.Sync = c.sync
	old := k.cfg.Log
	if c.same {
		if old != nil {
			old.cfg = c.cfg
		}
		return
	}
	if old != nil {
		k.unwise = time.Time{}
		k.write(now)
		if err := errors.Join(old.Sync(), old.Close()); err != nil {
			k.log.Error("the file of call records that is left", slog.String("file", old.cfg.Path), slog.Any("error", err))
		}
	}
	k.cfg.Log, k.backoff, k.unwise, k.dirty = c.log, 0, time.Time{}, false
	k.count(func(s *Stats) { s.Failing = false })
	if k.cfg.Log != nil || len(k.lines) == 0 {
		return
	}
	k.log.Error("call records are lost: the file did not take them, and there is no other", slog.Int("records", len(k.lines)))
	k.count(func(s *Stats) {
		s.Lost += uint64(len(k.lines))
		s.Waiting = 0
	})
	k.lines = nil
}
