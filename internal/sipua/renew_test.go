package sipua

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
)

// streamPeer is a user agent on TCP or TLS, by hand, that may end its connections.
type streamPeer struct {
	t        *testing.T
	listener net.Listener
	conns    chan net.Conn
	secure   *tls.Certificate // nil: it is on TCP
}

func newStreamPeer(t *testing.T, secure *tls.Certificate) *streamPeer {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p := &streamPeer{t: t, listener: listener, conns: make(chan net.Conn, 10), secure: secure}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if secure != nil {
				conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*secure}, MinVersion: tls.VersionTLS12})
			}
			p.conns <- conn
		}
	}()
	return p
}

func (p *streamPeer) uri() URI {
	addr := addrPortOf(p.listener.Addr())
	transport := "tcp"
	if p.secure != nil {
		transport = "tls"
	}
	return URI{Scheme: "sip", User: "peer", Host: addr.Addr().String(), Port: addr.Port(), Params: Params{{Name: "transport", Value: transport}}}
}

// next is the next connection to the peer.
func (p *streamPeer) next() *phone {
	p.t.Helper()
	conn := wait(p.t, p.conns, "a connection")
	p.t.Cleanup(func() { _ = conn.Close() })
	return &phone{t: p.t, conn: conn}
}

// answer responds to a request over a connection.
func (p *streamPeer) answer(over *phone, request, status, body string) {
	p.t.Helper()
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for _, name := range []string{"Via", "From", "Call-ID", "CSeq"} {
		b.WriteString(name + ": " + fieldOf(request, name) + "\r\n")
	}
	to := fieldOf(request, "To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=a"
	}
	b.WriteString("To: " + to + "\r\nContact: <" + p.uri().String() + ">\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO\r\n")
	if body != "" {
		b.WriteString("Content-Type: " + sdpType + "\r\n")
	}
	over.send(b.String() + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

// reset ends a connection with RST, as a firewall does, or a host that has been started anew.
func (p *phone) reset() {
	p.t.Helper()
	conn := p.conn
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// requestsInside are the requests within a dialog, and how they are made.
func requestsInside() map[string]func(context.Context, *Dialog) error {
	offer := Body{ContentType: sdpType, Data: []byte("offer")}
	return map[string]func(context.Context, *Dialog) error{
		"INVITE": func(ctx context.Context, d *Dialog) error { _, err := d.ReInvite(ctx, offer); return err },
		"UPDATE": func(ctx context.Context, d *Dialog) error { _, err := d.Update(ctx, offer); return err },
		"INFO":   func(ctx context.Context, d *Dialog) error { _, err := d.Request(ctx, "INFO", Body{}); return err },
		"BYE":    func(ctx context.Context, d *Dialog) error { return d.Bye(ctx) },
	}
}

// calledOverTCP is a call to a peer that is up.
func calledOverTCP(t *testing.T, agent *Agent, peer *streamPeer) (*Dialog, *phone) {
	t.Helper()
	result := startCall(t.Context(), agent, peer.uri(), newRecorder(), nil)
	line := peer.next()
	peer.answer(line, line.expect("INVITE"), "200 OK", "answer")
	dialog := wait(t, result, "Invite").dialog
	line.expect("ACK")
	return dialog, line
}

// The ACK of a 2xx whose connection broke is sent again, over a new one, when the peer repeats the 2xx, each time that it does; the call goes on.
//
// RFC 3261, sections 13.2.2.4 and 13.3.1.4.
func TestAckOverABrokenConnection(t *testing.T) {
	t.Parallel()
	agent, peer := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, newRecorder()), newStreamPeer(t, nil)
	result := startCall(t.Context(), agent, peer.uri(), newRecorder(), nil)
	line := peer.next()
	invite := line.expect("INVITE")
	peer.answer(line, invite, "200 OK", "answer")
	dialog := wait(t, result, "Invite").dialog
	first := line.expect("ACK")
	for range 2 {
		line.reset()
		eventually(t, "the end of the connection", func() bool { return len(agent.Connections()) == 0 })
		back, err := new(net.Dialer).DialContext(t.Context(), "tcp4", agent.Addr("tcp").String()) // where Via says (RFC 3261, section 18.2.2)
		if err != nil {
			t.Fatal(err)
		}
		response := &phone{t: t, conn: back}
		peer.answer(response, invite, "200 OK", "answer")
		line = peer.next()
		if again := line.expect("ACK"); fieldOf(again, "CSeq") != fieldOf(first, "CSeq") || fieldOf(again, "To") != fieldOf(first, "To") {
			t.Errorf("first\n%s\nthen\n%s", first, again)
		}
		response.reset()
	}
	done := make(chan error, 1)
	go func() { done <- dialog.Bye(t.Context()) }()
	peer.answer(line, line.expect("BYE"), "200 OK", "")
	if err := wait(t, done, "BYE"); err != nil {
		t.Error(err)
	}
}

// A request in a dialog whose connection breaks under it goes out once more over a new one, and it is the same one; the call goes on. So it does where the
// peer had closed the connection before, as servers do with idle ones.
//
// RFC 3261, sections 17.2.3 and 18.4; RFC 5923, section 8.
func TestRequestOverABrokenConnection(t *testing.T) {
	for method, send := range requestsInside() {
		for how, breaks := range map[string]func(*Agent, *phone) (before bool){
			"closed while idle": func(agent *Agent, line *phone) bool {
				_ = line.conn.Close()
				eventually(t, "the end of the connection", func() bool { return len(agent.Connections()) == 0 })
				return true
			},
			"closed just before": func(_ *Agent, line *phone) bool { _ = line.conn.Close(); return true },
			"reset just before":  func(_ *Agent, line *phone) bool { line.reset(); return true },
			"reset by the request": func(*Agent, *phone) bool {
				return false
			},
		} {
			t.Run(method+" "+how, func(t *testing.T) {
				t.Parallel()
				peer := newStreamPeer(t, nil)
				agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, newRecorder())
				dialog, line := calledOverTCP(t, agent, peer)
				before := breaks(agent, line)
				done := make(chan error, 1)
				go func() { done <- send(t.Context(), dialog) }()
				first := ""
				if !before {
					first = line.expect(method)
					line.reset()
				}
				anew := peer.next()
				again := anew.expect(method)
				if first != "" && (fieldOf(again, "CSeq") != fieldOf(first, "CSeq") || fieldOf(again, "Via") != fieldOf(first, "Via")) {
					t.Errorf("first\n%s\nthen\n%s", first, again)
				}
				peer.answer(anew, again, "200 OK", "answer")
				if method == "INVITE" {
					anew.expect("ACK")
				}
				if err := wait(t, done, method); err != nil {
					t.Error(err)
				}
				if method == "BYE" {
					return
				}
				if dialog.hasEnded() {
					t.Error("the call has ended")
				}
				go func() { done <- dialog.Bye(t.Context()) }()
				peer.answer(anew, anew.expect("BYE"), "200 OK", "")
				if err := wait(t, done, "BYE"); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// It is tried once more only: where the new connection breaks, too, or nobody takes one any more, the dialog is over.
func TestRequestOverConnectionsThatBreak(t *testing.T) {
	for name, gone := range map[string]bool{"again": false, "nobody is there": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := newStreamPeer(t, nil)
			agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, newRecorder())
			dialog, line := calledOverTCP(t, agent, peer)
			done := make(chan error, 1)
			go func() {
				_, err := dialog.Request(t.Context(), "INFO", Body{})
				done <- err
			}()
			line.expect("INFO")
			if gone {
				_ = peer.listener.Close()
			}
			line.reset()
			if !gone {
				anew := peer.next()
				anew.expect("INFO")
				anew.reset()
			}
			if err := wait(t, done, "INFO"); !errors.Is(err, ErrTransport) || !dialog.hasEnded() {
				t.Errorf("%v, over: %t", err, dialog.hasEnded())
			}
		})
	}
}

// Who has called us is connected to where his Contact says, when his connection has broken.
func TestRequestToACallerWhoseConnectionBroke(t *testing.T) {
	t.Parallel()
	peer, answered := newStreamPeer(t, nil), make(chan *Dialog, 1)
	handler := newRecorder()
	handler.invite = func(call *IncomingCall) {
		dialog, err := call.Answer(context.Background(), answerTo(call.Request()), handler)
		if err == nil {
			answered <- dialog
		}
	}
	agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, handler)
	line, _ := streamCall(t, agent, peer.listener.Addr().String())
	dialog := wait(t, answered, "the call")
	wait(t, handler.acks, "the ACK")
	done := make(chan error, 1)
	go func() {
		_, err := dialog.Request(t.Context(), "INFO", Body{})
		done <- err
	}()
	first := line.expect("INFO")
	line.reset()
	anew := peer.next()
	again := anew.expect("INFO")
	if fieldOf(again, "CSeq") != fieldOf(first, "CSeq") || fieldOf(again, "Via") != fieldOf(first, "Via") {
		t.Errorf("first\n%s\nthen\n%s", first, again)
	}
	peer.answer(anew, again, "200 OK", "")
	if err := wait(t, done, "INFO"); err != nil {
		t.Error(err)
	}
	go func() { done <- dialog.Bye(t.Context()) }()
	peer.answer(anew, anew.expect("BYE"), "200 OK", "")
	if err := wait(t, done, "BYE"); err != nil {
		t.Error(err)
	}
}

// Who has proved by his certificate to be a domain, and says in his Contact at which address he is, is asked to prove the same again over the new connection.
func TestRequestOverABrokenTLSConnection(t *testing.T) {
	for name, idle := range map[string]bool{"closed while idle": true, "reset by the request": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := newStreamPeer(t, testAuthority.issue(t, "srs.example.com"))
			agent := startAgent(t, Config{TLS: testAuthority.settings(t, "focus.example.com"), Listen: []string{"tls://127.0.0.1:0"}}, newRecorder())
			to := peer.uri()
			to.Params = append(to.Params, Param{Name: "maddr", Value: to.Host})
			to.Host = "srs.example.com"
			result := startCall(t.Context(), agent, to, newRecorder(), nil)
			line := peer.next()
			peer.answer(line, line.expect("INVITE"), "200 OK", "answer")
			dialog := wait(t, result, "Invite").dialog
			line.expect("ACK")
			done := make(chan error, 1)
			ask := func() {
				_, err := dialog.Request(t.Context(), "INFO", Body{})
				done <- err
			}
			if idle {
				_ = line.conn.Close()
				eventually(t, "the end of the connection", func() bool { return len(agent.Connections()) == 0 })
				go ask()
			} else {
				go ask()
				line.expect("INFO")
				line.reset()
			}
			anew := peer.next()
			peer.answer(anew, anew.expect("INFO"), "200 OK", "")
			if err := wait(t, done, "INFO"); err != nil {
				t.Error(err)
			}
			go func() { done <- dialog.Bye(t.Context()) }()
			peer.answer(anew, anew.expect("BYE"), "200 OK", "")
			if err := wait(t, done, "BYE"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A request outside of a dialog, such as the INVITE of the next recording, is sent once more as well when it went over a connection that was there before;
// one that was made for it and breaks is no reason to make another.
func TestRequestOutsideOverABrokenConnection(t *testing.T) {
	t.Parallel()
	peer := newStreamPeer(t, nil)
	agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, newRecorder())
	ask := func() <-chan error {
		done := make(chan error, 1)
		go func() {
			_, err := agent.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: peer.uri()})
			done <- err
		}()
		return done
	}
	done := ask()
	line := peer.next()
	peer.answer(line, line.expect("OPTIONS"), "200 OK", "")
	if err := wait(t, done, "OPTIONS"); err != nil {
		t.Fatal(err)
	}
	done = ask()
	line.expect("OPTIONS")
	line.reset()
	anew := peer.next()
	peer.answer(anew, anew.expect("OPTIONS"), "200 OK", "")
	if err := wait(t, done, "OPTIONS"); err != nil {
		t.Error(err)
	}
	anew.reset()
	eventually(t, "the end of the connection", func() bool { return len(agent.Connections()) == 0 })
	done = ask()
	fresh := peer.next()
	fresh.expect("OPTIONS")
	fresh.reset()
	if err := wait(t, done, "OPTIONS"); !errors.Is(err, ErrTransport) {
		t.Errorf("%v", err)
	}
}
