package conference_test

import (
	"fmt"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// A conference with room for one: the second caller is refused, and the end comes with the last who leaves.
func Example() {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	m := conference.NewMachine(conference.Config{ID: "1000", URI: "sip:1000@example.com", Dynamic: true, MaxParticipants: 1})
	for _, e := range []conference.Event{
		conference.Join{ID: "a", Entity: "sip:alice@example.com"},
		conference.Bridged{ID: "a", Session: conference.Session{Sends: true, Receives: true}},
		conference.Join{ID: "b", Entity: "sip:bob@example.com"},
		conference.Left{ID: "a"},
	} {
		for _, a := range m.Step(e, now) {
			switch a := a.(type) {
			case conference.Admit:
				fmt.Println("admit", a.ID)
			case conference.Reject:
				fmt.Println("refused:", a.Err)
			case conference.Publish:
				s := m.State()
				fmt.Printf("version %d: %d present\n", s.Version, s.PresentCount())
			case conference.Close:
				fmt.Println("the end")
			}
		}
	}
	// Output:
	// version 2: 0 present
	// admit a
	// version 3: 1 present
	// refused: the conference is full
	// version 4: 0 present
	// the end
}
