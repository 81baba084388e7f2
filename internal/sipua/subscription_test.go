package sipua

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// notifier is a Handler that accepts subscriptions.
type notifier struct {
	*recorder
	granted   time.Duration
	dialogs   chan *NotifierDialog
	refreshes chan time.Duration
	refreshed chan time.Duration
	over      chan EndReason
}

func newNotifierHandler(granted time.Duration) *notifier {
	return &notifier{
		recorder: newRecorder(), granted: granted, dialogs: make(chan *NotifierDialog, 10),
		refreshes: make(chan time.Duration, 10), refreshed: make(chan time.Duration, 10), over: make(chan EndReason, 10),
	}
}

func (n *notifier) Subscribe(subscription *IncomingSubscription) {
	if subscription.Event() != "conference" {
		_ = subscription.Reject(NewResponse(489))
		return
	}
	dialog, err := subscription.Accept(n.granted, Address{}, subscriptionLeg{n})
	if err == nil {
		n.dialogs <- dialog
	}
}

type subscriptionLeg struct{ *notifier }

func (l subscriptionLeg) Refresh(_ *Request, wanted time.Duration) (time.Duration, *Response) {
	l.refreshes <- wanted
	return min(wanted, l.granted), nil
}
func (l subscriptionLeg) Refreshed(granted time.Duration) { l.refreshed <- granted }
func (l subscriptionLeg) Ended(reason EndReason)          { l.over <- reason }

func subscribed(t *testing.T, transport string, granted time.Duration) (*Subscriber, *NotifierDialog, *notifier, chan *Request, chan EndReason) {
	t.Helper()
	n := newNotifierHandler(granted)
	listen := []string{transport + "://127.0.0.1:0"}
	server := startAgent(t, Config{Listen: listen, AllowEvents: []string{"conference"}, MinExpires: time.Minute}, n)
	client := startAgent(t, Config{Listen: listen}, newRecorder())
	notes, ended := make(chan *Request, 100), make(chan EndReason, 10)
	s, err := client.Subscribe(t.Context(), OutgoingSubscription{
		To: Address{URI: server.Contact("1000", transport)}, Event: "conference;id=7", Expires: time.Hour, Accept: []string{"a/b"},
		OnNotify: func(request *Request) *Response {
			notes <- request
			return nil
		},
		OnEnd: func(reason EndReason) { ended <- reason },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, wait(t, n.dialogs, "notifier"), n, notes, ended
}

// TestSubscription: subscribe, notify, refresh, leave. CE-SUB-06, CE-SUB-11,
// CE-SUB-13, CE-SUB-18, CE-SUB-20, CE-NOT-01, CE-NOT-02, CE-NOT-03, CE-NOT-04.
func TestSubscription(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			s, dialog, n, notes, ended := subscribed(t, transport, 30*time.Minute)
			if err := dialog.Notify(t.Context(), "active", "a/b", []byte("full")); err != nil {
				t.Fatal(err)
			}
			note := wait(t, notes, "NOTIFY")
			if got := note.Headers.Get("Subscription-State"); got != "active;expires=1800" {
				t.Errorf("state %q", got)
			}
			if note.Headers.Get("Event") != "conference;id=7" || string(note.Body) != "full" || note.ContentType() != "a/b" {
				t.Errorf("%+v", note)
			}
			if err := s.Refresh(t.Context(), 20*time.Minute); err != nil {
				t.Error(err)
			}
			if wanted := wait(t, n.refreshes, "refresh"); wanted != 20*time.Minute {
				t.Error(wanted)
			}
			wait(t, n.refreshed, "refreshed")
			if left := dialog.Expires(); left < 19*time.Minute || left > 20*time.Minute {
				t.Error(left)
			}
			done := make(chan error, 1)
			go func() { done <- s.Close(context.Background()) }()
			if granted := wait(t, n.refreshed, "end"); granted != 0 {
				t.Error(granted)
			}
			if err := dialog.Notify(t.Context(), "terminated;reason=timeout", "", nil); err != nil {
				t.Error(err)
			}
			if err := wait(t, done, "Close"); err != nil {
				t.Error(err)
			}
			if reason := wait(t, ended, "OnEnd"); reason.Cause != EndRemote && reason.Cause != EndLocal {
				t.Error(reason)
			}
			if reason := wait(t, n.over, "Ended"); reason.Cause != EndLocal {
				t.Error(reason)
			}
			if err := dialog.Notify(t.Context(), "active", "", nil); !errors.Is(err, ErrGone) {
				t.Error(err)
			}
		})
	}
}

