package sipua

import (
	"context"
	"strings"
	"testing"
)

// A first hop without lr routes strictly: it is the Request-URI, and who is meant is the last Route (RFC 3261, section 12.2.1.1).
func TestStrictRouter(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{}, newRecorder())
	result := startCall(t.Context(), agent, peer.uri(), newRecorder(), nil)
	invite := peer.read("INVITE", patience)
	strict := peer.uri()
	strict.User, strict.Params = "strict", Params{{"x", "1"}, {"method", "INVITE"}}
	peer.respond(invite, "200 OK", "a", "Record-Route: <sip:127.0.0.1:9;y=2>, <"+strict.String()+">\r\n", "answer")
	ack := peer.read("ACK", patience)
	dialog := wait(t, result, "Invite").dialog
	go func() { _ = dialog.Bye(context.Background()) }()
	bye := peer.read("BYE", patience)
	peer.respond(bye, "200 OK", "a", "", "")
	strict.Params = Params{{"x", "1"}}
	for _, request := range []string{ack, bye} {
		line, _, _ := strings.Cut(request, "\r\n")
		if !strings.Contains(line, " "+strict.String()+" SIP/2.0") || fieldOf(request, "Route") != "<sip:127.0.0.1:9;y=2>, <"+peer.uri().String()+">" {
			t.Errorf("%s", request)
		}
	}
}

// A 2xx without Contact is acknowledged all the same, and the call can be ended: at the address that was called.
func TestAnswerWithoutContact(t *testing.T) {
	peer := newFakePeer(t)
	peer.nameless = true
	agent := startAgent(t, Config{}, newRecorder())
	called := peer.uri().With("x", "1")
	result := startCall(t.Context(), agent, called, newRecorder(), nil)
	invite := peer.read("INVITE", patience)
	peer.respond(invite, "200 OK", "a", "", "answer")
	ack := peer.read("ACK", patience)
	r := wait(t, result, "Invite")
	if r.err != nil {
		t.Fatal(r.err)
	}
	go func() { _ = r.dialog.Bye(context.Background()) }()
	bye := peer.read("BYE", patience)
	peer.respond(bye, "200 OK", "a", "", "")
	for _, request := range []string{ack, bye} {
		if line, _, _ := strings.Cut(request, "\r\n"); !strings.Contains(line, " "+called.String()+" ") {
			t.Errorf("%s", line)
		}
	}
}
