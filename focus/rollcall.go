package focus

import (
	"github.com/parley-sip/parley/focus/conference"
)

// maxNames is how many names are said one after the other; of more who come at once, or are there, the others are counted.
const (
	maxNames     = 50
	maxAnnounced = 3
)

// arrival is somebody who has come or gone, and is to be announced.
type arrival struct {
	entered bool
	name    *recordedName // nil: he has not said one
}

// arrivals are those who are still to be announced: one after the other.
type arrivals struct {
	waiting []arrival
	saying  bool
}

// announceName has it said who has come or gone.
func (c *controller) announceName(a conference.Announce) {
	next := arrival{entered: a.Entered}
	if p := c.participants[a.ID]; p != nil {
		next.name = p.name
	}
	c.arrivals.waiting = append(c.arrivals.waiting, next)
	c.nextArrival()
}

// nextArrival says the next one, or how many there are when they come faster than they can be said.
func (c *controller) nextArrival() {
	q := &c.arrivals
	if c.machine.State().PresentCount() == 0 {
		q.waiting = nil
	}
	if q.saying || len(q.waiting) == 0 {
		return
	}
	var s *speech
	if len(q.waiting) > maxAnnounced {
		s, q.waiting = c.compose(c.crowd(q.waiting)), nil
	} else {
		s, q.waiting = c.composeArrival(q.waiting[0]), q.waiting[1:]
	}
	q.saying = c.sayToAll(s, func() {
		q.saying = false
		c.nextArrival()
	})
}

func (c *controller) composeArrival(a arrival) *speech {
	verb := "has-left"
	if a.entered {
		verb = "has-joined"
	}
	if a.name == nil {
		return c.compose([]string{"a-participant", verb})
	}
	s := c.compose([]string{verb})
	name := a.name.sound()
	s.parts, s.samples = append([][]int16{name}, s.parts...), s.samples+len(name)
	return s
}

// crowd says how many have come and gone.
func (c *controller) crowd(list []arrival) (names []string) {
	count := map[bool]int{}
	for _, a := range list {
		count[a.entered]++
	}
	for _, entered := range []bool{true, false} {
		switch n := count[entered]; {
		case n == 1:
			names = append(names, "a-participant", either(entered, "has-joined", "has-left")[0])
		case n > 1:
			names = append(append(names, c.focus.prompts.Number(n)...), either(entered, "have-joined", "have-left")[0])
		}
	}
	return names
}

// rollCall says how many are in, the names that they have said, and how many have said none.
func (c *controller) rollCall() []string {
	s := c.machine.State()
	n := s.PresentCount()
	if n == 1 {
		return []string{"only-participant"}
	}
	list := append(append([]string{"there-are"}, c.focus.prompts.Number(n)...), "participants")
	named := 0
	for i := range s.Participants {
		p := s.Participants[i]
		if held := c.participants[p.ID]; p.Present() && held != nil && held.name != nil && named < maxNames {
			named++
			list = append(list, nameOf+string(p.ID))
		}
	}
	switch rest := n - named; rest {
	case 0:
		return list
	case 1:
		return append(append(list, c.focus.prompts.Number(rest)...), "no-name")
	default:
		return append(append(list, c.focus.prompts.Number(rest)...), "no-names")
	}
}

func sayNames(c *controller, _ *conference.Participant) ([]string, error) { return c.rollCall(), nil }
