package sipua

import (
	"context"
	"strings"
	"testing"
)

const phoneSession = "47755a9de7794ba387653f2099600ef2"

// A Session-ID goes with every message: ours is the same for all who call one user of ours, and never changes; the peer's is what it last
// said in a request that was accepted.
//
// Shows FO-SID-01, FO-SID-02, FO-SID-03, FO-SID-04, FO-SID-05, FO-SID-07.
func TestSessionID(t *testing.T) {
	dialogs := make(chan *Dialog, 1)
	callee := newRecorder()
	callee.invite = func(call *IncomingCall) {
		dialog, _ := call.Answer(context.Background(), answerTo(call.Request()), leg{callee})
		if call.SessionID() != dialog.SessionID() {
			t.Errorf("%s before the answer, %s after", call.SessionID(), dialog.SessionID())
		}
		dialogs <- dialog
	}
	agent := startAgent(t, Config{SessionIDs: true}, callee)
	call := func(p *phone, header string) (form, string) {
		f := p.form("INVITE")
		f.body, f.extra = "offer", header
		p.send(p.render(f))
		ok := p.expect("SIP/2.0 200")
		f.method, f.toTag, f.body, f.branch = "ACK", tagOf(ok), "", "z9hG4bK"+unique("ack")
		p.send(p.render(f))
		return f, fieldOf(ok, "Session-ID")
	}
	p := dialPhone(t, agent, "udp")
	f, first := call(p, "Session-ID: "+phoneSession+";remote="+nilSession+"\r\n")
	ours, theirs, _ := strings.Cut(first, ";remote=")
	if len(ours) != 32 || ours[12] != '5' || theirs != phoneSession {
		t.Errorf("answered with %q", first)
	}
	dialog := wait(t, dialogs, "dialog")
	go func() { _, _ = dialog.Request(context.Background(), "INFO", Body{}) }()
	if got := fieldOf(p.expect("INFO "), "Session-ID"); got != first {
		t.Errorf("a request of ours has %q", got)
	}
	const moved = "ab30317f1a784dc48ff824d0d3715d86"
	f.method, f.cseq, f.branch, f.extra = "UPDATE", 2, "z9hG4bK"+unique("u"), "Session-ID: "+moved+";remote="+ours+"\r\n"
	p.send(p.render(f))
	if got := fieldOf(p.expect("SIP/2.0 200"), "Session-ID"); got != ours+";remote="+moved {
		t.Errorf("after a change of the peer's: %q", got)
	}
	if got := dialog.SessionID(); got != ours+";remote="+moved {
		t.Errorf("the dialog has %q", got)
	}
	for _, header := range []string{"", "Session-ID: short;remote=x\r\n", "Session-ID: " + nilSession + "\r\n"} {
		if _, got := call(dialPhone(t, agent, "udp"), header); got != ours+";remote="+nilSession {
			t.Errorf("%q is answered with %q", header, got)
		}
		wait(t, dialogs, "dialog")
	}
}

// Shows FO-SID-06.
func TestSessionIDOfCancel(t *testing.T) {
	agent := startAgent(t, Config{SessionIDs: true}, newRecorder())
	p := dialPhone(t, agent, "udp")
	ctx, cancel := context.WithCancel(t.Context())
	done, ringing := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_, _, _ = agent.Invite(ctx, OutgoingCall{
			To: Address{URI: URI{Scheme: "sip", User: "x", Host: "127.0.0.1", Port: p.addr().Port()}}, ContentType: sdpType, Body: []byte("offer"),
			OnProvisional: func(*Response) { close(ringing) },
		}, leg{newRecorder()})
	}()
	invite := p.expect("INVITE ")
	if got := fieldOf(invite, "Session-ID"); !strings.HasSuffix(got, ";remote="+nilSession) {
		t.Errorf("INVITE with %q", got)
	}
	p.send(p.respond(invite, "180 Ringing", ""))
	wait(t, ringing, "180")
	cancel()
	<-done
	if got := fieldOf(p.expect("CANCEL "), "Session-ID"); got != fieldOf(invite, "Session-ID") {
		t.Errorf("CANCEL with %q", got)
	}
	p.send(p.respond(invite, "487 Request Terminated", ""))
}
