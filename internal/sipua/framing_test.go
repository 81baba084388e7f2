package sipua

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/sys/unix"
)

// TestAnswersGoBeforeRequests: a thousand requests that wait for a slow peer hold up neither what it asks nor the answer to that.
func TestAnswersGoBeforeRequests(t *testing.T) {
	t.Parallel()
	agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, newRecorder())
	ours, theirs := net.Pipe() // what is not read is not taken
	conn := agent.frame(ours, streamInfo{})
	const requests = 1000
	for i := range requests {
		go func() { _, _ = fmt.Fprintf(conn, "NOTIFY sip:%d@a SIP/2.0\r\n\r\n", i) }()
	}
	eventually(t, "requests wait", func() bool { return len(conn.asking) == maxAsking })
	asked := make(chan string, 1)
	go func() {
		var message [1000]byte
		n, err := conn.Read(message[:])
		asked <- fmt.Sprint(err, string(message[:n]))
	}()
	question := "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:b>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
	if _, err := theirs.Write([]byte(question)); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, asked, "question"); got != "<nil>"+question {
		t.Fatalf("read %q", got)
	}
	go func() { _, _ = conn.Write([]byte("SIP/2.0 200 OK\r\n\r\n")) }()
	eventually(t, "the answer waits", func() bool { return len(conn.unsent) > 0 })
	lines := bufio.NewReader(theirs)
	for n := 0; ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "SIP/2.0") {
			break
		}
		if n++; n > requests {
			t.Fatal("the answer came after most requests")
		}
	}
	_ = conn.Close() // and nobody waits any more
	eventually(t, "the writers to end", func() bool { return len(conn.asking)+len(conn.unsent) == 0 })
}

// The stack is told of the end of a connection only when no request is being given to it, and is given none from then on: it would bring down the program by a transaction that is not ready for that. Requests
// that wait for a peer that takes nothing do not put off the end.
func TestConnectionEndsBetweenRequests(t *testing.T) {
	t.Parallel()
	agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, newRecorder())
	ours, theirs := net.Pipe()
	conn := agent.frame(ours, streamInfo{})
	begun, ready, given := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		given <- conn.give(func() error {
			close(begun)
			<-ready // the stack knows it, and has not made it ready
			_, err := conn.Write([]byte("NOTIFY sip:a@a SIP/2.0\r\n\r\n"))
			return err
		})
	}()
	wait(t, begun, "the request")
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1000))
		ended <- err
	}()
	_ = theirs.Close()
	wait(t, conn.gone, "the connection to be closed")
	select {
	case err := <-ended:
		t.Fatalf("the stack is told of the end (%v) before the request is ready", err)
	default:
	}
	close(ready)
	if err := wait(t, given, "the outcome of the request"); err == nil {
		t.Error("a request was written to who has gone")
	}
	if err := wait(t, ended, "the end"); err == nil {
		t.Error("the connection goes on")
	}
	if err := conn.give(func() error { t.Error("a request is given to a connection that has ended"); return nil }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// Of requests with a large body few are made into text at once for a connection whose peer takes nothing; what else goes to the same peer does not wait behind them. Who gives up, and the end of the
// connection, end the waiting.
func TestLargeRequestsWaitUnmade(t *testing.T) {
	t.Parallel()
	agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, newRecorder())
	little := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10) })
	}}
	listener, err := little.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // who has connected is accepted by the system, and what it sends is not read
	uri, err := ParseURI("sip:a@" + listener.Addr().String() + ";transport=tcp")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const requests = 200
	body, ended := bytes.Repeat([]byte("x"), 64<<10), make(chan error, 100*requests)
	begun := 0
	send := func(ctx context.Context, body []byte) {
		begun++
		go func() {
			_, err := agent.Request(ctx, OutgoingRequest{Method: "MESSAGE", URI: uri, ContentType: "text/plain", Body: body})
			ended <- err
		}()
	}
	for range requests {
		send(ctx, body)
	}
	eventually(t, "the connection", func() bool { return len(agent.streams.all()) == 1 })
	conn := agent.streams.all()[0]
	eventually(t, "a small one to wait in the way of answers beside large ones", func() bool {
		if len(conn.asking) == maxLarge && len(conn.large) == maxLarge {
			send(ctx, body[:100]) // those before went out while the systems still kept them
		}
		return len(conn.asking) > maxLarge && len(conn.large) == maxLarge
	})
	cancel()
	for begun > maxAsking { // all but those that are being written
		if err := wait(t, ended, "who waits"); err == nil {
			t.Error("it was answered")
		}
		begun--
	}
	for range requests {
		send(t.Context(), body)
	}
	_ = listener.Close() // nobody connects again
	_ = conn.Close()
	for range begun {
		if err := wait(t, ended, "who waits"); err == nil {
			t.Error("a request was given to a connection that has ended")
		}
	}
	eventually(t, "all places to be free", func() bool { return len(conn.large)+len(conn.asking) == 0 })
}

// The size of a request is known without making it, and it stays as it was.
func TestSizeOfRequest(t *testing.T) { //nolint:paralleltest // it counts what is allocated
	for _, size := range []int{0, 1, 9, 10, 999, 1000, 100_000} {
		wire := sip.NewRequest("NOTIFY", sip.Uri{Scheme: "sip", Host: "a"})
		wire.AppendHeader(sip.NewHeader("Event", "conference"))
		wire.SetBody(bytes.Repeat([]byte("x"), size))
		before := wire.String()
		if got := sizeOf(wire); got != len(before) {
			t.Errorf("with a body of %d: %d, want %d", size, got, len(before))
		}
		if after := wire.String(); after != before {
			t.Errorf("it has become %.200s, was %.200s", after, before)
		}
		var from, to runtime.MemStats
		runtime.ReadMemStats(&from)
		sizeOf(wire)
		if runtime.ReadMemStats(&to); size == 100_000 && to.TotalAlloc-from.TotalAlloc > uint64(size) {
			t.Errorf("%d octets are allocated", to.TotalAlloc-from.TotalAlloc)
		}
	}
}
