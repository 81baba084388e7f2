package sipua

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// playedSubscription is a subscription of ours to a notifier that is played by hand.
type playedSubscription struct {
	t     *testing.T
	peer  *fakePeer
	agent *Agent
	sub   *Subscriber
	first string // the SUBSCRIBE
	serve int    // CSeq of the last NOTIFY
	ended chan EndReason
	seen  map[string]bool
}

// patient are timers under which little is sent twice, however slow the machine.
func patient() Timers { return Timers{T1: 300 * time.Millisecond, T2: time.Second} }

// next reads a request that did not come before.
func (p *playedSubscription) next(method string) string {
	p.t.Helper()
	for {
		request := p.peer.read(method, patience)
		if request == "" {
			p.t.Fatalf("no %s", method)
		}
		if key := fieldOf(request, "Call-ID") + fieldOf(request, "CSeq"); !p.seen[key] {
			if p.seen == nil {
				p.seen = map[string]bool{}
			}
			p.seen[key] = true
			return request
		}
	}
}

func subscribedToPeer(t *testing.T, change func(*OutgoingSubscription)) *playedSubscription {
	t.Helper()
	p := &playedSubscription{t: t, peer: newFakePeer(t), ended: make(chan EndReason, 1)}
	p.agent = startAgent(t, Config{Timers: patient()}, newRecorder())
	result := make(chan *Subscriber, 1)
	wanted := OutgoingSubscription{
		To: Address{URI: p.peer.uri()}, Event: "conference", Expires: time.Hour, OnEnd: func(reason EndReason) { p.ended <- reason },
	}
	if change != nil {
		change(&wanted)
	}
	go func() {
		s, err := p.agent.Subscribe(context.Background(), wanted)
		if err != nil {
			t.Error(err)
		}
		result <- s
	}()
	p.first = p.next("SUBSCRIBE")
	p.peer.respond(p.first, "200 OK", "n", "Expires: 3600\r\n", "")
	p.sub = wait(t, result, "Subscribe")
	return p
}

// notify sends a NOTIFY in the dialog of a SUBSCRIBE, and gives the response.
func (p *playedSubscription) notify(subscribe, state string) string {
	p.t.Helper()
	p.serve++
	note := fmt.Sprintf("NOTIFY %v SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\nFrom: <sip:peer@x>;tag=n\r\nTo: %s\r\nCall-ID: %s\r\n"+
		"CSeq: %d NOTIFY\r\nContact: <%v>\r\nEvent: conference\r\nSubscription-State: %s\r\nContent-Length: 0\r\n\r\n",
		p.agent.Contact(""), p.peer.conn.LocalAddr(), unique("n"), fieldOf(subscribe, "From"), fieldOf(subscribe, "Call-ID"), p.serve, p.peer.uri(), state)
	if _, err := p.peer.conn.WriteTo([]byte(note), p.peer.last); err != nil {
		p.t.Fatal(err)
	}
	return p.peer.read("SIP/2.0", patience)
}

// leave ends what goes on, so that nothing waits for answers.
func (p *playedSubscription) leave() {
	p.t.Helper()
	go func() { _ = p.sub.Close(context.Background()) }()
	p.peer.respond(p.next("SUBSCRIBE"), "481 Gone", "n", "", "")
	wait(p.t, p.ended, "end")
}

// TestRefreshRefused: some statuses say that there is no subscription any more; after others it goes on, and a refresh is tried again when the
// notifier wants it.
//
// Shows CE-SBR-11.
func TestRefreshRefused(t *testing.T) {
	for status, over := range map[int]bool{
		404: true, 405: true, 410: true, 416: true, 480: true, 481: true, 482: true, 483: true, 484: true, 485: true, 489: true, 501: true, 604: true,
		403: false, 500: false, 503: false, 603: false,
	} {
		p := subscribedToPeer(t, nil)
		failed := make(chan error, 1)
		go func() { failed <- p.sub.Refresh(context.Background(), time.Hour) }()
		p.peer.respond(p.next("SUBSCRIBE"), fmt.Sprint(status, " No"), "n", "", "")
		if err := wait(t, failed, "Refresh"); Status(err) != status {
			t.Errorf("%d: %v", status, err)
		}
		if p.sub.hasEnded() != over {
			t.Errorf("%d ends it: %v", status, !over)
		}
		if !over {
			p.leave()
		}
	}
	p := subscribedToPeer(t, nil)
	go p.sub.refreshNow()
	p.peer.respond(p.next("SUBSCRIBE"), "503 Busy", "n", "Retry-After: 1\r\n", "")
	again := p.next("SUBSCRIBE")
	if fieldOf(again, "Expires") != "3600" || fieldOf(again, "Call-ID") != fieldOf(p.first, "Call-ID") || p.sub.hasEnded() {
		t.Errorf("tried again by\n%s", again)
	}
	p.peer.respond(again, "404 Not Found", "n", "", "")
	if reason := wait(t, p.ended, "end"); reason.Cause != EndRefused || Status(reason.Err) != 404 {
		t.Errorf("%+v", reason)
	}
}

