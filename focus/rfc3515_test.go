package focus_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// asker is a participant who asks by REFER and keeps the reports.
type asker struct {
	*raw

	mu      sync.Mutex
	reports []string // Event, Subscription-State and status line
	came    []time.Time
}

// Request implements sipua.DialogHandler.
func (a *asker) Request(request *sipua.Request) *sipua.Response {
	if request.Method != "NOTIFY" {
		return nil
	}
	a.note(request)
	return sipua.NewResponse(200)
}

func (a *asker) note(request *sipua.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	state, _, _ := strings.Cut(request.Headers.Get("Subscription-State"), ";expires")
	a.came = append(a.came, time.Now())
	a.reports = append(a.reports, request.Headers.Get("Event")+" "+state+" "+strings.TrimSpace(string(request.Body)))
}

func (a *asker) told() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.reports, "\n")
}

// asks makes a participant who may ask.
func (b *bench) asks(conf string, role conference.Role) *asker {
	b.t.Helper()
	a := &asker{raw: b.raw()}
	dialog, _, err := a.agent.Invite(b.t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse(conf)}, From: sipua.Address{URI: a.agent.Contact("raw")},
		ContentType: "application/sdp", Body: a.describe(codecs.PCMU),
	}, a)
	must(b.t, err)
	a.dialog = dialog
	b.await("the call to be bridged", func() bool { return b.find(conf, "raw").Status.Present() })
	_, err = b.focus.UpdateParticipant(b.t.Context(), conference.ID(conf), b.find(conf, "raw").ID, focus.ParticipantChange{Role: &role})
	must(b.t, err)
	return a
}

// refer sends a REFER in the dialog and returns the status.
func (a *asker) refer(headers ...string) (int, *sipua.Response) {
	body := sipua.Body{}
	for i := 0; i+1 < len(headers); i += 2 {
		body.Headers = append(body.Headers, sipua.Header{Name: headers[i], Value: headers[i+1]})
	}
	response, err := a.dialog.Request(a.b.t.Context(), "REFER", body)
	if err != nil {
		return sipua.Status(err), response
	}
	return response.Status, response
}

// A moderator has somebody called, hears of it, and has him sent out again.
//
// Shows FO-REF-01, FO-REF-02, FO-REF-04, FO-REF-05, FO-REF-06, FO-REF-07, FO-REF-08, FO-REF-12, FO-REF-13, FO-REF-18, FO-REF-20, FO-REF-25.
func TestReferInDialog(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Refer: focus.ReferPolicy{Targets: []string{"bob@*", "busy@127.0.0.1"}}})
	a := b.asks("room", conference.Moderator)
	invites := make(chan *sipua.Request, 4)
	bob := b.raw()
	target := b.callee(func(call *sipua.IncomingCall) {
		invites <- call.Request()
		if call.Request().URI.UserPart() == "busy" {
			_ = call.Reject(sipua.NewResponse(486))
			return
		}
		bob.answer(call)
	}).Addr("udp").String()
	to := "<sip:bob@" + target + "?Replaces=abc%40host%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=hello>"
	if code, _ := a.refer("Refer-To", to, "Referred-By", "<sip:raw@example.com>"); code != 202 {
		t.Fatalf("REFER: %d", code)
	}
	invite := <-invites
	if got := invite.Headers.Get("Replaces"); got != "abc@host;to-tag=1;from-tag=2" || invite.Headers.Get("Subject") != "hello" {
		t.Errorf("INVITE with Replaces %q", got)
	}
	if got := invite.Headers.Get("Referred-By"); got != "<sip:raw@example.com>" {
		t.Errorf("Referred-By %q", got)
	}
	b.await("bob", func() bool { return b.find("room", "bob").Status.Present() })
	b.await("the reports", func() bool { return strings.Count(a.told(), "\n") == 1 })
	if got, want := a.told(), "refer active SIP/2.0 100 Trying\nrefer terminated;reason=noresource SIP/2.0 200 OK"; got != want {
		t.Errorf("reports\n%s", got)
	}
	if pace := a.came[1].Sub(a.came[0]); pace < time.Second {
		t.Errorf("the second report is %v after the first", pace)
	}
	code, accepted := a.refer("Refer-To", "<sip:busy@"+target+">")
	if code != 202 {
		t.Errorf("the second REFER: %d", code)
	}
	b.await("the outcome", func() bool { return strings.HasSuffix(a.told(), "486 Busy Here") })
	cseq, _, _ := strings.Cut(accepted.Headers.Get("CSeq"), " ")
	event := "refer;id=" + cseq
	if got, want := a.told(), event+" active SIP/2.0 100 Trying\n"+event+" terminated;reason=noresource SIP/2.0 486 Busy Here"; !strings.HasSuffix(got, want) || cseq == "" {
		t.Errorf("the second is not told apart:\n%s", got)
	}
	if code, _ := a.refer("Refer-To", "<sip:bob@"+target+">", "Refer-Sub", "false"); code != 200 || len(invites) > 1 {
		t.Errorf("who is here is called again: %d", code)
	}
	if code, _ := a.refer("Refer-To", "<sip:bob@"+target+";method=BYE>", "Refer-Sub", "false"); code != 200 {
		t.Errorf("BYE: %d", code)
	}
	b.await("bob to be gone", func() bool { return b.find("room", "bob").ID == "" })
	if code, _ := a.refer("Refer-To", "<sip:busy@"+target+">"); code != 202 {
		t.Errorf("the last REFER: %d", code)
	}
	b.await("its outcome", func() bool { return strings.Count(a.told(), "486 Busy Here") == 2 })
	if n := strings.Count(a.told(), "\n") + 1; n != 6 { // two each, of those who wanted to know
		t.Errorf("%d reports:\n%s", n, a.told())
	}
}

