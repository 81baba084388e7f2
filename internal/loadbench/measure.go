package main

import (
	"context"
	"os/exec"
	"strconv"
)

const (
	target    = "127.0.0.1:" + sipPort
	maxGain   = 1.0   // dB
	maxRatio  = 2.0   // processor time against the reflector
	maxKiB    = 100.0 // resident memory per leg
	maxMedian = 20.0  // ms of delay added
	maxTail   = 40.0  // ms of delay added, 99th percentile
)

// correctness: every listener of 20 rooms hears the others and nobody else, for each codec.
func (b *bench) correctness(ctx context.Context) error {
	for _, codec := range []string{"pcmu", "pcma", "g722", "opus"} {
		pid, stop, err := b.serve(ctx)
		if err != nil {
			return err
		}
		r, err := b.load(ctx, "-target", target, "-rooms", "20", "-legs", "10", "-talkers", "2", "-verify", "-codec", codec, "-pid", strconv.Itoa(pid))
		stop()
		if err != nil {
			return err
		}
		good := r.OK && r.Verify.Violations == 0 && r.Media.LossPercent == 0 && r.Verify.GainDB.Min > -maxGain && r.Verify.GainDB.Max < maxGain
		b.report(good, "20 rooms of 10 "+codec+" legs, 2 talkers", "0 violations, 0 % loss, gain within 1 dB",
			"%d violations, %.3f %% loss, gain %+.2f to %+.2f dB, %.3f ms/leg s %v", r.Verify.Violations, r.Media.LossPercent,
			r.Verify.GainDB.Min, r.Verify.GainDB.Max, r.Server.PerLeg, r.Problems)
	}
	return nil
}

// cost: processor time per leg against the reflector, in turn, and memory.
func (b *bench) cost(ctx context.Context) error {
	var ratios, parley, floor, memory []float64
	for range b.rounds {
		base, err := b.reflect(ctx)
		if err != nil {
			return err
		}
		pid, stop, err := b.serve(ctx)
		if err != nil {
			return err
		}
		r, err := b.load(ctx, "-target", target, "-rooms", "50", "-legs", "10", "-talkers", "2", "-pid", strconv.Itoa(pid))
		stop()
		if err != nil {
			return err
		}
		floor, parley = append(floor, base.Server.PerLeg), append(parley, r.Server.PerLeg)
		ratios, memory = append(ratios, r.Server.PerLeg/base.Server.PerLeg), append(memory, r.Server.RSSPerLeg)
	}
	ratio := median(ratios)
	b.report(ratio <= maxRatio, "processor time, 50 rooms of 10 PCMU, against the reflector", "at most 2.0 times",
		"%.2f times (parley %s; reflector %s ms/leg s)", ratio, list(parley), list(floor))
	kib := median(memory)
	b.report(kib <= maxKiB, "memory per PCMU leg", "at most 100 KiB", "%.1f KiB", kib)
	return nil
}

// reflect measures the reflector with the same packets.
func (b *bench) reflect(ctx context.Context) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reflector := exec.CommandContext(ctx, b.reflector, "-m", "perport", "-n", "500", "-p", reflectorPort, "-t", "120") //nolint:gosec // our own words
	if err := reflector.Start(); err != nil {
		return result{}, err
	}
	defer func() {
		cancel()
		_ = reflector.Wait()
	}()
	return b.load(ctx, "-raw", "-target", "127.0.0.1:"+reflectorPort, "-rooms", "50", "-legs", "10", "-talkers", "2", "-pid", strconv.Itoa(reflector.Process.Pid))
}

// latency: what the server adds between mouth and ear.
func (b *bench) latency(ctx context.Context) error {
	pid, stop, err := b.serve(ctx)
	if err != nil {
		return err
	}
	defer stop()
	r, err := b.load(ctx, "-target", target, "-rooms", "10", "-legs", "10", "-latency", "-pid", strconv.Itoa(pid))
	if err != nil {
		return err
	}
	added := r.Latency.AddedMS
	b.report(r.OK && added.P50 <= maxMedian && added.P99 <= maxTail, "the server's share of mouth to ear, 10 rooms of 10", "p50 20 ms, p99 40 ms",
		"p50 %.1f ms, p99 %.1f ms %v", added.P50, added.P99, r.Problems)
	return nil
}
