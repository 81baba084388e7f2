package focus

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// refusing is the protocol of a session, that refuses what a server asks for, and has nothing to do.
type refusing struct {
	protocol
	seen []siprec.Event
}

func (r *refusing) Step(e siprec.Event, _ time.Time) []siprec.Action {
	r.seen = append(r.seen, e)
	return nil
}

// TestRequestAfterTheACK: what a server asks for as soon as it has our ACK is looked at after its answer, though that comes to the
// controller later.
func TestRequestAfterTheACK(t *testing.T) {
	for _, begins := range []siprec.Action{siprec.Invite{}, siprec.ReInvite{}} {
		synctest.Test(t, func(t *testing.T) {
			client := &refusing{}
			r := &recorder{client: client}
			c := &controller{focus: &Focus{}, mailbox: make(chan message, 9), log: slog.New(slog.DiscardHandler)}
			c.signal(r, begins) // there is nobody to send it to
			outcome := c.alarms[0].message
			go (&recorderHandler{controller: c, recorder: r}).Offer(&sipua.Request{Method: "INVITE"})
			synctest.Wait()
			if len(c.mailbox) > 0 {
				t.Fatalf("%T: the request came before the answer", begins)
			}
			outcome.handle(c)
			request := <-c.mailbox
			request.handle(c)
			if len(client.seen) != 2 {
				t.Fatalf("%T: %d events, want 2", begins, len(client.seen))
			}
			if _, ok := client.seen[1].(siprec.PeerOffer); !ok {
				t.Errorf("%T: %T was looked at last", begins, client.seen[1])
			}
		})
	}
}

// TestAgreement: only requests that could meet our INVITE wait, and for a second at most.
func TestAgreement(t *testing.T) {
	for _, test := range []struct {
		name    string
		request sipua.Request
		event   siprec.Event
		want    time.Duration
	}{
		{"an UPDATE that only refreshes", sipua.Request{Method: "UPDATE"}, nil, 0},
		{"an UPDATE with a body", sipua.Request{Method: "UPDATE", Body: []byte("x")}, siprec.Answered{}, 100 * time.Millisecond},
		{"an INVITE", sipua.Request{Method: "INVITE"}, siprec.TimedOut{}, 100 * time.Millisecond},
		{"and the connection is lost", sipua.Request{Method: "INVITE"}, siprec.TransportFailed{}, 100 * time.Millisecond},
		{"something else happens", sipua.Request{Method: "INVITE"}, siprec.PeerAck{}, overtaken},
	} {
		synctest.Test(t, func(t *testing.T) {
			var a agreement
			a.await(&test.request) // there is none
			a.begin()
			start := time.Now()
			time.AfterFunc(100*time.Millisecond, func() { a.concluded(test.event) })
			if a.await(&test.request); time.Since(start) != test.want {
				t.Errorf("%s: waited for %v, want %v", test.name, time.Since(start), test.want)
			}
		})
	}
}
