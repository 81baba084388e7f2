package sipua

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

// deafPort is a port for UDP at whose number others listen on TCP, who do to each connection what they are told.
func deafPort(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	for range 50 {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		socket, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp4", listener.Addr().String())
		if err != nil {
			_ = listener.Close()
			continue
		}
		_ = socket.Close()
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				handle(conn)
				_ = conn.Close()
			}
		}()
		return listener.Addr().String()
	}
	t.Fatal("no port is free for UDP and TCP")
	return ""
}

// A large request goes over UDP where somebody takes connections on the port and ends them, or speaks something else: at once, and from then on without a connection
// (RFC 3261, section 18.1.1).
func TestLargeRequestToWhoSpeaksNoTCP(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789", 900)
	for name, handle := range map[string]func(net.Conn){
		"closes at once": func(net.Conn) {},
		"closes after the request": func(conn net.Conn) {
			_, _ = bufio.NewReader(conn).ReadString('\n')
		},
		"speaks HTTP": func(conn net.Conn) {
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			port := deafPort(t, handle)
			callee := newRecorder()
			requests := make(chan *Request, 10)
			callee.request = func(request *Request) *Response {
				requests <- request
				return NewResponse(200)
			}
			agent := startAgent(t, Config{Listen: []string{"udp://" + port}}, callee)
			caller := startAgent(t, Config{}, newRecorder())
			for range 2 {
				if _, err := caller.Request(t.Context(), OutgoingRequest{
					Method: "MESSAGE", URI: agent.Contact("1000", "udp"), ContentType: "text/plain", Body: []byte(large),
				}); err != nil {
					t.Fatal(err)
				}
				if request := wait(t, requests, "MESSAGE"); request.Transport != "udp" || string(request.Body) != large {
					t.Errorf("by %s, %d bytes", request.Transport, len(request.Body))
				}
			}
		})
	}
}