// What is refused, and how.
//
// Shows FO-REF-03, FO-REF-09, FO-REF-10, FO-REF-11, FO-REF-14, FO-REF-15, FO-REF-17, FO-REF-21, FO-REF-26.
func TestReferRefused(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Refer: focus.ReferPolicy{Targets: []string{"*@example.com"}}})
	guest := b.asks("room", conference.Speaker)
	for name, c := range map[string]struct {
		role    conference.Role
		headers []string
		want    int
	}{
		"none":             {conference.Moderator, []string{"Subject", "x"}, 400},
		"two":              {conference.Moderator, []string{"Refer-To", "<sip:a@example.com>", "Refer-To", "<sip:b@example.com>"}, 400},
		"scheme":           {conference.Moderator, []string{"Refer-To", "<http://example.com>"}, 403},
		"header":           {conference.Moderator, []string{"Refer-To", "<sip:a@example.com?Via=x>"}, 403},
		"foreign":          {conference.Moderator, []string{"Refer-To", "<sip:9001234@premium.invalid>"}, 403},
		"guest dials":      {conference.Speaker, []string{"Refer-To", "<sip:a@example.com>"}, 403},
		"guest kicks":      {conference.Speaker, []string{"Refer-To", "<sip:a@example.com;method=BYE>"}, 403},
		"not here":         {conference.Moderator, []string{"Refer-To", "<sip:nobody@example.com;method=BYE>"}, 404},
		"nested elsewhere": {conference.Moderator, []string{"Refer-To", "<sip:a@example.com;method=REFER?Refer-To=sip:other@example.com>"}, 403},
		"nested to another host": {
			conference.Moderator, []string{"Refer-To", "<sip:a@example.com;method=REFER?Refer-To=sip:room@evil.example.com>"}, 403,
		},
		"nested, foreign": {
			conference.Moderator, []string{"Refer-To", "<sip:9001234@premium.invalid;method=REFER?Refer-To=sip:room@" + b.parse("room").Host + ">"}, 403,
		},
		"method": {conference.Moderator, []string{"Refer-To", "<sip:a@example.com;method=MESSAGE>"}, 403},
		"a list": {conference.Moderator, []string{"Refer-To", "<cid:list>", "Require", "multiple-refer"}, 420},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "raw").ID, focus.ParticipantChange{Role: &c.role})
			must(t, err)
			if code, _ := guest.refer(c.headers...); code != c.want {
				t.Errorf("%d, want %d", code, c.want)
			}
		})
	}
	if _, err := guest.dialog.Request(t.Context(), "SUBSCRIBE", sipua.Body{Headers: sipua.Headers{{Name: "Event", Value: "refer"}}}); sipua.Status(err) != 403 {
		t.Errorf("SUBSCRIBE without REFER: %v", err)
	}
	if got := guest.told(); got != "" {
		t.Errorf("reports of what was refused:\n%s", got)
	}
	// For himself everybody may ask.
	if code, response := guest.refer("Refer-To", "<"+guest.agent.Contact("raw").String()+";method=BYE>", "Refer-Sub", "false"); code != 200 || response.Headers.Get("Refer-Sub") != "false" {
		t.Errorf("to leave: %d", code)
	}
	b.await("him to be gone", func() bool { return b.find("room", "raw").ID == "" })
}

