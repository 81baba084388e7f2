package focus_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/mixer"
)

// own are the facts of a participant that begin anew with each stay in a conference.
var own = []string{"in", "id", "muted", "deafened", "held", "unrecorded", "masked", "aside", "coaching"}

func keys(voice int, facts ...string) (list []string) {
	for _, fact := range facts {
		list = append(list, key(fact, voice))
	}
	return list
}

// changing does something that changes facts, which have a value then.
func (s *storm) changing(what string, value func() string, change func() error, facts ...string) {
	s.note("%s %v begins", what, facts)
	s.facts.begin(time.Now(), facts...)
	err := change()
	now := value()
	s.facts.end(time.Now(), now, facts...)
	s.note("%s %v is %q: %v", what, facts, now, err)
	if err != nil {
		s.t.Errorf("%s %v at %v: %v", what, facts, s.since(time.Now()), err)
	}
}

// stopping does what takes effect at once, but is over only when recorders have agreed. It changes nothing if there is no recording any more.
func (s *storm) stopping(what, value string, change func() error, fact string) {
	s.note("%s %s begins", what, fact)
	was := s.facts.now(fact)
	s.facts.begin(time.Now(), fact)
	done := make(chan error, 1)
	go func() { done <- change() }()
	pass(3 * mixer.TickPeriod)
	var err error
	select {
	case err = <-done:
		if errors.Is(err, conference.ErrNoRecording) {
			value, err = was, nil
		}
		s.facts.end(time.Now(), value, fact)
	default:
		s.facts.end(time.Now(), value, fact)
		err = <-done
	}
	if err != nil {
		s.t.Errorf("%s %s: %v", what, fact, err)
	}
	s.note("%s %s is over, is %q", what, fact, s.facts.now(fact))
}

func is(value string) func() string { return func() string { return value } }

// arrived has the facts of a participant be as they are for who has just come. Some are known: they are others for who has been moved.
func (s *storm) arrived(voice int, conf string, known map[string]string) {
	now, facts := time.Now(), map[string]string{"in": conf}
	if conf != "" {
		facts["id"] = string(s.phones[voice].id(conf))
	}
	maps.Copy(facts, known)
	for _, fact := range own {
		s.facts.end(now, facts[fact], key(fact, voice))
	}
}

func (s *storm) join(voice int, conf string) {
	p := s.phones[voice]
	s.note("%s calls %s", p.name, conf)
	s.facts.begin(time.Now(), keys(voice, slices.Concat(own, []string{"unsteady", "direction"})...)...)
	must(s.t, p.call(conf))
	s.b.await(p.name+" to be there", func() bool { q := s.b.find(conf, p.name); return q.Present() })
	s.arrived(voice, conf, nil)
	s.facts.end(time.Now(), "sendrecv", key("direction", voice))
	s.facts.end(time.Now(), "no", key("unsteady", voice))
	s.note("%s is in %s", p.name, conf)
}

func (s *storm) leave(voice int) {
	p, conf := s.phones[voice], s.facts.now(key("in", voice))
	if conf == "" {
		return
	}
	s.note("%s leaves %s", p.name, conf)
	s.facts.begin(time.Now(), keys(voice, slices.Concat(own, []string{"unsteady"})...)...)
	must(s.t, p.hangUp())
	s.b.await(p.name+" to be gone", func() bool { return p.id(conf) == "" })
	pass(40 * time.Millisecond) // its last tick
	s.arrived(voice, "", nil)
}

func (s *storm) move(voice int, from, to string) {
	p := s.phones[voice]
	s.note("%s moves to %s", p.name, to)
	kept := map[string]string{} // what keeps him out of recordings goes with him
	for _, fact := range []string{"masked", "unrecorded"} {
		kept[fact] = s.facts.now(key(fact, voice))
	}
	s.facts.begin(time.Now(), keys(voice, slices.Concat(own, []string{"unsteady"})...)...)
	must(s.t, s.b.focus.Move(s.t.Context(), conference.ID(from), p.id(from), conference.ID(to)))
	s.b.await(p.name+" to be there", func() bool { q := s.b.find(to, p.name); return q.Present() && p.id(from) == "" })
	pass(40 * time.Millisecond) // until the layout is in effect
	s.arrived(voice, to, kept)
	s.facts.end(time.Now(), "no", key("unsteady", voice))
	s.note("%s is in %s", p.name, to)
}

