package conference

import (
	"slices"
	"time"
)

// Limits of what a machine keeps and waits for.
const (
	keptRecordings = 8                // of those that are over
	recordingDrain = 10 * time.Second // how long an end waits for recording servers
	minGainDB      = -60
	maxGainDB      = 20
	menuTimeout    = 3 * time.Second
)

// Config is what a conference starts from.
type Config struct {
	ID              ID
	URI             string
	Name            string
	Dynamic         bool          // ends when the last participant leaves; otherwise it falls idle
	Grace           time.Duration // how long an empty dynamic conference waits before it ends
	Locked          bool
	MutedOnEntry    bool
	MaxParticipants int       // 0: no limit
	Opens, Closes   time.Time // between which participants are let in, and at the end of which it ends; zero: always, never
	Rules           Rules
	Warnings        []time.Duration // before the end by Rules.MaxDuration
	Farewell        time.Duration   // how long the announcement of the end takes; 0: there is none
	Calls           CallList
	Recording       RecordingConfig
	Door            DoorConfig
	Menu            MenuConfig
}

// Machine is the conference. It belongs to one goroutine; the States it hands out belong to nobody.
type Machine struct {
	cfg    Config
	state  *State
	policy RecordingConfig // that holds now: of a rule, or of the conference
	// brokePaused tells that the last recording of the policy failed for good in a pause: the next one begins in it, as nobody has ended it.
	brokePaused bool
	asked       map[ParticipantID]Indication // the last Indicate sent out
	askedVia    map[ParticipantID]string     // likewise
	opened      map[RecordingID]bool         // StartRecording was sent out
	pads        map[ParticipantID]*pad
	guard       *Guard
	emptySince  time.Time
	endedAt     time.Time   // of a conference that must not take anybody any more
	idle        bool        // Idle was sent out
	wake        time.Time   // the last WakeAt
	tally       tally       // of the State
	said        indications // what everybody has been told as far as he has not changed since
	life        life
	calls       []calling // like the Callees of the CallList; nil: nobody is to be called
	callsKept   bool      // even if nobody is there to wait for them
}

// NewMachine gives a conference with nobody in it, at version 1.
func NewMachine(cfg Config) *Machine {
	cfg.Recording = cfg.Recording.normal()
	cfg.Warnings, cfg.Calls.Callees = slices.Clone(cfg.Warnings), slices.Clone(cfg.Calls.Callees)
	cfg.Door, cfg.Menu = cfg.Door.withDefaults(), cfg.Menu.withDefaults()
	return &Machine{
		cfg: cfg, policy: cfg.Recording,
		state: &State{
			ID: cfg.ID, Name: cfg.Name, URI: cfg.URI, Version: 1, Dynamic: cfg.Dynamic,
			Locked: cfg.Locked, MutedOnEntry: cfg.MutedOnEntry, MaxParticipants: cfg.MaxParticipants, Rules: cfg.Rules,
			Protected: cfg.Door.awaits(false) == AwaitsPIN, Opens: cfg.Opens, Closes: cfg.Closes,
		},
		asked: map[ParticipantID]Indication{}, askedVia: map[ParticipantID]string{},
		opened: map[RecordingID]bool{},
		pads:   map[ParticipantID]*pad{}, guard: NewGuard(cfg.Door),
		idle: true,
	}
}

// equip changes settings that are no part of the State.
func (m *Machine) equip(e Equip) {
	now := m.cfg.Door
	m.cfg.Door, m.cfg.Menu = e.Door.withDefaults(), e.Menu.withDefaults()
	m.cfg.Door.PIN, m.cfg.Door.ModeratorPIN, m.cfg.Door.Access = now.PIN, now.ModeratorPIN, now.Access
	m.guard.SetLimits(e.Door)
}

// State gives the present version.
func (m *Machine) State() *State { return m.state }

// Wake gives the time of the last WakeAt, zero for none.
func (m *Machine) Wake() time.Time { return m.wake }

// Step takes one event at a time that must not run backwards, and gives what has to be done about it. A refused event
// gives one Reject and changes nothing.
func (m *Machine) Step(e Event, now time.Time) []Action {
	s := &step{m: m, now: now, next: *m.state, tally: m.tally}
	s.next.Departed = nil
	if err := s.apply(e); err != nil {
		return []Action{Reject{Err: err}}
	}
	if err := s.settle(); err != nil {
		return []Action{Reject{Err: err}}
	}
	return s.commit()
}

