package focus

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
)

// sendingSession is one whose packets nobody takes.
func sendingSession(t *testing.T) *media.Session {
	t.Helper()
	transport, err := media.NewTransport(media.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = transport.Close() })
	session, err := transport.Open(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	if err := session.Configure(media.Params{Remote: netip.MustParseAddrPort("127.0.0.1:9"), Send: true, SendCodec: codecs.PCMU}); err != nil {
		t.Fatal(err)
	}
	return session
}

// speak has so many frames captured, each in its time.
func speak(c *capture, frames int) {
	for range frames {
		<-time.After(codecs.FrameDuration)
		c.Emit(&codecs.Packet{Payload: make([]byte, 160), Samples: 160})
	}
}

// A server that has gone is found out in a pause: what it was sent before the pause is sent again, and so is what it was sent after it. What came in the
// pause is not.
func TestSentAgainFromBeforeAPause(t *testing.T) {
	session := sendingSession(t)
	for name, goesOn := range map[string]bool{"in it": true, "after it": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCapture(session, 10*time.Second, codecs.PCMU)
				frames := func(n int) { speak(c, n) }
				c.release(codecs.PCMU)
				frames(30)
				c.mark(time.Now())
				frames(20)
				since := time.Now().Add(-380 * time.Millisecond)
				<-time.After(time.Millisecond) // what comes at the moment of the pause is nobody's
				c.pause()
				frames(1) // the mix has not heard of it yet
				<-time.After(5 * time.Second)
				if !goesOn {
					c.release(codecs.PCMU)
					frames(10)
				}
				sent := session.Stats().PacketsSent
				c.doubt(since, "one")
				c.release(codecs.PCMU)
				for !c.drain() {
					continue
				}
				want := uint64(20)
				if !goesOn {
					want += 10
				}
				if n := session.Stats().PacketsSent - sent; n != want {
					t.Errorf("%d frames are sent again, want %d", n, want)
				}
			})
		})
	}
}

// A server takes a stream, gets what has waited for it, and is gone: what it was sent since it was there is sent again, also what was captured before
// that. What another has taken meanwhile is not.
func TestSentAgainAfterItHasWaited(t *testing.T) {
	session := sendingSession(t)
	for name, caughtUp := range map[string]bool{"all of it": true, "some of it": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCapture(session, 10*time.Second, codecs.PCMU)
				frames := func(n int) { speak(c, n) }
				frames(50)
				c.unsent(800*time.Millisecond, func(*codecs.Packet, held) {}) // ten of them
				frames(10)
				since, sent := time.Now(), session.Stats().PacketsSent
				c.release(codecs.PCMU)
				now := 5
				if caughtUp {
					now = 20
				}
				frames(now)
				if n := int(session.Stats().PacketsSent - sent); caughtUp != (n == 40+10+20) {
					t.Fatalf("%d frames are sent", n)
				}
				c.doubt(since, "one")
				frames(1)
				sent = session.Stats().PacketsSent
				c.release(codecs.PCMU)
				for !c.drain() {
					continue
				}
				if n, want := int(session.Stats().PacketsSent-sent), 40+10+now+1; n != want {
					t.Errorf("%d frames are sent again, want %d", n, want)
				}
			})
		})
	}
}
