package conftest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// Turnover is a load of people who come to a recorded conference and leave it. Who comes first leaves first.
type Turnover struct {
	Target       string // host and port
	Conference   string
	Recorder     *Roster       // of that conference
	Participants int           // how many are there at any time
	PerSecond    int           // who come, and as many leave
	Lasts        time.Duration // for so long
	Settle       time.Duration // how long the recorder may take to know the last change
	// Before is called when all are there whom the recorder knows of, before the first one comes; nil: nothing is.
	Before func()
}

// TurnoverReport is what became of a Turnover.
type TurnoverReport struct {
	Changes        int           // who came and who left
	P50, P99, Most time.Duration // from a change to the metadata with it: from the ACK of who comes, from the BYE of who leaves
	Took           time.Duration
	Documents      int      // metadata since everybody was there
	Complete       int      // of them, complete ones
	Octets         int64    // in them
	Lines          int      // of the largest offer
	Wrong          []string // what was wrong with the roster, or with a document
	Missing        int      // changes that the recorder does not know of in the end
}

// Run plays it. Calls that fail are an error.
func (t Turnover) Run(ctx context.Context) (TurnoverReport, error) {
	run, stop, err := Callers{Target: t.Target}.start(ctx)
	if err != nil {
		return TurnoverReport{}, err
	}
	defer stop()
	p := &turnover{Turnover: t, callers: run}
	if err = p.sit(ctx); err != nil {
		return TurnoverReport{}, err
	}
	report := p.measure(ctx)
	return report, errors.Join(p.disperse(ctx), p.callers.report.First)
}

// turnover is one that goes on.
type turnover struct {
	Turnover

	callers *callers
	mu      sync.Mutex
	inside  []guest
	number  int
}

type guest struct {
	name   string
	dialog *sipua.Dialog
}

// come brings the next one in.
func (t *turnover) come(ctx context.Context) {
	t.mu.Lock()
	n := t.number
	t.number++
	t.mu.Unlock()
	name := callerName(n)
	from := time.Now()
	t.Recorder.note(name, func(v *visit) { v.coming = from })
	dialog := t.callers.call(ctx, t.Conference, n)
	if dialog == nil {
		return
	}
	at := time.Now()
	t.Recorder.note(name, func(v *visit) { v.came = at })
	t.mu.Lock()
	t.inside = append(t.inside, guest{name, dialog})
	t.mu.Unlock()
}

// leave lets the one go who came first.
func (t *turnover) leave(ctx context.Context) {
	t.mu.Lock()
	if len(t.inside) == 0 {
		t.mu.Unlock()
		return
	}
	g := t.inside[0]
	t.inside = t.inside[1:]
	t.mu.Unlock()
	from := time.Now()
	t.Recorder.note(g.name, func(v *visit) { v.going = from })
	t.callers.hangUp(ctx, g.dialog)
	at := time.Now()
	t.Recorder.note(g.name, func(v *visit) { v.went = at })
}

// atOnce is how many come or go at the same time before and after the measurement.
const atOnce = 8

func (t *turnover) each(count int, do func()) {
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for range count {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			do()
		})
	}
	all.Wait()
}

// sit brings those in who are there at the beginning.
func (t *turnover) sit(ctx context.Context) error {
	t.each(t.Participants, func() { t.come(ctx) })
	if t.Recorder.settled(ctx, t.Settle) {
		return nil
	}
	t.Recorder.mu.Lock()
	defer t.Recorder.mu.Unlock()
	return fmt.Errorf("the recorder does not know of %d of %d participants; calls: %w; %v", t.Recorder.waiting(), t.Participants, t.callers.report.First, t.Recorder.faults)
}

// measure lets people come and go, and counts.
func (t *turnover) measure(ctx context.Context) TurnoverReport {
	if t.Before != nil {
		t.Before()
	}
	r := t.Recorder
	r.mu.Lock()
	documents, complete, octets, first := r.documents, r.complete, r.octets, t.number
	r.mu.Unlock()
	from := time.Now()
	var all sync.WaitGroup
	step := time.Second / time.Duration(2*t.PerSecond) //nolint:mnd // who comes and who leaves
	for n := range int(t.Lasts / step) {
		if n%2 == 0 {
			all.Go(func() { t.come(ctx) })
		} else {
			all.Go(func() { t.leave(ctx) })
		}
		select {
		case <-time.After(time.Until(from.Add(time.Duration(n+1) * step))):
		case <-ctx.Done():
		}
	}
	all.Wait()
	report := TurnoverReport{Took: time.Since(from)}
	r.settled(ctx, t.Settle)
	r.mu.Lock()
	defer r.mu.Unlock()
	report.Documents, report.Complete, report.Octets, report.Lines = r.documents-documents, r.complete-complete, r.octets-octets, r.lines
	report.Missing = r.waiting()
	report.Wrong = append(report.Wrong, r.faults...)
	for _, issue := range siprec.Verify(r.merged.WithoutLabels(), nil) {
		report.Wrong = append(report.Wrong, issue.String())
	}
	if there := len(r.present()); there != len(t.inside) {
		report.Wrong = append(report.Wrong, fmt.Sprintf("%d are there, the recorder knows of %d", len(t.inside), there))
	}
	var late []time.Duration
	for n := range t.number {
		v := r.visits[callerName(n)]
		if n >= first && !v.came.IsZero() && !v.there.IsZero() {
			late = append(late, max(0, v.there.Sub(v.came)))
		}
		if !v.gone.IsZero() {
			late = append(late, v.gone.Sub(v.going))
		}
	}
	report.Changes = len(late) + report.Missing
	report.P50, report.P99, report.Most = Percentile(late, 0.5), Percentile(late, 0.99), Percentile(late, 1) //nolint:mnd // percentiles
	return report
}

// disperse lets all go home.
func (t *turnover) disperse(ctx context.Context) error {
	t.each(len(t.inside), func() { t.leave(ctx) })
	return ctx.Err()
}