// TestNotifierEnds: the notifier ends the subscription. CE-NOT-05.
func TestNotifierEnds(t *testing.T) {
	s, dialog, _, _, ended := subscribed(t, "udp", time.Hour)
	if err := dialog.Notify(t.Context(), "terminated;reason=noresource", "", nil); err != nil {
		t.Error(err)
	}
	if reason := wait(t, ended, "OnEnd"); reason.Cause != EndRemote {
		t.Error(reason)
	}
	if err := s.Refresh(t.Context(), time.Hour); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

// TestSubscriptionExpires: without refresh the last NOTIFY says timeout. CE-SUB-21.
func TestSubscriptionExpires(t *testing.T) {
	n := newNotifierHandler(time.Second)
	agent := startAgent(t, Config{}, n)
	p := dialPhone(t, agent, "udp")
	f := p.form("SUBSCRIBE")
	f.extra = "Event: conference\r\nExpires: 3600\r\n"
	p.send(p.render(f))
	if ok := p.expect("SIP/2.0 200"); fieldOf(ok, "Expires") != "1" {
		t.Errorf("%s", ok)
	}
	note := p.expect("NOTIFY ")
	if fieldOf(note, "Subscription-State") != "terminated;reason=timeout" {
		t.Errorf("%s", note)
	}
	if reason := wait(t, n.over, "Ended"); !errors.Is(reason.Err, ErrExpired) {
		t.Errorf("%+v", reason)
	}
}

// TestSubscribeRefused: CE-SUB-02 (489), CE-SUB-08 (423), CE-SUB-25 (481, 500),
// FO-ERR-12, FO-ERR-20.
func TestSubscribeRefused(t *testing.T) {
	n := newNotifierHandler(time.Hour)
	agent := startAgent(t, Config{MinExpires: time.Minute, AllowEvents: []string{"conference"}}, n)
	p := dialPhone(t, agent, "udp")
	for _, row := range []struct{ extra, want, name, value string }{
		{"Event: presence\r\n", "489", "Allow-Events", "conference"},
		{"", "489", "Allow-Events", "conference"},
		{"Event: conference\r\nExpires: 10\r\n", "423", "Min-Expires", "60"},
		{"Event: conference\r\nExpires: 3600\r\n", "200", "Expires", "3600"},
		{"Event: conference\r\n", "200", "Expires", "3600"},
		{"Event: conference\r\nExpires: 0\r\n", "200", "Expires", "0"},
	} {
		f := p.form("SUBSCRIBE")
		f.extra = row.extra
		p.send(p.render(f))
		answer := p.expect("SIP/2.0 " + row.want)
		if got := fieldOf(answer, row.name); got != row.value {
			t.Errorf("%s: %s %q, want %q", row.extra, row.name, got, row.value)
		}
		if row.want != "200" {
			continue
		}
		f.toTag, f.branch = tagOf(answer), "z9hG4bK"+unique("again")
		p.send(p.render(f))
		p.expect("SIP/2.0 500") // the same number again
		f.method, f.cseq, f.branch = "INFO", 2, "z9hG4bK"+unique("info")
		p.send(p.render(f))
		p.expect("SIP/2.0 405")
	}
}

// TestNotifyRefused: 481 ends the subscription, 503 does not, silence does.
// CE-NOT-07, CE-NOT-08, CE-NOT-09, CE-NOT-10.
func TestNotifyRefused(t *testing.T) {
	n := newNotifierHandler(time.Hour)
	agent := startAgent(t, Config{}, n)
	for _, row := range []struct {
		status string
		gone   bool
	}{{"200 OK", false}, {"503 Service Unavailable", false}, {"481 Gone", true}, {"489 Bad Event", true}, {"", true}} {
		p := dialPhone(t, agent, "udp")
		f := p.form("SUBSCRIBE")
		f.extra = "Event: conference\r\n"
		p.send(p.render(f))
		p.expect("SIP/2.0 200")
		dialog := wait(t, n.dialogs, "dialog")
		errs := make(chan error, 2)
		for range 2 {
			go func() { errs <- dialog.Notify(context.Background(), "active", "", nil) }()
		}
		note := p.expect("NOTIFY ")
		if second := p.read(20 * time.Millisecond); strings.HasPrefix(second, "NOTIFY ") && fieldOf(second, "CSeq") != fieldOf(note, "CSeq") {
			t.Error("two NOTIFYs at a time")
		}
		if row.status != "" {
			p.send(p.reply(note, row.status))
		}
		if err := wait(t, errs, "Notify"); errors.Is(err, ErrGone) != row.gone || (err == nil) != (row.status == "200 OK") {
			t.Errorf("%s: %v", row.status, err)
		}
		if !row.gone {
			p.send(p.reply(p.expect("NOTIFY "), "200 OK"))
		}
		if err := wait(t, errs, "Notify"); (err == nil) == row.gone {
			t.Errorf("%s: then %v", row.status, err)
		}
	}
}

// reply makes a response by hand.
func (p *phone) reply(request, status string) string {
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		b.WriteString(name + ": " + fieldOf(request, name) + "\r\n")
	}
	return b.String() + "Content-Length: 0\r\n\r\n"
}