// toggle changes a flag of a participant.
func (s *storm) toggle(voice int, conf, fact string, change func(*focus.ParticipantChange, *bool)) {
	on := s.facts.now(key(fact, voice)) != "yes"
	value := "no"
	if on {
		value = "yes"
	}
	s.changing("flag", is(value), func() error {
		var c focus.ParticipantChange
		change(&c, &on)
		_, err := s.b.focus.UpdateParticipant(s.t.Context(), conference.ID(conf), s.phones[voice].id(conf), c)
		return err
	}, key(fact, voice))
}

// stir does one thing after the other to participants.
func (s *storm) stir(rng *rand.Rand) {
	for time.Now().Before(s.over) {
		pass(time.Duration(rng.IntN(600)) * time.Millisecond)
		voice := rng.IntN(stormVoices)
		if !s.busy[voice].TryLock() {
			continue
		}
		s.disturb(rng, voice)
		s.busy[voice].Unlock()
	}
}

func (s *storm) disturb(rng *rand.Rand, voice int) {
	conf := s.facts.now(key("in", voice))
	if conf == "" {
		s.join(voice, stormConferences[rng.IntN(2)])
		return
	}
	p := s.phones[voice]
	if s.relieve(rng, voice, conf) {
		return
	}
	switch rng.IntN(17) {
	case 0, 1:
		s.toggle(voice, conf, "muted", stormFlags["muted"])
	case 2:
		s.toggle(voice, conf, "deafened", stormFlags["deafened"])
	case 3:
		s.toggle(voice, conf, "held", stormFlags["held"])
	case 4, 5:
		s.toggle(voice, conf, "unrecorded", stormFlags["unrecorded"])
	case 6, 7:
		s.toggle(voice, conf, "masked", stormFlags["masked"])
	case 8, 9:
		direction := []sdp.Direction{sdp.SendOnly, sdp.Inactive, sdp.RecvOnly}[rng.IntN(3)]
		if s.facts.now(key("direction", voice)) != "sendrecv" {
			direction = sdp.SendRecv
		}
		s.resend(voice, direction.String(), func() error { return p.change(direction, p.codec) })
	case 10:
		codec := codecs.PCMA
		if p.codec == codec {
			codec = codecs.PCMU
		}
		s.resend(voice, s.facts.now(key("direction", voice)), func() error { return p.change(p.direction, codec) })
	case 11:
		s.resend(voice, s.facts.now(key("direction", voice)), func() error {
			p.changeSource()
			return nil
		})
	case 12:
		s.coach(rng, voice, conf)
	case 13:
		s.aside(rng, voice, conf)
	case 14:
		if voice > 2 { // the others keep the conferences going
			s.move(voice, conf, map[string]string{"one": "two", "two": "one"}[conf])
		}
	case 15:
		if voice > 2 {
			s.leave(voice)
		}
	case 16:
		s.resend(voice, s.facts.now(key("direction", voice)), func() error { return p.replace(conf) })
	}
}

// stormFlags are those of a participant, and what changes them.
var stormFlags = map[string]func(*focus.ParticipantChange, *bool){
	"muted":      func(c *focus.ParticipantChange, on *bool) { c.Muted = on },
	"deafened":   func(c *focus.ParticipantChange, on *bool) { c.Deafened = on },
	"held":       func(c *focus.ParticipantChange, on *bool) { c.Held = on },
	"unrecorded": func(c *focus.ParticipantChange, on *bool) { c.Unrecorded = on },
	"masked":     func(c *focus.ParticipantChange, on *bool) { c.Masked = on },
}

