package sipua

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"
)

// early is a handler of requests before the final response.
type early struct {
	pracks, offers chan string
}

func newEarly() early { return early{pracks: make(chan string, 8), offers: make(chan string, 8)} }

func (e early) Prack(request *Request) *Response {
	e.pracks <- string(request.Body)
	if strings.HasPrefix(string(request.Body), "offer") {
		return NewResponse(200).WithBody(sdpType, []byte("answer to "+string(request.Body)))
	}
	return nil
}

func (e early) Offer(request *Request) *Response {
	e.offers <- string(request.Body)
	return NewResponse(200).WithBody(sdpType, []byte("answer to "+string(request.Body)))
}

// within makes the next request in the dialog of an INVITE.
func (f form) within(method, response string, cseq int) form {
	f.method, f.toTag, f.cseq, f.body, f.extra, f.branch = method, tagOf(response), cseq, "", "", "z9hG4bK"+unique("in")
	return f
}

// past reads until a message starts with this, past repeated provisional responses.
func (p *phone) past(prefix string) string {
	p.t.Helper()
	for {
		message := p.read(patience)
		if message == "" || strings.HasPrefix(message, prefix) || !strings.HasPrefix(message, "SIP/2.0 1") {
			if !strings.HasPrefix(message, prefix) {
				p.t.Fatalf("want %q, got\n%s", prefix, message)
			}
			return message
		}
	}
}

// prack acknowledges a provisional response.
func (f form) prack(response string, cseq int) form {
	f = f.within("PRACK", response, cseq)
	f.extra = "RAck: " + fieldOf(response, "RSeq") + " 1 INVITE\r\n"
	return f
}

// Provisional responses go one at a time, are repeated until their PRACK comes, and the 2xx does not overtake one with a description.
//
// Shows FO-PRK-01, FO-PRK-02, FO-PRK-03, FO-PRK-04, FO-PRK-05, FO-PRK-06, FO-PRK-07.
func TestReliableProvisional(t *testing.T) {
	handler, events := newRecorder(), newEarly()
	handler.invite = func(call *IncomingCall) {
		call.Early(events)
		for _, r := range []*Response{NewResponse(100), NewResponse(180), NewResponse(183).WithBody(sdpType, []byte("early answer"))} {
			if err := call.Provisional(r); err != nil {
				t.Error(err)
			}
		}
		_, err := call.Answer(context.Background(), NewResponse(200), leg{handler})
		if err != nil {
			t.Error(err)
		}
	}
	agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}, Timers: Timers{T1: 40 * time.Millisecond}}, handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.body, f.extra = "offer", "Supported: 100rel\r\n"
	p.send(p.render(f))
	if trying := p.expect("SIP/2.0 100"); fieldOf(trying, "RSeq") != "" {
		t.Error("a reliable 100")
	}
	ringing := p.expect("SIP/2.0 180")
	first, err := strconv.ParseUint(fieldOf(ringing, "RSeq"), 10, 31)
	if err != nil || first == 0 || fieldOf(ringing, "Require") != "100rel" || tagOf(ringing) == "" || fieldOf(ringing, "Contact") == "" {
		t.Errorf("180 is\n%s", ringing)
	}
	if again := p.expect("SIP/2.0 1"); !strings.HasPrefix(again, "SIP/2.0 180") || fieldOf(again, "RSeq") != fieldOf(ringing, "RSeq") {
		t.Errorf("before the PRACK came\n%s", again)
	}
	wrong := f.prack(ringing, 2)
	wrong.extra = "RAck: 1 7 INVITE\r\n"
	p.send(p.render(wrong))
	p.past("SIP/2.0 481")
	p.send(p.render(f.prack(ringing, 3)))
	p.past("SIP/2.0 200")
	progress := p.past("SIP/2.0 183")
	if fieldOf(progress, "RSeq") != strconv.FormatUint(first+1, 10) || !strings.HasSuffix(progress, "early answer") {
		t.Errorf("183 is\n%s", progress)
	}
	update := f.within("UPDATE", ringing, 4)
	update.body = "offer"
	p.send(p.render(update))
	if refused := p.past("SIP/2.0 500"); fieldOf(refused, "CSeq") != "4 UPDATE" || fieldOf(refused, "Retry-After") == "" {
		t.Errorf("an offer before the answer is acknowledged: %s", refused)
	}
	p.send(p.render(f.prack(progress, 5)))
	for { // the 200 of the PRACK, then that of the INVITE, which has been waiting for it
		ok := p.past("SIP/2.0 200")
		if fieldOf(ok, "CSeq") == "1 INVITE" {
			break
		}
	}
	p.send(p.render(f.within("ACK", ringing, 1)))
	wait(t, handler.acks, "ACK")
	again := f.prack(progress, 6)
	p.send(p.render(again))
	p.past("SIP/2.0 481")
}

