package main

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	maxRoomRatio     = 1.5  // processor time of one great room against the reflector
	maxGap           = 22.0 // ms between packets, 99th percentile
	maxListener      = 3.5  // ms/leg s of Opus
	maxListenerKiB   = 70.0
	maxProtected     = 1.15 // processor time of AES-GCM against plain
	maxLateness      = 0.002
	maxManyTail      = 30.0 // ms of delay added with 1000 legs, 99th percentile
	idleTime         = 30 * time.Second
	idleConferences  = 10_000
	idleProcessor    = 50 * time.Millisecond
	disturbedRooms   = 100
	benchmarkSamples = 5
)

// room: one conference of a thousand.
func (b *bench) room(ctx context.Context) error {
	var ratios, gaps []float64
	loss := 0.0
	for range b.rounds {
		base, err := b.reflect(ctx, 1, 1000, 3)
		if err != nil {
			return err
		}
		pid, stop, err := b.serve(ctx, "")
		if err != nil {
			return err
		}
		r, err := b.load(ctx, "-target", target, "-rooms", "1", "-legs", "1000", "-talkers", "3", "-pid", strconv.Itoa(pid))
		stop()
		if err != nil {
			return err
		}
		ratios, gaps = append(ratios, r.Server.PerLeg/base.Server.PerLeg), append(gaps, r.Media.GapMS.P99)
		loss = max(loss, r.Media.LossPercent)
	}
	ratio, gap := median(ratios), median(gaps)
	b.report(ratio <= maxRoomRatio && gap <= maxGap && loss == 0, "one room of 1000 PCMU, 3 talkers, against the reflector", "at most 1.5 times, no loss, p99 between packets 22 ms",
		"%.2f times, %.3f %% loss, p99 %.1f ms", ratio, loss, gap)
	return nil
}

// listeners: what those cost who listen by Opus.
func (b *bench) listeners(ctx context.Context) error {
	pid, stop, err := b.serve(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	r, err := b.load(ctx, "-target", target, "-rooms", "10", "-legs", "20", "-talkers", "2", "-codec", "opus", "-pid", strconv.Itoa(pid))
	if err != nil {
		return err
	}
	b.report(r.OK && r.Server.PerLeg <= maxListener, "10 rooms of 20 Opus legs, 2 talkers", "at most 3.5 ms/leg s", "%.2f ms/leg s %v", r.Server.PerLeg, r.Problems)
	b.report(r.Server.RSSPerLeg <= maxListenerKiB, "memory per Opus leg", "at most 70 KiB", "%.1f KiB", r.Server.RSSPerLeg)
	return nil
}

var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(Ingest|Protected/AEAD_AES_128_GCM)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op`)

// protection: a packet out and in over real sockets, with AES-GCM and without. The load generator has no SRTP.
func (b *bench) protection(ctx context.Context) error {
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^(BenchmarkIngest|BenchmarkProtected)$", "-count", strconv.Itoa(benchmarkSamples), "./internal/media") //nolint:gosec // our own words
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("benchmarks of internal/media: %w", err)
	}
	costs := map[string][]float64{}
	for _, match := range benchmarkLine.FindAllStringSubmatch(string(out), -1) {
		cost, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			return err
		}
		costs[match[1]] = append(costs[match[1]], cost)
	}
	plain, protected := costs["Ingest"], costs["Protected/AEAD_AES_128_GCM"]
	if len(plain) == 0 || len(protected) == 0 {
		return fmt.Errorf("benchmarks of internal/media: no figures in\n%s", out)
	}
	ratio := median(protected) / median(plain)
	b.report(ratio <= maxProtected, "SRTP with AES-GCM against plain RTP, a packet out and in", "at most 1.15 times",
		"%.2f times (%.0f against %.0f ns)", ratio, median(protected), median(plain))
	return nil
}

// disturbed: a thousand legs while something else keeps a processor busy.
func (b *bench) disturbed(ctx context.Context) error {
	pid, stop, err := b.serve(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	foreign := exec.CommandContext(ctx, "sh", "-c", "while :; do :; done")
	if err = foreign.Start(); err != nil {
		return err
	}
	r, err := b.load(ctx, "-target", target, "-rooms", strconv.Itoa(disturbedRooms), "-legs", "10", "-talkers", "2", "-pid", strconv.Itoa(pid))
	if err != nil {
		return err
	}
	values, err := metrics(ctx)
	if err != nil {
		return err
	}
	late := quantile(values, "parley_mixer_tick_lateness_seconds", 0.99) //nolint:mnd // the 99th percentile
	b.report(r.OK && late <= maxLateness && r.Media.LossPercent == 0, "lateness of ticks, 1000 legs beside a foreign load of one processor of "+strconv.Itoa(runtime.NumCPU()), "p99 at most 2 ms, none lost",
		"p99 at most %.1f ms, %.3f %% loss, p99 between packets %.1f ms", late*1000, r.Media.LossPercent, r.Media.GapMS.P99) //nolint:mnd // ms
	cancel()
	_ = foreign.Wait()
	return nil
}

// quantile is the bound of the bucket of a histogram that holds a quantile.
func quantile(values map[string]float64, name string, q float64) float64 {
	rank, bound := q*values[name+"_count"], math.Inf(1)
	for key, count := range values {
		text, found := strings.CutPrefix(key, name+`_bucket{le="`)
		if le, err := strconv.ParseFloat(strings.TrimSuffix(text, `"}`), 64); found && err == nil && count >= rank {
			bound = min(bound, le)
		}
	}
	return bound
}

// idle: conferences with nobody in them cost nothing.
func (b *bench) idle(ctx context.Context) error {
	var more strings.Builder
	more.WriteString("conferences:\n")
	for i := range idleConferences {
		fmt.Fprintf(&more, "  - {id: \"idle%05d\"}\n", i)
	}
	pid, stop, err := b.serve(ctx, more.String())
	if err != nil {
		return err
	}
	defer stop()
	if err = pause(ctx, startTime/10); err != nil { //nolint:mnd // what the start leaves to be done
		return err
	}
	before, err := processorTime(pid)
	if err != nil {
		return err
	}
	if err = pause(ctx, idleTime); err != nil {
		return err
	}
	after, err := processorTime(pid)
	if err != nil {
		return err
	}
	used := after - before
	b.report(used <= idleProcessor, "10 000 conferences, nobody in", "nothing measurable", "%v of processor time in %v", used, idleTime)
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// continuity runs the tests of the sound that need no real time.
func (b *bench) continuity(ctx context.Context) error {
	for _, sound := range []struct{ test, what, limit string }{
		{"TestToneContinuity", "a tone of 10 minutes over a network with jitter, clocks up to 500 ppm apart", "no gap, no click, level within 0.1 dB"},
		{"TestToneIsContinuous", "a tone through the mixer, joins and leaves going on", "no gap, no click, level constant"},
		{"TestTenFullScaleTalkers", "ten full-scale talkers at once", "THD+N at the listener at most 3 %"},
	} {
		out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-run", "^"+sound.test+"$", "-v", "./mixer", "./internal/media").CombinedOutput() //nolint:gosec // our own words
		good := err == nil && strings.Contains(string(out), "--- PASS: "+sound.test)
		b.report(good, sound.what, sound.limit, "test %s: %s", sound.test, map[bool]string{true: "passed", false: "failed"}[good])
	}
	return nil
}