// relieve ends something that has been done to somebody: else nobody would be heard any more before long.
func (s *storm) relieve(rng *rand.Rand, voice int, conf string) bool {
	var list []func()
	for _, fact := range slices.Sorted(maps.Keys(stormFlags)) {
		if s.facts.now(key(fact, voice)) == "yes" {
			list = append(list, func() { s.toggle(voice, conf, fact, stormFlags[fact]) })
		}
	}
	if s.facts.now(key("direction", voice)) != "sendrecv" {
		list = append(list, func() {
			s.resend(voice, "sendrecv", func() error { return s.phones[voice].change(sdp.SendRecv, s.phones[voice].codec) })
		})
	}
	if s.facts.now(key("coaching", voice)) != "" {
		list = append(list, func() { s.coach(rng, voice, conf) })
	}
	if s.facts.now(key("aside", voice)) != "" {
		list = append(list, func() { s.aside(rng, voice, conf) })
	}
	if len(list) == 0 || rng.IntN(3) == 0 {
		return false
	}
	list[rng.IntN(len(list))]()
	return true
}

// resend changes how a phone sends, so that it may not be heard for a moment.
func (s *storm) resend(voice int, direction string, change func() error) {
	s.facts.begin(time.Now(), key("unsteady", voice))
	s.changing("direction", is(direction), change, key("direction", voice))
	s.facts.end(time.Now(), "no", key("unsteady", voice))
}

// coach has somebody be heard by one other only, or by all again.
func (s *storm) coach(rng *rand.Rand, voice int, conf string) {
	whom := conference.ParticipantID("")
	if other := rng.IntN(stormVoices); s.facts.now(key("coaching", voice)) == "" && other != voice {
		if !s.busy[other].TryLock() {
			return
		}
		defer s.busy[other].Unlock()
		whom = s.phones[other].id(conf)
	}
	s.changing("coach", is(string(whom)), func() error {
		_, err := s.b.focus.UpdateParticipant(s.t.Context(), conference.ID(conf), s.phones[voice].id(conf), focus.ParticipantChange{Coaching: &whom})
		return err
	}, key("coaching", voice))
}

// aside takes somebody and others of his conference into a sidebar, or lets one of those that there are hear the conference, or not, or be over.
func (s *storm) aside(rng *rand.Rand, voice int, conf string) {
	members := []int{voice}
	in := s.facts.now(key("aside", voice))
	for other := range stormVoices {
		if other != voice && (rng.IntN(2) == 0 || in != "") && s.busy[other].TryLock() {
			defer s.busy[other].Unlock()
			if s.facts.now(key("in", other)) == conf && (in == "" || s.facts.now(key("aside", other)) == in) {
				members = append(members, other)
			}
		}
	}
	aside := make([]string, 0, len(members))
	for _, m := range members {
		aside = append(aside, key("aside", m))
	}
	id := conference.SidebarID(in)
	if state := s.b.state(conf); in != "" && len(state.SidebarMembers(id)) != len(members) {
		return // somebody is busy, or somebody else with the sidebar
	}
	switch {
	case in == "":
		request := focus.SidebarRequest{Name: "aside", HearMain: rng.IntN(2) == 0, MainGainDB: -float64(rng.IntN(12))}
		for _, m := range members {
			request.Participants = append(request.Participants, s.phones[m].id(conf))
		}
		s.changing("aside", func() string { return string(id) }, func() error {
			info, err := s.b.focus.OpenSidebar(s.t.Context(), conference.ID(conf), request)
			if id = info.ID; err == nil {
				s.facts.end(time.Now().Add(-time.Hour), map[bool]string{true: "yes", false: "no"}[request.HearMain], "open/"+string(id))
			}
			return err
		}, aside...)
	case rng.IntN(2) == 0:
		open := s.facts.now("open/"+in) != "yes"
		s.changing("open", is(map[bool]string{true: "yes", false: "no"}[open]), func() error {
			_, err := s.b.focus.ChangeSidebar(s.t.Context(), conference.ID(conf), id, focus.SidebarChange{HearMain: &open})
			return err
		}, "open/"+in)
	default:
		s.changing("back", is(""), func() error { return s.b.focus.CloseSidebar(s.t.Context(), conference.ID(conf), id) }, aside...)
	}
}