// step is one transition in the making: a copy of the state, and what has to be done.
type step struct {
	m       *Machine
	now     time.Time
	next    State
	tally   tally
	touched []ParticipantID // who has come or changed
	owned   bool            // next.Participants is our own copy
	rowned  bool            // next.Recordings is our own copy
	dirty   bool
	actions []Action

	entered, exited  []ParticipantID // who has come in, or gone
	deadline, endsAt time.Time       // of the rules
}

func (s *step) apply(e Event) error {
	if s.m.state.Ended {
		return ErrEnded
	}
	switch e := e.(type) {
	case Join:
		return s.join(e)
	case Invite:
		return s.invite(e)
	case Ringing:
		return s.ringing(e)
	case Bridged:
		return s.bridged(e)
	case SessionChanged:
		return s.edit(e.ID, func(p *Participant) { p.Session = e.Session })
	case Left:
		return s.left(e)
	case Failure:
		return s.failed(e)
	case EjectParticipant:
		if err := s.moderates(e.By); err != nil {
			return err
		}
		return s.eject(e.ID, e.Reason)
	case Adjust:
		return s.adjust(e)
	case Prefer:
		return s.prefer(e)
	case Speaking:
		return s.speaking(e)
	case Key:
		return s.key(e)
	case Said:
		return s.said(e)
	case Named:
		return s.named(e)
	case Routed:
		return s.routed(e)
	case Indicated:
		return s.edit(e.ID, func(p *Participant) { p.Told = min(e.Indication, s.m.asked[e.ID]) })
	default:
		return s.applyConference(e)
	}
}

// applyConference is the half of apply that concerns no single participant.
func (s *step) applyConference(e Event) error {
	switch e := e.(type) {
	case Configure:
		return s.configure(e)
	case Equip:
		s.m.equip(e)
		return nil
	case AdmitAll:
		return s.admitAll(e)
	case MuteAll:
		return s.muteAll(e)
	case LowerHands:
		return s.lowerHands(e)
	case CallOut:
		return s.callOut()
	case OpenSidebar:
		return s.openSidebar(e)
	case ChangeSidebar:
		return s.changeSidebar(e)
	case CloseSidebar:
		return s.closeSidebar(e)
	case Record:
		return s.record(e)
	case Steer:
		return s.steer(e.Wish)
	case PauseRecording:
		return s.wish(e.ID, true, false)
	case ResumeRecording:
		return s.wish(e.ID, false, false)
	case StopRecording:
		return s.wish(e.ID, false, true)
	case Report:
		return s.report(e)
	case End:
		return s.finish(e)
	default: // Tick
		return s.settlePads()
	}
}

// do adds actions.
func (s *step) do(a ...Action) { s.actions = append(s.actions, a...) }

// commit makes the copy the state, when it differs, and gives the actions.
func (s *step) commit() []Action {
	if !s.dirty {
		return s.actions
	}
	old := s.m.state
	s.next.Version = old.Version + 1
	next := s.next
	s.m.state, s.m.tally = &next, s.tally
	acts := make([]Action, 0, len(s.actions)+2)
	acts = append(acts, Publish{})
	if mixDiffers(old, &next) {
		acts = append(acts, UpdateMix{})
	}
	return append(acts, s.actions...)
}

// configure changes settings.
func (s *step) configure(e Configure) error {
	if err := s.moderates(e.By); err != nil {
		return err
	}
	if e.MaxParticipants != nil && *e.MaxParticipants < 0 {
		return ErrRange
	}
	rules, err := s.next.Rules.With(e.Rules)
	if err != nil {
		return err
	}
	n := &s.next
	set(s, &n.Rules, &rules)
	set(s, &n.Name, e.Name)
	set(s, &n.Locked, e.Locked)
	set(s, &n.MutedOnEntry, e.MutedOnEntry)
	set(s, &n.MaxParticipants, e.MaxParticipants)
	return nil
}

// set writes a wished value, and notes whether it is a change.
func set[T comparable](s *step, field, wish *T) {
	if wish != nil && *field != *wish {
		*field = *wish
		s.dirty = true
	}
}
