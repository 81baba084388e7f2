package mixer

import (
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// countdown closes a channel after a number of payloads.
type countdown struct {
	left atomic.Int64
	done chan struct{}
}

func newCountdown(n int) *countdown {
	c := &countdown{done: make(chan struct{})}
	c.left.Store(int64(n))

	return c
}

func (c *countdown) Emit(p *codecs.Packet) {
	if len(p.Payload) > 0 && c.left.Add(-1) == 0 {
		close(c.done)
	}
}

// guarded is a member whose calls must not overlap, nor come when they are not allowed.
type guarded struct {
	in    *sounding
	busy  atomic.Int32
	gone  atomic.Bool
	wrong atomic.Int32
	calls atomic.Int32 // of Ingest
	sent  atomic.Int32 // payloads
}

func (g *guarded) enter() {
	if g.busy.Add(1) != 1 || g.gone.Load() {
		g.wrong.Add(1)
	}
}

func (g *guarded) Ingest(dst []int16) codecs.Frame {
	g.enter()
	defer g.busy.Add(-1)
	g.calls.Add(1)

	return g.in.Ingest(dst)
}

func (g *guarded) Emit(p *codecs.Packet) {
	g.enter()
	if len(p.Payload) > 0 {
		g.sent.Add(1)
	}
	g.busy.Add(-1)
}

// A big mix is worked off by several workers, each member by one of them, in order.
func TestEngineWorkersShareABigMix(t *testing.T) {
	e := startEngine(t, Config{Workers: mostWorkers, Cohorts: 1})
	mix := e.NewMix(MixConfig{MaxSpeakers: 5})
	members := make([]Member, 0, 401)
	all := make([]*guarded, 0, 400)
	for i := range 400 {
		g := &guarded{in: newSounding(8000, uint32(i+1), func(tick int) bool { return (tick+i)%40 < 3 })}
		all = append(all, g)
		members = append(members, party(MemberID(i), g, g, []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.G722}[i%3]))
	}
	last := newCountdown(25)
	members = append(members, Member{ID: 1000, Out: last, Format: format(codecs.PCMU), Hears: everyone()})
	applied, err := mix.Apply(Layout{Members: members})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "applied", applied)
	await(t, "25 ticks", last.done)
	await(t, "closed", mix.Close())
	for i, g := range all {
		g.gone.Store(true)
		if g.wrong.Load() != 0 || g.calls.Load() < 25 || g.calls.Load() != g.sent.Load() {
			t.Fatalf("member %d: %d frames, %d packets, %d wrong calls", i, g.calls.Load(), g.sent.Load(), g.wrong.Load())
		}
	}
	busy := 0
	for _, w := range e.crew {
		if w.scratch.sent[codecs.PCMU].Load() > 0 {
			busy++
		}
	}
	t.Logf("%d of %d workers sent", busy, len(e.crew))
}

// Members come and go as fast as they can; who has gone is not touched any more.
func TestEngineChurn(t *testing.T) {
	e := startEngine(t, Config{Workers: 3, Cohorts: 2})
	const mixes, rounds = 6, 15
	errs := make(chan error, mixes)
	for n := range mixes {
		go func() {
			errs <- func() error {
				for range 2 { // a mix is used again after it was empty
					mix := e.NewMix(MixConfig{})
					for round := range rounds {
						var members []Member
						var here []*guarded
						for i := range (round*7 + n) % 9 {
							g := &guarded{in: newSounding(16000, uint32(i+1), always)}
							here = append(here, g)
							members = append(members, party(MemberID(i), g, g, codecs.G722))
						}
						applied, err := mix.Apply(Layout{Members: members})
						if err != nil {
							return err
						}
						<-applied
						empty, err := mix.Apply(Layout{})
						if err != nil {
							return err
						}
						<-empty
						for _, g := range here {
							g.gone.Store(true)
							if g.busy.Load() != 0 || g.calls.Load() == 0 {
								return errors.New("in use after it was removed, or never used")
							}
							defer func() {
								if g.wrong.Load() != 0 {
									t.Error("called after it was removed, or twice at once")
								}
							}()
						}
					}
					<-mix.Close()
				}

				return nil
			}()
		}()
	}
	for range mixes {
		select {
		case err := <-errs:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(60 * time.Second):
			t.Fatal("stuck")
		}
	}
}

