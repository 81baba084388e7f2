package sipua

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestValidation is the table of what is answered before a handler sees it. It
// covers FO-ERR-01, FO-ERR-05, FO-ERR-08, FO-ERR-09, FO-ERR-10, FO-ERR-14,
// FO-ERR-16, FO-ERR-22, FO-IN-10 and FO-IN-14.
func TestValidation(t *testing.T) {
	agent := startAgent(t, Config{
		Supported: []string{"timer"}, Methods: []string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"},
		SupportedFor: func(request *Request) []string {
			if request.URI.User == "factory" {
				return []string{"recipient-list-invite"}
			}
			return nil
		},
	}, &recorder{invite: func(call *IncomingCall) { _ = call.Reject(NewResponse(486)) }})
	for _, row := range []struct {
		name   string
		change func(*form)
		edit   [2]string
		want   string
		field  [2]string
	}{
		{name: "well", want: "200"},
		{name: "no Max-Forwards", edit: [2]string{"Max-Forwards: 70\r\n", ""}, want: "200"},
		{name: "Max-Forwards 0", change: func(f *form) { f.method, f.extra = "INVITE", "Max-Forwards: 0\r\n" }, want: "483"},
		{name: "no From tag", edit: [2]string{";tag=", ";tug="}, want: "400"},
		{name: "no To", edit: [2]string{"To: <sip:1000@127.0.0.1>\r\n", ""}, want: "400"},
		{name: "no Call-ID", edit: [2]string{"Call-ID: ", "Call-Id-Not: "}, want: "400"},
		{name: "no CSeq", edit: [2]string{"CSeq: ", "CSock: "}, want: "400"},
		{name: "CSeq with another method", edit: [2]string{"1 OPTIONS", "1 INFO"}, want: "400"},
		{name: "two From", change: func(f *form) { f.extra = "From: <sip:a@b>;tag=1\r\n" }, want: "400"},
		{name: "SIP/3.0", edit: [2]string{" SIP/2.0\r\nVia", " SIP/3.0\r\nVia"}, want: "505"},
		{name: "tel", change: func(f *form) { f.uri = "tel:+1234" }, want: "200"},
		{name: "urn", change: func(f *form) { f.uri = "urn:service:sos" }, want: "416"},
		{name: "unknown method", change: func(f *form) { f.method = "FOO" }, want: "501", field: [2]string{"Allow", "INVITE"}},
		{name: "not allowed", change: func(f *form) { f.method = "PUBLISH" }, want: "405", field: [2]string{"Allow", "INVITE"}},
		{
			name: "Require", change: func(f *form) { f.extra = "Require: timer, foo\r\nRequire: bar\r\n" },
			want: "420", field: [2]string{"Unsupported", "foo, bar"},
		},
		{name: "known Require", change: func(f *form) { f.extra = "Require: Timer\r\n" }, want: "200"},
		{name: "Require at one URI", change: func(f *form) {
			f.uri, f.extra = "sip:factory@127.0.0.1", "Require: recipient-list-invite\r\n"
		}, want: "200"},
		{
			name: "encoding", change: func(f *form) { f.body, f.extra = "x", "Content-Encoding: gzip\r\n" }, want: "415",
			field: [2]string{"Accept-Encoding", "identity"},
		},
		{
			name: "type", change: func(f *form) { f.method, f.body, f.extra = "INVITE", "x", "Content-Type: text/plain\r\n" }, want: "415",
			field: [2]string{"Accept", "application/sdp"},
		},
		{name: "optional type", change: func(f *form) {
			f.method, f.body, f.extra = "INVITE", "x", "Content-Type: text/plain\r\nContent-Disposition: x; handling=optional\r\n"
		}, want: "486"},
		{name: "unknown dialog", change: func(f *form) { f.toTag = "x" }, want: "481"},
		{name: "BYE without dialog", change: func(f *form) { f.method = "BYE" }, want: "481"},
		{name: "CANCEL without INVITE", change: func(f *form) { f.method = "CANCEL" }, want: "481"},
		{name: "INVITE without Contact", change: func(f *form) { f.method = "INVITE" }, edit: [2]string{"Contact: ", "Contuct: "}, want: "400"},
		{name: "bad Contact", change: func(f *form) { f.extra = "Contact: <sip:a b>\r\n" }, want: "400"},
		{name: "no colon", change: func(f *form) { f.extra = "Rubbish\r\n" }, want: "400"},
		{name: "bare line feed", change: func(f *form) { f.extra = "Subject: a\nEvil: b\r\n" }, want: "400"},
	} {
		for _, transport := range []string{"udp", "tcp"} {
			t.Run(row.name+"/"+transport, func(t *testing.T) {
				p := dialPhone(t, agent, transport)
				f := p.form("OPTIONS")
				if row.change != nil {
					row.change(&f)
				}
				message := p.render(f)
				if row.edit[0] != "" {
					message = strings.Replace(message, row.edit[0], row.edit[1], 1)
				}
				p.send(message)
				answer := p.expect("SIP/2.0 " + row.want)
				if row.field[0] != "" && !strings.Contains(fieldOf(answer, row.field[0]), row.field[1]) {
					t.Errorf("no %v in\n%s", row.field, answer)
				}
			})
		}
	}
}