// TestRenewal: what the reason of an end says about trying again is followed, in a dialog of its own; without Renew nothing is tried.
//
// Shows CE-SBR-10.
func TestRenewal(t *testing.T) {
	for state, again := range map[string]bool{
		"deactivated": true, "timeout": true, "probation;retry-after=1": true, "giveup;retry-after=1": true, "rejected": false, "noresource": false,
		"invariant": false, "of-our-own": true, "rejected;retry-after=1": false,
	} {
		p := subscribedToPeer(t, func(s *OutgoingSubscription) { s.Renew = true })
		began := time.Now()
		if got := p.notify(p.first, "terminated;reason="+state); !strings.HasPrefix(got, "SIP/2.0 200") {
			t.Errorf("%s: %s", state, got)
		}
		if !again {
			if reason := wait(t, p.ended, "end"); reason.Cause != EndRemote {
				t.Errorf("%s: %+v", state, reason)
			}
			continue
		}
		second := p.next("SUBSCRIBE")
		if fieldOf(second, "Call-ID") == fieldOf(p.first, "Call-ID") || tagOf(second) != "" {
			t.Errorf("%s: the next one is\n%s", state, second)
		}
		if took := time.Since(began); strings.Contains(state, "retry-after") && took < time.Second {
			t.Errorf("%s: tried again after %v", state, took)
		}
		p.peer.respond(second, "200 OK", "n", "Expires: 3600\r\n", "")
		if got := p.notify(second, "active;expires=3600"); !strings.HasPrefix(got, "SIP/2.0 200") {
			t.Errorf("%s: then %s", state, got)
		}
		if got := p.notify(p.first, "active;expires=3600"); !strings.HasPrefix(got, "SIP/2.0 481") {
			t.Errorf("%s: in the first dialog %s", state, got)
		}
		p.leave()
	}
	p := subscribedToPeer(t, nil)
	p.notify(p.first, "terminated;reason=deactivated")
	wait(t, p.ended, "end")
	if got, later := renewal(Params{{Name: "reason", Value: "giveup"}}); got != renewPause || !later {
		t.Errorf("giveup alone: %v", got)
	}
}

// TestRenewalEnds: who leaves while he waits to subscribe again, or when the agent ends, is told once.
func TestRenewalEnds(t *testing.T) {
	for _, leave := range []func(*playedSubscription) error{
		func(p *playedSubscription) error { return p.sub.Close(context.Background()) },
		func(p *playedSubscription) error { return p.agent.Shutdown(context.Background()) },
	} {
		p := subscribedToPeer(t, func(s *OutgoingSubscription) { s.Renew = true })
		p.notify(p.first, "terminated;reason=probation;retry-after=3600")
		if got := p.notify(p.first, "active"); !strings.HasPrefix(got, "SIP/2.0 481") {
			t.Errorf("after the end: %s", got)
		}
		if err := leave(p); err != nil {
			t.Error(err)
		}
		wait(t, p.ended, "end")
	}
}

// TestSubscribeBesideCall: a subscription to somebody with whom a call is up is a dialog of its own (RFC 4579, section 3.4), and who sends NOTIFY
// without one gets 481.
//
// Shows CE-SBR-02, CE-SBR-08.
func TestSubscribeBesideCall(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{Timers: patient()}, newRecorder())
	p := &playedSubscription{t: t, peer: peer, agent: agent}
	calls := startCall(t.Context(), agent, peer.uri(), newRecorder(), nil)
	invite := p.next("INVITE")
	peer.respond(invite, "200 OK", "c", "Content-Type: application/sdp\r\n", "answer")
	call := wait(t, calls, "call")
	if call.err != nil {
		t.Fatal(call.err)
	}
	result := make(chan *Subscriber, 1)
	go func() {
		s, _ := agent.Subscribe(context.Background(), OutgoingSubscription{To: Address{URI: call.dialog.RemoteTarget()}, Event: "conference", Expires: time.Hour})
		result <- s
	}()
	subscribe := p.next("SUBSCRIBE")
	if fieldOf(subscribe, "Call-ID") == fieldOf(invite, "Call-ID") || tagOf(subscribe) != "" || fieldOf(subscribe, "From") == fieldOf(invite, "From") {
		t.Errorf("%s", subscribe)
	}
	peer.respond(subscribe, "200 OK", "s", "Expires: 3600\r\n", "")
	s := wait(t, result, "Subscribe")
	for name, of := range map[string]string{"the call": strings.Replace(invite, "tag=", "tag=x", 1), "nothing": strings.Replace(subscribe, "tag=", "tag=x", 1)} {
		if got := p.notify(of, "active"); !strings.HasPrefix(got, "SIP/2.0 481") {
			t.Errorf("NOTIFY of %s gets %s", name, got)
		}
	}
	go func() { _ = s.Close(context.Background()) }()
	peer.respond(p.next("SUBSCRIBE"), "481 Gone", "s", "", "")
	go func() { _ = call.dialog.Bye(context.Background()) }()
	peer.respond(p.next("BYE"), "200 OK", "c", "", "")
}

