package main

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

const (
	rosterParticipants = 500
	rosterPerSecond    = 20
	rosterSeconds      = 12 // times the length of the other measurements
	rosterSettle       = 20 * time.Second
	maxMetadata        = 300 * time.Millisecond
)

// rosterSettings have every conference recorded by a recorder that merges what it is told.
const rosterSettings = `conference_defaults:
  recording: {policy: always, mode: [%s], servers: [bench]}
recording:
  servers: [{name: bench, uri: %q, codecs: [pcmu]}]
`

// roster: people come to a recorded conference of five hundred and leave it. The recorder is in this process: the server's time is that of the
// server alone.
func (b *bench) roster(ctx context.Context) error {
	for _, mode := range []string{"mixed"} {
		if err := b.rosterOf(ctx, mode); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) rosterOf(ctx context.Context, mode string) error {
	recorder, err := conftest.NewRoster(ctx, "tcp://127.0.0.1:"+recorderPort)
	if err != nil {
		return err
	}
	defer recorder.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has written nothing
	pid, stop, err := b.serve(ctx, fmt.Sprintf(rosterSettings, mode, recorder.URI()))
	if err != nil {
		return err
	}
	defer stop()
	var before time.Duration
	var failed error
	r, err := conftest.Turnover{
		Target: target, Conference: "hall", Recorder: recorder, Participants: rosterParticipants, PerSecond: rosterPerSecond,
		Lasts: time.Duration(b.seconds*rosterSeconds) * time.Second, Settle: rosterSettle,
		Before: func() { before, failed = processorTime(pid) },
	}.Run(ctx)
	if err != nil {
		return fmt.Errorf("roster: %w", err)
	}
	after, err := processorTime(pid)
	if err != nil || failed != nil {
		return fmt.Errorf("processor time: %w, %w", failed, err)
	}
	for i, fault := range r.Wrong {
		if i < 10 { //nolint:mnd // the first are enough
			fmt.Println("wrong:", fault)
		}
	}
	b.broken = b.broken || len(r.Wrong) > 0 || r.Missing > 0
	const mega = 1e6
	b.report(len(r.Wrong) == 0 && r.Missing == 0 && r.P99 <= maxMetadata,
		fmt.Sprintf("a recorded conference of %d (%s), %d come and %d leave a second, for %d s", rosterParticipants, mode, rosterPerSecond, rosterPerSecond, b.seconds*rosterSeconds),
		"metadata at the recorder within 300 ms, the merged roster right in each document",
		"p50 %v, p99 %v, most %v of %d changes; %d wrong, %d missing; %d documents (%d complete) with %.1f MB, %.0f %% of a processor",
		r.P50.Round(time.Millisecond), r.P99.Round(time.Millisecond), r.Most.Round(time.Millisecond), r.Changes, len(r.Wrong), r.Missing,
		r.Documents, r.Complete, float64(r.Octets)/mega, 100*(after-before).Seconds()/r.Took.Seconds())
	return nil
}