// TestMerged: the same request on another way gets 482, and what came first is
// not disturbed. FO-ERR-15, FO-IN-11 (RFC 3261, section 8.2.2.2).
func TestMerged(t *testing.T) {
	agent := startAgent(t, Config{}, newRecorder())
	for _, method := range []string{"OPTIONS", "INVITE"} {
		p, other := dialPhone(t, agent, "udp"), dialPhone(t, agent, "udp")
		f := p.form(method)
		p.send(p.render(f))
		p.expect("SIP/2.0 200")
		again := f
		again.branch += "x"
		other.send(other.render(again))
		other.expect("SIP/2.0 482")
	}
	if n := agent.Calls(); n != 1 {
		t.Errorf("%d calls of one INVITE", n)
	}
}

// TestTooLarge: a request whose body is beyond the limit is told so. FO-ERR-07
// (RFC 3261, section 21.4.11).
func TestTooLarge(t *testing.T) {
	agent := startAgent(t, Config{Limits: Limits{MaxMessageSize: 4000}}, newRecorder())
	for _, transport := range []string{"udp", "tcp"} {
		p := dialPhone(t, agent, transport)
		f := p.form("MESSAGE")
		f.body, f.extra = strings.Repeat("x", 5000), "Content-Type: text/plain\r\n"
		p.send(p.render(f))
		if refused := p.expect("SIP/2.0 413"); fieldOf(refused, "CSeq") != "1 MESSAGE" || fieldOf(refused, "Call-ID") != f.callID {
			t.Errorf("by %s\n%s", transport, refused)
		}
		f.body, f.callID = strings.Repeat("x", 3000), unique("call")
		p = dialPhone(t, agent, transport)
		p.send(p.render(f))
		p.expect("SIP/2.0 405") // which the handler says
	}
}

// TestPanic: a handler that panics costs a 500 and nothing else. FO-ERR-22.
func TestPanic(t *testing.T) {
	callee := &recorder{
		invite:    func(*IncomingCall) { panic("invite") },
		subscribe: func(*IncomingSubscription) { panic("subscribe") },
		request:   func(*Request) *Response { panic("request") },
	}
	agent := startAgent(t, Config{}, callee)
	p := dialPhone(t, agent, "tcp")
	for _, method := range []string{"INVITE", "SUBSCRIBE", "OPTIONS"} {
		f := p.form(method)
		f.extra = "Event: conference\r\n"
		p.send(p.render(f))
		p.expect("SIP/2.0 500")
	}
	wait(t, agent.callCount.zero(), "the end of the call")
}

// TestLimits: too many calls, and too many per second. FO-ERR-22.
func TestLimits(t *testing.T) {
	callee := &recorder{invite: func(call *IncomingCall) { <-call.Done() }}
	agent := startAgent(t, Config{Limits: Limits{MaxCalls: 2, RetryAfter: 3 * time.Second}}, callee)
	p := dialPhone(t, agent, "udp")
	for range 2 {
		p.send(p.render(p.form("INVITE")))
		p.expect("SIP/2.0 100")
	}
	p.send(p.render(p.form("INVITE")))
	if got := fieldOf(p.expect("SIP/2.0 503"), "Retry-After"); got != "3" {
		t.Errorf("Retry-After %q", got)
	}
	slow := startAgent(t, Config{Limits: Limits{CallsPerSecond: 3}}, &recorder{invite: func(call *IncomingCall) {
		_ = call.Reject(NewResponse(486))
	}})
	p = dialPhone(t, slow, "tcp")
	counts := map[string]int{}
	for range 10 {
		p.send(p.render(p.form("INVITE")))
		answer := p.expect("SIP/2.0 ")
		for strings.HasPrefix(answer, "SIP/2.0 1") {
			answer = p.expect("SIP/2.0 ")
		}
		counts[answer[8:11]]++
	}
	if counts["486"] < 3 || counts["486"] > 4 || counts["503"] < 6 {
		t.Error(counts)
	}
}

// TestDropped: what is out of all proportion gets no answer.
func TestDropped(t *testing.T) {
	agent := startAgent(t, Config{Limits: Limits{MaxMessageSize: 8000, MaxConnections: 3, MaxConnectionsPerSource: 3}}, newRecorder())
	p := dialPhone(t, agent, "udp")
	for name, extra := range map[string]string{
		"size": "Subject: " + strings.Repeat("x", 9000) + "\r\n", "parameters": "Subject: " + strings.Repeat(";", 2000) + "\r\n",
		"fields": strings.Repeat("A: b\r\n", 300),
	} {
		f := p.form("OPTIONS")
		f.extra = extra
		p.send(p.render(f))
		if answer := p.read(100 * time.Millisecond); answer != "" {
			t.Errorf("%s: %s", name, answer)
		}
		probe(t, p)
	}
	for range 2 {
		probe(t, dialPhone(t, agent, "tcp"))
	}
	stream := dialPhone(t, agent, "tcp")
	probe(t, stream)
	refused := dialPhone(t, agent, "tcp")
	if answer := refused.read(patience); answer != "" {
		t.Error(answer)
	}
	// A message that never ends closes its connection.
	_, _ = stream.conn.Write([]byte("OPTIONS sip:x SIP/2.0\r\nSubject: " + strings.Repeat("x", 20000)))
	_ = stream.conn.SetReadDeadline(time.Now().Add(patience))
	if n, err := stream.conn.Read(make([]byte, 10)); err == nil {
		t.Errorf("%d bytes", n)
	}
}

