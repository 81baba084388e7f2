package sipua

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// quick are timers for tests: everything that takes 32 s takes 640 ms.
func quick() Timers {
	return Timers{T1: 10 * time.Millisecond, T2: 80 * time.Millisecond, Glare: 20 * time.Millisecond}
}

const sdpType = "application/sdp"

// patience is how long a test waits for what has to happen.
const patience = 10 * time.Second

// recorder is a Handler and a DialogHandler that notes what it is told.
type recorder struct {
	invite    func(*IncomingCall)
	subscribe func(*IncomingSubscription)
	request   func(*Request) *Response
	offer     func(*Request) *Response
	inside    func(*Request) *Response

	acks  chan *Request
	ended chan EndReason
}

func newRecorder() *recorder {
	return &recorder{acks: make(chan *Request, 5000), ended: make(chan EndReason, 5000)}
}

func (r *recorder) Invite(call *IncomingCall) {
	if r.invite != nil {
		r.invite(call)
		return
	}
	_, _ = call.Answer(context.Background(), answerTo(call.Request()), r)
}

func answerTo(request *Request) *Response {
	return NewResponse(200).WithBody(sdpType, append([]byte("answer to "), request.Body...))
}

func (r *recorder) Subscribe(subscription *IncomingSubscription) {
	if r.subscribe != nil {
		r.subscribe(subscription)
		return
	}
	_ = subscription.Reject(NewResponse(489))
}

func (r *recorder) Request(request *Request) *Response {
	if r.request != nil {
		return r.request(request)
	}
	return nil
}

func (r *recorder) Ack(request *Request)   { r.acks <- request }
func (r *recorder) Ended(reason EndReason) { r.ended <- reason }

func (r *recorder) Offer(request *Request) *Response {
	if r.offer != nil {
		return r.offer(request)
	}
	return answerTo(request)
}

// leg is the DialogHandler of a recorder whose Request is for dialogs.
type leg struct{ *recorder }

func (l leg) Request(request *Request) *Response {
	if l.inside != nil {
		return l.inside(request)
	}
	return NewResponse(200)
}

// testLogger shows what is logged when a test is run with PARLEY_LOG=1.
func testLogger() *slog.Logger {
	if os.Getenv("PARLEY_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// startAgent starts an Agent for a test and ends it with the test.
func startAgent(t *testing.T, config Config, handler Handler) *Agent {
	t.Helper()
	if config.Timers == (Timers{}) {
		config.Timers = quick()
	}
	if config.Logger == nil {
		config.Logger = testLogger()
	}
	agent, err := New(config, handler)
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := agent.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return agent
}

// wait receives with a limit.
func wait[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		buf := make([]byte, 1<<20)
		t.Logf("%s", buf[:runtime.Stack(buf, true)])
		t.Fatalf("waited for %s", what)
		panic("unreachable")
	}
}

// eventually waits for a condition that no event tells of.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.After(patience); !condition(); {
		select {
		case <-look.C:
		case <-deadline:
			buf := make([]byte, 1<<20)
			t.Logf("%s", buf[:runtime.Stack(buf, true)])
			t.Fatalf("waited for %s", what)
		}
	}
}

// phone is a raw socket with hand-written messages.
type phone struct {
	t    *testing.T
	conn net.Conn
	buf  []byte
	had  []string // messages that expect has given
}

// dialPhone connects a raw socket to an agent.
func dialPhone(t *testing.T, agent *Agent, transport string) *phone {
	t.Helper()
	if transport == "tls" {
		p, err := dialTLS(t, agent, &tls.Config{RootCAs: testAuthority.pool(t), MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), transport, agent.Addr(transport).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &phone{t: t, conn: conn}
}

func (p *phone) addr() netip.AddrPort { return addrPortOf(p.conn.LocalAddr()) }

func (p *phone) send(message string) {
	p.t.Helper()
	if _, err := p.conn.Write([]byte(message)); err != nil {
		p.t.Fatal(err)
	}
}

// read returns the next message, or "" when none comes in time.
func (p *phone) read(timeout time.Duration) string {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(timeout))
	for {
		if end := bytes.Index(p.buf, []byte("\r\n\r\n")); end >= 0 {
			message := splitMessage(p.buf[:end+4])
			var length int
			if lengths := message.values("Content-Length"); len(lengths) > 0 {
				_, _ = fmt.Sscan(lengths[0], &length)
			}
			if len(p.buf) >= end+4+length {
				text := string(p.buf[:end+4+length])
				p.buf = p.buf[end+4+length:]
				return text
			}
		}
		chunk := make([]byte, 65536)
		n, err := p.conn.Read(chunk)
		if err != nil {
			return ""
		}
		p.buf = append(p.buf, chunk[:n]...)
	}
}

// expect reads until a message starts with this, skipping 100 Trying and what is sent again of what it has given before: on a busy machine an
// ACK may come after the first retransmission of what it is for.
func (p *phone) expect(prefix string) string {
	p.t.Helper()
	for {
		message := p.read(patience)
		if message == "" {
			p.t.Fatalf("no message that starts with %q", prefix)
		}
		if strings.HasPrefix(message, prefix) {
			p.had = append(p.had, message)
			return message
		}
		if !strings.HasPrefix(message, "SIP/2.0 100") && !slices.Contains(p.had, message) {
			p.t.Fatalf("want %q, got\n%s", prefix, message)
		}
	}
}

// fieldOf returns a header field of a message.
func fieldOf(message, name string) string {
	return strings.Join(splitMessage([]byte(message)).values(name), ", ")
}

func tagOf(message string) string {
	address, _ := ParseAddress(fieldOf(message, "To"))
	return address.Tag()
}

// form is a hand-written request.
type form struct {
	method, uri, callID, fromTag, toTag, branch string
	cseq                                        int
	extra                                       string
	body                                        string
}

// serial numbers what must be unique in a test.
var serial = struct {
	sync.Mutex
	n int
}{}

func unique(prefix string) string {
	serial.Lock()
	defer serial.Unlock()
	serial.n++
	return fmt.Sprintf("%s%d", prefix, serial.n)
}

func (p *phone) form(method string) form {
	return form{
		method: method, uri: "sip:1000@127.0.0.1", callID: unique("call"), fromTag: unique("f"), branch: "z9hG4bK" + unique("b"),
		cseq: 1,
	}
}

func (p *phone) render(f form) string {
	transport := strings.ToUpper(p.conn.LocalAddr().Network())
	to := "<sip:1000@127.0.0.1>"
	if f.toTag != "" {
		to += ";tag=" + f.toTag
	}
	if f.body != "" && !strings.Contains(f.extra, "Content-Type") {
		f.extra += "Content-Type: application/sdp\r\n"
	}
	contact := fmt.Sprintf("Contact: <sip:phone@%s;transport=%s>\r\n", p.addr(), strings.ToLower(transport))
	if strings.Contains(f.extra, "Contact:") {
		contact = ""
	}
	maxForwards := "Max-Forwards: 70\r\n"
	if strings.Contains(f.extra, "Max-Forwards:") {
		maxForwards = ""
	}
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\n%sFrom: <sip:phone@127.0.0.1>;tag=%s\r\n"+
		"To: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%s%sContent-Length: %d\r\n\r\n%s",
		f.method, f.uri, transport, p.addr(), f.branch, maxForwards, f.fromTag, to, f.callID, f.cseq, f.method, contact, f.extra,
		len(f.body), f.body)
}
