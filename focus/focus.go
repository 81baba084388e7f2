package focus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/sparing"
	"github.com/parley-sip/parley/internal/spool"
	"github.com/parley-sip/parley/mixer"
)

// Deps are what a Focus works with. It closes none of them.
type Deps struct {
	Mixer   *mixer.Engine
	Media   *media.Transport
	Spool   *spool.Store // keeps what no recording server takes; nil: nothing does
	Prompts Prompts      // nil: nothing is said
	Sealer  Sealer       // signs what recording servers were sent; nil: nothing is sealed
	Logger  *slog.Logger // nil: silent
	Hooks   Hooks
}

// Focus hosts conferences. All methods may be called by any goroutine. It is the sipua.Handler of its agent.
type Focus struct {
	// Immutable. cfg is what it started from; what may change since then is read from live.
	cfg      Config
	mixer    *mixer.Engine
	media    *media.Transport
	log      *slog.Logger
	shortage sparing.Log
	hooks    Hooks
	events   *eventLog
	pool     *recorderPool
	prompts  Prompts
	spool    *spool.Store // nil: none
	sealer   Sealer       // nil: none

	assurance assurance
	settings  atomic.Pointer[Config] // that hold now
	refusing  atomic.Bool            // nobody may be called out any more
	guard     doorGuard
	choices   map[conference.Choice]choice

	spooled, delivered, unrecorded atomic.Uint64               // frames of recorded streams
	inDoubt                        atomic.Int64                // octets of what is kept beyond the usual
	spawn                          func(func(context.Context)) // runs a job; its context ends when Shutdown has no more time
	cut                            context.CancelFunc
	drain                          context.CancelFunc
	// onDrain has something done when Shutdown begins, or at once when it has; stop takes that back.
	onDrain func(do func()) (stop func() bool)

	agent       atomic.Pointer[sipua.Agent]
	jobs        sync.WaitGroup // all goroutines of the Focus
	tapped      packetCount
	mixes       sync.Map      // *mixer.Mix to *controller
	moved       sync.Map      // generation of a call to the *controller that it has come to from another
	talking     atomic.Int64  // participants admitted, for Limits.Participants
	follows     atomic.Int64  // subscriptions
	legs        legs          // calls by their dialogs
	generations atomic.Uint64 // of calls so far
	sources     sources       // of subscriptions
	creations   creations     // at the factory
	pace        *rate.Limiter // of NOTIFYs about changes
	whole       *rate.Limiter // of those with all that there is, which answer a SUBSCRIBE or are the last: thousands may refresh or leave in the same moment
	closing     chan struct{} // held by whoever closes media of a participant

	mu       sync.Mutex // guards what follows
	entries  map[conference.ID]*entry
	draining bool
	// persistent are the recording sessions that are kept up, by the names of their servers.
	persistent map[string]*persistent
	// stopProbes ends the questions to the recording servers.
	stopProbes context.CancelFunc
}

// New makes a Focus with its static conferences, all idle. The error wraps ErrInvalid.
func New(cfg Config, deps Deps) (*Focus, error) {
	if deps.Mixer == nil || deps.Media == nil {
		return nil, fmt.Errorf("%w: a mixer and a media transport are needed", ErrInvalid)
	}
	log := deps.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg = cfg.withDefaults()
	if deps.Prompts == nil {
		deps.Prompts = noPrompts{}
	}
	f := &Focus{
		cfg: cfg, spool: deps.Spool, sealer: deps.Sealer, prompts: deps.Prompts, guard: newDoorGuard(cfg.Door), choices: menuChoices(), mixer: deps.Mixer, media: deps.Media, log: log, hooks: deps.Hooks,
		pool: newRecorderPool(cfg.Recorders, time.Now()), events: newEventLog(cfg.Limits.Events, deps.Hooks.Event), entries: map[conference.ID]*entry{}, closing: make(chan struct{}, 1),
	}
	f.pace = rate.NewLimiter(rate.Limit(cfg.NotifyRate), max(1, cfg.NotifyRate/20)) //nolint:mnd // what a twentieth of a second may have at once
	f.whole = rate.NewLimiter(wholeRate, wholeAtOnce)
	root, cut := context.WithCancel(context.Background())
	f.cut = cut
	draining, drain := context.WithCancel(context.Background())
	f.drain = drain
	f.onDrain = func(do func()) func() bool { return context.AfterFunc(draining, do) }
	f.spawn = func(job func(context.Context)) { f.jobs.Go(func() { job(root) }) }
	if err := f.check(&cfg); err != nil {
		return nil, err
	}
	f.settings.Store(&cfg)
	for _, c := range cfg.Conferences {
		f.entries[c.ID] = newEntry(c, true, false)
	}
	if err := f.addAccess(cfg.Access); err != nil {
		return nil, err
	}
	return f, nil
}

// check refuses what a Focus could not work with. Error: ErrInvalid.
func (f *Focus) check(cfg *Config) error {
	if err := errors.Join(cfg.Refer.Validate(), checkMenu(cfg.Menu), cfg.Defaults.checkPINs()); err != nil {
		return err
	}
	for i := range cfg.RecordingRules {
		if err := f.checkServers(cfg.RecordingRules[i].Recording.Servers); err != nil {
			return fmt.Errorf("%w: recording rule %d: %w", ErrInvalid, i, err)
		}
	}
	seen := map[conference.ID]bool{}
	for _, c := range cfg.Conferences {
		if err := f.checkConference(c); err != nil {
			return err
		}
		if seen[c.ID] {
			return fmt.Errorf("%w: conference %q twice", ErrInvalid, c.ID)
		}
		seen[c.ID] = true
	}
	return nil
}

