package conference

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"
)

// Awaiting is what keeps a participant out of the conference although its media are agreed: it hears prompts only, is heard by nobody
// and recorded by nobody, and is pending in the roster (RFC 4575, section 5.7.3).
type Awaiting uint8

// What a participant may be waiting for.
const (
	AwaitsNothing Awaiting = iota
	AwaitsPIN              // of the conference, by key presses
	AwaitsNumber           // of a conference, at an access number
	AwaitsConsent          // of who was called, by the key 1: a voice mailbox does not press it
	AwaitsName             // that he says, for the others to hear
)

// String gives the name used by the API, "" for nothing.
func (a Awaiting) String() string { return name(awaitingNames[:], int(a)) }

// DoorConfig says who gets in by which keys. Zero fields take the defaults.
type DoorConfig struct {
	// PIN and ModeratorPIN let in; both empty: nobody is asked. With ModeratorPIN alone all others enter without one.
	PIN, ModeratorPIN string
	// Access makes this an access number: callers enter the number of a conference, and are routed there.
	Access bool
	// Attempts is how often a caller may be wrong, or enter nothing; 3.
	Attempts int
	// First is the time for the first key after what was said, Between that for each following; 10 s and 5 s.
	First, Between time.Duration
	// Failures wrong entries of one source within Window keep it out for Lockout; 10 in 10 min, for 10 min. Total of all sources
	// together keep out everybody; 100, negative: no such limit.
	Failures, Total int
	Window, Lockout time.Duration
	// Name is how long a name may be; 5 s.
	Name time.Duration
}

const (
	maxEntry     = 32               // keys of an entry
	farewellTime = 15 * time.Second // for what is said to who is sent away
	routingTime  = 30 * time.Second // for the answer to a Route
)

func (d DoorConfig) withDefaults() DoorConfig {
	for field, value := range map[*time.Duration]time.Duration{
		&d.First: 10 * time.Second, &d.Between: 5 * time.Second, &d.Window: 10 * time.Minute, &d.Lockout: 10 * time.Minute,
		&d.Name: 5 * time.Second,
	} {
		if *field == 0 {
			*field = value
		}
	}
	for field, value := range map[*int]int{&d.Attempts: 3, &d.Failures: 10, &d.Total: 100} {
		if *field == 0 {
			*field = value
		}
	}
	return d
}

// awaits is what a caller has to do before he is let in.
func (d *DoorConfig) awaits(known bool) Awaiting {
	switch {
	case d.Access:
		return AwaitsNumber
	case (d.PIN != "" || d.ModeratorPIN != "") && !known:
		return AwaitsPIN
	default:
		return AwaitsNothing
	}
}

// grants compares what was entered with both PINs, in a time that tells nothing of them.
func (d *DoorConfig) grants(entered string) (Role, bool) {
	same := func(pin string) bool {
		a, b := sha256.Sum256([]byte(entered)), sha256.Sum256([]byte(pin))
		return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && pin != ""
	}
	moderator, speaker := same(d.ModeratorPIN), same(d.PIN)
	switch {
	case moderator:
		return Moderator, true
	case speaker:
		return Speaker, true
	default:
		return Speaker, false
	}
}

// complete tells whether no further key can matter: the entry is as long as any PIN, or is one that is not the beginning of the other.
func (d *DoorConfig) complete(entered string) bool {
	if len(entered) >= max(len(d.PIN), len(d.ModeratorPIN)) {
		return true
	}
	role, ok := d.grants(entered)
	longer := d.ModeratorPIN // the other one
	if role == Moderator {
		longer = d.PIN
	}
	return ok && !strings.HasPrefix(longer, entered)
}

// ask says prompts to who waits, and begins to listen anew.
func (s *step) ask(id ParticipantID, prompts ...Prompt) {
	pad := s.m.pad(id)
	pad.keys, pad.busy, pad.deadline = "", false, time.Time{}
	s.say(id, prompts...)
}

// say says something to one participant, instead of what is being said to him.
func (s *step) say(id ParticipantID, prompts ...Prompt) {
	pad := s.m.pad(id)
	pad.turn++
	s.do(Say{ID: id, Turn: pad.turn, Prompts: prompts})
}

// arrive is the first question to who is at the door.
func (s *step) arrive(p Participant) {
	switch p.Awaits {
	case AwaitsPIN, AwaitsConsent:
		s.ask(p.ID, s.m.cfg.Door.question(p.Awaits))
	case AwaitsNumber:
		s.ask(p.ID, SayWelcome, SayConferenceNumber)
	case AwaitsName:
		s.askName(p.ID)
	case AwaitsNothing:
	}
}

// question is what is said to who has to enter something.
func (d *DoorConfig) question(a Awaiting) Prompt {
	switch {
	case a == AwaitsNumber:
		return SayConferenceNumber
	case a == AwaitsConsent:
		return SayPressOneToJoin
	case d.PIN == "":
		return SayEnterModeratorPIN
	default:
		return SayEnterPIN
	}
}

// said hears that something has been said to its end, or was cut short.
func (s *step) said(e Said) error {
	pad := s.m.pads[e.ID]
	p, ok := s.next.Participant(e.ID)
	switch {
	case !ok:
		return ErrNoParticipant
	case pad == nil || pad.turn != e.Turn || pad.busy || p.Awaits == AwaitsNothing:
		return nil
	case pad.leaving != "":
		return s.eject(e.ID, pad.leaving)
	case p.Awaits == AwaitsName:
		s.listen(e.ID, pad)
	case pad.keys == "":
		pad.deadline = s.now.Add(s.m.cfg.Door.First)
	}
	return nil
}

