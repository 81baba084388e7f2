package siprec_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// pacing is a recorder that takes a while for each answer, and hears of one change after the other.
type pacing struct {
	*world

	takes    time.Duration
	requests []time.Time
	answerAt time.Time
	names    int
}

// newPacing begins a session that has been quiet for a second.
func newPacing(t *testing.T, cfg siprec.Config, takes time.Duration) *pacing {
	t.Helper()
	w, err := newWorld(t.Fatalf, cfg, "mixed")
	if err != nil {
		t.Fatal(err)
	}
	p := &pacing{world: w, takes: takes}
	w.sent = func(a siprec.Action) {
		switch a.(type) {
		case siprec.Invite, siprec.ReInvite, siprec.Update:
			p.requests, p.answerAt = append(p.requests, w.now), w.now.Add(takes)
		default:
		}
	}
	w.join("alice", w.now)
	w.step(w.desire())
	w.respond(200)
	w.advance(time.Second)
	p.requests = nil
	return p
}

// pass lets time pass, in which the recorder answers.
func (p *pacing) pass(d time.Duration) {
	for end := p.now.Add(d); p.now.Before(end); {
		p.advance(min(time.Millisecond, end.Sub(p.now)))
		if p.open != 0 && !p.now.Before(p.answerAt) {
			p.respond(200)
		}
	}
}

// rename changes something that is told without an offer.
func (p *pacing) rename() {
	p.names++
	p.people[0].Names = []siprec.NameID{{AOR: "sip:alice@example.com", Name: fmt.Sprint("name ", p.names)}}
	p.step(p.desire())
}

// late is how long a change has waited for its request.
func (p *pacing) late(changed time.Time) time.Duration {
	for _, at := range p.requests {
		if !at.Before(changed) {
			return at.Sub(changed)
		}
	}
	return time.Hour
}

// TestChangesOfAMomentAreOneRequest: what happens within 200 ms is one offer, whatever it is.
func TestChangesOfAMomentAreOneRequest(t *testing.T) {
	for _, kind := range []string{"metadata alone", "with an offer"} {
		t.Run(kind, func(t *testing.T) {
			p := newPacing(t, siprec.Config{}, 10*time.Millisecond)
			first := p.now
			for n := range 7 {
				if kind == "with an offer" {
					p.mode = "both"
					p.join(people[n+1], p.now)
					p.step(p.desire())
				} else {
					p.rename()
				}
				p.pass(30 * time.Millisecond) // the last one is after 180 ms
			}
			p.pass(time.Second)
			if len(p.requests) != 1 || p.late(first) != 200*time.Millisecond {
				t.Fatalf("%d requests, the first after %v", len(p.requests), p.late(first))
			}
		})
	}
}

// TestChangesWithoutAPause: while changes come all the time none waits for more than 150 ms, and the recorder has seven requests a second at most. The
// first of them are as any others.
func TestChangesWithoutAPause(t *testing.T) {
	p := newPacing(t, siprec.Config{}, 30*time.Millisecond)
	began := p.now
	changes := make([]time.Time, 0, 400)
	for range 400 { // in 10 s
		changes = append(changes, p.now)
		p.rename()
		p.pass(25 * time.Millisecond)
	}
	p.pass(time.Second)
	for _, at := range changes {
		most := 150 * time.Millisecond
		if at.Sub(began) < 500*time.Millisecond {
			most = 200 * time.Millisecond
		}
		if late := p.late(at); late > most {
			t.Fatalf("the change after %v has waited %v", at.Sub(began), late)
		}
	}
	for i, at := range p.requests[1:] {
		if apart := at.Sub(p.requests[i]); apart < 150*time.Millisecond {
			t.Fatalf("two requests %v apart", apart)
		}
	}
	if n := len(p.requests); n > 67 {
		t.Fatalf("%d requests in 10 s", n)
	}
	// After a pause it is as in the beginning.
	p.requests = nil
	at := p.now
	p.rename()
	p.pass(150 * time.Millisecond)
	p.rename()
	p.pass(time.Second)
	if len(p.requests) != 1 || p.late(at) != 200*time.Millisecond {
		t.Fatalf("after a pause %d requests, the first after %v", len(p.requests), p.late(at))
	}
}

// TestChangesForASlowRecorder: a recorder that takes longer than the interval sets the pace, and has one request at a time.
func TestChangesForASlowRecorder(t *testing.T) {
	p := newPacing(t, siprec.Config{}, 400*time.Millisecond)
	began := p.now
	for range 400 { // in 10 s
		p.rename()
		p.pass(25 * time.Millisecond)
	}
	if n := len(p.requests); n < 23 || n > 25 {
		t.Fatalf("%d requests in %v", n, p.now.Sub(began))
	}
}

// TestIntervalOfTheDialect: a recorder that wants fewer requests has fewer.
func TestIntervalOfTheDialect(t *testing.T) {
	p := newPacing(t, siprec.Config{Profile: siprec.Profile{MinInterval: time.Second}}, 30*time.Millisecond)
	for range 400 { // in 10 s
		p.rename()
		p.pass(25 * time.Millisecond)
	}
	if n := len(p.requests); n > 11 {
		t.Fatalf("%d requests in 10 s", n)
	}
}

// TestRefusedChangesWait: what a recorder has refused is not tried again before its time because more has changed (RFC 3261, sections 14.1 and 20.33). A pause
// waits for the end of a glare, and for nothing else.
//
// Shows SR-UPD-11.
func TestRefusedChangesWait(t *testing.T) {
	const glare, refusal = 491, 500
	for _, c := range []struct {
		name        string
		status      int
		then        func(*pacing)
		least, most time.Duration
	}{
		{"glare", glare, func(*pacing) {}, 2100 * time.Millisecond, 4 * time.Second},
		{"glare and a pause", glare, func(p *pacing) { p.paused = true }, 2100 * time.Millisecond, 4 * time.Second},
		{"glare and a snapshot", glare, func(p *pacing) { p.step(siprec.SnapshotRequested{}) }, 2100 * time.Millisecond, 4 * time.Second},
		{"refusal", refusal, func(*pacing) {}, time.Second, 1001 * time.Millisecond},
		{"refusal and a pause", refusal, func(p *pacing) { p.paused = true }, 200 * time.Millisecond, 201 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPacing(t, siprec.Config{}, time.Hour)
			p.mode = "both"
			p.step(p.desire())
			p.pass(200 * time.Millisecond)
			p.respond(c.status)
			refused := p.now
			p.requests = nil
			c.then(p)
			for range 200 { // in 5 s
				p.rename()
				p.pass(25 * time.Millisecond)
			}
			if waited := p.late(refused); waited < c.least || waited > c.most {
				t.Fatalf("tried again after %v", waited)
			}
		})
	}
}

// TestPauseEndsTheWait: a recorder that has taken a pause after a refusal hears of what follows as ever.
func TestPauseEndsTheWait(t *testing.T) {
	p := newPacing(t, siprec.Config{}, 10*time.Millisecond)
	p.rename()
	p.advance(200 * time.Millisecond)
	p.finish(siprec.Answered{Exchange: p.open, Status: 500, RetryAfter: 30 * time.Second})
	p.paused = true
	p.step(p.desire())
	p.pass(300 * time.Millisecond)
	changed := p.now
	p.rename()
	p.pass(time.Second)
	if late := p.late(changed); late != 200*time.Millisecond {
		t.Fatalf("a change has waited %v", late)
	}
}
