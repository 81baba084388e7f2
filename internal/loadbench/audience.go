package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

const (
	audienceSubscribers = 5000
	audienceRooms       = 50 // with as many subscribers together
	audienceSeated      = 10 // in each of them
	audienceMisfits     = 50 // of each kind and transport
	audienceSeconds     = 3  // times the length of the other measurements
	audienceProbe       = 200 * time.Millisecond
	maxAudienceSetup    = 100 * time.Millisecond
)

// audienceSettings have a conference for all, those for a part of them, and one whose calls are measured.
func audienceSettings() string {
	ids := make([]string, 0, 2+audienceRooms) //nolint:mnd // the next two
	ids = append(ids, "{id: hall}", "{id: probe}")
	for i := range audienceRooms {
		ids = append(ids, fmt.Sprintf("{id: hall%d}", i))
	}
	return "conferences: [" + strings.Join(ids, ", ") + "]\nlimits: {subscriptions: 10000}\n"
}

// audience: five thousand subscribers of one conference of two hundred, with those that misbehave beside them, and as many of fifty conferences. The subscribers are in this process.
func (b *bench) audience(ctx context.Context) error {
	lasts := time.Duration(b.seconds*audienceSeconds) * time.Second
	crowd := func(room string, subscribers, participants, perSecond int) conftest.Crowd {
		return conftest.Crowd{
			Target: "sip:" + room + "@" + target, Subscribers: subscribers, Participants: participants, PerSecond: perSecond, Lasts: lasts, Settle: crowdSettle,
		}
	}
	what := fmt.Sprintf("%d subscribers of a conference of %d, and %d that misbehave", audienceSubscribers, crowdParticipants, audienceMisfits*len(misfitKinds()))
	if err := b.audienceOf(ctx, what, []conftest.Crowd{crowd("hall", audienceSubscribers, crowdParticipants, crowdPerSecond)}, "sip:hall@"+target); err != nil {
		return err
	}
	rooms := make([]conftest.Crowd, 0, audienceRooms)
	for i := range audienceRooms {
		rooms = append(rooms, crowd(fmt.Sprintf("hall%d", i), audienceSubscribers/audienceRooms, audienceSeated, 1))
	}
	return b.audienceOf(ctx, fmt.Sprintf("%d conferences of %d with %d subscribers each", audienceRooms, audienceSeated, audienceSubscribers/audienceRooms), rooms, "")
}

// misfitKinds are what misbehaves, with its transport.
func misfitKinds() (list []conftest.Misfits) {
	for _, kind := range []conftest.Misfit{
		conftest.MisfitStalls, conftest.MisfitCloses, conftest.MisfitVanishes, conftest.MisfitLate, conftest.MisfitFetches, conftest.Misfit481, conftest.Misfit489, conftest.Misfit500,
	} {
		for _, transport := range []string{"tcp", "udp"} {
			if transport == "tcp" || kind != conftest.MisfitStalls && kind != conftest.MisfitCloses {
				list = append(list, conftest.Misfits{Kind: kind, Transport: transport, Address: target, Count: audienceMisfits})
			}
		}
	}
	return list
}