// Outside of any dialog a REFER makes a subscription of its own, and no conference.
//
// Shows FO-REF-01, FO-REF-12, FO-REF-16, FO-REF-24.
func TestReferOutsideOfDialogs(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Refer: focus.ReferPolicy{From: focus.ReferAnyone, Targets: []string{"*"}}})
	keeper := b.raw()
	keeper.call("room")
	bob := b.raw()
	refers := make(chan *sipua.Request, 1)
	target := b.callee(func(call *sipua.IncomingCall) { bob.answer(call) })
	client := b.client(t)
	refer := func(conf, to string) int {
		_, err := client.Request(t.Context(), sipua.OutgoingRequest{
			Method: "REFER", URI: b.parse(conf), Headers: sipua.Headers{
				{Name: "Refer-To", Value: to}, {Name: "Refer-Sub", Value: "false"}, {Name: "Contact", Value: "<" + client.Contact("x").String() + ">"},
			},
		})
		return sipua.Status(err)
	}
	if code := refer("nowhere", "<sip:bob@"+target.Addr("udp").String()+">"); code != 404 {
		t.Errorf("to a conference that is not there: %d", code)
	}
	if code := refer("room", "<sip:bob@"+target.Addr("udp").String()+">"); code != 0 {
		t.Errorf("REFER: %d", code)
	}
	b.await("bob", func() bool { return b.find("room", "bob").Status.Present() })
	other := b.answering(func(r *sipua.Request) *sipua.Response {
		refers <- r
		return sipua.NewResponse(202)
	})
	inner := "sip:room@" + b.parse("room").Host
	if code := refer("room", "<sip:carol@"+other.Addr("udp").String()+";method=REFER?Refer-To="+inner+">"); code != 0 {
		t.Errorf("nested REFER: %d", code)
	}
	if got := (<-refers).Headers.Get("Refer-To"); !strings.Contains(got, "sip:room@") {
		t.Errorf("carol is referred to %s", got)
	}
}

// answer takes a call with the codec that everybody has.
func (r *raw) answer(call *sipua.IncomingCall, headers ...sipua.Header) {
	request := call.Request()
	parts, err := siprec.ParseParts(request.Headers.Get("Content-Type"), "", request.Body)
	if err != nil {
		_ = call.Reject(sipua.NewResponse(400))
		return
	}
	offer, err := sdp.Parse(parts[0].Body)
	if err != nil {
		_ = call.Reject(sipua.NewResponse(488))
		return
	}
	at := netip.MustParseAddrPort(r.socket.LocalAddr().String())
	plan, err := sdp.Answer(offer, sdp.Local{
		Address: at.Addr(), Session: 5, Version: 1, Streams: []sdp.LocalStream{{Port: at.Port(), Codecs: []codecs.Codec{codecs.PCMU}}},
	})
	if err != nil {
		_ = call.Reject(sipua.NewResponse(488))
		return
	}
	plan.Answer.RecordPreference = r.wishes
	_, _ = call.Answer(context.Background(), sipua.NewResponse(200, headers...).WithBody("application/sdp", plan.Answer.Marshal()), r)
}

// answering is an agent that answers requests outside of dialogs.
func (b *bench) answering(respond func(*sipua.Request) *sipua.Response) *sipua.Agent {
	b.t.Helper()
	agent, err := sipua.New(sipua.Config{}, responder{respond: respond})
	must(b.t, err)
	must(b.t, agent.Start(b.t.Context()))
	b.peers = append(b.peers, func(ctx context.Context) { _ = agent.Shutdown(ctx) })
	return agent
}

type responder struct {
	ignore
	respond func(*sipua.Request) *sipua.Response
}

func (r responder) Request(request *sipua.Request) *sipua.Response { return r.respond(request) }
