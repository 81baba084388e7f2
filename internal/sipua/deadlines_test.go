package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/internal/memnet"
)

// virtualAgent is an agent in a bubble of testing/synctest, with the timers as they are by default.
func virtualAgent(t *testing.T, network *memnet.Network, handler Handler) *Agent {
	t.Helper()
	return startAgent(t, Config{Network: network, Timers: Timers{T1: 500 * time.Millisecond}}, handler)
}

// clock notes what happens, with the seconds since it began.
type clock struct {
	began time.Time
	notes []string
}

func (c *clock) note(what string) {
	c.notes = append(c.notes, fmt.Sprintf("%v %s", time.Since(c.began).Round(10*time.Millisecond), what))
}

func (c *clock) check(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if !slices.Equal(c.notes, want) {
		t.Errorf("%q, want %q", c.notes, want)
	}
}

// A request that nobody answers has failed after 64*T1, an INVITE that is answered for the time being when its caller wants no more, and the CANCEL of it
// that leads to nothing 64*T1 later (RFC 3261, sections 9.1, 17.1.1.2 and 17.1.2.2).
func TestTransactionsOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		a := virtualAgent(t, &network, newRecorder())
		nobody, err := ParseURI("sip:nobody@127.0.0.1:9")
		if err != nil {
			t.Fatal(err)
		}
		c := clock{began: time.Now()}
		if _, err = a.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: nobody}); !errors.Is(err, ErrTimeout) && Status(err) != 408 {
			t.Error(err)
		}
		c.note("OPTIONS")
		if _, _, err = a.Invite(t.Context(), OutgoingCall{To: Address{URI: nobody}, ContentType: sdpType, Body: []byte("x")}, leg{newRecorder()}); err == nil {
			t.Error("an answer of nobody")
		}
		c.note("INVITE")
		callee := newRecorder()
		canceled := make(chan struct{})
		callee.invite = func(call *IncomingCall) {
			_ = call.Provisional(NewResponse(180))
			<-call.Done()
			close(canceled)
		}
		b := virtualAgent(t, &network, callee)
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		if _, _, err = a.Invite(ctx, OutgoingCall{To: Address{URI: b.Contact("x")}, ContentType: sdpType, Body: []byte("x")}, leg{newRecorder()}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		c.note("ringing")
		<-canceled
		c.note("canceled")
		c.check(t, "32s OPTIONS", "1m4s INVITE", "2m34s ringing", "2m34s canceled")
	})
}

// A call that rings for long is told so each minute, lest proxies give it up (RFC 3261, section 13.3.1.1).
func TestRingingOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		callee := newRecorder()
		callee.invite = func(call *IncomingCall) {
			_ = call.Provisional(NewResponse(180))
			<-time.After(3*time.Minute + 30*time.Second)
			_, _ = call.Answer(context.Background(), answerTo(call.Request()), leg{callee})
		}
		a, b := virtualAgent(t, &network, newRecorder()), virtualAgent(t, &network, callee)
		c := clock{began: time.Now()}
		dialog, _, err := a.Invite(t.Context(), OutgoingCall{
			To: Address{URI: b.Contact("x")}, ContentType: sdpType, Body: []byte("offer"), OnProvisional: func(r *Response) { c.note(strconv.Itoa(r.Status)) },
		}, leg{newRecorder()})
		if err != nil {
			t.Fatal(err)
		}
		c.note("answered")
		c.check(t, "0s 180", "1m0s 180", "2m0s 180", "3m0s 180", "3m30s answered")
		if err = dialog.Bye(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A dialog whose ACK does not come ends after 64*T1 with a BYE, which is waited for as long (RFC 3261, section 13.3.1.4).
//
// Shows FO-IN-12.
func TestNoACKOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		callee := newRecorder()
		answered := make(chan struct{})
		var caller *Agent
		callee.invite = func(call *IncomingCall) {
			network.Cut(caller.Addr("udp")) // it has vanished before it is answered
			close(answered)
			_, _ = call.Answer(context.Background(), answerTo(call.Request()), leg{callee})
		}
		caller = virtualAgent(t, &network, newRecorder())
		b := virtualAgent(t, &network, callee)
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			_, _, _ = caller.Invite(ctx, OutgoingCall{To: Address{URI: b.Contact("x")}, ContentType: sdpType, Body: []byte("offer")}, leg{newRecorder()})
		}()
		<-answered
		c := clock{began: time.Now()}
		if reason := <-callee.ended; reason.Cause != EndNoACK {
			t.Errorf("%+v", reason)
		}
		c.note("ended")
		c.check(t, "32s ended")
		cancel()
		<-gone
	})
}

