package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
)

const (
	target    = "127.0.0.1:" + sipPort
	maxGain   = 1.0  // dB
	maxRatio  = 1.4  // processor time against the reflector
	maxKiB    = 40.0 // resident memory per leg
	maxMedian = 12.0 // ms of delay added
	maxTail   = 22.0 // ms of delay added, 99th percentile
)

// correctness: every listener of 20 rooms hears the others and nobody else, for each codec.
func (b *bench) correctness(ctx context.Context) error {
	for _, codec := range []string{"pcmu", "pcma", "g722", "opus"} {
		pid, stop, err := b.serve(ctx, "")
		if err != nil {
			return err
		}
		r, err := b.load(ctx, "-target", target, "-rooms", "20", "-legs", "10", "-talkers", "2", "-verify", "-codec", codec, "-pid", strconv.Itoa(pid))
		stop()
		if err != nil {
			return err
		}
		b.broken = b.broken || r.Verify.Violations > 0
		good := r.OK && r.Verify.Violations == 0 && r.Media.LossPercent == 0 && r.Verify.GainDB.Min > -maxGain && r.Verify.GainDB.Max < maxGain
		b.report(good, "20 rooms of 10 "+codec+" legs, 2 talkers", "0 violations, 0 % loss, gain within 1 dB",
			"%d violations, %.3f %% loss, gain %+.2f to %+.2f dB, %.3f ms/leg s %v", r.Verify.Violations, r.Media.LossPercent,
			r.Verify.GainDB.Min, r.Verify.GainDB.Max, r.Server.PerLeg, r.Problems)
	}
	return nil
}

// cost: processor time per leg against the reflector, in turn, and memory.
func (b *bench) cost(ctx context.Context) error {
	for _, rooms := range []int{50, 100} {
		if err := b.costOf(ctx, rooms); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) costOf(ctx context.Context, rooms int) error {
	var ratios, parley, floor, memory []float64
	lost := 0.0 // by the reflector: what it does not send costs it nothing
	for range b.rounds {
		base, err := b.reflect(ctx, rooms, 10, 2)
		if err != nil {
			return err
		}
		pid, stop, err := b.serve(ctx, "")
		if err != nil {
			return err
		}
		r, err := b.load(ctx, "-target", target, "-rooms", strconv.Itoa(rooms), "-legs", "10", "-talkers", "2", "-pid", strconv.Itoa(pid))
		stop()
		if err != nil {
			return err
		}
		lost = max(lost, base.Media.LossPercent)
		floor, parley = append(floor, base.Server.PerLeg), append(parley, r.Server.PerLeg)
		ratios, memory = append(ratios, r.Server.PerLeg/base.Server.PerLeg), append(memory, r.Server.RSSPerLeg)
	}
	ratio := median(ratios)
	b.report(ratio <= maxRatio, fmt.Sprintf("processor time, %d rooms of 10 PCMU, 2 talkers, against the reflector", rooms), "at most 1.4 times",
		"%.2f times (parley %s; reflector %s ms/leg s, of which it lost up to %.1f %%)", ratio, list(parley), list(floor), lost)
	kib := median(memory)
	b.report(kib <= maxKiB, fmt.Sprintf("memory per PCMU leg, %d rooms of 10", rooms), "at most 40 KiB", "%.1f KiB", kib)
	return nil
}

// latency: what the server adds between mouth and ear.
func (b *bench) latency(ctx context.Context) error {
	if err := b.latencyOf(ctx, 10, maxMedian, maxTail, "p50 12 ms, p99 22 ms"); err != nil {
		return err
	}
	return b.latencyOf(ctx, 100, math.Inf(1), maxManyTail, "p99 30 ms")
}

func (b *bench) latencyOf(ctx context.Context, rooms int, p50, p99 float64, limit string) error {
	pid, stop, err := b.serve(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	r, err := b.load(ctx, "-target", target, "-rooms", strconv.Itoa(rooms), "-legs", "10", "-latency", "-pid", strconv.Itoa(pid))
	if err != nil {
		return err
	}
	added := r.Latency.AddedMS
	b.report(r.OK && added.P50 <= p50 && added.P99 <= p99, fmt.Sprintf("the server's share of mouth to ear, %d rooms of 10", rooms), limit,
		"p50 %.1f ms, p99 %.1f ms %v", added.P50, added.P99, r.Problems)
	return nil
}
