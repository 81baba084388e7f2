package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

const (
	startRooms    = 20
	startSaid     = time.Second
	startCalls    = 1000
	startCallTime = 10 * time.Second
	maxAnswerMore = 5 * time.Millisecond // from INVITE to 200, recorded against unrecorded
)

// start: with policy always nothing is missing of what somebody says from the moment on at which he is answered, and the answer comes no later.
func (b *bench) start(ctx context.Context) error {
	if err := b.firstSamples(ctx); err != nil {
		return err
	}
	return b.answers(ctx)
}

// firstSamples has callers speak from their first packet on, which leaves within 20 ms of their ACK.
func (b *bench) firstSamples(ctx context.Context) error {
	directory := filepath.Join(b.work, "start")
	recorder, err := b.recorderAt(ctx, recorderPort, directory)
	if err != nil {
		return err
	}
	defer recorder.stop()
	_, stop, err := b.serve(ctx, fmt.Sprintf(recordingSettings, "separate"))
	if err != nil {
		return err
	}
	defer stop()
	v, over, err := talk(ctx, startRooms, startSaid)
	if err != nil {
		return err
	}
	<-over
	late := v.late()
	if err = errors.Join(pause(ctx, lastWords), v.leave(ctx), finished(ctx, directory, startRooms)); err != nil {
		return err
	}
	t, err := v.count(directory)
	if err != nil {
		return err
	}
	missing, in := t.missing(nil)
	if missing > 0 {
		fmt.Print(t.holes(nil))
	}
	b.broken = b.broken || t.crossed > 0
	b.report(missing == 0 && t.crossed == 0, fmt.Sprintf("first words with policy always, %d callers who speak from their first packet on, for %v", len(v.phones), startSaid),
		"no sample missing", "%d samples missing at the beginning of streams, %d of %d all in all (in %d of %d streams), %d crossed; callers up to %.0f ms late themselves",
		t.begun(), missing, len(v.phones)*v.said*conftest.MarkSamples, in, len(v.phones), t.crossed, late.Seconds()*1000) //nolint:mnd // ms
	return nil
}

// late is how late those who speak were themselves, at worst: their packets come too late for the conference then.
func (v *voices) late() (worst time.Duration) {
	for _, phone := range v.phones {
		worst = max(worst, phone.Lateness(1))
	}
	return worst
}

// begun are the samples that are missing from the first one of a voice on.
func (t *tally) begun() (samples int) {
	for voice := range t.have {
		for i := 0; i < len(t.have[voice]) && t.lacks(nil, voice, i); i++ {
			samples += conftest.MarkSamples
		}
	}
	return samples
}

// answers: how long callers wait for 200, with a recording of each conference and without, in turn.
func (b *bench) answers(ctx context.Context) error {
	rooms := make([]string, stormCalls)
	for i := range rooms {
		rooms[i] = fmt.Sprintf("room%d", i)
	}
	failed := 0
	call := func(settings string) (float64, error) {
		_, stop, err := b.serve(ctx, settings)
		if err != nil {
			return 0, err
		}
		defer stop()
		r, err := conftest.Callers{Target: target}.Surge(ctx, startCalls, startCallTime, func() {}, rooms...)
		failed += r.Failed
		return r.Setup.Seconds() * 1000, err //nolint:mnd // ms
	}
	var plain, recorded []float64
	for range b.rounds {
		without, err := call("")
		if err != nil {
			return err
		}
		recorder, err := b.recorderAt(ctx, recorderPort, filepath.Join(b.work, "answers"))
		if err != nil {
			return err
		}
		with, err := call(fmt.Sprintf(recordingSettings, "separate"))
		recorder.stop()
		if err != nil {
			return err
		}
		plain, recorded = append(plain, without), append(recorded, with)
	}
	more := median(recorded) - median(plain)
	b.report(failed == 0 && more <= maxAnswerMore.Seconds()*1000, //nolint:mnd // ms
		fmt.Sprintf("from INVITE to 200, p99 of %d calls in %v to %d conferences, policy always against no recording", startCalls, startCallTime, stormCalls),
		"none fails, at most 5 ms more", "%+.1f ms (%s; unrecorded %s ms), %d failed", more, list(recorded), list(plain), failed)
	return nil
}