// enterKey takes a key of who is at the door: digits, * to begin anew, # at the end.
func (s *step) enterKey(p Participant, pad *pad, key byte) error {
	d := &s.m.cfg.Door
	switch {
	case pad.leaving != "" || pad.busy:
		return nil
	case p.Awaits == AwaitsName:
		return s.nameKey(p, pad, key)
	case p.Awaits == AwaitsConsent && key == '1':
		return s.pass(p.ID, p.Role)
	case p.Awaits == AwaitsConsent:
		return s.again(p, pad, SayPressOneToJoin)
	case key == '#':
		return s.submit(p, pad)
	case key == '*':
		pad.keys, pad.deadline = "", s.now.Add(d.First)
		return nil
	case key < '0' || key > '9' || len(pad.keys) >= maxEntry:
		return nil
	}
	pad.keys += string(key)
	pad.deadline = s.now.Add(d.Between)
	if p.Awaits == AwaitsPIN && d.complete(pad.keys) {
		return s.submit(p, pad)
	}
	return nil
}

// submit decides on what was entered.
func (s *step) submit(p Participant, pad *pad) error {
	if p.Awaits == AwaitsName { // has been waited for long enough
		return s.pass(p.ID, pad.role)
	}
	entered := pad.keys
	pad.keys, pad.deadline = "", time.Time{}
	d := &s.m.cfg.Door
	if p.Awaits == AwaitsNumber && entered != "" {
		pad.busy, pad.deadline = true, s.now.Add(routingTime)
		s.do(Route{ID: p.ID, Number: entered})
		return nil
	}
	if entered == "" {
		if p.Awaits == AwaitsPIN && d.PIN == "" {
			return s.pass(p.ID, p.Role)
		}
		return s.again(p, pad, SayNothingEntered)
	}
	role, ok := d.grants(entered)
	if !ok {
		return s.wrong(p, pad, SayPINWrong)
	}
	return s.pass(p.ID, role)
}

// wrong counts an entry that could be a guess.
func (s *step) wrong(p Participant, pad *pad, why Prompt) error {
	s.do(Guessed{ID: p.ID})
	if s.m.guard.Failed(pad.source, s.now) {
		return s.dismiss(p.ID, SayTooManyAttempts, lockedOut)
	}
	return s.again(p, pad, why)
}

// again asks once more, as long as there are attempts left.
func (s *step) again(p Participant, pad *pad, why Prompt) error {
	pad.attempts++
	last := pad.attempts >= s.m.cfg.Door.Attempts
	switch {
	case p.Awaits == AwaitsConsent && last:
		return s.dismiss(p.ID, SayGoodbye, declined)
	case p.Awaits == AwaitsConsent:
		s.ask(p.ID, SayPressOneToJoin)
		return nil
	case last:
		return s.dismiss(p.ID, SayTooManyAttempts, notLetIn)
	}
	s.ask(p.ID, why, s.m.cfg.Door.question(p.Awaits))
	return nil
}

// Reasons of those who are sent away from the door (RFC 3326).
const (
	notLetIn   = `SIP;cause=403;text="Not let in"`
	lockedOut  = `SIP;cause=403;text="Too many wrong entries"`
	declined   = `SIP;cause=603;text="No consent"`
	lockedDoor = `SIP;cause=403;text="Conference Locked"`
)

// dismiss says why somebody is not let in, and then good bye.
func (s *step) dismiss(id ParticipantID, why Prompt, reason string) error {
	pad := s.m.pad(id)
	if why == SayGoodbye {
		s.say(id, why)
	} else {
		s.say(id, why, SayGoodbye)
	}
	pad.leaving, pad.deadline = reason, s.now.Add(farewellTime)
	return nil
}

// pass lets somebody in.
func (s *step) pass(id ParticipantID, role Role) error {
	switch { // since he came
	case s.next.Locked:
		return s.dismiss(id, SayConferenceLocked, lockedDoor)
	case !s.m.life.closingAt.IsZero():
		return s.dismiss(id, SayConferenceEnded, notLetIn)
	}
	if p, _ := s.next.Participant(id); p.Awaits == AwaitsName {
		s.do(KeepName{ID: id})
	} else if pad := s.m.pad(id); s.asksName(&p, pad.known) {
		pad.role = role
		s.askName(id)
		return s.edit(id, func(p *Participant) { p.Awaits = AwaitsName })
	}
	entering := SayEntering
	if role == Moderator {
		entering = SayEnteringAsModerator
	}
	governed, _ := s.next.Participant(id)
	old := s.m.pad(id)
	wanted := s.govern(old.rule, &governed)
	err := s.edit(id, func(p *Participant) {
		*p = governed
		p.Awaits, p.Role = AwaitsNothing, role
		s.reach(p)
		p.Muted = p.Muted && role == Speaker
	})
	if err != nil {
		return err
	}
	s.m.pads[id] = &pad{turn: old.turn}
	s.begin(wanted)
	s.say(id, entering)
	return nil
}

// routed hears what has become of a caller who wanted to go to a conference.
func (s *step) routed(e Routed) error {
	pad := s.m.pads[e.ID]
	p, ok := s.next.Participant(e.ID)
	switch {
	case !ok || pad == nil:
		return ErrNoParticipant
	case !pad.busy:
		return ErrConflict
	case e.Why == "": // he is there
		s.drop(s.index(e.ID))
		delete(s.m.pads, e.ID)
		return nil
	}
	pad.busy = false
	if e.Why == SayTooManyAttempts {
		return s.dismiss(e.ID, e.Why, lockedOut)
	}
	if e.Why == SayConferenceUnknown || e.Why == SayNotAllowed {
		return s.wrong(p, pad, e.Why)
	}
	return s.again(p, pad, e.Why)
}
