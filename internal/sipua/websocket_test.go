package sipua

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// socketPhone is a WebSocket client.
type socketPhone struct {
	t      *testing.T
	socket *websocket.Conn
	phone  *phone // renders
}

func dialSocket(t *testing.T, agent *Agent, header http.Header, protocols ...string) (*socketPhone, error) {
	t.Helper()
	socket, response, err := websocket.Dial(t.Context(), "ws://"+agent.Addr("ws").String(), &websocket.DialOptions{
		Subprotocols: protocols, HTTPHeader: header, HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dialNarrow}},
	})
	if response != nil && response.Body != nil {
		defer func() { _ = response.Body.Close() }()
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // the test looks at it
	}
	t.Cleanup(func() { _ = socket.CloseNow() })
	return &socketPhone{t: t, socket: socket, phone: &phone{t: t, conn: fakeConn{}}}, nil
}

// dialNarrow connects with a socket that keeps little of what nobody reads.
func dialNarrow(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetReadBuffer(64 << 10)
	}
	return conn, err //nolint:wrapcheck // the test looks at it
}

// fakeConn has an address as a browser writes it.
type fakeConn struct{ net.Conn }

func (fakeConn) LocalAddr() net.Addr { return fakeAddr{} }

type fakeAddr struct{}

func (fakeAddr) Network() string { return "ws" }
func (fakeAddr) String() string  { return "192.0.2.55:5060" }

func (p *socketPhone) options(extra string) string {
	f := p.phone.form("OPTIONS")
	f.extra = extra
	return p.phone.render(f)
}

func (p *socketPhone) expect(prefix string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	_, message, err := p.socket.Read(ctx)
	if err != nil || !strings.HasPrefix(string(message), prefix) {
		p.t.Fatalf("want %q, got %s, %v", prefix, message, err)
	}
	return string(message)
}

func (p *socketPhone) send(message string) {
	p.t.Helper()
	if err := p.socket.Write(p.t.Context(), websocket.MessageText, []byte(message)); err != nil {
		p.t.Fatal(err)
	}
}

// TestWebSocket: SIP messages may come in fragments and without a length, one to
// each WebSocket message; pings are answered; what is malformed is refused
// without ending the connection.
// Shows FO-NET-03.
func TestWebSocket(t *testing.T) {
	agent := startAgent(t, Config{Listen: []string{"ws://127.0.0.1:0"}}, newRecorder())
	p, err := dialSocket(t, agent, nil, "sip")
	if err != nil {
		t.Fatal(err)
	}
	p.send(p.options(""))
	answer := p.expect("SIP/2.0 200")
	if via := fieldOf(answer, "Via"); !strings.HasPrefix(via, "SIP/2.0/WS") || !strings.Contains(via, "received=127.0.0.1") {
		t.Errorf("Via %s", via)
	}
	// In fragments.
	writer, err := p.socket.Writer(t.Context(), websocket.MessageBinary)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.SplitAfter(p.options("Subject: "+strings.Repeat("x", 40000)+"\r\n"), "\r\n") {
		if _, err = io.WriteString(writer, part); err != nil {
			t.Fatal(err)
		}
	}
	_ = writer.Close()
	p.expect("SIP/2.0 200")
	p.send(strings.Replace(p.options(""), "Content-Length: 0\r\n", "", 1))
	p.expect("SIP/2.0 200")
	p.send("\r\n\r\n")
	p.expect("\r\n")
	p.send(strings.Replace(p.options(""), "Content-Length: 0\r\n", "Content-Length: 100\r\n", 1))
	p.expect("SIP/2.0 400")
	q, err := dialSocket(t, agent, nil, "sip")
	if err != nil {
		t.Fatal(err)
	}
	ctx := q.socket.CloseRead(t.Context())
	if err := q.socket.Ping(ctx); err != nil {
		t.Errorf("ping: %v", err)
	}
}

// TestOrigin: pages of other sites are kept out, and who does not speak SIP is.
func TestOrigin(t *testing.T) {
	agent := startAgent(t, Config{Listen: []string{"ws://127.0.0.1:0"}, Origins: []string{"*.example.com"}}, newRecorder())
	for origin, want := range map[string]bool{"": true, "https://app.example.com": true, "https://evil.example.org": false, "http://" + agent.Addr("ws").String(): true} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		if _, err := dialSocket(t, agent, header, "sip"); (err == nil) != want {
			t.Errorf("origin %q: %v", origin, err)
		}
	}
	if _, err := dialSocket(t, agent, nil, "chat"); err == nil {
		t.Error("chat was accepted")
	}
}

// TestSlowReader: a WebSocket client that does not read what it asked for is
// given up, and nobody else waits for it; until then only so much is taken from
// it as may wait for it.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	agent := startAgent(t, Config{Listen: []string{"ws://127.0.0.1:0", "udp://127.0.0.1:0"}}, newRecorder())
	slow, err := dialSocket(t, agent, nil, "sip")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // asks until the connection ends
		defer close(done)
		request := slow.options("Subject: " + strings.Repeat("x", 100) + "\r\n")
		for i, alive := 0, true; alive; i++ {
			message := strings.ReplaceAll(request, "branch=", fmt.Sprintf("branch=z9hG4bK%d", i))
			alive = slow.socket.Write(context.Background(), websocket.MessageText, []byte(message)) == nil
		}
	}()
	other := dialPhone(t, agent, "udp")
	for range 20 {
		probe(t, other)
	}
	select {
	case <-done:
	case <-time.After(readWithin + writeTimeout + 9*patience): // what lies between them has to be full first
		t.Fatal("the slow client goes on")
	}
}
