package focus

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec"
)

// message is what goes into the mailbox of a controller. The types that have a handle method of this package are all there
// are; handle runs in the goroutine of the controller.
type message interface{ handle(c *controller) }

// controller is one active conference: the goroutine that owns its state machine and all that belongs to it.
type controller struct {
	// Immutable.
	focus   *Focus
	entry   *entry
	id      conference.ID
	mix     *mixer.Mix
	log     *slog.Logger
	mailbox chan message  // unbuffered: what was taken will be handled
	keys    chan message  // key presses: they come from where nothing may wait
	done    chan struct{} // closed when nothing is taken any more
	silent  chan struct{} // closed when the mix calls nobody any more
	text    textRoom

	// Written by anybody.
	active atomic.Pointer[[]mixer.MemberID] // who speaks
	spoke  chan struct{}                    // has something in it when active has changed

	// Owned by run.
	machine      *conference.Machine
	participants map[conference.ParticipantID]*participant
	successors   map[conference.ParticipantID]*participant // calls that are about to take the place of a participant's
	members      map[mixer.MemberID]conference.ParticipantID
	lastMember   mixer.MemberID
	sources      map[mixer.MemberID]source
	tones        mixer.MemberID // that of the sources that are the recording tones of all who have heard a first one; 0: none
	arrivals     arrivals
	aside        conference.SidebarID                        // that was opened by keys last; may be over
	playbacks    map[mixer.MemberID]*playback                // those of the sources that are played
	masks        map[conference.ParticipantID]mixer.MemberID // those that stand for participants in recordings
	music        music
	chimed       time.Time // when somebody who came or went was last heard of
	recorders    []*recorder
	called       map[conference.RecordingID]recorderCall // recordings that their servers have asked for, and wait for
	accounts     map[conference.RecordingID]*account     // of recordings that are not over
	leaving      map[conference.ParticipantID]*transit   // calls on their way to another conference
	settling     map[conference.RecordingID]int          // streams whose rest is on its way
	texted       bool                                    // somebody has text
	draining     bool                                    // streams linger
	watching     bool                                    // the media of recorders are looked at
	applied      <-chan struct{}                         // of the last layout
	unmixed      *gathered                               // changes that the mixer does not know of yet; nil: none
	draft        draft
	mixed        time.Time   // when it was given the last layout
	mixTimer     *time.Timer // when it will be given the next
	wake         time.Time   // of the machine
	timer        *time.Timer
	alarms       []alarm
	jobs         int  // goroutines that will report
	watchesLoss  bool // somebody looks at the loss that receivers of Opus report
	watchesMedia bool // somebody looks after participants whose media do not come
	session      siprec.ID
	name         string                                // by which other focuses know us in what they pass on of recordings
	anonymous    int                                   // participants so far who have asked for privacy
	creator      conference.ParticipantID              // of an ad-hoc conference, which ends with him; empty: none
	calls        map[conference.ParticipantID]outgoing // that somebody has asked for
	identities   map[conference.ParticipantID]siprec.ID
	particulars  map[siprec.ID]particulars            // of participants, those who have left among them, for recorders
	group        siprec.ID                            // of the communication sessions that belong to the conference
	started      time.Time                            // the last period of activity, for recorders
	beyond       map[string]siprec.RosterParticipant  // in other conferences of the cascade, by entity, for recorders
	departed     []gone                               // of the present period of activity, for recorders
	sides        []*sideSession                       // of sidebars, for recorders, in order of opening
	absences     map[conference.ParticipantID]absence // of those who are or were aside, for recorders
	firsts       map[siprec.ID]time.Time              // when those came first who have come back by a move, for what the spool has
	fed, wrote   feeders                              // of recorded streams, for recorders; of audio, of text
}

// newController starts the goroutine of a conference; Focus.mu is held.
func (f *Focus) newController(e *entry) *controller {
	if e.machine == nil {
		e.machine = conference.NewMachine(f.machineConfig(e))
		e.state.Store(e.machine.State())
	}
	c := &controller{
		focus: f, entry: e, id: e.cfg.ID, log: f.log.With(slog.String("conference", string(e.cfg.ID))),
		mix:     f.mixer.NewMix(mixer.MixConfig{MaxSpeakers: e.cfg.MaxSpeakers, LookAhead: e.cfg.LookAhead}),
		mailbox: make(chan message), keys: make(chan message, keysWaiting), done: make(chan struct{}), silent: make(chan struct{}), spoke: make(chan struct{}, 1),
		machine: e.machine, participants: map[conference.ParticipantID]*participant{},
		successors: map[conference.ParticipantID]*participant{}, leaving: map[conference.ParticipantID]*transit{},
		called: map[conference.RecordingID]recorderCall{}, accounts: map[conference.RecordingID]*account{}, settling: map[conference.RecordingID]int{},
		members: map[mixer.MemberID]conference.ParticipantID{}, sources: map[mixer.MemberID]source{},
		playbacks: map[mixer.MemberID]*playback{}, masks: map[conference.ParticipantID]mixer.MemberID{},
		calls: map[conference.ParticipantID]outgoing{}, applied: closedChannel(), session: newIdentity(), name: shortName("f"), group: newIdentity(), particulars: map[siprec.ID]particulars{}, absences: map[conference.ParticipantID]absence{}, fed: feeders{}, firsts: map[siprec.ID]time.Time{}, identities: map[conference.ParticipantID]siprec.ID{},
	}
	f.mixes.Store(c.mix, c)
	f.spawn(c.run)
	return c
}

