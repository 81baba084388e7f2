package sipua

import (
	"context"
	"errors"
	"testing"
	"time"
)

// slow are the timers of the RFC: 64*T1 is longer than any test waits.
func slow() Timers {
	return Timers{T1: 500 * time.Millisecond, T2: 4 * time.Second, Glare: time.Second}
}

// stuck is a DialogHandler some of whose methods do not return before release is
// closed.
type stuck struct {
	*recorder

	in      string // which one
	entered chan struct{}
	release chan struct{}
}

func (s *stuck) block(in string) {
	if s.in == in {
		s.entered <- struct{}{}
		<-s.release
	}
}

func (s *stuck) Ended(EndReason) { s.block("Ended") }

func (s *stuck) Ack(request *Request) {
	s.block("Ack")
	s.acks <- request
}

func (s *stuck) Offer(request *Request) *Response {
	s.block("Offer")
	return answerTo(request)
}

func (s *stuck) Request(*Request) *Response {
	s.block("Request")
	return NewResponse(200)
}

// TestShutdownStuckHandler: a handler that does not return holds Shutdown up no
// longer than its context lasts, and is waited for by the next one.
func TestShutdownStuckHandler(t *testing.T) {
	for _, in := range []string{"Ended", "Ack", "Offer", "Request"} {
		t.Run(in, func(t *testing.T) {
			s := &stuck{recorder: newRecorder(), in: in, entered: make(chan struct{}, 10), release: make(chan struct{})}
			s.invite = func(call *IncomingCall) {
				if _, err := call.Answer(context.Background(), answerTo(call.Request()), s); err != nil {
					t.Error(err)
				}
			}
			caller, callee := pair(t, "udp", newRecorder(), s.recorder)
			other := newRecorder()
			dialog, _, err := caller.Invite(t.Context(), OutgoingCall{
				To: Address{URI: callee.Contact("1")}, ContentType: sdpType, Body: []byte("offer"),
			}, leg{other})
			if err != nil {
				t.Fatal(err)
			}
			if in != "Ack" {
				wait(t, s.acks, "ACK")
			}
			switch in {
			case "Offer":
				go func() { _, _ = dialog.ReInvite(context.Background(), Body{ContentType: sdpType, Data: []byte("x")}) }()
			case "Request":
				go func() { _, _ = dialog.Request(context.Background(), "INFO", Body{}) }()
			}
			if in != "Ended" {
				wait(t, s.entered, in)
			}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 2)
			go func() { done <- callee.Shutdown(ctx) }()
			if in == "Ended" {
				wait(t, s.entered, in)
			}
			if in != "Ack" { // BYE waits for its end
				if reason := wait(t, other.ended, "BYE"); reason.Cause != EndRemote {
					t.Errorf("%+v", reason)
				}
			}
			cancel()
			if err := wait(t, done, "Shutdown"); !errors.Is(err, context.Canceled) {
				t.Errorf("cut off: %v", err)
			}
			go func() { done <- callee.Shutdown(context.Background()) }()
			close(s.release)
			if err := wait(t, done, "second Shutdown"); err != nil {
				t.Errorf("second time: %v", err)
			}
		})
	}
}

// TestShutdownSilentCallee: INVITEs that nobody has answered at all do not hold
// Shutdown up, whether they were taken back before or are still wanted. FO-CAN-03
// (RFC 3261, section 9.1).
func TestShutdownSilentCallee(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{Timers: slow()}, newRecorder())
	ctx, cancel := context.WithCancel(t.Context())
	first := startCall(ctx, agent, peer.uri(), newRecorder(), nil)
	peer.read("INVITE", patience)
	cancel()
	if r := wait(t, first, "the call that is taken back"); !errors.Is(r.err, context.Canceled) {
		t.Error(r.err)
	}
	second := startCall(t.Context(), agent, peer.uri(), newRecorder(), nil)
	peer.read("INVITE", patience)
	if n := agent.Calls(); n < 1 || n > 2 {
		t.Errorf("%d calls", n)
	}
	limit, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	if err := agent.Shutdown(limit); err != nil {
		t.Error(err)
	}
	if r := wait(t, second, "the call that is wanted"); !errors.Is(r.err, ErrClosed) {
		t.Error(r.err)
	}
}

// TestShutdownCutOff: a peer that answers nothing holds Shutdown up no longer than
// its context lasts.
func TestShutdownCutOff(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{Timers: slow()}, newRecorder())
	result := startCall(t.Context(), agent, peer.uri(), newRecorder(), nil)
	invite := peer.read("INVITE", patience)
	peer.respond(invite, "200 OK", "a", "", "answer")
	if r := wait(t, result, "Invite"); r.err != nil {
		t.Fatal(r.err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- agent.Shutdown(ctx) }()
	if peer.read("BYE", patience) == "" {
		t.Error("no BYE")
	}
	cancel()
	if err := wait(t, done, "Shutdown"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := agent.Shutdown(context.Background()); err != nil {
		t.Errorf("second time: %v", err)
	}
}
