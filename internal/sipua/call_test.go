package sipua

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// pair starts two agents, one of which calls the other.
func pair(t *testing.T, transport string, a, b *recorder) (caller, callee *Agent) {
	t.Helper()
	config := Config{Listen: []string{transport + "://127.0.0.1:0"}}
	if host, ok := strings.CutSuffix(transport, "6"); ok {
		config.Listen = []string{host + "://[::1]:0"}
	}
	if strings.HasPrefix(transport, "tls") || transport == "wss" {
		config.TLS = testAuthority.settings(t, "127.0.0.1", "::1")
	}
	return startAgent(t, config, a), startAgent(t, config, b)
}

// uriOf is how to call an agent that listens on one transport only.
func uriOf(agent *Agent, user, transport string) URI {
	uri := agent.Contact(user, strings.TrimSuffix(transport, "6"))
	if transport == "wss" {
		uri = uri.With("transport", "wss")
	}
	return uri
}

// connected makes a call between two agents.
func connected(t *testing.T, transport string, a, b *recorder) (out, in *Dialog) {
	t.Helper()
	dialogs := make(chan *Dialog, 1)
	b.invite = func(call *IncomingCall) {
		dialog, err := call.Answer(context.Background(), answerTo(call.Request()), leg{b})
		if err != nil {
			t.Error(err)
		}
		dialogs <- dialog
	}
	caller, callee := pair(t, transport, a, b)
	out, response, err := caller.Invite(t.Context(), OutgoingCall{
		To: Address{URI: uriOf(callee, "1000", transport)}, ContentType: sdpType, Body: []byte("offer"),
	}, leg{a})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(response.Body); got != "answer to offer" {
		t.Errorf("answer %q", got)
	}
	in = wait(t, dialogs, "the callee's dialog")
	wait(t, b.acks, "ACK")
	return out, in
}

// TestCall has both ends of a call do everything, over every transport and both
// families of addresses.
func TestCall(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls", "ws", "wss", "udp6", "tcp6", "tls6"} {
		t.Run(transport, func(t *testing.T) {
			a, b := newRecorder(), newRecorder()
			out, in := connected(t, transport, a, b)
			id := out.ID()
			if other := in.ID(); other.CallID != id.CallID || other.LocalTag != id.RemoteTag || other.RemoteTag != id.LocalTag {
				t.Errorf("ids %v and %v", id, other)
			}
			if _, err := out.ReInvite(t.Context(), Body{ContentType: sdpType, Data: []byte("hold")}); err != nil {
				t.Error(err)
			}
			wait(t, b.acks, "ACK of the re-INVITE")
			if _, err := in.ReInvite(t.Context(), Body{ContentType: sdpType, Data: []byte("other way")}); err != nil {
				t.Error(err)
			}
			wait(t, a.acks, "ACK of the other re-INVITE")
			if _, err := in.Update(t.Context(), Body{ContentType: sdpType, Data: []byte("update")}); err != nil {
				t.Error(err)
			}
			if _, err := out.Request(t.Context(), "INFO", Body{}); err != nil {
				t.Error(err)
			}
			if err := in.Bye(t.Context(), Header{Name: "Reason", Value: "SIP;cause=200"}); err != nil {
				t.Error(err)
			}
			if reason := wait(t, b.ended, "end of the callee"); reason.Cause != EndLocal {
				t.Errorf("callee ended by %v", reason.Cause)
			}
			reason := wait(t, a.ended, "end of the caller")
			if reason.Cause != EndRemote || !strings.Contains(reason.Request.Headers.Get("Reason"), "cause=200") {
				t.Errorf("caller ended by %+v", reason)
			}
			if _, err := out.Update(t.Context(), Body{}); !errors.Is(err, ErrEnded) {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}