// TestCancelOfSubscribe: a CANCEL is answered and changes nothing: the subscription stands (RFC 6665, section 4.6).
//
// Shows CE-SUB-22.
func TestCancelOfSubscribe(t *testing.T) {
	n := newNotifierHandler(time.Hour)
	agent := startAgent(t, Config{Timers: patient()}, n)
	p := dialPhone(t, agent, "udp")
	f := p.form("SUBSCRIBE")
	f.extra = "Event: conference\r\n"
	p.send(p.render(f))
	f.method, f.extra = "CANCEL", ""
	p.send(p.render(f))
	statuses := map[string]string{}
	for range 2 {
		answer := p.expect("SIP/2.0 ")
		_, method, _ := strings.Cut(fieldOf(answer, "CSeq"), " ")
		statuses[method] = answer[8:11]
	}
	if statuses["SUBSCRIBE"] != "200" || statuses["CANCEL"] != "200" && statuses["CANCEL"] != "481" {
		t.Errorf("%v", statuses)
	}
	dialog := wait(t, n.dialogs, "dialog")
	told := make(chan error, 1)
	go func() { told <- dialog.Notify(context.Background(), "active", "", nil) }()
	p.send(p.reply(p.expect("NOTIFY "), "200 OK"))
	if err := wait(t, told, "Notify"); err != nil {
		t.Error(err)
	}
	p.endSubscription(dialog)
}

// endSubscription lets the notifier say that it is over.
func (p *phone) endSubscription(dialog *NotifierDialog) {
	p.t.Helper()
	go func() { _ = dialog.Notify(context.Background(), "terminated;reason=noresource", "", nil) }()
	p.send(p.reply(p.expect("NOTIFY "), "200 OK"))
	<-dialog.Done()
}

// TestNotifyChallenged: a challenge is answered for who has an account of ours, as a trunk may; for others it ends the subscription.
//
// Shows CE-NOT-11.
func TestNotifyChallenged(t *testing.T) {
	n := newNotifierHandler(time.Hour)
	var known atomic.Pointer[Credentials]
	accepting := notifierWith{n, func(request *Request) { request.Caller = &Caller{Answers: known.Load()} }}
	agent := startAgent(t, Config{Timers: patient()}, accepting)
	for _, x := range []struct {
		challenge, answer string
		known             *Credentials
	}{
		{"401 Unauthorized", "Authorization", &Credentials{Username: "bridge", Password: "s"}},
		{"407 Proxy Authentication Required", "Proxy-Authorization", &Credentials{Username: "bridge", Password: "s"}},
		{"401 Unauthorized", "Authorization", nil},
	} {
		known.Store(x.known)
		p := dialPhone(t, agent, "udp")
		f := p.form("SUBSCRIBE")
		f.extra = "Event: conference\r\n"
		p.send(p.render(f))
		p.expect("SIP/2.0 200")
		dialog := wait(t, n.dialogs, "dialog")
		told := make(chan error, 1)
		go func() { told <- dialog.Notify(context.Background(), "active", "", nil) }()
		field := map[bool]string{true: "WWW-Authenticate", false: "Proxy-Authenticate"}[x.answer == "Authorization"]
		refusal := strings.Replace(p.reply(p.expect("NOTIFY "), x.challenge), "Content-Length", field+`: Digest realm="pbx", nonce="abc", algorithm=MD5, qop="auth"`+"\r\nContent-Length", 1)
		p.send(refusal)
		if x.known == nil {
			if err := wait(t, told, "Notify"); Status(err) != 401 {
				t.Errorf("without an account: %v", err)
			}
			wait(t, n.over, "end")
			continue
		}
		again := p.expect("NOTIFY ")
		if got := fieldOf(again, x.answer); !strings.Contains(got, `username="bridge"`) {
			t.Errorf("%s: answered by %q", x.challenge, got)
		}
		p.send(p.reply(again, "200 OK"))
		if err := wait(t, told, "Notify"); err != nil {
			t.Errorf("%s: %v", x.challenge, err)
		}
		p.endSubscription(dialog)
	}
}

// notifierWith is one to which somebody has said before who subscribes.
type notifierWith struct {
	*notifier

	say func(*Request)
}

func (n notifierWith) Subscribe(subscription *IncomingSubscription) {
	n.say(subscription.Request())
	n.notifier.Subscribe(subscription)
}
