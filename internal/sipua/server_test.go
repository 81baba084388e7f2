package sipua

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// fakePeer is a UDP socket that plays the callee by hand.
type fakePeer struct {
	nameless bool // its responses have no Contact
	t        *testing.T
	conn     *net.UDPConn
	last     net.Addr
}

func newFakePeer(t *testing.T) *fakePeer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &fakePeer{t: t, conn: conn}
}

func (f *fakePeer) uri() URI {
	addr := addrPortOf(f.conn.LocalAddr())
	return URI{Scheme: "sip", User: "peer", Host: addr.Addr().String(), Port: addr.Port()}
}

// read returns the next request of this method, or "" after the time.
func (f *fakePeer) read(method string, timeout time.Duration) string {
	f.t.Helper()
	_ = f.conn.SetReadDeadline(time.Now().Add(timeout))
	buf := make([]byte, 65536)
	for {
		n, from, err := f.conn.ReadFrom(buf)
		if err != nil {
			return ""
		}
		f.last = from
		if strings.HasPrefix(string(buf[:n]), method+" ") {
			return string(buf[:n])
		}
	}
}

// respond answers a request.
func (f *fakePeer) respond(request, status, tag, extra, body string) {
	f.t.Helper()
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for _, name := range []string{"Via", "From", "Call-ID", "CSeq"} {
		b.WriteString(name + ": " + fieldOf(request, name) + "\r\n")
	}
	to := fieldOf(request, "To")
	if tag != "" && !strings.Contains(to, "tag=") {
		to += ";tag=" + tag
	}
	b.WriteString("To: " + to + "\r\n" + extra)
	if !f.nameless {
		b.WriteString("Contact: <" + f.uri().String() + ">\r\n")
	}
	b.WriteString("Content-Length: " + seconds(time.Duration(len(body))*time.Second) + "\r\n\r\n" + body)
	if _, err := f.conn.WriteTo([]byte(b.String()), f.last); err != nil {
		f.t.Fatal(err)
	}
}

type callResult struct {
	dialog   *Dialog
	response *Response
	err      error
}

func startCall(ctx context.Context, agent *Agent, to URI, handler DialogHandler, change func(*OutgoingCall)) <-chan callResult {
	results := make(chan callResult, 1)
	call := OutgoingCall{To: Address{URI: to}, ContentType: sdpType, Body: []byte("offer")}
	if change != nil {
		change(&call)
	}
	go func() {
		dialog, response, err := agent.Invite(ctx, call, handler)
		results <- callResult{dialog, response, err}
	}()
	return results
}

// TestCancelAfterProvisional: no CANCEL before a provisional response. FO-CAN-03
// (RFC 3261, section 9.1).
func TestCancelAfterProvisional(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{}, newRecorder())
	ctx, cancel := context.WithCancel(t.Context())
	result := startCall(ctx, agent, peer.uri(), newRecorder(), nil)
	invite := peer.read("INVITE", patience)
	cancel()
	if r := wait(t, result, "Invite"); r.err == nil {
		t.Error("no error")
	}
	if early := peer.read("CANCEL", 100*time.Millisecond); early != "" {
		t.Errorf("CANCEL before a provisional response:\n%s", early)
	}
	peer.respond(invite, "180 Ringing", "a", "", "")
	canceled := peer.read("CANCEL", patience)
	if fieldOf(canceled, "Via") != fieldOf(invite, "Via") || fieldOf(canceled, "CSeq") != strings.Replace(fieldOf(invite, "CSeq"), "INVITE", "CANCEL", 1) {
		t.Errorf("INVITE\n%s\nCANCEL\n%s", invite, canceled)
	}
	peer.respond(canceled, "200 OK", "a", "", "")
	// The 200 crosses the CANCEL: it is acknowledged and ended.
	peer.respond(invite, "200 OK", "a", "", "answer")
	if peer.read("ACK", patience) == "" {
		t.Error("no ACK")
	}
	bye := peer.read("BYE", patience)
	peer.respond(bye, "200 OK", "a", "", "")
}

