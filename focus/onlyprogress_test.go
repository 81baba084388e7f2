package focus_test

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// progress is a network from whose connections 183 comes for each 200 to an INVITE, as soon as it is on: somebody is at it, and comes to no end.
type progress struct {
	sipua.Network

	on atomic.Bool
}

// Listen implements sipua.Network.
func (p *progress) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	l, err := p.Network.Listen(ctx, network, address)
	return progressListener{l, p}, err
}

type progressListener struct {
	net.Listener

	of *progress
}

// Accept implements net.Listener.
func (l progressListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return progressConn{conn, l.of}, err
}

type progressConn struct {
	net.Conn

	of *progress
}

// Write implements net.Conn.
func (c progressConn) Write(packet []byte) (int, error) {
	rest, ok := bytes.CutPrefix(packet, []byte("SIP/2.0 200 OK"))
	if !ok || !c.of.on.Load() || !bytes.Contains(packet, []byte(" INVITE\r\n")) {
		return c.Conn.Write(packet)
	}
	_, err := c.Conn.Write(append([]byte("SIP/2.0 183 Session Progress"), rest...))
	return len(packet), err
}

// A server that is at the last metadata for ever does not hold up the end of the recording, and its 200 to the BYE is no sign that it has recorded. Where it
// has refused them with an error it has been there.
//
// Shows SR-ERR-07, SR-ERR-08, SR-PER-08.
func TestEndAtAServerThatComesToNoEnd(t *testing.T) {
	for name, refuses := range map[string]bool{"progress": false, "refusal": true} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			at := &progress{Network: signalling(t)}
			srs := newRecordingServer(t, func(c *sipua.Config) { c.Network, c.Timers.T1 = at, 2*time.Second })
			b := patientBench(t, focus.Deps{}, func(c *focus.Config) { c.Recorders[0].Profile.MetadataBy = siprec.ByReInvite }, srs)
			b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			id := b.record("room", conference.Separate)
			b.awaitRecording("room", id, conference.RecordingActive)
			pass(7 * time.Second)
			srs.reported("1", 0, 0)
			pass(3 * time.Second)
			if refuses {
				srs.set(func(s *recordingServer) {
					s.respond = func(*sipua.Request) *sipua.Response { return sipua.NewResponse(500) }
				})
			} else {
				at.on.Store(true)
			}
			stopped := time.Now()
			b.halt("room", id)
			if took := time.Since(stopped); took > 45*time.Second || took < 35*time.Second && !refuses {
				t.Errorf("the end took %v", took)
			}
			pass(time.Minute)
			if srs.lastBye() == nil {
				t.Error("no BYE")
			}
			lost, least, most := b.focus.Assurance()[0].Copies[0].LostSeconds, 2.9, 3.6
			if refuses {
				least, most = 0, 0
			}
			if lost < least || lost > most {
				t.Errorf("%v s count as lost", lost)
			}
			if n := len(b.logged.with("recording server did not answer", "undelivered=metadata")); n != 1 && !refuses || n != 0 && refuses {
				t.Errorf("%d warnings", n)
			}
		})
	}
}