// An engine in which nobody is does not tick, and has no deadline.
func TestEngineIdles(t *testing.T) {
	e := startEngine(t, Config{Workers: 2})
	mix := e.NewMix(MixConfig{})
	out := newCountdown(3)
	if _, err := mix.Apply(Layout{Members: []Member{{ID: 1, Out: out, Format: format(codecs.PCMU)}}}); err != nil {
		t.Fatal(err)
	}
	await(t, "three ticks", out.done)
	empty, err := mix.Apply(Layout{})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "emptied", empty)
	ticks := e.Stats().Ticks
	// Longer than several ticks, by a mix of another engine.
	other := startEngine(t, Config{Workers: 1})
	clock := newCountdown(10)
	if _, err := other.NewMix(MixConfig{}).Apply(Layout{Members: []Member{{ID: 1, Out: clock, Format: format(codecs.PCMU)}}}); err != nil {
		t.Fatal(err)
	}
	await(t, "ten ticks of another engine", clock.done)
	if now := e.Stats().Ticks; now > ticks+1 {
		t.Errorf("%d ticks without members", now-ticks)
	}
	again := newCountdown(2)
	if _, err := mix.Apply(Layout{Members: []Member{{ID: 1, Out: again, Format: format(codecs.PCMU)}}}); err != nil {
		t.Fatal(err)
	}
	await(t, "ticks again", again.done)
}

// stalling blocks one tick for a while.
type stalling struct {
	tick  int
	stall time.Duration
}

func (s *stalling) Ingest([]int16) codecs.Frame {
	if s.tick++; s.tick == 5 {
		<-time.After(s.stall)
	}

	return codecs.Frame{Flags: codecs.Silent, Level: codecs.SilenceLevel}
}

// unitCounter counts the RTP units that were passed, and when.
type unitCounter struct {
	*countdown

	units   atomic.Int64
	skipped atomic.Int64
	first   time.Duration // due, of the tick
	apart   atomic.Int64  // packets that are not due when those before them are over
}

func (u *unitCounter) Emit(p *codecs.Packet) {
	switch played := time.Duration(u.units.Load()) * time.Second / 8000; {
	case played == 0:
		u.first = p.Due
	case p.Due-u.first != played:
		u.apart.Add(1)
	}
	u.units.Add(int64(p.Samples))
	if len(p.Payload) == 0 {
		u.skipped.Add(int64(p.Samples))

		return
	}
	u.countdown.Emit(p)
}

// A late tick is counted and made up for; what cannot be made up for is counted and passed over in the timestamps.
func TestEngineCountsLateTicks(t *testing.T) {
	e := startEngine(t, Config{Workers: 1, Cohorts: 1})
	out := &unitCounter{countdown: newCountdown(20)}
	begin := time.Now()
	if _, err := e.NewMix(MixConfig{}).Apply(Layout{Members: []Member{
		{ID: 1, In: &stalling{stall: 210 * time.Millisecond}, Out: out, Format: format(codecs.G722)},
	}}); err != nil {
		t.Fatal(err)
	}
	await(t, "20 ticks", out.done)
	elapsed, played := time.Since(begin), time.Duration(out.units.Load())*time.Second/8000
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	s := e.Stats()
	if s.LateTicks == 0 || s.MissedTicks < 4 {
		t.Errorf("%d late and %d missed of %d ticks", s.LateTicks, s.MissedTicks, s.Ticks)
	}
	if got := out.skipped.Load(); got < 160*4 || got%160 != 0 {
		t.Errorf("timestamps skipped %d units for %d missed ticks", got, s.MissedTicks)
	}
	if n := out.apart.Load(); n > 0 || out.first == 0 {
		t.Errorf("%d packets are due at another time than their timestamps say, the first at %v", n, out.first)
	}
	if played > elapsed+2*TickPeriod || played < elapsed-5*TickPeriod {
		t.Errorf("%v of timestamps in %v", played, elapsed)
	}
	if s.Duration.Count() != s.Ticks || s.Lateness.Quantile(0.99) < 16*time.Microsecond || s.Duration.Sum < 130*time.Millisecond {
		t.Errorf("histograms %+v, %+v", s.Duration, s.Lateness)
	}
	if len(s.Codecs) != 1 || s.Codecs[0].Codec != codecs.G722 || s.Codecs[0].Sent < 20 || s.Codecs[0].Encoded == 0 {
		t.Errorf("codecs %+v", s.Codecs)
	}
}