// audienceOf measures crowds together, beside misfits of a conference, if one is given.
func (b *bench) audienceOf(ctx context.Context, what string, crowds []conftest.Crowd, misfits string) error {
	pid, stop, err := b.serve(ctx, audienceSettings())
	if err != nil {
		return err
	}
	defer stop()
	load, over := context.WithCancel(ctx)
	defer over()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer over()
	watched := &audienceWatch{}
	var (
		mu      sync.Mutex
		total   conftest.CrowdReport
		failed  error
		before  time.Duration
		started sync.Once
	)
	begin := func() {
		started.Do(func() {
			before, _ = processorTime(pid)
			beside.Go(func() { watched.follow(load) })
			misbehave(load, &beside, misfits)
		})
	}
	from := time.Now()
	var all sync.WaitGroup
	for _, c := range crowds {
		c.Before = begin
		all.Go(func() {
			r, failure := c.Run(ctx)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, failure)
			total.Wrong = append(total.Wrong, r.Wrong...)
			total.Gaps, total.Ended, total.Notifies, total.Octets, total.FirstOctets = total.Gaps+r.Gaps, total.Ended+r.Ended, total.Notifies+r.Notifies, total.Octets+r.Octets, total.FirstOctets+r.FirstOctets
			total.Settled, total.Took = max(total.Settled, r.Settled), max(total.Took, r.Took)
		})
	}
	all.Wait()
	after, err := processorTime(pid)
	over()
	beside.Wait()
	if err = errors.Join(failed, err); err != nil {
		return fmt.Errorf("audience: %w", err)
	}
	const mega = 1e6
	p50, p99, most := watched.setups()
	b.report(len(total.Wrong) == 0 && total.Gaps == 0 && total.Ended == 0 && watched.missed == 0 && p99 <= maxAudienceSetup, what+fmt.Sprintf(", people come and go for %v", crowds[0].Lasts),
		"every subscriber knows the roster in the end, no tick is left out, calls are set up within 100 ms",
		"%d do not (%d with gaps, %d ended), all know %.1f s after the last change; %d NOTIFYs with %.1f MB (%.1f MB at the beginning) in %.0f s, %.0f %% of a processor; %.0f ticks late, %.0f left out; calls set up in %v, p99 %v, most %v (%d); at most %.0f goroutines, %.0f MB resident, %.0f MB of heap in use",
		len(total.Wrong), total.Gaps, total.Ended, total.Settled.Seconds(), total.Notifies, float64(total.Octets)/mega, float64(total.FirstOctets)/mega, time.Since(from).Seconds(),
		100*(after-before).Seconds()/(total.Took+total.Settled).Seconds(), watched.late, watched.missed, p50.Round(time.Millisecond), p99.Round(time.Millisecond), most.Round(time.Millisecond), len(watched.took), //nolint:mnd // per cent
		watched.goroutines, watched.resident/mega, watched.heap/mega)
	return nil
}

// misbehave has misfits subscribe to a conference, if one is given, until ctx ends.
func misbehave(ctx context.Context, beside *sync.WaitGroup, uri string) {
	if uri == "" {
		return
	}
	for _, m := range misfitKinds() {
		m.URI = uri
		beside.Go(func() {
			taken, told, err := m.Run(ctx)
			fmt.Printf("%s by %s: %d taken, %d NOTIFYs, %v\n", m.Kind, m.Transport, taken, told, err)
		})
	}
}

// audienceWatch is what becomes of calls and of the process meanwhile.
type audienceWatch struct {
	took                       []time.Duration
	goroutines, resident, heap float64
	late, missed               float64
}

// follow calls and looks until ctx ends.
func (w *audienceWatch) follow(ctx context.Context) {
	tick := time.NewTicker(audienceProbe)
	defer tick.Stop()
	first := map[string]float64{}
	for n := 0; ; n++ {
		took, err := conftest.CallOnce(ctx, "sip:probe@"+target)
		if err == nil {
			w.took = append(w.took, took)
		} else if ctx.Err() == nil {
			fmt.Println("a call that was measured:", err)
		}
		if n%5 == 0 {
			if now, err := metrics(ctx); err == nil {
				if n == 0 {
					first = now
				}
				w.goroutines, w.resident, w.heap = max(w.goroutines, now["go_goroutines"]), max(w.resident, now["process_resident_memory_bytes"]), max(w.heap, now["go_memstats_heap_inuse_bytes"])
				w.late, w.missed = now["parley_mixer_ticks_late_total"]-first["parley_mixer_ticks_late_total"], now["parley_mixer_ticks_missed_total"]-first["parley_mixer_ticks_missed_total"]
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// setups are how long calls took to be set up.
func (w *audienceWatch) setups() (p50, p99, most time.Duration) {
	if len(w.took) == 0 {
		return 0, 0, 0
	}
	slices.Sort(w.took)
	return w.took[len(w.took)/2], w.took[len(w.took)*99/100], w.took[len(w.took)-1] //nolint:mnd // per cent
}
