package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

const (
	watchersListed    = 1000 // conferences in the list that is asked for
	watchersStreams   = 500  // of events: of every second one its conference, of the others all
	watchersDeaf      = 50   // of them, which never read
	watchersAsking    = 500  // that ask for the list at once, again and again
	watchersSlow      = 100  // that bring a body octet by octet
	watchersTalking   = 50   // rooms of two whose calls are mixed
	watchersPerSecond = 10   // calls that are set up
	watchersSeconds   = 3    // times the length of the other measurements
	maxWatchersSetup  = 100 * time.Millisecond
	watchersHeap      = 1.25 // what may be left of the heap, by what there was
)

// watchersSettings have the list, and the rooms of those who talk.
func watchersSettings() string {
	ids := make([]string, 0, watchersListed)
	for i := range watchersListed {
		ids = append(ids, fmt.Sprintf("{id: %s}", watchedRoom(i)))
	}
	return "conferences: [" + strings.Join(ids, ", ") + "]\n"
}

func watchedRoom(i int) string { return fmt.Sprintf("room%d", i%watchersListed) }

// watchers: hundreds of event streams, of which some are never read, hundreds that ask for a large list at once, and slow bodies, beside calls that are mixed and others that are set up.
func (b *bench) watchers(ctx context.Context) error {
	pid, stop, err := b.serve(ctx, watchersSettings())
	if err != nil {
		return err
	}
	defer stop()
	callers := conftest.Callers{Target: target}
	if _, err = callers.Cycle(ctx, 2*watchersListed, callsAtOnce, watchedRooms()...); err != nil {
		return err
	}
	before, err := b.emptied(ctx, func(holds) bool { return false })
	if err != nil {
		return err
	}
	load := newWatchersLoad(ctx)
	r, err := b.besideWatchers(ctx, pid, callers, load)
	if err != nil {
		return err
	}
	after, err := b.emptied(ctx, before.holdsNoLess)
	if err != nil {
		return err
	}
	good := r.calls.Failed == 0 && r.missed == 0 && r.calls.Setup <= maxWatchersSetup && before.holdsNoLess(after) && load.good()
	const mega = 1e6
	b.report(good, fmt.Sprintf("%d event streams (%d never read), %d that ask for a list of %d at once, %d slow bodies, beside %d calls that are mixed and %d a second that are set up, for %v",
		watchersStreams, watchersDeaf, watchersAsking, watchersListed, watchersSlow, 2*watchersTalking, watchersPerSecond, b.watchersLast()),
		"no call fails, set up within 100 ms, no tick is left out, every reader has every event, every list is answered, everything is freed",
		"%s; %s; at most %.0f goroutines, %.0f MB of heap in use; goroutines %.0f, then %.0f; files %.0f, then %.0f; heap %.1f, then %.1f MB",
		r, load, load.goroutines, load.heap/mega, before.goroutines, after.goroutines, before.files, after.files, before.heap/mega, after.heap/mega)
	return nil
}

func (b *bench) watchersLast() time.Duration {
	return time.Duration(b.seconds*watchersSeconds) * time.Second
}

// watchersCalls is what became of the calls beside a load.
type watchersCalls struct {
	calls        conftest.CallersReport
	late, missed float64       // ticks
	sent, lost   int           // packets
	processor    time.Duration // of the server
	took         time.Duration
	stood        int // how often a processor of the machine stood still
	longest      time.Duration
}

// String says it.
func (r watchersCalls) String() string {
	return fmt.Sprintf("%d failed, p99 from INVITE to 200 %v; %.0f ticks late, %.0f left out, %d packets missing, of %d sent; %.0f %% of a processor; a processor of the machine itself stood still %d times, %v at most",
		r.calls.Failed, r.calls.Setup.Round(time.Millisecond), r.late, r.missed, r.lost, r.sent, 100*r.processor.Seconds()/r.took.Seconds(), r.stood, r.longest.Round(time.Millisecond)) //nolint:mnd // per cent
}

// besideWatchers has calls mixed and set up beside the load, which is over when it returns.
func (b *bench) besideWatchers(ctx context.Context, pid int, callers conftest.Callers, load *watchersLoad) (r watchersCalls, err error) {
	voices, _, err := talk(ctx, watchersTalking, b.watchersLast())
	if err != nil {
		return r, err
	}
	first, failed := metrics(ctx)
	before, failing := processorTime(pid)
	if err = errors.Join(failed, failing); err != nil {
		return r, err
	}
	machine, from := watchStalls(lateBucket), time.Now()
	load.begin()
	r.calls, err = callers.Surge(ctx, watchersPerSecond*int(b.watchersLast()/time.Second), b.watchersLast(), load.look, watchedRooms()...)
	r.stood, r.longest = machine.stop()
	last, failed := metrics(ctx)
	after, failing := processorTime(pid)
	load.end()
	r.processor, r.took = after-before, time.Since(from)
	r.late = last["parley_mixer_ticks_late_total"] - first["parley_mixer_ticks_late_total"]
	r.missed = last["parley_mixer_ticks_missed_total"] - first["parley_mixer_ticks_missed_total"]
	r.sent, r.lost = voices.counts()
	if r.calls.Failed > 0 {
		fmt.Println("the first that failed:", r.calls.First)
	}
	return r, errors.Join(err, failed, failing, voices.leave(ctx))
}

