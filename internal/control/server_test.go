package control_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/control"
)

func TestHealthAndReadiness(t *testing.T) {
	b := newBench(t, benchConfig{})
	if got := b.do("GET", "/healthz", "", 200); string(got.body) != "ok\n" {
		t.Errorf("healthz says %q", got.body)
	}
	if got := b.do("GET", "/readyz", "", 200); string(got.body) != "ready\n" {
		t.Errorf("readyz says %q", got.body)
	}
	b.server.Unready()
	b.do("GET", "/readyz", "", 503)
	b.do("GET", "/healthz", "", 200)
}

// TestDrainingServerStillAnswers: a load balancer and an operator must be able to see what goes on.
func TestDrainingServerStillAnswers(t *testing.T) {
	b := newBench(t, benchConfig{})
	events := b.follow("/api/v1/events", "")
	b.do("POST", "/api/v1/conferences", `{"id":"1000"}`, 201)
	phone := b.phone("alice", "1000")
	must(t, b.focus.Shutdown(t.Context()))
	events.untilType("conference.ended")
	<-phone.Over()
	<-events.ended // the focus has nothing more to say
	b.do("GET", "/readyz", "", 503)
	b.do("GET", "/healthz", "", 200)
	b.do("POST", "/api/v1/conferences", `{"id":"1001"}`, 503)
}

func TestCloseEndsStreamsAndTheServer(t *testing.T) {
	b := newBench(t, benchConfig{})
	one, all := b.follow("/api/v1/conferences/1000/events", ""), b.follow("/api/v1/events", "")
	must(t, b.server.Close(t.Context()))
	<-one.ended
	<-all.ended
	if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.server.Addr()); err == nil {
		t.Error("the server still listens")
	}
	must(t, b.server.Close(context.Background())) // again
}

// Clients open connections ahead of need: nobody waits for what is not asked by them, and nothing was cut off.
func TestCloseDoesNotWaitForUnusedConnections(t *testing.T) {
	b := newBench(t, benchConfig{})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.server.Addr())
	must(t, err)
	defer conn.Close()               //nolint:errcheck // nothing was written
	b.do("GET", "/healthz", "", 200) // by a later connection: the first one has been accepted
	must(t, b.server.Close(t.Context()))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection ends with %v", err)
	}
}

func TestStartTellsThatTheAddressIsTaken(t *testing.T) {
	b := newBench(t, benchConfig{})
	again := control.New(control.Config{Listen: b.server.Addr()}, b.focus, nil)
	var failed *net.OpError
	if err := again.Start(t.Context()); !errors.As(err, &failed) {
		t.Errorf("Start: %v, want a net.OpError", err)
	}
}

func TestNoMetricsNoRoute(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{}})
	b.do("GET", "/metrics", "", 404)
	if got := b.request(http.MethodHead, "/healthz", "", nil, nil); got.status != 200 {
		t.Errorf("HEAD /healthz: %d", got.status)
	}
}