// The offer of a late-offer call goes out reliably and is answered in the PRACK; then there may be others, before the call is answered.
//
// Shows FO-PRK-01, FO-PRK-08.
func TestEarlyOffers(t *testing.T) {
	handler, events := newRecorder(), newEarly()
	answer := make(chan struct{})
	handler.invite = func(call *IncomingCall) {
		call.Early(events)
		if err := call.Provisional(NewResponse(183).WithBody(sdpType, []byte("our offer"))); err != nil {
			t.Error(err)
		}
		<-answer
		if err := call.Provisional(NewResponse(180)); err != nil {
			t.Error(err)
		}
		if _, err := call.Answer(context.Background(), NewResponse(200), leg{handler}); err != nil {
			t.Error(err)
		}
	}
	agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}}, handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.extra = "Require: 100rel\r\n"
	p.send(p.render(f))
	progress := p.expect("SIP/2.0 183")
	prack := f.prack(progress, 2)
	prack.body = "their answer"
	p.send(p.render(prack))
	p.past("SIP/2.0 200")
	if got := wait(t, events.pracks, "PRACK"); got != "their answer" {
		t.Errorf("the handler got %q", got)
	}
	update := f.within("UPDATE", progress, 3)
	update.body = "offer in UPDATE"
	p.send(p.render(update))
	if ok := p.past("SIP/2.0 200"); !strings.HasSuffix(ok, "answer to offer in UPDATE") {
		t.Errorf("UPDATE got\n%s", ok)
	}
	close(answer)
	ringing := p.past("SIP/2.0 180")
	ok := p.past("SIP/2.0 200") // it had no description, so that the 2xx may overtake its PRACK
	p.send(p.render(f.within("ACK", ok, 1)))
	wait(t, handler.acks, "ACK")
	prack = f.prack(ringing, 4)
	prack.body = "offer in PRACK"
	p.send(p.render(prack))
	if ok := p.past("SIP/2.0 200"); fieldOf(ok, "CSeq") != "4 PRACK" || !strings.HasSuffix(ok, "answer to offer in PRACK") {
		t.Errorf("PRACK after the 2xx got\n%s", ok)
	}
}

// Without a PRACK the call is refused; with a BYE it is over.
//
// Shows FO-PRK-04.
func TestEarlyDialogEnds(t *testing.T) {
	handler := newRecorder()
	over := make(chan bool, 2)
	handler.invite = func(call *IncomingCall) {
		_ = call.Provisional(NewResponse(180))
		<-call.Done()
		over <- call.Canceled()
	}
	agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}, Timers: Timers{T1: 4 * time.Millisecond, T2: 4 * time.Millisecond}}, handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.body, f.extra = "offer", "Require: 100rel\r\n"
	p.send(p.render(f))
	refused := p.past("SIP/2.0 504")
	ack := f.within("ACK", refused, 1)
	ack.branch = f.branch
	p.send(p.render(ack))
	if wait(t, over, "the end") {
		t.Error("counts as canceled")
	}
	f = p.form("INVITE")
	f.body, f.extra = "offer", "Require: 100rel\r\n"
	p.send(p.render(f))
	ringing := p.expect("SIP/2.0 180")
	for tagOf(ringing) == tagOf(refused) || fieldOf(ringing, "Call-ID") != f.callID {
		ringing = p.expect("SIP/2.0 180")
	}
	p.send(p.render(f.within("BYE", ringing, 2)))
	p.past("SIP/2.0 200")
	p.past("SIP/2.0 487")
	if !wait(t, over, "the end") {
		t.Error("does not count as canceled")
	}
	eventually(t, "the call to be forgotten", func() bool { return agent.Calls() == 0 })
	bye := f.within("PRACK", ringing, 3)
	bye.extra = "RAck: 1 1 INVITE\r\n"
	p.send(p.render(bye))
	p.past("SIP/2.0 481")
}

// Who does not know reliable responses gets none.
//
// Shows FO-PRK-02.
func TestUnreliableProvisional(t *testing.T) {
	handler := newRecorder()
	handler.invite = func(call *IncomingCall) {
		_ = call.Provisional(NewResponse(180))
		_, _ = call.Answer(context.Background(), answerTo(call.Request()), leg{handler})
	}
	agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}}, handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.body = "offer"
	p.send(p.render(f))
	if ringing := p.expect("SIP/2.0 180"); fieldOf(ringing, "RSeq") != "" || fieldOf(ringing, "Require") != "" {
		t.Errorf("180 is\n%s", ringing)
	}
	ok := p.expect("SIP/2.0 200")
	p.send(p.render(f.within("ACK", ok, 1)))
	wait(t, handler.acks, "ACK")
}