func closedChannel() <-chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}

// firstMessage is how long a controller waits for the message it was made for, whose sender may have given up.
const firstMessage = time.Second

// run is the life of a controller: from the first message until the conference has ended or is idle.
func (c *controller) run(ctx context.Context) {
	c.timer, c.mixTimer = time.NewTimer(firstMessage), newIdleTimer()
	defer c.timer.Stop()
	defer c.mixTimer.Stop()
	for first := true; first || !c.finished(); first = false {
		select {
		case m := <-c.mailbox:
			m.handle(c)
		case m := <-c.keys:
			if to, _ := c.forwarded(m); to != nil {
				to.keep(m)
			} else {
				m.handle(c)
			}
		case <-c.spoke:
			c.speaking()
		case <-c.timer.C:
			c.tick()
		case <-c.mixTimer.C: // see arrangeMix
		case <-ctx.Done():
			c.abort()
			c.leave()
			return
		}
		c.settleAccounts()
		c.schedule()
		c.arrangeMix()
	}
	c.leave()
}

// finished tells whether there is nothing left to own.
func (c *controller) finished() bool {
	return len(c.participants) == 0 && len(c.recorders) == 0 && c.jobs == 0 && c.wake.IsZero()
}

// leave gives the machine back to the registry and closes the mix.
func (c *controller) leave() {
	f := c.focus
	f.mu.Lock()
	if c.entry.ctl == c {
		c.entry.ctl = nil
	}
	state := c.machine.State()
	if c.entry.dynamic && !state.Ended && len(state.Participants) == 0 && f.entries[c.id] == c.entry {
		delete(f.entries, c.id) // nobody was ever admitted
		defer c.entry.retire()
	} else if f.entries[c.id] == c.entry {
		f.renew(c.entry)
	}
	close(c.done)
	f.mu.Unlock()
	f.mixes.Delete(c.mix)
	c.giveLayout() // somebody may wait for it
	<-c.mix.Close()
	close(c.silent)
}

// abort drops everything at once, when a shutdown has run out of time.
func (c *controller) abort() {
	_ = c.step(conference.End{Reason: "aborted", Delete: true})
	for _, r := range append([]*recorder(nil), c.recorders...) {
		r.dialog = nil // the agent will end it
		c.finish(r)
	}
	c.sources = nil
	c.settleAccounts()
	c.focus.forget(c.entry)
}

// post puts a message into the mailbox unless the controller has gone; it reports whether it was taken.
func (c *controller) post(m message) bool {
	if to, same := c.forwarded(m); to != nil {
		return to.post(same)
	}
	select {
	case c.mailbox <- m:
		return true
	case <-c.done:
		return false
	}
}

// background runs a job whose outcome comes back as a message; the controller lives until then.
func (c *controller) background(job func(context.Context) message) {
	c.jobs++
	c.focus.spawn(func(ctx context.Context) {
		m := job(ctx)
		c.post(reported{m})
	})
}

// reported is the outcome of a job.
type reported struct{ message }

func (m reported) handle(c *controller) {
	c.jobs--
	if m.message != nil {
		m.message.handle(c)
	}
}

// alarm is a message to ourselves at a time.
type alarm struct {
	at      time.Time
	message message
}

// later handles a message after a time, unless the conference has nothing to do before.
func (c *controller) later(d time.Duration, m message) {
	c.alarms = append(c.alarms, alarm{at: time.Now().Add(d), message: m})
}

// schedule sets the timer for the next deadline of the machine, of the recorders and of ourselves.
func (c *controller) schedule() {
	next := c.wake
	earlier := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, r := range c.recorders {
		earlier(r.wake)
	}
	for _, a := range c.alarms {
		earlier(a.at)
	}
	if next.IsZero() {
		c.timer.Stop()
		return
	}
	c.timer.Reset(max(0, time.Until(next)))
}

// tick lets the deadlines pass that have come.
func (c *controller) tick() {
	now := time.Now()
	if !c.wake.IsZero() && !now.Before(c.wake) {
		c.wake = time.Time{}
		_ = c.step(conference.Tick{})
	}
	for _, r := range append([]*recorder(nil), c.recorders...) {
		if !r.wake.IsZero() && !now.Before(r.wake) {
			r.wake = time.Time{}
			c.recorderStep(r, siprec.Tick{})
		}
	}
	i := 0
	for range len(c.alarms) { // what is handled may set others, which are not looked at now
		a := c.alarms[i]
		if now.Before(a.at) {
			i++
			continue
		}
		c.alarms = slices.Delete(c.alarms, i, i+1)
		a.message.handle(c)
	}
}

// command is an event of the API, with somebody who waits for its outcome.
type command struct {
	event conference.Event
	reply chan result // of capacity 1
}

// result is the outcome of a command.
type result struct {
	err     error
	state   *conference.State
	applied <-chan struct{} // closed when the mix is accordingly
}

func (m command) handle(c *controller) {
	err := c.step(m.event)
	m.reply <- result{err: err, state: c.machine.State(), applied: c.applied}
}

// query looks at what the controller owns.
type query struct {
	look func(c *controller)
	done chan struct{}
}

func (m query) handle(c *controller) {
	m.look(c)
	close(m.done)
}
