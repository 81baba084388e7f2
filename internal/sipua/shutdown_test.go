package sipua

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestShutdown: all calls end with BYE, pending ones with 503 or CANCEL, all
// subscriptions with NOTIFY, and no goroutine stays. FO-END-05, FO-END-09.
func TestShutdown(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, transport := range []string{"udp", "tcp"} {
		shutdownOnce(t, transport)
	}
	// Those of the stack and of the runtime end by themselves.
	eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
}

func shutdownOnce(t *testing.T, transport string) {
	t.Helper()
	listen := []string{transport + "://127.0.0.1:0"}
	n := newNotifierHandler(time.Hour)
	pending := make(chan *IncomingCall, 1)
	n.invite = func(call *IncomingCall) {
		if call.Request().URI.User == "pending" {
			_ = call.Provisional(NewResponse(180))
			pending <- call
			return
		}
		if _, err := call.Answer(context.Background(), answerTo(call.Request()), leg{n.recorder}); err != nil {
			t.Error(err)
		}
	}
	start := func(handler Handler) *Agent {
		agent, err := New(Config{Listen: listen, Timers: quick(), Logger: testLogger()}, handler)
		if err != nil {
			t.Fatal(err)
		}
		if err := agent.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return agent
	}
	a := newRecorder()
	server, client := start(n), start(a)
	for range 20 {
		_, _, err := client.Invite(t.Context(), OutgoingCall{
			To: Address{URI: server.Contact("1", transport)}, ContentType: sdpType, Body: []byte("o"),
		}, leg{a})
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := client.Subscribe(t.Context(), OutgoingSubscription{
		To: Address{URI: server.Contact("1", transport)}, Event: "conference", Expires: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	waiting := startCall(t.Context(), client, server.Contact("pending", transport), a, nil)
	wait(t, pending, "pending call")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	for range 20 {
		if reason := wait(t, a.ended, "end"); reason.Cause != EndRemote {
			t.Errorf("%+v", reason)
		}
	}
	if r := wait(t, waiting, "pending call"); Status(r.err) != 503 {
		t.Error(r.err)
	}
	wait(t, s.Done(), "end of the subscription")
	if client.Calls() != 0 || server.Calls() != 0 {
		t.Errorf("%d and %d calls", client.Calls(), server.Calls())
	}
	if err := client.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if _, _, err := client.Invite(ctx, OutgoingCall{To: Address{URI: server.Contact("1")}}, a); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := client.Shutdown(ctx); err != nil {
		t.Error("second time:", err)
	}
}

// TestRefuse: new calls get 503, calls that are up go on.
func TestRefuse(t *testing.T) {
	a, b := newRecorder(), newRecorder()
	out, in := connected(t, "udp", a, b)
	callee := in.state.agent
	callee.Refuse()
	_, response, err := out.state.agent.Invite(t.Context(), OutgoingCall{
		To: Address{URI: callee.Contact("1")}, ContentType: sdpType, Body: []byte("x"),
	}, a)
	if Status(err) != 503 || !response.Headers.Has("Retry-After") {
		t.Error(err)
	}
	if _, err := out.ReInvite(t.Context(), Body{ContentType: sdpType, Data: []byte("x")}); err != nil {
		t.Error(err)
	}
}

// TestStart: addresses, and what cannot be opened.
func TestStart(t *testing.T) {
	agent := startAgent(t, Config{ExternalAddress: "192.0.2.1", UserAgent: "Parley"}, newRecorder())
	if udp, tcp := agent.Addr("udp"), agent.Addr("tcp"); udp.Port() == 0 || udp != tcp {
		t.Errorf("%v and %v", udp, tcp)
	}
	if got := agent.Contact("1000", "tcp").String(); !strings.HasPrefix(got, "sip:1000@192.0.2.1:") || !strings.HasSuffix(got, ";transport=tcp") {
		t.Error(got)
	}
	second, err := New(Config{Listen: []string{"udp://" + agent.Addr("udp").String()}}, newRecorder())
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(t.Context()); err == nil {
		t.Error("the same port twice")
	}
	for _, listen := range []string{"tls://127.0.0.1:1", "udp://nowhere:1", "udp://127.0.0.1:x", ":"} {
		if _, err := New(Config{Listen: []string{listen}}, newRecorder()); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", listen, err)
		}
	}
	wild := startAgent(t, Config{Listen: []string{"udp://0.0.0.0:0"}}, newRecorder())
	if host := wild.Contact("x").Host; host == "0.0.0.0" || host == "" {
		t.Error(host)
	}
	if _, err := wild.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: agent.Contact("x").withHost("127.0.0.1")}); err != nil {
		t.Error(err)
	}
}

// TestSamePort: a port that is free for UDP only is given back, and another one is tried; when there is never a common one, two will do.
func TestSamePort(t *testing.T) {
	for name, clashes := range map[string]int{"at once": 0, "after some": 3, "never": 1000} {
		t.Run(name, func(t *testing.T) {
			agent, err := New(Config{Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}, Logger: testLogger()}, newRecorder())
			if err != nil {
				t.Fatal(err)
			}
			taken := clashes
			err = agent.openListeners(t.Context(), func(ctx context.Context, transport string, addr netip.AddrPort) (uint16, error) {
				if addr.Port() != 0 && taken > 0 {
					taken--
					return 0, syscall.EADDRINUSE
				}
				return agent.openListener(ctx, transport, addr)
			})
			defer agent.closeListeners()
			if err != nil || len(agent.udp) != 1 || len(agent.listeners) != 1 {
				t.Fatalf("%v: %d and %d listeners", err, len(agent.udp), len(agent.listeners))
			}
			if same := agent.Addr("udp") == agent.Addr("tcp"); same != (clashes < samePortTries) {
				t.Errorf("%v and %v", agent.Addr("udp"), agent.Addr("tcp"))
			}
			if tried := clashes - taken; tried != min(clashes, samePortTries) {
				t.Errorf("tried %d times", tried)
			}
		})
	}
}

func (u URI) withHost(host string) URI {
	u.Host = host
	return u
}