// A subscription is refreshed half a minute before its end; when that fails, again in half of the time that is left, and is over with it.
func TestSubscriberOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		c := clock{began: time.Now()}
		notifier := newRecorder()
		refuse := 0
		notifier.subscribe = func(s *IncomingSubscription) {
			n, err := s.Accept(10*time.Minute, Address{}, refreshing(func(*Request, time.Duration) (time.Duration, *Response) {
				if refuse++; refuse > 1 {
					c.note("refused")
					return 0, NewResponse(500)
				}
				c.note("refreshed")
				return 10 * time.Minute, nil
			}))
			if err != nil {
				t.Error(err)
				return
			}
			go func() { _ = n.Notify(context.Background(), "active", "", nil) }()
		}
		a, b := virtualAgent(t, &network, newRecorder()), virtualAgent(t, &network, notifier)
		ended := make(chan EndReason, 1)
		_, err := a.Subscribe(t.Context(), OutgoingSubscription{
			To: Address{URI: b.Contact("x")}, Event: "conference", Expires: 10 * time.Minute, OnEnd: func(r EndReason) { ended <- r },
		})
		if err != nil {
			t.Fatal(err)
		}
		<-ended
		c.note("ended")
		c.check(t, "9m30s refreshed", "19m0s refused", "19m15s refused", "19m22.5s refused", "19m26.25s refused", "19m28.25s refused", "19m28.25s ended")
	})
}

// refreshing is the handler of a subscription of which only the refreshes matter.
type refreshing func(*Request, time.Duration) (time.Duration, *Response)

func (r refreshing) Refresh(request *Request, wanted time.Duration) (time.Duration, *Response) {
	return r(request, wanted)
}
func (refreshing) Refreshed(time.Duration) {}
func (refreshing) Ended(EndReason)         {}

// A connection that we have made is pinged every two minutes, up to a fifth earlier (RFC 5626, section 4.4.1); one of others that says nothing is closed
// after a minute.
func TestConnectionsOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		a := virtualAgent(t, &network, newRecorder())
		listener, err := network.Listen(t.Context(), "tcp4", "192.0.2.1:5060")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = a.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: URI{Scheme: "sip", Host: "192.0.2.1"}.With("transport", "tcp")})
		}()
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		last := time.Now()
		for pings := 0; pings < 3; {
			buffer := make([]byte, 2000)
			n, failed := conn.Read(buffer)
			if failed != nil {
				t.Fatal(failed, " after ", time.Since(last))
			}
			if string(buffer[:n]) != "\r\n\r\n" {
				continue // the request
			}
			if pause := time.Since(last); pause < 96*time.Second || pause > 2*time.Minute {
				t.Errorf("a ping after %v", pause)
			}
			last = time.Now()
			pings++
		}
		_ = conn.Close()
		silent, err := network.DialContext(t.Context(), "tcp", a.Addr("tcp").String())
		if err != nil {
			t.Fatal(err)
		}
		c := clock{began: time.Now()}
		if _, err = silent.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("read: %v", err)
		}
		c.note("closed")
		c.check(t, "1m0s closed")
	})
}

// What is malformed is answered also where nothing has been written for long, and the connection stays.
func TestMalformedOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		a := virtualAgent(t, &network, newRecorder())
		conn, err := network.DialContext(t.Context(), "tcp", a.Addr("tcp").String())
		if err != nil {
			t.Fatal(err)
		}
		p := &phone{t: t, conn: conn}
		for range 3 {
			p.send(p.render(p.form("OPTIONS")))
			p.expect("SIP/2.0 200")
			<-time.After(20 * time.Minute)
			f := p.form("OPTIONS")
			f.uri = "sip:1000@127.0.0.1 x"
			p.send(p.render(f))
			p.expect("SIP/2.0 400")
			<-time.After(9 * time.Minute)
		}
		_ = conn.Close()
	})
}
