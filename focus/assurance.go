package focus

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
)

// assurance keeps, of every recording there should be, what became of it. All methods may be called by any goroutine.
type assurance struct {
	mu      sync.Mutex
	records []*account // in the order of their beginning
}

// keptAccounts bounds how many recordings that are over are remembered.
const keptAccounts = 1000

// account is one recording. Its fields are guarded by assurance.mu.
type account struct {
	conference conference.ID
	recording  conference.RecordingID
	automatic  bool
	began      time.Time
	ended      time.Time // zero: it goes on
	failed     bool      // it ended as no server would have it any more: what came after it, nobody has
	copies     []*copyAccount

	acknowledged *Acknowledgement // that it is not whole; nil: nobody has
}

// copyAccount is one copy of a recording, whichever servers have had it.
type copyAccount struct {
	sent                     map[string]uint64 // frames by server
	acknowledged             map[string]bool   // servers that have acknowledged the last metadata that they were sent
	spooled, delivered, lost uint64
}

func (a *assurance) open(id conference.ID, r *conference.Recording, now time.Time) *account {
	a.mu.Lock()
	defer a.mu.Unlock()
	over := 0
	for _, old := range a.records {
		if !old.ended.IsZero() {
			over++
		}
	}
	a.records = slices.DeleteFunc(a.records, func(old *account) bool {
		drop := !old.ended.IsZero() && over >= keptAccounts
		if drop {
			over--
		}
		return drop
	})
	record := &account{conference: id, recording: r.ID, automatic: r.Automatic, began: now}
	a.records = append(a.records, record)
	return record
}

// newCopy adds a copy to a recording.
func (a *assurance) newCopy(of *account) *copyAccount {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := &copyAccount{sent: map[string]uint64{}, acknowledged: map[string]bool{}}
	of.copies = append(of.copies, c)
	return c
}

// add counts frames of a copy.
func (a *assurance) add(c *copyAccount, server string, sent, spooled, lost uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.sent[server] += sent
	c.spooled += spooled
	c.lost += lost
}

// elsewhere tells whether another copy of a recording lacks nothing, as far as is known. A copy whose server has died, and nobody knows it yet, is
// taken for whole: the verdict of the recording tells in the end.
func (a *assurance) elsewhere(of *account, c *copyAccount) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return of != nil && slices.ContainsFunc(of.copies, func(other *copyAccount) bool {
		verdict := other.verdict()
		return other != c && (verdict == verdictComplete || verdict == verdictPending)
	})
}

// unspool makes frames of a copy that were to be kept on disk lost ones.
func (a *assurance) unspool(c *copyAccount, n uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n = min(n, c.spooled) // a few records are no frames
	c.spooled -= n
	c.lost += n
}

func (a *assurance) acknowledge(c *copyAccount, server string, synced bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.acknowledged[server] = synced
}

// end closes an account, of a recording that was stopped or has failed for good.
func (a *assurance) end(r *account, now time.Time, failed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.ended.IsZero() {
		r.ended, r.failed = now, failed
	}
}

// delivered counts frames that a server has had from the spool. Of a recording of an earlier process nothing is known here.
func (a *assurance) delivered(id conference.ID, rid conference.RecordingID, server string, frames uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.records {
		if r.conference != id || r.recording != rid {
			continue
		}
		for _, c := range r.copies {
			if c.spooled > c.delivered {
				c.delivered += frames
				c.acknowledged[server] = true
				return
			}
		}
	}
}

// Assurance is what became of one recording that there should be.
type Assurance struct {
	Conference conference.ID          `json:"conference" doc:"Conference."`
	Recording  conference.RecordingID `json:"recording" doc:"Recording."`
	Policy     bool                   `json:"policy" doc:"Whether the policy wants it, rather than somebody who asked."`
	StartedAt  Time                   `json:"started_at" doc:"When it was to begin."`
	EndedAt    *Time                  `json:"ended_at,omitempty" doc:"When it ended; left out while it goes on."`
	Verdict    string                 `json:"verdict" enum:"running,complete,pending,partial,missing" doc:"Of the best copy: running; complete: servers have all of it; pending: what is missing there waits in the spool; partial: something is lost; missing: nothing was recorded."`
	Copies     []AssuredCopy          `json:"copies" doc:"Each copy, whichever servers have had it."`

	Acknowledged *Acknowledgement `json:"acknowledged,omitempty" doc:"Who has seen that it is not whole; left out: nobody, or it has become worse since."`
}

