package sipua

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"
)

// TestKeepAlive: who we have connected to gets pings, until the connection is closed.
func TestKeepAlive(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	a := startAgent(t, Config{Timers: Timers{KeepAlive: 40 * time.Millisecond}}, newRecorder())
	uri, err := ParseURI("sip:" + listener.Addr().String() + ";transport=tcp")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = a.Request(ctx, OutgoingRequest{Method: "OPTIONS", URI: uri}) // is not answered
	}()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var got []byte
	for bytes.Count(got, []byte("\r\n\r\n")) < 3 { // the end of the request, and two pings
		chunk := make([]byte, 2048)
		n, err := conn.Read(chunk)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, chunk[:n]...)
	}
	if !bytes.HasPrefix(got, []byte("OPTIONS ")) || !bytes.HasSuffix(got, []byte("\r\n\r\n\r\n\r\n\r\n\r\n")) {
		t.Errorf("got %q", got)
	}
	cancel()
	<-done
	_ = conn.Close()
	for len(a.Connections()) > 0 { // it is found out
		if !a.pause(time.Millisecond) {
			t.Fatal("the agent has ended")
		}
	}
}
