package focus

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
)

// A server that has gone is found out in a pause: what it was sent before the pause is sent again, as much of it as if there had been none. What came in
// the pause is not.
func TestSentAgainFromBeforeAPause(t *testing.T) {
	transport, err := media.NewTransport(media.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = transport.Close() }()
	session, err := transport.Open(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	if err := session.Configure(media.Params{Remote: netip.MustParseAddrPort("127.0.0.1:9"), Send: true, SendCodec: codecs.PCMU}); err != nil {
		t.Fatal(err)
	}
	for name, goesOn := range map[string]bool{"in it": true, "after it": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCapture(session, 10*time.Second, codecs.PCMU)
				frames := func(n int) {
					for range n {
						<-time.After(codecs.FrameDuration)
						c.Emit(&codecs.Packet{Payload: make([]byte, 160), Samples: 160})
					}
				}
				c.release(codecs.PCMU)
				frames(50)
				c.pause()
				frames(1) // the mix has not heard of it yet
				<-time.After(5 * time.Second)
				if !goesOn {
					c.release(codecs.PCMU)
					frames(10)
				}
				sent := session.Stats().PacketsSent
				c.hold(400 * time.Millisecond)
				c.release(codecs.PCMU)
				for !c.drain() {
					continue
				}
				if n := session.Stats().PacketsSent - sent; n < 19 || n > 20 {
					t.Errorf("%d frames are sent again, want 400 ms", n)
				}
			})
		})
	}
}

// Nothing is sent again from before pauses that are forgotten: there may be frames in it that came when the mix had not heard of one yet.
func TestNothingIsSentAgainFromForgottenPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapture(nil, 10*time.Second, codecs.PCMU)
		for range 2 * keptPauses {
			<-time.After(codecs.FrameDuration)
			c.pause()
			<-time.After(codecs.FrameDuration)
			c.resume()
		}
		if at, least := c.before(time.Second), time.Since(c.epoch)-(2*keptPauses)*codecs.FrameDuration; at < least {
			t.Errorf("from %v on, the first pause that is known is at %v", at, least)
		}
	})
}
