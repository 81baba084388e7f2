package sipua

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// startDNS serves a zone and returns the address of the server.
func startDNS(t *testing.T, zone ...string) string {
	t.Helper()
	records := map[string][]dns.RR{}
	for _, line := range zone {
		record, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(strings.ToLower(record.Header().Name), record.Header().Rrtype)
		records[key] = append(records[key], record)
	}
	var config net.ListenConfig
	conn, err := config.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg)
		answer.SetReply(question)
		q := question.Question[0]
		answer.Answer = records[fmt.Sprint(strings.ToLower(q.Name), q.Qtype)]
		if len(answer.Answer) == 0 && q.Qtype != dns.TypeAAAA {
			answer.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(answer)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.ActivateAndServe()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return conn.LocalAddr().String()
}

// TestResolve: where a URI leads, in the order of RFC 3263, section 4.
func TestResolve(t *testing.T) {
	server := startDNS(
		t, `naptr.test. 60 IN NAPTR 20 50 "s" "SIP+D2U" "" _sip._udp.naptr.test.`, `naptr.test. 60 IN NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.naptr.test.`,
		`naptr.test. 60 IN NAPTR 5 50 "s" "E2U+sip" "" x.naptr.test.`, `_sip._udp.naptr.test. 60 IN SRV 1 0 5070 a.test.`, `_sips._tcp.naptr.test. 60 IN SRV 1 0 5071 b.test.`,
		`_sip._udp.srv.test. 60 IN SRV 2 0 5081 b.test.`, `_sip._udp.srv.test. 60 IN SRV 1 0 5080 a.test.`, `_sip._tcp.srv.test. 60 IN SRV 1 0 5082 a.test.`,
		`_sip._udp.none.test. 60 IN SRV 0 0 0 .`, `none.test. 60 IN A 127.0.0.9`, `_sips._tcp.srv.test. 60 IN SRV 1 0 5083 b.test.`,
		`a.test. 60 IN A 127.0.0.1`, `b.test. 60 IN A 127.0.0.2`, `b.test. 60 IN A 127.0.0.3`,
	)
	agent := startAgent(t, Config{Resolvers: []string{server}}, newRecorder())
	for uri, want := range map[string]string{
		"sip:x@naptr.test":              "tls 127.0.0.2:5071 naptr.test|tls 127.0.0.3:5071 naptr.test|udp 127.0.0.1:5070",
		"sips:x@naptr.test":             "tls 127.0.0.2:5071 naptr.test|tls 127.0.0.3:5071 naptr.test",
		"sip:x@srv.test":                "udp 127.0.0.1:5080|udp 127.0.0.2:5081|udp 127.0.0.3:5081|tcp 127.0.0.1:5082|tls 127.0.0.2:5083 srv.test|tls 127.0.0.3:5083 srv.test",
		"sips:x@srv.test":               "tls 127.0.0.2:5083 srv.test|tls 127.0.0.3:5083 srv.test",
		"sip:x@srv.test;transport=tcp":  "tcp 127.0.0.1:5082",
		"sip:x@a.test":                  "udp 127.0.0.1:5060",
		"sip:x@a.test:5099":             "udp 127.0.0.1:5099",
		"sips:x@a.test:5099":            "tls 127.0.0.1:5099 a.test",
		"sip:x@a.test;transport=tls":    "tls 127.0.0.1:5061 a.test",
		"sips:x@a.test;transport=tcp":   "tls 127.0.0.1:5061 a.test",
		"sips:x@a.test;transport=ws":    "wss 127.0.0.1:443 a.test",
		"sip:x@192.0.2.1":               "udp 192.0.2.1:5060",
		"sips:x@192.0.2.1":              "tls 192.0.2.1:5061 192.0.2.1",
		"sip:x@[2001:db8::1]:5070":      "udp [2001:db8::1]:5070",
		"sip:x@a.test;maddr=192.0.2.2":  "udp 192.0.2.2:5060",
		"sip:x@none.test":               "",
		"sip:x@nowhere.test":            "",
		"sips:x@a.test;transport=udp":   "",
		"sip:x@a.test;transport=carrot": "",
	} {
		parsed, err := ParseURI(uri)
		if err != nil {
			t.Fatal(err)
		}
		found, err := agent.resolve(t.Context(), parsed, "")
		var list []string
		for _, to := range found {
			list = append(list, strings.TrimSpace(to.transport+" "+to.addr.String()+" "+to.domain))
		}
		// Addresses of one host come in any order.
		got := strings.Join(list, "|")
		if swapped := strings.NewReplacer("127.0.0.2", "127.0.0.3", "127.0.0.3", "127.0.0.2").Replace(got); got != want && swapped != want {
			t.Errorf("%s leads to\n%s (%v), want\n%s", uri, got, err, want)
		}
	}
}

