package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/demo"
)

type demoCommand struct {
	Out     string `default:"demo-out" complete:"files" help:"Folder for the recording, what each caller heard, and the picture."`
	Verbose bool   `short:"v" help:"Show the server's log."`
}

// Run starts a server with a recorder on free loopback ports and plays the demonstration on it.
func (c *demoCommand) Run(ctx context.Context, t *terminal) error {
	begin := time.Now()
	if err := os.MkdirAll(c.Out, 0o755); err != nil { //nolint:gosec // for the user to look into
		return err
	}
	recordings, err := os.MkdirTemp(c.Out, begin.Format("20060102-150405-"))
	if err != nil {
		return err
	}
	cfg := config.Default()
	cfg.SIP.Listen = []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}
	cfg.SRS.Listen = []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}
	cfg.SRS.Directory = filepath.Join(recordings, "recordings")
	cfg.HTTP.Listen = "127.0.0.1:0"
	cfg.Events.MinInterval = 50 * time.Millisecond //nolint:mnd // so that the roster is seen to change at once
	cfg.Log.Level = "warn"
	if c.Verbose {
		cfg.Log.Level = "debug"
	}
	s, err := start(ctx, &cfg, t.err)
	if err != nil {
		return err
	}
	t.printf("parley %s serves at%s\n", version, s.addresses())
	failed := demo.Run(ctx, demo.Options{
		SIP: s.agent.Addr("udp").String(), API: "http://" + s.control.Addr(), Recordings: cfg.SRS.Directory, Out: recordings, Writer: t.out,
	})
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := s.close(drain); err != nil && failed == nil {
		failed = err
	}
	t.printf("%.1f seconds; everything is in %s\n", time.Since(begin).Seconds(), recordings)
	return failed
}
