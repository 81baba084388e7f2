package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	maxMixedRatio    = 1.1 // processor time of the server with a recording of each room against none
	maxSeparateRatio = 1.6 // the same with a stream for each participant
	recordedRooms    = 50
	recorderPort     = "15070"
)

// recorderSettings are those of the recorder, a process of its own.
const recorderSettings = `log: {level: error}
srs: {enabled: true, listen: ["udp://127.0.0.1:%[1]s", "tcp://127.0.0.1:%[1]s"], directory: %[2]q, sync: 0s}
`

// recordingSettings has every conference recorded by the recorder that record starts.
const recordingSettings = `conference_defaults:
  recording: {policy: always, mode: [%s], servers: [bench]}
recording:
  servers: [{name: bench, uri: "sip:srs@127.0.0.1:` + recorderPort + `"}]
`

// recording: what it costs the server to record, as a ratio to the same load unrecorded. The recorder is a process of its own.
func (b *bench) recording(ctx context.Context) error {
	load := func(settings string) (result, error) {
		pid, stop, err := b.serve(ctx, settings)
		if err != nil {
			return result{}, err
		}
		defer stop()
		return b.load(ctx, "-target", target, "-rooms", strconv.Itoa(recordedRooms), "-legs", "10", "-talkers", "2", "-pid", strconv.Itoa(pid))
	}
	for _, mode := range []struct {
		name string
		most float64
	}{{"mixed", maxMixedRatio}, {"separate", maxSeparateRatio}} {
		var ratios, plain, recorded []float64
		loss := 0.0
		for range b.rounds {
			without, err := load("")
			if err != nil {
				return err
			}
			recorder, err := b.recorderAt(ctx, recorderPort, filepath.Join(b.work, "recordings"))
			if err != nil {
				return err
			}
			with, err := load(fmt.Sprintf(recordingSettings, mode.name))
			recorder.stop()
			if err != nil {
				return err
			}
			ratios = append(ratios, with.Server.PerLeg/without.Server.PerLeg)
			plain, recorded = append(plain, without.Server.PerLeg), append(recorded, with.Server.PerLeg)
			loss = max(loss, with.Media.LossPercent)
		}
		ratio := median(ratios)
		b.report(ratio <= mode.most && loss == 0, fmt.Sprintf("recording %d rooms of 10 PCMU, %s, against the same unrecorded", recordedRooms, mode.name),
			fmt.Sprintf("at most %.1f times, no loss", mode.most), "%.2f times, %.3f %% loss (%s; unrecorded %s ms/leg s)", ratio, loss, list(recorded), list(plain))
	}
	return nil
}

// recorderAt starts the reference recorder at a port.
func (b *bench) recorderAt(ctx context.Context, port, directory string) (*recorderProcess, error) {
	config := filepath.Join(b.work, "srs"+port+".yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, recorderSettings, port, directory), 0o600); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, b.parley, "srs", "-c", config) //nolint:gosec // the program to measure
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := start(command); err != nil {
		return nil, err
	}
	return &recorderProcess{process: command.Process, wait: command.Wait}, nil
}