// TestForked: each further 2xx gets ACK and BYE with its own tag, and a repeated
// 2xx only its ACK (RFC 3261, section 13.2.2.4). More than ten provisional
// responses do no harm. FO-OUT-03.
func TestForked(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{}, newRecorder())
	provisional := make(chan *Response, 100)
	handler := newRecorder()
	result := startCall(t.Context(), agent, peer.uri(), leg{handler}, func(call *OutgoingCall) {
		call.OnProvisional = func(response *Response) { provisional <- response }
	})
	invite := peer.read("INVITE", patience)
	for range 30 {
		peer.respond(invite, "182 Queued", "a", "", "")
	}
	for range 30 {
		wait(t, provisional, "182")
	}
	peer.respond(invite, "200 OK", "a", "Record-Route: <sip:127.0.0.1;lr;x=1>, <"+peer.uri().String()+";lr>\r\n", "answer")
	ack := peer.read("ACK", patience)
	if tagOf(ack) != "a" || !strings.HasPrefix(fieldOf(ack, "CSeq"), strings.TrimSuffix(fieldOf(invite, "CSeq"), "INVITE")) ||
		fieldOf(ack, "Route") != "<"+peer.uri().String()+";lr>, <sip:127.0.0.1;lr;x=1>" {
		t.Errorf("%s", ack)
	}
	dialog := wait(t, result, "Invite").dialog
	peer.respond(invite, "200 OK", "b", "", "answer")
	if ack = peer.read("ACK", patience); tagOf(ack) != "b" {
		t.Errorf("%s", ack)
	}
	bye := peer.read("BYE", patience)
	if tagOf(bye) != "b" {
		t.Errorf("%s", bye)
	}
	peer.respond(bye, "200 OK", "b", "", "")
	peer.respond(invite, "200 OK", "a", "", "answer")
	if ack = peer.read("ACK", patience); tagOf(ack) != "a" {
		t.Errorf("%s", ack)
	}
	go func() { _ = dialog.Bye(context.Background()) }()
	bye = peer.read("BYE", patience)
	peer.respond(bye, "200 OK", "a", "", "")
	if tagOf(bye) != "a" {
		t.Errorf("%s", bye)
	}
}

// TestRepeatedFailure: a repeated final response is acknowledged at once (RFC
// 3261, section 17.1.1.2).
func TestRepeatedFailure(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{}, newRecorder())
	result := startCall(t.Context(), agent, peer.uri(), newRecorder(), nil)
	invite := peer.read("INVITE", patience)
	for i := range 3 {
		peer.respond(invite, "486 Busy Here", "a", "", "")
		ack := peer.read("ACK", patience)
		if fieldOf(ack, "Via") != fieldOf(invite, "Via") || tagOf(ack) != "a" {
			t.Errorf("%s", ack)
		}
		if i == 0 {
			if r := wait(t, result, "Invite"); Status(r.err) != 486 {
				t.Error(r.err)
			}
		}
	}
}

// earlyHook stands in for what waits for a dialog, and tells that a request came.
type earlyHook func()

func (h earlyHook) receiveEarly(*inbound) bool {
	h()
	return false
}

// TestEarlyRequest: a request that overtakes the 2xx waits for its dialog.
func TestEarlyRequest(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{}, newRecorder())
	handler := newRecorder()
	result := startCall(t.Context(), agent, peer.uri(), leg{handler}, nil)
	invite := peer.read("INVITE", patience)
	from, _ := ParseAddress(fieldOf(invite, "From"))
	came := make(chan struct{}, 1)
	agent.expect(earlyID{callID: fieldOf(invite, "Call-ID"), localTag: from.Tag()}, earlyHook(func() { came <- struct{}{} }))
	info := "INFO " + agent.Contact("x").String() + " SIP/2.0\r\nVia: SIP/2.0/UDP " + peer.uri().Host + ";branch=z9hG4bKearly;rport\r\n" +
		"From: <sip:peer@x>;tag=a\r\nTo: " + from.String() + "\r\nCall-ID: " + fieldOf(invite, "Call-ID") + "\r\nCSeq: 7 INFO\r\n" +
		"Content-Length: 0\r\n\r\n"
	if _, err := peer.conn.WriteTo([]byte(info), peer.last); err != nil {
		t.Fatal(err)
	}
	wait(t, came, "INFO")
	peer.respond(invite, "200 OK", "a", "", "answer")
	wait(t, result, "Invite")
	if got := peer.read("SIP/2.0 200", patience); fieldOf(got, "CSeq") != "7 INFO" {
		t.Errorf("%q", got)
	}
}

// TestTimeout: no response at all.
func TestTimeout(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{}, newRecorder())
	if _, err := agent.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: peer.uri()}); err == nil {
		t.Error("no error")
	}
	if _, _, err := agent.Invite(t.Context(), OutgoingCall{To: Address{URI: peer.uri()}, Body: []byte("x")}, newRecorder()); err == nil {
		t.Error("no error")
	}
}

// TestLargeRequest: over 1300 bytes a request goes over TCP, and over UDP when
// the peer has no TCP; large responses go out over UDP in any case. CE-NOT-13
// (RFC 3261, section 18.1.1).
func TestLargeRequest(t *testing.T) {
	large := strings.Repeat("0123456789", 900)
	for _, listen := range [][]string{{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}, {"udp://127.0.0.1:0"}} {
		callee := newRecorder()
		requests := make(chan *Request, 10)
		callee.request = func(request *Request) *Response {
			requests <- request
			return NewResponse(200).WithBody("text/plain", []byte(large))
		}
		agent := startAgent(t, Config{Listen: listen}, callee)
		caller := startAgent(t, Config{}, newRecorder())
		for range 2 {
			response, err := caller.Request(t.Context(), OutgoingRequest{
				Method: "MESSAGE", URI: agent.Contact("1000", "udp"), ContentType: "text/plain", Body: []byte(large),
			})
			if err != nil {
				t.Fatal(err)
			}
			request := wait(t, requests, "MESSAGE")
			want := "udp"
			if len(listen) == 2 {
				want = "tcp"
			}
			if request.Transport != want || string(request.Body) != large || string(response.Body) != large {
				t.Errorf("%v: by %s, %d and %d bytes", listen, request.Transport, len(request.Body), len(response.Body))
			}
		}
	}
}

