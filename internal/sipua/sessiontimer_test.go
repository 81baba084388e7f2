package sipua

import (
	"context"
	"strings"
	"testing"
	"time"
)

func timed(headers ...string) *Request {
	r := &Request{Method: "INVITE"}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Headers = append(r.Headers, Header{Name: headers[i], Value: headers[i+1]})
	}
	return r
}

// What a 2xx says about the session (RFC 4028, section 9, table 2).
//
// Shows FO-TIM-02, FO-TIM-04, FO-TIM-05, FO-TIM-06, FO-TIM-13.
func TestServeSession(t *testing.T) {
	timer := SessionTimer{Interval: 1800 * time.Second}
	for name, c := range map[string]struct {
		request *Request
		expires string
		require string
		ours    bool
	}{
		"nothing asked, timer unknown": {timed(), "1800;refresher=uas", "", true},
		"nothing asked, timer known":   {timed("Supported", "timer"), "1800;refresher=uas", "timer", true},
		"by a proxy":                   {timed("Session-Expires", "600"), "600;refresher=uas", "", true},
		"proxy names the caller":       {timed("Session-Expires", "600;refresher=uac"), "600;refresher=uas", "", true},
		"free choice":                  {timed("Supported", "100rel, timer", "Session-Expires", "600"), "600;refresher=uas", "timer", true},
		"caller refreshes":             {timed("Supported", "timer", "Session-Expires", "600 ; refresher = uac"), "600;refresher=uac", "timer", false},
		"callee refreshes":             {timed("Supported", "timer", "Session-Expires", "600;refresher=uas"), "600;refresher=uas", "timer", true},
		"lowered to ours":              {timed("Supported", "timer", "Session-Expires", "7200"), "1800;refresher=uas", "timer", true},
		"not below Min-SE":             {timed("Supported", "timer", "Session-Expires", "7200", "Min-SE", "3600"), "3600;refresher=uas", "timer", true},
		"Min-SE alone":                 {timed("Supported", "timer", "Min-SE", "3600"), "3600;refresher=uas", "timer", true},
		"compact form":                 {timed("Session-Expires", "90"), "90;refresher=uas", "", true},
	} {
		agreed, headers := timer.serve(c.request)
		if got := headers.Get("Session-Expires"); got != c.expires || agreed.ours != c.ours || headers.Get("Require") != c.require {
			t.Errorf("%s: %q, Require %q, ours %v", name, got, headers.Get("Require"), agreed.ours)
		}
		if headers.Has("Min-SE") {
			t.Errorf("%s: Min-SE in a 2xx", name)
		}
	}
	if agreed, headers := (SessionTimer{}).serve(timed("Supported", "timer", "Session-Expires", "600")); agreed.interval != 0 || headers != nil {
		t.Error("a timer that is off")
	}
}

