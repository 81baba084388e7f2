package sipua

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// streamCall is a call of a raw phone over TCP that is up; the Contact of the phone is where it says.
func streamCall(t *testing.T, agent *Agent, contact string) (*phone, form) {
	t.Helper()
	p := dialPhone(t, agent, "tcp")
	f := p.form("INVITE")
	f.body, f.extra = "v=0", "Contact: <sip:phone@"+contact+";transport=tcp>\r\nContent-Type: application/sdp\r\n"
	p.send(p.render(f))
	f.toTag = tagOf(p.expect("SIP/2.0 200"))
	f.method, f.body, f.branch = "ACK", "", "z9hG4bK"+unique("b")
	p.send(p.render(f))
	return p, f
}

// Who says BYE and closes its connection in the same moment, as a phone does that is switched off, has hung up: what was said before the end of a connection
// is taken up. So is the ACK of who closes after it.
//
// RFC 3261, sections 15.1.2 and 18.2.
func TestLastWords(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, r)
	for range 10 {
		p, f := streamCall(t, agent, "127.0.0.1:9")
		wait(t, r.acks, "the ACK")
		f.method, f.cseq, f.branch = "BYE", 2, "z9hG4bK"+unique("b")
		p.send(p.render(f))
		_ = p.conn.Close()
		if reason := wait(t, r.ended, "the end of the call"); reason.Cause != EndRemote {
			t.Fatalf("ended by %v", reason.Cause)
		}
	}
	for range 10 {
		p, _ := streamCall(t, agent, "127.0.0.1:9")
		_ = p.conn.Close()
		wait(t, r.acks, "the ACK")
	}
	eventually(t, "the end of the connections", func() bool { return len(agent.Connections()) == 0 })
}

// A request on a connection of which the other end knows nothing any more goes once more, to the Contact, and is the same transaction; the call goes on.
//
// RFC 3261, sections 12.2.1.2 and 18.1.1.
func TestConnectionOfBeforeIsReset(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"INFO", "UPDATE", "INVITE", "BYE"} {
		t.Run(method, func(t *testing.T) {
			r, dialogs := newRecorder(), make(chan *Dialog, 1)
			r.invite = func(call *IncomingCall) {
				dialog, err := call.Answer(context.Background(), answerTo(call.Request()), leg{r})
				if err != nil {
					t.Error(err)
				}
				dialogs <- dialog
			}
			agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, r)
			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			if tcp, ok := listener.(*net.TCPListener); ok {
				_ = tcp.SetDeadline(time.Now().Add(patience))
			}
			p, _ := streamCall(t, agent, listener.Addr().String())
			wait(t, r.acks, "the ACK")
			dialog := wait(t, dialogs, "the dialog")
			done := make(chan error, 1)
			go func() {
				var failed error
				switch body := (Body{ContentType: sdpType, Data: []byte("v=0")}); method {
				case "UPDATE":
					_, failed = dialog.Update(t.Context(), body)
				case "INVITE":
					_, failed = dialog.ReInvite(t.Context(), body)
				case "BYE":
					failed = dialog.Bye(t.Context())
				default:
					_, failed = dialog.Request(t.Context(), method, Body{})
				}
				done <- failed
			}()
			lost := p.expect(method + " ")
			reset(p.conn)
			conn, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			again := &phone{t: t, conn: conn}
			t.Cleanup(func() { _ = conn.Close() })
			request := again.expect(method + " ")
			for _, field := range []string{"CSeq", "Via", "From", "To"} {
				got, want := fieldOf(request, field), fieldOf(lost, field)
				if field == "Via" {
					got, want = branchOf(got), branchOf(want)
				}
				if got != want {
					t.Errorf("%s is %s, was %s", field, got, want)
				}
			}
			answer := again.respond(request, "200 OK", "")
			again.send(answer)
			if method == "INVITE" {
				again.expect("ACK ")
			}
			if err := wait(t, done, "the end of the "+method); err != nil {
				t.Error(err)
			}
			if method != "BYE" && dialog.hasEnded() {
				t.Error("the call has ended")
			}
		})
	}
}

// reset closes a connection as a system does that does not know it.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func branchOf(via string) string {
	_, branch, _ := strings.Cut(via, "branch=")
	branch, _, _ = strings.Cut(branch, ";")
	return branch
}