// TestNotifyBeforeAnswer: a NOTIFY that comes before the 2xx makes the dialog
// (RFC 6665, section 4.1.2.4), and the only one of a SUBSCRIBE that forks: those of
// other notifiers get 481 (RFC 4575, section 3.8).
//
// Shows CE-SBR-07, CE-SBR-09.
func TestNotifyBeforeAnswer(t *testing.T) {
	peer := newFakePeer(t)
	agent := startAgent(t, Config{}, newRecorder())
	notes := make(chan *Request, 1)
	result := make(chan *Subscriber, 1)
	go func() {
		s, err := agent.Subscribe(context.Background(), OutgoingSubscription{
			To: Address{URI: peer.uri()}, Event: "conference", Expires: time.Hour,
			OnNotify: func(request *Request) *Response {
				notes <- request
				return nil
			},
		})
		if err != nil {
			t.Error(err)
		}
		result <- s
	}()
	subscribe := peer.read("SUBSCRIBE", patience)
	from, _ := ParseAddress(fieldOf(subscribe, "From"))
	id := DialogID{CallID: fieldOf(subscribe, "Call-ID"), LocalTag: from.Tag(), RemoteTag: "n"}
	// As the NOTIFY will: for the race detector nothing but the lock of find is
	// between this and the sending of the SUBSCRIBE.
	_, early := agent.find(id)
	if waiting, ok := early.(*Subscriber); !ok || waiting.first.contact.String() != fieldOf(subscribe, "Contact") {
		t.Errorf("not the Contact of the SUBSCRIBE, %s", fieldOf(subscribe, "Contact"))
	}
	note := "NOTIFY " + agent.Contact("").String() + " SIP/2.0\r\nVia: SIP/2.0/UDP " + peer.uri().Host + ";branch=z9hG4bKnote;rport\r\n" +
		"From: <sip:peer@x>;tag=n\r\nTo: " + from.String() + "\r\nCall-ID: " + fieldOf(subscribe, "Call-ID") + "\r\nCSeq: 3 NOTIFY\r\n" +
		"Contact: <" + peer.uri().String() + ">\r\nEvent: conference\r\nSubscription-State: active;expires=3600\r\nContent-Length: 0\r\n\r\n"
	if _, err := peer.conn.WriteTo([]byte(note), peer.last); err != nil {
		t.Fatal(err)
	}
	wait(t, notes, "NOTIFY")
	found, _ := agent.find(id)
	if made, ok := found.(*Subscriber); !ok || made.state.contact.String() != fieldOf(subscribe, "Contact") {
		t.Errorf("the dialog of the NOTIFY has not the Contact of the SUBSCRIBE, %s", fieldOf(subscribe, "Contact"))
	}
	if got := peer.read("SIP/2.0 200", patience); fieldOf(got, "CSeq") != "3 NOTIFY" {
		t.Errorf("%q", got)
	}
	fork := strings.NewReplacer("tag=n", "tag=fork", "z9hG4bKnote", "z9hG4bKfork").Replace(note)
	for range 2 { // before the 2xx and after it
		if _, err := peer.conn.WriteTo([]byte(fork), peer.last); err != nil {
			t.Fatal(err)
		}
		if got := peer.read("SIP/2.0 481", patience); fieldOf(got, "CSeq") != "3 NOTIFY" {
			t.Errorf("the fork gets %q", got)
		}
		peer.respond(subscribe, "200 OK", "n", "Expires: 3600\r\n", "")
		fork = strings.Replace(fork, "z9hG4bKfork", "z9hG4bKagain", 1)
	}
	s := wait(t, result, "Subscribe")
	if s.ID().RemoteTag != "n" {
		t.Error(s.ID())
	}
	go func() { _ = s.Close(context.Background()) }()
	again := peer.read("SUBSCRIBE", patience)
	if tagOf(again) != "n" || fieldOf(again, "Expires") != "0" {
		t.Errorf("%s", again)
	}
	peer.respond(again, "200 OK", "n", "Expires: 0\r\n", "")
}

// TestImplicitSubscription: REFER outside of a dialog gets notifications (RFC
// 3515, section 2.4.4).
func TestImplicitSubscription(t *testing.T) {
	n := newNotifierHandler(time.Hour)
	var agent *Agent
	ready := make(chan struct{})
	n.request = func(request *Request) *Response {
		<-ready
		dialog, err := agent.Notifier(request, time.Minute, subscriptionLeg{n})
		if err != nil {
			return NewResponse(400)
		}
		n.dialogs <- dialog
		return NewResponse(202)
	}
	agent = startAgent(t, Config{}, n)
	close(ready)
	p := dialPhone(t, agent, "udp")
	f := p.form("REFER")
	f.extra = "Refer-To: <sip:b@x>\r\n"
	p.send(p.render(f))
	accepted := p.expect("SIP/2.0 202")
	dialog := wait(t, n.dialogs, "dialog")
	go func() {
		_ = dialog.Notify(context.Background(), "terminated;reason=noresource", "message/sipfrag", []byte("SIP/2.0 200 OK"))
	}()
	note := p.expect("NOTIFY ")
	from, _ := ParseAddress(fieldOf(note, "From"))
	if from.Tag() != tagOf(accepted) || fieldOf(note, "Event") != "refer" {
		t.Errorf("%s", note)
	}
	p.send(p.reply(note, "200 OK"))
	wait(t, n.over, "end")
}