// TestSourcePort: requests leave from the listener's port, also within a dialog.
func TestSourcePort(t *testing.T) {
	a, b := newRecorder(), newRecorder()
	infos := make(chan *Request, 2)
	note := func(request *Request) *Response {
		infos <- request
		return NewResponse(200)
	}
	a.inside, b.inside = note, note
	out, in := connected(t, "udp", a, b)
	for _, dialog := range []*Dialog{out, in} {
		if _, err := dialog.Request(t.Context(), "INFO", Body{}); err != nil {
			t.Error(err)
		}
		if got, want := wait(t, infos, "INFO").Source, dialog.state.agent.Addr("udp"); got != want {
			t.Errorf("from %v, want %v", got, want)
		}
	}
}

// TestIPv6 makes a call over IPv6.
func TestIPv6(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		callee := newRecorder()
		callee.invite = func(call *IncomingCall) {
			_, _ = call.Answer(context.Background(), answerTo(call.Request()), leg{callee})
		}
		agent := startAgent(t, Config{Listen: []string{transport + "://[::1]:0"}}, callee)
		caller := startAgent(t, Config{Listen: []string{"udp://127.0.0.1:0", transport + "://[::1]:0"}}, newRecorder())
		dialog, _, err := caller.Invite(t.Context(), OutgoingCall{To: Address{URI: agent.Contact("1", transport)}, ContentType: sdpType, Body: []byte("o")}, leg{newRecorder()})
		if err != nil {
			t.Fatal(err)
		}
		if err := dialog.Bye(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestChallengedCall: challenges of a proxy and of the callee are answered, in the same call, and the ACK has the last answer (RFC 3261, section
// 22).
//
// Shows FO-OUT-05.
func TestChallengedCall(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{}, newRecorder())
	result := startCall(t.Context(), agent, peer.uri(), leg{newRecorder()}, func(call *OutgoingCall) {
		call.Trunk = &Trunk{Credentials: &Credentials{Username: "bridge", Password: "secret"}}
	})
	first := peer.read("INVITE", patience)
	request, sequence := first, 0
	for _, c := range []struct{ status, field, answer string }{
		{"407 Proxy Authentication Required", "Proxy-Authenticate", "Proxy-Authorization"}, {"401 Unauthorized", "WWW-Authenticate", "Authorization"},
	} {
		if fieldOf(request, c.answer) != "" {
			t.Errorf("answered before it was asked:\n%s", request)
		}
		peer.respond(request, c.status, "x", c.field+": Digest realm=\"r\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n", "")
		if peer.read("ACK", patience) == "" {
			t.Fatal("no ACK")
		}
		before := sequence
		request = peer.read("INVITE", patience)
		_, _ = fmt.Sscan(fieldOf(request, "CSeq"), &sequence)
		if got := fieldOf(request, c.answer); !strings.Contains(got, `username="bridge"`) || !strings.Contains(got, "response=") || strings.Contains(got, "secret") {
			t.Errorf("%s: %q", c.answer, got)
		}
		if fieldOf(request, "Call-ID") != fieldOf(first, "Call-ID") || sequence <= before {
			t.Errorf("another call:\n%s", request)
		}
	}
	peer.respond(request, "200 OK", "a", "", "answer")
	if ack := peer.read("ACK", patience); fieldOf(ack, "Authorization") != fieldOf(request, "Authorization") {
		t.Errorf("%s", ack)
	}
	r := wait(t, result, "Invite")
	if r.err != nil {
		t.Fatal(r.err)
	}
	go func() { _ = r.dialog.Bye(context.Background()) }()
	peer.respond(peer.read("BYE", patience), "200 OK", "a", "", "")
}

// TestTakeback: the CANCEL says why (RFC 3326, section 2).
//
// Shows FO-OUT-11.
func TestTakeback(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{}, newRecorder())
	for cause, want := range map[error]string{
		TakebackError(`SIP;cause=200;text="Call completed elsewhere"`): `SIP;cause=200;text="Call completed elsewhere"`, context.Canceled: "",
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		result := startCall(ctx, agent, peer.uri(), newRecorder(), nil)
		invite := peer.read("INVITE", patience)
		peer.respond(invite, "180 Ringing", "a", "", "")
		cancel(cause)
		if r := wait(t, result, "Invite"); r.err == nil {
			t.Error("no error")
		}
		canceled := peer.read("CANCEL", patience)
		if got := fieldOf(canceled, "Reason"); got != want {
			t.Errorf("%v: %q", cause, got)
		}
		peer.respond(canceled, "200 OK", "a", "", "")
		peer.respond(invite, "487 Request Terminated", "a", "", "")
		if peer.read("ACK", patience) == "" {
			t.Error("no ACK")
		}
	}
}