// observedConn tells how much is read from it.
type observedConn struct {
	net.Conn

	segments chan int
}

func (c observedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.segments <- n
	}
	return n, err //nolint:wrapcheck // as the connection says it
}

// dialObserved connects a raw socket to an agent, and tells what the agent has
// read from it.
func dialObserved(t *testing.T, agent *Agent) (*phone, <-chan int) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	segments := make(chan int, 1000)
	framed := agent.frame(observedConn{Conn: accepted, segments: segments}, streamInfo{
		transport: overTCP, local: addrPortOf(accepted.LocalAddr()), remote: addrPortOf(accepted.RemoteAddr()),
	})
	if err := agent.conns.push(framed); err != nil {
		t.Fatal(err)
	}
	return &phone{t: t, conn: conn}, segments
}

// TestStream: messages are found in a stream however it is cut, and a ping is
// answered (RFC 5626, section 3.5.1).
func TestStream(t *testing.T) {
	agent := startAgent(t, Config{}, newRecorder())
	p, segments := dialObserved(t, agent)
	message := p.render(p.form("OPTIONS"))
	for _, part := range []string{"\r\n", message[:3], message[3:100], message[100:]} {
		p.send(part)
		// The next one is a segment of its own when this one has been read.
		for left := len(part); left > 0; {
			left -= wait(t, segments, "segment")
		}
	}
	answer := p.expect("SIP/2.0 200")
	if fieldOf(answer, "Allow") == "" || fieldOf(answer, "Accept") != "application/sdp" { // FO-OPT-02
		t.Errorf("%s", answer)
	}
	p.send("\r\n\r\n")
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	pong := make([]byte, 2)
	if _, err := io.ReadFull(p.conn, pong); err != nil || string(pong) != "\r\n" {
		t.Errorf("%q, %v", pong, err)
	}
	p.send(p.render(p.form("OPTIONS")) + p.render(p.form("OPTIONS")))
	p.expect("SIP/2.0 200")
	p.expect("SIP/2.0 200")
}

// TestInDialogOptions: OPTIONS in a dialog has no side effects. FO-OPT-06.
func TestInDialogOptions(t *testing.T) {
	a, b := newRecorder(), newRecorder()
	b.inside = func(*Request) *Response { return nil }
	out, _ := connected(t, "udp", a, b)
	response, err := out.Request(context.Background(), "OPTIONS", Body{})
	if err != nil || !response.Headers.Has("Allow") {
		t.Error(response, err)
	}
}

// TestEndIsTakenAsItIs: a BYE ends its call, and an ACK confirms it, whatever else they carry; refused they would leave a call here that is over. The
// REL of gateways (RFC 3204) is required to be understood, as a rule, and what has come as far as Max-Forwards takes it has arrived (RFC 4475,
// section 3.3.11).
func TestEndIsTakenAsItIs(t *testing.T) {
	const isup = "Content-Type: application/isup;version=itu-t92+\r\nContent-Disposition: signal;handling=required\r\n"
	for name, change := range map[string]func(*form){
		"ISUP":           func(f *form) { f.body, f.extra = "\x0c\x02\x00\x02\x80\x90", isup },
		"compressed":     func(f *form) { f.body, f.extra = "x", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n" },
		"Require":        func(f *form) { f.extra = "Require: foo\r\n" },
		"Max-Forwards 0": func(f *form) { f.extra = "Max-Forwards: 0\r\n" },
		"Expires":        func(f *form) { f.extra = "Expires: never\r\n" },
		"Contact":        func(f *form) { f.extra = "Contact: <sip:a b>\r\n" },
	} {
		t.Run(name, func(t *testing.T) {
			callee := newRecorder()
			p := dialPhone(t, startAgent(t, Config{Accept: []string{sdpType}, Supported: []string{"timer"}}, callee), "udp")
			f := p.form("INVITE")
			f.body = "offer"
			p.send(p.render(f))
			f.toTag, f.body, f.method, f.branch = tagOf(p.expect("SIP/2.0 200")), "", "ACK", f.branch+"a"
			change(&f)
			p.send(p.render(f))
			wait(t, callee.acks, "the ACK")
			f.method, f.cseq, f.branch = "BYE", f.cseq+1, f.branch+"b"
			p.send(p.render(f))
			p.expect("SIP/2.0 200")
			wait(t, callee.ended, "the end")
		})
	}
}
