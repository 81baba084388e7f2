package siprec_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// A recording session begins, is paused and ends; the recorder agrees each time.
func Example() {
	client, err := siprec.New(siprec.Config{Address: netip.MustParseAddr("192.0.2.1"), SDPSession: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	desire := siprec.Desire{
		Streams: []siprec.StreamWish{{Key: "mix", ID: "JinUqhSBScGsrLbLmX/n3A==", Port: 40000}},
		Roster: siprec.Roster{
			Session: "+V4f7ye0QomgMQSRYuXUaw==", Started: now,
			Participants: []siprec.RosterParticipant{{
				ID: "qvgzmpY0R6GxQo3FvgCAPw==", Names: []siprec.NameID{{AOR: "sip:alice@example.com", Name: "Alice"}}, Joined: now,
			}},
		},
	}
	step := func(ev siprec.Event) {
		for _, a := range client.Step(ev, now) {
			switch a := a.(type) {
			case siprec.Invite:
				fmt.Println("INVITE")
			case siprec.ReInvite:
				fmt.Println("re-INVITE")
			case siprec.Update:
				fmt.Println("UPDATE")
			case siprec.Bye:
				fmt.Println("BYE")
			case siprec.StartMedia:
				fmt.Println("start", a.Key, "to", a.Remote)
			case siprec.StopMedia:
				fmt.Println("stop", a.Key)
			case siprec.Report:
				fmt.Println(a.State)
			case siprec.WakeAt:
				if !a.Time.IsZero() {
					now = a.Time
				}
			}
		}
	}
	const answer = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8\r\n"
	agree := siprec.Answered{Status: 200, ContentType: "application/sdp", Body: []byte(answer + "a=recvonly\r\n")}

	step(desire)
	step(agree)
	desire.Paused = true
	step(desire)
	step(siprec.Tick{})
	step(siprec.Answered{Status: 200, ContentType: "application/sdp", Body: []byte(answer + "a=inactive\r\n")})
	desire.Stopped = true
	step(desire)
	step(siprec.Answered{Status: 200})
	// Output:
	// INVITE
	// connecting
	// start mix to 192.0.2.9:20000
	// recording
	// stop mix
	// re-INVITE
	// paused
	// UPDATE
	// BYE
	// stopped
}

// The difference of two documents is what a recorder has to be told.
func ExampleDiff() {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	roster := siprec.Roster{
		Session: "+V4f7ye0QomgMQSRYuXUaw==", Started: start,
		Participants: []siprec.RosterParticipant{{
			ID: "qvgzmpY0R6GxQo3FvgCAPw==", Names: []siprec.NameID{{AOR: "sip:alice@example.com"}}, Joined: start,
		}},
		Streams: []siprec.RosterStream{{ID: "JinUqhSBScGsrLbLmX/n3A==", Label: "1"}},
	}
	before := siprec.Document(roster)
	roster.Participants[0].Muted = true
	after := siprec.Document(roster)
	update := siprec.Diff(before, after)
	fmt.Printf("%s", siprec.Marshal(update, ""))
	fmt.Println(siprec.Equal(siprec.Merge(before, update), after))
	// Output:
	// <?xml version="1.0" encoding="UTF-8"?>
	// <recording xmlns="urn:ietf:params:xml:ns:recording:1">
	//   <datamode>partial</datamode>
	//   <participantstreamassoc participant_id="qvgzmpY0R6GxQo3FvgCAPw==">
	//     <recv>JinUqhSBScGsrLbLmX/n3A==</recv>
	//     <associate-time>2026-03-02T09:00:00.000Z</associate-time>
	//   </participantstreamassoc>
	// </recording>
	// true
}