// AssuredCopy is one copy of a recording. Times count the audio of all streams together.
type AssuredCopy struct {
	Servers          []AssuredServer `json:"servers" doc:"Servers that have had it, one after the other."`
	SpooledSeconds   float64         `json:"spooled_seconds" doc:"Audio that no server took, kept on disk."`
	DeliveredSeconds float64         `json:"delivered_seconds" doc:"Audio delivered from there."`
	LostSeconds      float64         `json:"lost_seconds" doc:"Audio that neither a server nor the disk has."`
}

// AssuredServer is what one server has of a copy.
type AssuredServer struct {
	Name         string  `json:"name" doc:"Name of the server in the configuration."`
	SentSeconds  float64 `json:"sent_seconds" doc:"Audio sent to it live."`
	Acknowledged bool    `json:"acknowledged" doc:"Whether it has acknowledged the last metadata it was sent."`
}

// Assurance gives what became of every recording since the start of the process, as far back as is remembered, the oldest
// first.
func (f *Focus) Assurance() []Assurance {
	a := &f.assurance
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make([]Assurance, 0, len(a.records))
	for _, r := range a.records {
		list = append(list, r.describe())
	}
	return list
}

func (r *account) describe() Assurance {
	out := Assurance{
		Conference: r.conference, Recording: r.recording, Policy: r.automatic, StartedAt: Time(r.began), EndedAt: pointTime(r.ended),
		Verdict: r.verdict(), Copies: make([]AssuredCopy, 0, len(r.copies)), Acknowledged: r.seen(),
	}
	for _, c := range r.copies {
		d := AssuredCopy{
			Servers: make([]AssuredServer, 0, len(c.sent)), SpooledSeconds: frameSeconds(c.spooled), DeliveredSeconds: frameSeconds(c.delivered),
			LostSeconds: frameSeconds(c.lost),
		}
		for name, n := range c.sent {
			d.Servers = append(d.Servers, AssuredServer{Name: name, SentSeconds: frameSeconds(n), Acknowledged: c.acknowledged[name]})
		}
		slices.SortFunc(d.Servers, func(a, b AssuredServer) int { return cmp.Compare(a.Name, b.Name) })
		out.Copies = append(out.Copies, d)
	}
	return out
}

func frameSeconds(frames uint64) float64 { return float64(frames) * codecs.FrameDuration.Seconds() }

// What became of a recording.
const (
	verdictRunning  = "running"
	verdictComplete = "complete"
	verdictPending  = "pending"
	verdictPartial  = "partial"
	verdictMissing  = "missing"
)

// verdicts are those of what is over, the best first.
func verdicts() []string {
	return []string{verdictComplete, verdictPending, verdictPartial, verdictMissing}
}

// verdict is that of the best copy.
func (r *account) verdict() string {
	if r.ended.IsZero() {
		return verdictRunning
	}
	order := verdicts()
	best := len(order) - 1
	for _, c := range r.copies {
		best = min(best, slices.Index(order, c.verdict()))
	}
	if r.failed {
		best = max(best, slices.Index(order, verdictPartial))
	}
	return order[best]
}

func (c *copyAccount) verdict() string {
	var sent uint64
	for _, n := range c.sent {
		sent += n
	}
	switch {
	case sent+c.spooled+c.lost == 0 && slices.Contains(slices.Collect(maps.Values(c.acknowledged)), true):
		return verdictComplete // over before there was anything to record
	case sent+c.spooled == 0:
		return verdictMissing
	case c.lost > 0:
		return verdictPartial
	case c.spooled > c.delivered:
		return verdictPending
	default:
		return verdictComplete
	}
}

// account gives what is kept of a recording, from its beginning on.
func (c *controller) account(r *conference.Recording) *account {
	if c.accounts[r.ID] == nil {
		c.accounts[r.ID] = c.focus.assurance.open(c.id, r, time.Now())
	}
	return c.accounts[r.ID]
}

// settleAccounts ends those of recordings that are over, and hands them to who keeps call records.
func (c *controller) settleAccounts() {
	state := c.machine.State()
	for id, a := range c.accounts {
		r, ok := state.Recording(id)
		if ok && !r.Over() || slices.ContainsFunc(c.recorders, func(r *recorder) bool { return r.recording == id }) || c.settling[id] > 0 {
			continue
		}
		c.focus.assurance.end(a, time.Now(), ok && r.State == conference.RecordingFailed)
		delete(c.accounts, id)
		c.focus.assurance.mu.Lock()
		record := a.describe()
		c.focus.assurance.mu.Unlock()
		if record.Verdict == verdictPartial || record.Verdict == verdictMissing {
			c.log.Error("recording is not whole", slog.String("recording", string(id)), slog.String("verdict", record.Verdict))
		}
		if h := c.focus.hooks.RecordingEnded; h != nil {
			h(record)
		}
	}
}