func watchedRooms() (rooms []string) {
	for i := range watchersListed {
		rooms = append(rooms, watchedRoom(i))
	}
	return rooms
}

// holdsNoLess tells whether what there is now is no more than what there was.
func (h holds) holdsNoLess(now holds) bool {
	return now.goroutines <= h.goroutines+sameGoroutines && now.files <= h.files+1 && now.heap <= h.heap*watchersHeap
}

// emptied is what the server holds when enough says so, or after the time in which it forgets.
func (b *bench) emptied(ctx context.Context, enough func(holds) bool) (now holds, err error) {
	for deadline := time.Now().Add(forgotten / 4); time.Now().Before(deadline); { //nolint:mnd // transactions are kept for 32 s
		if err = pause(ctx, time.Second); err != nil {
			return now, err
		}
		if now, err = holdsNow(ctx); err != nil || enough(now) {
			return now, err
		}
	}
	return now, nil
}

// counts are how many packets all have sent, and how many of those that they were to get are missing.
func (v *voices) counts() (sent, missing int) {
	for _, phone := range v.phones {
		s, _, m := phone.Counts()
		sent, missing = sent+s, missing+m
	}
	return sent, missing
}

// watchersLoad is what goes on beside the calls.
type watchersLoad struct {
	ctx  context.Context //nolint:containedctx // that of the load, which ends it
	stop context.CancelFunc
	all  sync.WaitGroup

	mu               sync.Mutex // guards what follows
	events           int
	gaps, streams    int // events that a reader did not get; streams that ended before they were to
	late             []time.Duration
	lists, busy      int // answers; 503
	unanswered       int
	took             []time.Duration
	bodies, overlong int             // slow bodies; those that were waited for beyond the time
	cut              []time.Duration // after how long they were
	problems         map[string]int
	goroutines, heap float64
	asked            time.Time
}

func newWatchersLoad(ctx context.Context) *watchersLoad {
	w := &watchersLoad{problems: map[string]int{}}
	w.ctx, w.stop = context.WithCancel(ctx)
	return w
}

// begin opens everything.
func (w *watchersLoad) begin() {
	w.asked = time.Now()
	for i := range watchersStreams {
		path := "/api/v1/events"
		if i%2 == 1 {
			path = "/api/v1/conferences/" + watchedRoom(i) + "/events"
		}
		w.all.Go(func() { w.follow(path, i < 2*watchersDeaf && i%2 == 0) })
	}
	for range watchersAsking {
		w.all.Go(w.ask)
	}
	for range watchersSlow {
		w.all.Go(w.bring)
	}
	w.all.Go(func() {
		for w.ctx.Err() == nil {
			w.look()
			_ = pause(w.ctx, time.Second)
		}
	})
}

// look takes what the process holds.
func (w *watchersLoad) look() {
	now, err := metrics(w.ctx)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.goroutines, w.heap = max(w.goroutines, now["go_goroutines"]), max(w.heap, now["go_memstats_heap_inuse_bytes"])
}

// end closes everything.
func (w *watchersLoad) end() {
	w.stop()
	w.all.Wait()
	for what, n := range w.problems {
		fmt.Fprintf(os.Stderr, "%d times: %s\n", n, what)
	}
}

func (w *watchersLoad) good() bool {
	return w.events > 0 && w.gaps == 0 && w.streams == 0 && w.lists > 0 && w.unanswered == 0 && w.bodies > 0 && w.overlong == 0
}

// String says what became of it.
func (w *watchersLoad) String() string {
	slices.Sort(w.late)
	slices.Sort(w.took)
	slices.Sort(w.cut)
	return fmt.Sprintf("%d events read, %d not got, p99 %v late, %d streams ended; %d lists, p50 %v, p99 %v, %d times busy, %d not answered; %d slow bodies, cut off after %v at most, %d not",
		w.events, w.gaps, conftest.Percentile(w.late, tail99).Round(time.Millisecond), w.streams, w.lists, conftest.Percentile(w.took, 0.5).Round(time.Millisecond), //nolint:mnd // the middle
		conftest.Percentile(w.took, tail99).Round(time.Millisecond), w.busy, w.unanswered, w.bodies, conftest.Percentile(w.cut, 1).Round(time.Millisecond), w.overlong)
}
