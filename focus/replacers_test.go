package focus_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// named writes a dialog of a plain user agent as the focus knows it.
func (p *plain) named(answer string) string {
	return fmt.Sprintf("%s;to-tag=%s;from-tag=%s", p.call, toTag(answer), p.name)
}

// Where nobody else is to, a place is taken by him whose it is, or by whom a trusted trunk vouches for, and not by everybody who has an account.
//
// Shows FO-RPL-07.
func TestWhoMayReplace(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, Replace: focus.ReplaceOwn})
	there, err := b.invite(b.uri("desk"), dave)
	must(t, err)
	b.await("him", func() bool { return b.find("desk", "dave").Status.Present() })
	mallory, err := sipua.ParseURI("sip:mallory@example.com")
	must(t, err)
	replaces := sipua.Header{Name: "Replaces", Value: names(there.dialog.ID())}
	for _, c := range []struct {
		caller sipua.Caller
		want   int
	}{
		{sipua.Caller{User: "mallory", Identity: sipua.Address{URI: mallory}}, 403},
		{sipua.Caller{User: "mallory", Roles: []string{"moderator"}, Identity: sipua.Address{URI: mallory}}, 403},
		{sipua.Caller{Asserted: true, Trunk: "carrier", Identity: sipua.Address{URI: mallory}}, 0},
	} {
		b.vouch.Store(&c.caller)
		_, err = b.invite(b.uri("desk"), dave, replaces) // his From is a claim
		if got := sipua.Status(err); got != c.want {
			t.Errorf("%+v: %v", c.caller, err)
		}
		if p := b.find("desk", "dave"); c.want != 0 && p.Session.CallID != there.dialog.ID().CallID {
			t.Errorf("%+v: the place of the one who is there is taken", c.caller)
		}
	}
	b.await("the other in his place", func() bool {
		return b.find("desk", "mallory").Status.Present() && b.find("desk", "dave").ID == "" && b.state("desk").PresentCount() == 1
	})
}

// A call that rings here, and has not been begun by us, is not picked up from elsewhere; and of two who want one place the first gets it, although he
// has not acknowledged yet.
//
// Shows FO-RPL-06, FO-RPL-08.
func TestOnePlaceOneSuccessor(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, Ring: time.Second})
	p := b.plain("dave")
	p.request("INVITE", "desk", "", p.sdp())
	ringing := p.expect("SIP/2.0 180")
	if _, err := b.invite(b.uri("desk"), p.uri(), sipua.Header{Name: "Replaces", Value: p.named(ringing)}); sipua.Status(err) != 481 {
		t.Errorf("a call that we have not begun: %v", err)
	}
	answer := p.expect("SIP/2.0 200")
	p.request("ACK", "desk", toTag(answer), "")
	b.await("him", func() bool { return b.find("desk", "dave").Status == conference.Connected })
	before := b.find("desk", "dave")
	first, second := b.plain("first"), b.plain("second")
	for _, q := range []*plain{first, second} {
		q.as = p.uri()
		q.request("INVITE", "desk", "", q.sdp(), "Replaces: "+p.named(answer))
		if q == second {
			q.expect("SIP/2.0 491")
			break
		}
		answer := q.expect("SIP/2.0 200")
		defer q.request("BYE", "desk", toTag(answer), "")
		defer q.request("ACK", "desk", toTag(answer), "")
	}
	if after := b.find("desk", "dave"); after.Session.CallID != before.Session.CallID {
		t.Errorf("before the ACK %+v has become %+v", before.Session, after.Session)
	}
}

// A call is replaced from when its 2xx is with the caller, although the focus has not been told yet that it was sent.
//
// Shows FO-RPL-06.
func TestReplacedAsSoonAsAnswered(t *testing.T) {
	network := &lingering{written: make(chan struct{}), goOn: make(chan struct{})}
	b := newBenchOf(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}}, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", focus.Deps{},
		func(cfg *sipua.Config) { cfg.Network = network })
	goOn := sync.OnceFunc(func() { close(network.goOn) })
	defer goOn()
	p, q := b.plain("dave"), b.plain("second")
	p.request("INVITE", "desk", "", p.sdp())
	answer := p.expect("SIP/2.0 200")
	<-network.written
	q.as = p.uri()
	q.request("INVITE", "desk", "", q.sdp(), "Replaces: "+p.named(answer))
	taken := q.expect("SIP/2.0 200")
	goOn()
	q.request("ACK", "desk", toTag(taken), "")
	p.request("ACK", "desk", toTag(answer), "")
	p.respond(p.expect("BYE "), "200 OK", "", "")
	q.request("BYE", "desk", toTag(taken), "")
}

// lingering is the network of the system; the first write of a 200 to an INVITE returns only when it may.
type lingering struct {
	net.ListenConfig
	net.Dialer
	once          sync.Once
	written, goOn chan struct{}
}

// ListenPacket opens a socket that lingers.
func (n *lingering) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	conn, err := n.ListenConfig.ListenPacket(ctx, network, address)
	return lingeringConn{conn, n}, err
}

type lingeringConn struct {
	net.PacketConn
	network *lingering
}

// WriteTo sends a datagram.
func (c lingeringConn) WriteTo(b []byte, to net.Addr) (int, error) {
	n, err := c.PacketConn.WriteTo(b, to)
	if bytes.HasPrefix(b, []byte("SIP/2.0 200")) && bytes.Contains(b, []byte("INVITE\r\n")) {
		c.network.once.Do(func() {
			close(c.network.written)
			<-c.network.goOn
		})
	}
	return n, err
}

// While something is recorded, who goes on with another phone goes on to be told of it by the tone, which no other has begun anew.
//
// Shows FO-RPL-11, SR-REC-03.
func TestToneGoesOnAtTheOtherPhone(t *testing.T) {
	server := newRecordingServer(t)
	b := recordingBench(t, server, nil)
	first := b.dial("room", conftest.PhoneConfig{Name: "dave", Identity: dave})
	b.record("room", conference.Separate)
	b.await("packets", func() bool { return server.stream("1").packets > 10 })
	second := b.phone(conftest.PhoneConfig{Name: "second", Identity: dave, Headers: sipua.Headers{{Name: "Replaces", Value: names(first.Dialog().ID())}}})
	must(t, second.Call(t.Context(), b.uri("room")))
	<-first.Over()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	heard := 0
	for was := false; heard < 2 && ctx.Err() == nil; {
		pass(20 * time.Millisecond)
		is := second.hearsNow(1400) > -40
		if is && !was {
			heard++
		}
		was = is
	}
	if heard < 2 {
		t.Errorf("the second phone has heard the tone %d times", heard)
	}
}
