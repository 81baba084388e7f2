package confevent_test

import (
	"fmt"
	"time"

	"github.com/parley-sip/parley/confevent"
)

// One subscription, from its full document to the end of the conference.
func ExampleSubscription() {
	conference := func(names ...string) confevent.Document {
		users := &confevent.Users{}
		for _, n := range names {
			users.Users = append(users.Users, confevent.User{Entity: "sip:" + n + "@example.com"})
		}

		return confevent.Document{Entity: "sip:1000@example.com", Users: users}
	}
	tell := func(out confevent.Output) {
		if n := out.Notify; n != nil {
			fmt.Println(n.SubscriptionState(), n.Document.State, n.Document.Version)
		} else if !out.Wake.IsZero() {
			fmt.Println("until", out.Wake.Format(time.TimeOnly))
		}
	}
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	sub := confevent.NewSubscription(confevent.SubscriptionConfig{}, conference("alice"))
	tell(sub.Subscribe(now, confevent.Request{Expires: time.Hour}))
	tell(sub.Answered(now, confevent.Answer{Status: 200}))
	tell(sub.Update(now, conference("alice", "bob"))) // too soon
	now = now.Add(5 * time.Second)
	tell(sub.Tick(now))
	tell(sub.Answered(now, confevent.Answer{Status: 200}))
	tell(sub.Terminate(now, confevent.ReasonNoResource, 0))
	// Output:
	// active;expires=3600 full 1
	// until 10:00:00
	// until 09:00:05
	// active;expires=3595 partial 2
	// until 10:00:00
	// terminated;reason=noresource deleted 3
}