// Cohorts tick apart from each other.
func TestEngineStaggersCohorts(t *testing.T) {
	e, err := New(Config{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range e.cohorts {
		if c.offset != time.Duration(i)*5*time.Millisecond || c.owner != e.crew[i%2] {
			t.Errorf("cohort %d: offset %v", i, c.offset)
		}
	}
	used := map[*cohort]bool{}
	for range 8 {
		mix := e.NewMix(MixConfig{})
		if _, err := mix.Apply(Layout{Members: []Member{{ID: 1, Out: &countingOutput{}, Format: format(codecs.PCMU)}}}); err != nil {
			t.Fatal(err)
		}
		used[mix.cohort] = true
	}
	if len(used) != 4 {
		t.Errorf("8 mixes in %d cohorts", len(used))
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// Who speaks is told when it changes, and again when it is over.
func TestEngineReportsSpeakers(t *testing.T) {
	type report struct {
		mix    *Mix
		active []MemberID
	}
	reports := make(chan report, 100)
	e := startEngine(t, Config{OnSpeakers: func(m *Mix, active []MemberID) { reports <- report{m, active} }})
	mix := e.NewMix(MixConfig{})
	members := []Member{
		party(5, newSounding(8000, 5, always), &countingOutput{}, codecs.PCMU),
		party(2, newSounding(8000, 2, always), &countingOutput{}, codecs.PCMU),
		party(9, newSounding(8000, 9, never), &countingOutput{}, codecs.PCMU),
	}
	expect := func(want ...MemberID) {
		t.Helper()
		for {
			select {
			case r := <-reports:
				if r.mix == mix && slices.Equal(r.active, want) {
					return
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("no report of %v", want)
			}
		}
	}
	for _, change := range []struct {
		layout []Member
		want   []MemberID
	}{
		{members, []MemberID{2, 5}},
		{members[1:], []MemberID{2}},
		{nil, nil},
		{members[:1], []MemberID{5}},
	} {
		if _, err := mix.Apply(Layout{Members: change.layout}); err != nil {
			t.Fatal(err)
		}
		expect(change.want...)
	}
	if levels := mix.Levels(nil); len(levels) != 1 || levels[0].ID != 5 || !levels[0].Speaking || levels[0].Level > 40 {
		t.Errorf("levels %+v", levels)
	}
}

// Nothing is left running, and every wait ends.
func TestEngineCloses(t *testing.T) {
	before := runtime.NumGoroutine()
	e, err := New(Config{Workers: 3, OnSpeakers: func(*Mix, []MemberID) {}})
	if err != nil {
		t.Fatal(err)
	}
	early, late := e.NewMix(MixConfig{}), e.NewMix(MixConfig{})
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); !errors.Is(err, ErrStarted) {
		t.Errorf("second start: %v", err)
	}
	waits := make([]<-chan struct{}, 0, 6)
	for _, m := range []*Mix{early, late} {
		applied, err := m.Apply(Layout{Members: []Member{{ID: 1, Out: &countingOutput{}, Format: format(codecs.PCMU)}}})
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, applied)
	}
	waits = append(waits, early.Close(), early.Close())
	if n := runtime.NumGoroutine(); n > before+5 {
		t.Errorf("%d goroutines for 3 workers, an observer and the stock", n-before)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	waits = append(waits, late.Close(), e.NewMix(MixConfig{}).Close())
	for _, wait := range waits {
		await(t, "closed", wait)
	}
	if _, err := late.Apply(Layout{}); !errors.Is(err, ErrClosed) {
		t.Errorf("apply after close: %v", err)
	}
	if err := e.Start(); !errors.Is(err, ErrClosed) {
		t.Errorf("start after close: %v", err)
	}
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines are left", runtime.NumGoroutine()-before)
}