// live are the settings that hold now. They are not to be changed.
func (f *Focus) live() *Config { return f.settings.Load() }

// conferenceID is what may stand as user part without escapes (RFC 3261, section 25.1).
var conferenceID = regexp.MustCompile(`^[A-Za-z0-9_.!~*'()&=+$,;?/-]{1,128}$`)

// checkConference holds what the rest relies on: a name that fits into a URI, and known recording servers.
func (f *Focus) checkConference(c ConferenceConfig) error {
	if !conferenceID.MatchString(string(c.ID)) {
		return fmt.Errorf("%w: conference %q: an identifier has 1 to 128 of A-Z, a-z, 0-9 and _.!~*'()&=+$,;?/-", ErrInvalid, c.ID)
	}
	if !c.Closes.IsZero() && !c.Closes.After(c.Opens) {
		return fmt.Errorf("%w: conference %q closes before it opens", ErrInvalid, c.ID)
	}
	if c.MaxParticipants < 0 || c.MaxSpeakers < 0 || c.Grace < 0 {
		return fmt.Errorf("%w: a limit of conference %q is negative", ErrInvalid, c.ID)
	}
	if err := c.Rules.Valid(); err != nil {
		return fmt.Errorf("%w: a rule of conference %q: %w", ErrInvalid, c.ID, err)
	}
	if err := c.Audio.Validate(); err != nil {
		return fmt.Errorf("%w: conference %q: %w", ErrInvalid, c.ID, err)
	}
	if err := errors.Join(c.Calls.check(), c.About.check(), c.checkPINs()); err != nil {
		return err
	}
	return f.checkServers(c.Recording.Servers)
}

func (f *Focus) checkServers(names []string) error {
	for _, name := range names {
		if !f.pool.has(name) {
			return fmt.Errorf("%w: %q", ErrNoServer, name)
		}
	}
	return nil
}

// Serve gives the Focus its agent; to be called once, before or right after the agent is started. (The agent needs its
// handler first, hence not a field of Deps.)
func (f *Focus) Serve(agent *sipua.Agent) {
	f.agent.Store(agent)
	f.probeRecorders(agent)
	f.deliverSpool(agent)
	f.keepPersistent(agent)
}

// Shutdown drains: new calls and subscriptions are refused, all conferences end with BYE and a last NOTIFY, recordings get
// their last metadata and BYE. Peers that do not answer are waited for only a few seconds; which recording server has not
// got what is logged, and no error. When ctx ends earlier the rest is cut off and its error returned. No goroutine of the
// Focus runs any more when it returns, but those that wait in the agent for the answer to an offer that was given up. The
// agent is to be shut down after it.
func (f *Focus) Shutdown(ctx context.Context) error {
	f.mu.Lock()
	f.draining = true
	f.drain()
	var running []*controller
	for _, e := range f.entries {
		if e.ctl != nil {
			running = append(running, e.ctl)
		}
		e.retire()
	}
	f.mu.Unlock()
	for _, c := range running {
		c.post(draining{})
	}
	done := make(chan struct{})
	go func() {
		f.jobs.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		f.cut()
		<-done
	}
	f.cut()
	f.events.close()
	return err
}

// Draining tells whether Shutdown has begun.
func (f *Focus) Draining() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.draining
}

// Speakers is to be called by the engine: give it to mixer.Config.OnSpeakers. It does not block.
func (f *Focus) Speakers(m *mixer.Mix, active []mixer.MemberID) {
	if c, ok := f.mixes.Load(m); ok {
		c.(*controller).heard(active) //nolint:forcetypeassert // the map holds nothing else
	}
}

// Stats is the focus in numbers.
type Stats struct {
	Conferences     int            // with somebody in them
	Participants    int            // present
	Waiting         int            // to be let in
	Subscriptions   int            // to conference events
	Recordings      map[string]int // sessions with recording servers by state
	RecordedPackets uint64         // sent to recording servers since the start
	// Frames of recorded streams since the start: kept on disk, delivered from there, and those that no server and no disk took.
	SpooledFrames, DeliveredFrames, UnrecordedFrames uint64
	SpoolBytes                                       int64 // on disk now
}

// Stats counts what there is now.
func (f *Focus) Stats() Stats {
	s := Stats{
		Subscriptions: int(f.follows.Load()), Recordings: map[string]int{}, RecordedPackets: f.tapped.total(),
		SpooledFrames: f.spooled.Load(), DeliveredFrames: f.delivered.Load(), UnrecordedFrames: f.unrecorded.Load(),
	}
	s.SpoolBytes = f.SpoolBytes()
	for _, state := range f.Conferences() {
		if state.Active {
			s.Conferences++
		}
		s.Participants += state.PresentCount()
		s.Waiting += state.WaitingCount()
		for i := range state.Recordings {
			for k := range state.Recordings[i].Servers {
				if v := &state.Recordings[i].Servers[k]; !v.Over() {
					s.Recordings[v.State.String()]++
				}
			}
		}
	}
	return s
}

// SpoolBytes is what the spool has on disk now. Unlike Stats it does not look at every conference, so that it may be asked for all the time.
func (f *Focus) SpoolBytes() int64 {
	if f.spool == nil {
		return 0
	}
	return f.spool.Size()
}

var _ sipua.Handler = (*Focus)(nil)
