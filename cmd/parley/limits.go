package main

import (
	"context"
	"log/slog"
	"syscall"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/mixer"
)

// otherFiles is how many descriptors there are beside those of media: listeners, connections, files of recordings.
const otherFiles = 256

// warnOfLimits tells what the system does not allow that a busy server needs. It works without; calls do not get better by finding out then.
func warnOfLimits(ctx context.Context, log *slog.Logger, cfg *config.Config) {
	if err := mixer.RealTime(); err != nil {
		log.WarnContext(ctx, "threads that mix are no real-time threads: other work on this machine makes audio late (LimitRTPRIO=5 or CAP_SYS_NICE)", slog.Any("error", err))
	}
	var files syscall.Rlimit
	ports := cfg.Media.Ports[1] - cfg.Media.Ports[0] + 1                                                 // a descriptor each
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil && files.Cur < uint64(ports+otherFiles) { //nolint:gosec // checked by config
		log.WarnContext(ctx, "fewer descriptors than media.ports takes: calls are refused before all ports are used (LimitNOFILE)",
			slog.Uint64("descriptors", files.Cur), slog.Int("media_ports", ports))
	}
}