// Shows FO-TIM-03, FO-ERR-11.
func TestRefuseSession(t *testing.T) {
	timer := SessionTimer{Interval: 1800 * time.Second, Min: 120 * time.Second}
	for name, c := range map[string]struct {
		request *Request
		least   string
	}{
		"too short":      {timed("Supported", "timer", "Session-Expires", "119"), "120"},
		"just enough":    {timed("Supported", "timer", "Session-Expires", "120"), ""},
		"knows no timer": {timed("Session-Expires", "30"), ""},
		"none":           {timed("Supported", "timer"), ""},
		"no number":      {timed("Supported", "timer", "Session-Expires", "soon"), ""},
	} {
		refusal := timer.refuse(c.request)
		if (refusal != nil) != (c.least != "") || refusal != nil && (refusal.Status != 422 || refusal.Headers.Get("Min-SE") != c.least) {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
}

// What requests of ours ask for, and what becomes of it.
//
// Shows FO-TIM-02, FO-TIM-10, FO-TIM-11.
func TestProposeSession(t *testing.T) {
	timer := SessionTimer{Interval: 1800 * time.Second}
	for _, c := range []struct {
		have           lease
		least          time.Duration
		expires, minSE string
	}{
		{lease{}, 0, "1800", ""},
		{lease{}, 3600 * time.Second, "3600", "3600"},
		{lease{600 * time.Second, true}, 0, "600;refresher=uac", ""},
		{lease{600 * time.Second, false}, 0, "600;refresher=uas", ""},
		{lease{600 * time.Second, true}, 900 * time.Second, "900;refresher=uac", "900"},
	} {
		headers := timer.propose(c.have, c.least)
		if headers.Get("Session-Expires") != c.expires || headers.Get("Min-SE") != c.minSE {
			t.Errorf("%+v: %v", c, headers)
		}
	}
	for value, want := range map[string]lease{
		"600;refresher=uac": {600 * time.Second, true}, "600;refresher=uas": {600 * time.Second, false}, "": {1800 * time.Second, true},
		"1": {1800 * time.Second, true},
	} {
		response := NewResponse(200)
		if value != "" {
			response.WithHeader("Session-Expires", value)
		}
		if got := timer.conclude(response, 1800*time.Second); got != want {
			t.Errorf("%q: %+v", value, got)
		}
	}
}

// quickSession makes a second of Session-Expires take 10 ms: the shortest session lasts 0.9 s.
func quickSession() Config {
	timers := quick()
	timers.Glare = 10 * time.Millisecond
	return Config{
		Listen: []string{"udp://127.0.0.1:0"}, Timers: timers, SessionTimer: SessionTimer{Interval: 90 * time.Second},
	}
}

// A session is refreshed by UPDATE at half of its time, again and again, and both sides stay.
//
// Shows FO-TIM-01, FO-TIM-07, FO-TIM-08.
func TestRefresh(t *testing.T) {
	updates := make(chan *Request, 100)
	a, b := newRecorder(), newRecorder()
	for _, side := range []*recorder{a, b} {
		side.offer = func(request *Request) *Response {
			updates <- request
			return NewResponse(200)
		}
	}
	caller, callee := startAgent(t, quickSession(), a), startAgent(t, quickSession(), b)
	_, response, err := caller.Invite(t.Context(), OutgoingCall{
		To: Address{URI: callee.Contact("1000", "udp")}, ContentType: sdpType, Body: []byte("offer"),
	}, leg{a})
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Headers.Get("Session-Expires"); got != "90;refresher=uas" {
		t.Errorf("Session-Expires %q", got)
	}
	for range 3 {
		r := wait(t, updates, "refresh")
		if r.Method != "UPDATE" || len(r.Body) > 0 || r.Headers.Get("Session-Expires") != "90;refresher=uac" || !r.Headers.Contains("Supported", "timer") {
			t.Errorf("%s %v %q", r.Method, r.Headers, r.Body)
		}
	}
	select {
	case reason := <-a.ended:
		t.Errorf("ended: %+v", reason)
	case reason := <-b.ended:
		t.Errorf("ended: %+v", reason)
	default:
	}
}

// A peer without UPDATE is sent a re-INVITE with the same description, whose answer the handler sees.
func TestRefreshByReInvite(t *testing.T) {
	handler := &refreshed{recorder: newRecorder(), got: make(chan *Response, 1)}
	handler.invite = func(call *IncomingCall) { _, _ = call.Answer(context.Background(), answerTo(call.Request()), handler) }
	agent := startAgent(t, quickSession(), handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.body, f.extra = "offer", "Allow: INVITE, ACK, BYE, CANCEL\r\n"
	p.send(p.render(f))
	ok := p.expect("SIP/2.0 200")
	if got := fieldOf(ok, "Session-Expires"); got != "90;refresher=uas" || fieldOf(ok, "Require") != "" {
		t.Errorf("Session-Expires %q, Require %q", got, fieldOf(ok, "Require"))
	}
	f.method, f.toTag, f.body, f.extra, f.branch = "ACK", tagOf(ok), "", "", "z9hG4bK"+unique("ack")
	p.send(p.render(f))
	again := p.expect("INVITE ")
	if !strings.HasSuffix(again, "answer to offer") || fieldOf(again, "Session-Expires") != "90;refresher=uac" {
		t.Errorf("refreshed by\n%s", again)
	}
	p.send(p.respond(again, "200 OK", "the same"))
	p.expect("ACK ")
	if response := wait(t, handler.got, "the answer"); string(response.Body) != "the same" {
		t.Errorf("answer %q", response.Body)
	}
}

// refreshed is a recorder that wants to see answers.
type refreshed struct {
	*recorder
	got chan *Response
}

func (r *refreshed) Refreshed(response *Response) { r.got <- response }

// respond makes a response to a request that came.
func (p *phone) respond(request, status, body string) string {
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		b.WriteString(name + ": " + fieldOf(request, name) + "\r\n")
	}
	b.WriteString("Contact: <sip:phone@" + p.addr().String() + ">\r\nContent-Type: application/sdp\r\nContent-Length: " + seconds(time.Duration(len(body))*time.Second) + "\r\n\r\n" + body)
	return b.String()
}

// A peer that has promised to refresh and does not is gone.
//
// Shows FO-TIM-09.
func TestSessionExpires(t *testing.T) {
	handler := newRecorder()
	handler.invite = func(call *IncomingCall) {
		_, _ = call.Answer(context.Background(), answerTo(call.Request()), leg{handler})
	}
	agent := startAgent(t, quickSession(), handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.body, f.extra = "offer", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n"
	p.send(p.render(f))
	ok := p.expect("SIP/2.0 200")
	if fieldOf(ok, "Session-Expires") != "90;refresher=uac" || fieldOf(ok, "Require") != "timer" {
		t.Errorf("answered\n%s", ok)
	}
	began := time.Now()
	f.method, f.toTag, f.body, f.extra, f.branch = "ACK", tagOf(ok), "", "", "z9hG4bK"+unique("ack")
	p.send(p.render(f))
	p.expect("BYE ")
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("ended after %v of 600 ms", took)
	}
	if reason := wait(t, handler.ended, "end"); reason.Cause != EndExpired {
		t.Errorf("%+v", reason)
	}
}

// A refresh that is answered 481, or not at all, ends the call.
//
// Shows FO-TIM-12.
func TestRefreshOfTheDead(t *testing.T) {
	handler := newRecorder()
	handler.invite = func(call *IncomingCall) {
		_, _ = call.Answer(context.Background(), answerTo(call.Request()), leg{handler})
	}
	agent := startAgent(t, quickSession(), handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.body, f.extra = "offer", "Allow: INVITE, ACK, BYE, UPDATE\r\n"
	p.send(p.render(f))
	f.method, f.toTag, f.body, f.extra, f.branch = "ACK", tagOf(p.expect("SIP/2.0 200")), "", "", "z9hG4bK"+unique("ack")
	p.send(p.render(f))
	update := p.expect("UPDATE ")
	p.send(p.respond(update, "481 Gone", ""))
	if reason := wait(t, handler.ended, "end"); reason.Cause != EndRefused {
		t.Errorf("%+v", reason)
	}
}

// A call that is refused because its session is too short is made again, with the same Call-ID.
//
// Shows FO-TIM-10, SR-ERR-06.
func TestSessionTooShort(t *testing.T) {
	strict := quickSession()
	strict.SessionTimer = SessionTimer{Interval: 600 * time.Second, Min: 300 * time.Second}
	calls := make(chan *Request, 2)
	b := newRecorder()
	b.invite = func(call *IncomingCall) {
		calls <- call.Request()
		_, _ = call.Answer(context.Background(), answerTo(call.Request()), leg{b})
	}
	caller, callee := startAgent(t, quickSession(), newRecorder()), startAgent(t, strict, b)
	dialog, response, err := caller.Invite(t.Context(), OutgoingCall{
		To: Address{URI: callee.Contact("1000", "udp")}, ContentType: sdpType, Body: []byte("offer"),
	}, leg{newRecorder()})
	if err != nil {
		t.Fatal(err)
	}
	request := wait(t, calls, "call")
	if request.CallID != dialog.ID().CallID || request.Headers.Get("Session-Expires") != "300" || request.Headers.Get("Min-SE") != "300" {
		t.Errorf("%v", request.Headers)
	}
	if got := response.Headers.Get("Session-Expires"); got != "300;refresher=uas" {
		t.Errorf("Session-Expires %q", got)
	}
}

// A refresh that is refused as too short is made again as it was asked for, and no request after it asks for less; nor for less than the peer
// has asked for himself. A refusal that says nothing new is final.
//
// Shows FO-TIM-10.
func TestRefreshTooShort(t *testing.T) {
	answers, requests := make(chan string, 2), make(chan *Request, 4)
	ours, peer := newRecorder(), newRecorder()
	ours.offer = func(*Request) *Response { return NewResponse(200) }
	peer.offer = func(request *Request) *Response {
		requests <- request
		if least := <-answers; least != "" {
			return NewResponse(422, Header{Name: "Min-SE", Value: least})
		}
		return NewResponse(200)
	}
	dialogs := make(chan *Dialog, 1)
	peer.invite = func(call *IncomingCall) {
		dialog, err := call.Answer(context.Background(), answerTo(call.Request()), leg{peer})
		if err != nil {
			t.Error(err)
		}
		dialogs <- dialog
	}
	listen := []string{"udp://127.0.0.1:0"}
	caller := startAgent(t, Config{Listen: listen, SessionTimer: SessionTimer{Interval: 1800 * time.Second}}, ours)
	callee := startAgent(t, Config{Listen: listen}, peer)
	dialog, _, err := caller.Invite(t.Context(), OutgoingCall{
		To: Address{URI: callee.Contact("1000", "udp")}, ContentType: sdpType, Body: []byte("offer"),
	}, leg{ours})
	if err != nil {
		t.Fatal(err)
	}
	theirs := wait(t, dialogs, "the callee's dialog")
	check := func(name string, status int, want string, refusals ...string) {
		t.Helper()
		for _, least := range refusals {
			answers <- least
		}
		_, err := dialog.Update(t.Context(), Body{})
		var last *Request
		for range refusals {
			last = wait(t, requests, name)
		}
		if got := last.Headers.Get("Session-Expires") + " " + last.Headers.Get("Min-SE"); Status(err) != status || got != want {
			t.Errorf("%s: %v, %q, want %q", name, err, got, want)
		}
	}
	check("refused and made again", 0, "3600;refresher=uac 3600", "3600", "")
	check("the next one", 0, "3600;refresher=uac 3600", "")
	check("nothing new", 422, "3600;refresher=uac 3600", "3600")
	check("less than before", 422, "3600;refresher=uac 3600", "600")
	for _, least := range []string{"7200", "5400"} {
		if _, err := theirs.Update(t.Context(), Body{Headers: Headers{{Name: "Min-SE", Value: least}}}); err != nil {
			t.Fatal(err)
		}
	}
	check("the peer has asked for more", 0, "7200;refresher=uac 7200", "")
}
