package srs

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec"
)

// The metadata of a large conference are taken: a thousand in one stream, and three hundred with a stream each, which have two megabytes.
func TestLargeConference(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		participants int
		separate     bool
		least        int // octets
	}{{1000, false, 500_000}, {300, true, 1_500_000}} {
		t.Run(strconv.Itoa(test.participants), func(t *testing.T) {
			t.Parallel()
			server := startServer(t, Config{})
			c := newClient(t, server)
			now := time.Now()
			r := siprec.Roster{Session: id(1), Group: id(2), GroupStarted: now, Started: now}
			numbered := func(kind byte, n int) siprec.ID {
				return siprec.NewID([16]byte{byte(n >> 8), byte(n), 3, 4, 5, 6, 0x47, 8, 0x89, 10, 11, 12, 13, 14, 15, kind})
			}
			for n := range test.participants {
				r.Participants = append(r.Participants, siprec.RosterParticipant{
					ID: numbered(3, n), Names: []siprec.NameID{{AOR: fmt.Sprintf("sip:%d@example.com", n), Name: fmt.Sprintf("Caller %d", n)}}, Joined: now,
				})
				if test.separate {
					r.Streams = append(r.Streams, siprec.RosterStream{ID: numbered(4, n), Label: strconv.Itoa(n + 1), Participant: numbered(3, n)})
				}
			}
			if !test.separate {
				r.Streams = []siprec.RosterStream{{ID: id(5), Label: "1"}}
			}
			v := newVoice(t, "1", codecs.PCMU, 400)
			contentType, body := multipart(c.describe(v), siprec.Marshal(siprec.Document(r), ""))
			if len(body) < test.least {
				t.Fatalf("%d octets", len(body))
			}
			response, err := c.invite(c.call("tcp", contentType, body))
			if status(response, err) != 200 {
				t.Fatalf("%v %v", response, err)
			}
			if list := server.Recordings(); len(list) != 1 || len(list[0].Participants) != test.participants {
				t.Errorf("%d recordings", len(list))
			}
			if err := c.dialog.Bye(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