// TestFailOver: a request goes on to the next target when one is silent, cannot
// be reached or answers 503, is answered once, and goes to the living first the next
// time (RFC 3263, section 4.3).
//
// Shows SR-EST-10.
func TestFailOver(t *testing.T) {
	var config net.ListenConfig
	silent, err := config.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	busy, good := newRecorder(), newRecorder()
	answers := make(chan string, 10)
	busy.invite = func(call *IncomingCall) {
		answers <- "busy"
		_ = call.Reject(NewResponse(503))
	}
	good.invite = func(call *IncomingCall) {
		answers <- "good"
		_, _ = call.Answer(context.Background(), answerTo(call.Request()), leg{good})
	}
	busyAgent, goodAgent := startAgent(t, Config{}, busy), startAgent(t, Config{}, good)
	port := func(address net.Addr) uint16 { return addrPortOf(address).Port() }
	server := startDNS(
		t, fmt.Sprintf("_sip._tcp.x.test. 60 IN SRV 1 0 %d a.test.", port(silent.LocalAddr())), // nothing listens for TCP
		fmt.Sprintf("_sip._udp.x.test. 60 IN SRV 1 0 %d a.test.", port(silent.LocalAddr())), fmt.Sprintf("_sip._udp.x.test. 60 IN SRV 2 0 %d a.test.", busyAgent.Addr("udp").Port()),
		fmt.Sprintf("_sip._udp.x.test. 60 IN SRV 3 0 %d a.test.", goodAgent.Addr("udp").Port()), "a.test. 60 IN A 127.0.0.1",
	)
	timers := quick()
	timers.FailOver = 200 * time.Millisecond
	log := &warnings{}
	caller := startAgent(t, Config{Resolvers: []string{server}, Timers: timers, Logger: slog.New(slog.NewTextHandler(log, nil))}, newRecorder())
	for round, want := range []string{"busy good", "good"} {
		call := OutgoingCall{To: Address{URI: URI{Scheme: "sip", User: "1", Host: "x.test"}}, ContentType: sdpType, Body: []byte("offer")}
		dialog, _, err := caller.Invite(t.Context(), call, leg{newRecorder()})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for len(answers) > 0 {
			got = append(got, <-answers)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("round %d: %q, want %q", round, got, want)
		}
		if err := dialog.Bye(t.Context()); err != nil {
			t.Error(err)
		}
	}
	warned := slices.DeleteFunc(log.lines(), func(line string) bool { return !strings.Contains(line, "tried last") })
	if n := len(warned); n < 2 || !strings.Contains(warned[n-1], "503") || !strings.Contains(warned[n-1], busyAgent.Addr("udp").String()) {
		t.Errorf("warned of %q", warned)
	}
	if _, err := caller.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: URI{Scheme: "sip", Host: "x.test"}}); err != nil {
		t.Error(err)
	}
}

// TestRedirect: a redirection is followed, best first, only where that is
// allowed, and not for ever (RFC 3261, section 8.1.3.4).
func TestRedirect(t *testing.T) {
	callee := newRecorder()
	asked := make(chan string, 20)
	callee.request = func(r *Request) *Response {
		asked <- r.URI.User
		if r.URI.User == "there" {
			return NewResponse(200)
		}
		to := func(user, q string) string {
			return Address{URI: URI{Scheme: "sip", User: user, Host: r.Local.Addr().String(), Port: r.Local.Port()}}.With("q", q).String()
		}
		if r.URI.User == "loop" {
			return NewResponse(302, Header{Name: "Contact", Value: to("loop", "1")})
		}
		return NewResponse(302, Header{Name: "Contact", Value: to("forbidden", "1") + ", " + to("bad", "0.1") + ", " + to("there", "0.9")})
	}
	here := startAgent(t, Config{}, callee).Contact("")
	caller := startAgent(t, Config{}, newRecorder())
	call := func(user string, redirect func(URI) bool) error {
		_, err := caller.Request(t.Context(), OutgoingRequest{Method: "OPTIONS", URI: URI{Scheme: "sip", User: user, Host: here.Host, Port: here.Port}, Trunk: &Trunk{Redirect: redirect}})
		return err
	}
	if err := call("start", nil); Status(err) != 302 {
		t.Errorf("not allowed: %v", err)
	}
	allowed := func(uri URI) bool { return uri.User != "forbidden" }
	if err := call("start", allowed); err != nil {
		t.Error(err)
	}
	if err := call("loop", allowed); Status(err) != 302 {
		t.Errorf("a loop: %v", err)
	}
	var got []string
	for len(asked) > 0 {
		got = append(got, <-asked)
	}
	if order := strings.Join(got, ","); order != "start,start,there,loop,loop" {
		t.Errorf("asked %s", order)
	}
}