// Who waits for his answer is told again and again that he does, so that no proxy gives him up, reliably where he can acknowledge it.
//
// Shows FO-PRK-10.
func TestProvisionalIsRepeated(t *testing.T) {
	handler := newRecorder()
	handler.invite = func(call *IncomingCall) {
		_ = call.Provisional(NewResponse(182))
		<-call.Done()
	}
	timers := quick()
	timers.Provisional = 20 * time.Millisecond
	agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}, Timers: timers}, handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	p.send(p.render(f))
	for range 4 {
		if queued := p.expect("SIP/2.0 182"); fieldOf(queued, "RSeq") != "" {
			t.Errorf("reliable:\n%s", queued)
		}
	}
	p = dialPhone(t, agent, "udp")
	f = p.form("INVITE")
	f.body, f.extra = "offer", "Supported: 100rel\r\n"
	p.send(p.render(f))
	last := uint64(0)
	for cseq := 2; cseq < 5; {
		queued := p.read(patience)
		if strings.HasPrefix(queued, "SIP/2.0 200") || strings.HasPrefix(queued, "SIP/2.0 100") {
			continue
		}
		number, err := strconv.ParseUint(fieldOf(queued, "RSeq"), 10, 31)
		if err != nil || !strings.HasPrefix(queued, "SIP/2.0 182") || last != 0 && number != last && number != last+1 {
			t.Fatalf("after %d\n%s", last, queued)
		}
		if number == last {
			continue // was on its way before the PRACK
		}
		last = number
		p.send(p.render(f.prack(queued, cseq)))
		cseq++
	}
}

// What is sent reliably first to who has made no offer has to be one (RFC 3261, section 13.2.1): who can acknowledge it, but need not, gets a 180 without
// in the other way, and has no way to make an offer before ours.
//
// Shows FO-PRK-02, FO-PRK-08.
func TestNoOfferNotReliable(t *testing.T) {
	handler := newRecorder()
	handler.invite = func(call *IncomingCall) {
		for _, r := range []*Response{NewResponse(180), NewResponse(183).WithBody(sdpType, []byte("our offer")), NewResponse(180)} {
			if err := call.Provisional(r); err != nil {
				t.Error(err)
			}
		}
		<-call.Done()
	}
	agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}}, handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.extra = "Supported: 100rel\r\n"
	p.send(p.render(f))
	if ringing := p.expect("SIP/2.0 180"); fieldOf(ringing, "RSeq") != "" || fieldOf(ringing, "Require") != "" {
		t.Errorf("without an offer, and reliable:\n%s", ringing)
	}
	progress := p.expect("SIP/2.0 183")
	p.send(p.render(f.prack(progress, 2)))
	p.past("SIP/2.0 200")
	if ringing := p.past("SIP/2.0 180"); fieldOf(ringing, "RSeq") == "" {
		t.Errorf("after the offer:\n%s", ringing)
	}
}

// An offer in a PRACK, while that of the INVITE has no answer, is refused: it would leave both sides with different sessions (RFC 3264, section 4). The
// response that it acknowledges is acknowledged.
func TestCrossingOfferInPRACK(t *testing.T) {
	handler, events := newRecorder(), newEarly()
	answer := make(chan struct{})
	handler.invite = func(call *IncomingCall) {
		call.Early(events)
		_ = call.Provisional(NewResponse(180))
		<-call.Unacknowledged()
		close(answer)
		_, _ = call.Answer(context.Background(), answerTo(call.Request()), leg{handler})
	}
	agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}}, handler)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.body, f.extra = "offer", "Supported: 100rel\r\n"
	p.send(p.render(f))
	prack := f.prack(p.expect("SIP/2.0 180"), 2)
	prack.body = "offer in PRACK"
	p.send(p.render(prack))
	p.past("SIP/2.0 488")
	wait(t, answer, "the acknowledgement")
	ok := p.past("SIP/2.0 200")
	p.send(p.render(f.within("ACK", ok, 1)))
	wait(t, handler.acks, "ACK")
	if len(events.pracks) > 0 || !strings.HasSuffix(ok, "answer to offer") {
		t.Errorf("the handler got %d, the caller\n%s", len(events.pracks), ok)
	}
}
