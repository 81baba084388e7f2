package main

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

const (
	crowdSubscribers  = 1000
	crowdParticipants = 200
	crowdPerSecond    = 10
	crowdSeconds      = 6 // times the length of the other measurements
	crowdSettle       = time.Minute
)

const hall = `conferences: [{id: hall}]
limits: {subscriptions: 2000}
`

// crowd: a thousand subscribers of a conference of two hundred to which people come. The subscribers are in this process: the server's time is that
// of the server alone.
func (b *bench) crowd(ctx context.Context) error {
	pid, stop, err := b.serve(ctx, hall)
	if err != nil {
		return err
	}
	defer stop()
	var before time.Duration
	var failed error
	r, err := conftest.Crowd{
		Target: "sip:hall@" + target, Subscribers: crowdSubscribers, Participants: crowdParticipants, PerSecond: crowdPerSecond,
		Lasts: time.Duration(b.seconds*crowdSeconds) * time.Second, Settle: crowdSettle,
		Before: func() { before, failed = processorTime(pid) },
	}.Run(ctx)
	if err != nil {
		return fmt.Errorf("subscribers: %w", err)
	}
	after, err := processorTime(pid)
	if err != nil || failed != nil {
		return fmt.Errorf("processor time: %w, %w", failed, err)
	}
	const mega = 1e6
	b.report(len(r.Wrong) == 0 && r.Gaps == 0 && r.Ended == 0,
		fmt.Sprintf("%d subscribers of a conference of %d, %d joins a second for %d s, half as many leave", crowdSubscribers, crowdParticipants, crowdPerSecond, b.seconds*crowdSeconds),
		"every subscriber knows the roster in the end", "%d do not (%d with gaps, %d subscriptions ended); %d NOTIFYs with %.1f MB (%.1f MB at the beginning), %.0f %% of a processor, all know %.1f s after the last change",
		len(r.Wrong), r.Gaps, r.Ended, r.Notifies, float64(r.Octets)/mega, float64(r.FirstOctets)/mega, 100*(after-before).Seconds()/(r.Took+r.Settled).Seconds(), r.Settled.Seconds())
	b.broken = b.broken || len(r.Wrong) > r.Ended // a busy machine excuses who did not answer in time, and is told nothing any more
	return nil
}
