package sipua

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestCancelBackToBack sends INVITE and CANCEL without a pause: the call is
// always canceled, all responses carry the same tag, and nothing is left over.
// FO-CAN-01, FO-CAN-04, FO-ERR-18 (RFC 3261, section 9.2).
func TestCancelBackToBack(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			callee := newRecorder()
			callee.invite = func(call *IncomingCall) {
				_ = call.Provisional(NewResponse(180))
				<-call.Done()
				if !call.Canceled() {
					t.Error("the call is over but not canceled")
				}
				if _, err := call.Answer(context.Background(), answerTo(call.Request()), callee); !errors.Is(err, ErrCanceled) {
					t.Errorf("answer after CANCEL: %v", err)
				}
			}
			agent := startAgent(t, Config{}, callee)
			p := dialPhone(t, agent, transport)
			for range 1000 {
				cancelOnce(t, p)
			}
			wait(t, agent.callCount.zero(), "the end of the last call")
		})
	}
}

func cancelOnce(t *testing.T, p *phone) {
	t.Helper()
	f := p.form("INVITE")
	f.body = "v=0"
	cancel := f
	cancel.method, cancel.body, cancel.extra = "CANCEL", "", ""
	p.send(p.render(f))
	p.send(p.render(cancel))
	tags := map[string]bool{}
	var invite, canceled string
	for invite == "" || canceled == "" {
		message := p.read(patience)
		switch {
		case message == "":
			t.Fatalf("no answer; INVITE %q, CANCEL %q", invite, canceled)
		case fieldOf(message, "Call-ID") != f.callID:
			continue // a repetition for the call before
		case strings.HasSuffix(fieldOf(message, "CSeq"), "CANCEL"):
			canceled = message
		case !strings.HasPrefix(message, "SIP/2.0 1"):
			invite = message
		}
		if !strings.HasPrefix(message, "SIP/2.0 100") {
			tags[tagOf(message)] = true
		}
	}
	if !strings.HasPrefix(invite, "SIP/2.0 487") || !strings.HasPrefix(canceled, "SIP/2.0 200") || len(tags) != 1 {
		t.Fatalf("tags %v\n%s\n%s", tags, invite, canceled)
	}
	f.method, f.toTag, f.body, f.extra = "ACK", tagOf(invite), "", ""
	p.send(p.render(f))
}

// TestCancelBeforeInvite: a CANCEL that overtakes its INVITE takes effect.
// FO-CAN-01.
func TestCancelBeforeInvite(t *testing.T) {
	agent := startAgent(t, Config{}, &recorder{invite: func(call *IncomingCall) { <-call.Done() }})
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	cancel := f
	cancel.method = "CANCEL"
	p.send(p.render(cancel))
	p.send(p.render(f))
	got := []string{fmt.Sprintf("%.11s", p.read(patience)), fmt.Sprintf("%.11s", p.read(patience))}
	if all := strings.Join(got, " "); !strings.Contains(all, "487") || !strings.Contains(all, "200") {
		t.Errorf("%v", got)
	}
}

// TestCancelCrossesAnswer lets CANCEL and 200 cross in all possible orders:
// either the call is up and the CANCEL had no effect, or it is canceled. FO-CAN-02.
func TestCancelCrossesAnswer(t *testing.T) {
	callee := newRecorder()
	callee.invite = func(call *IncomingCall) {
		_, err := call.Answer(context.Background(), answerTo(call.Request()), callee)
		if err != nil && !errors.Is(err, ErrCanceled) {
			t.Error(err)
		}
	}
	agent := startAgent(t, Config{}, callee)
	p := dialPhone(t, agent, "udp")
	outcomes := map[string]int{}
	for range 300 {
		f := p.form("INVITE")
		f.body = "v=0"
		cancel := f
		cancel.method, cancel.body = "CANCEL", ""
		p.send(p.render(f))
		p.send(p.render(cancel))
		var final string
		for canceled := false; final == "" || !canceled; {
			message := p.read(patience)
			switch {
			case message == "":
				t.Fatal("no answer")
			case fieldOf(message, "Call-ID") != f.callID || strings.HasPrefix(message, "SIP/2.0 100"):
			case strings.HasSuffix(fieldOf(message, "CSeq"), "CANCEL"):
				canceled = true
			case final != "" && final[:12] != message[:12]:
				t.Fatalf("two final responses:\n%s\n%s", final, message)
			default:
				final = message
			}
		}
		outcomes[final[8:11]]++
		f.method, f.toTag, f.body = "ACK", tagOf(final), ""
		if strings.HasPrefix(final, "SIP/2.0 200") {
			f.branch = "z9hG4bK" + unique("ack")
			p.send(p.render(f))
			f.method, f.cseq, f.branch = "BYE", 2, "z9hG4bK"+unique("bye")
		}
		p.send(p.render(f))
	}
	if outcomes["200"]+outcomes["487"] != 300 {
		t.Error(outcomes)
	}
	wait(t, agent.callCount.zero(), "the end of all calls")
}

// answered makes a call with hand-written messages and returns its form for
// further requests.
func answered(t *testing.T, p *phone) form {
	t.Helper()
	f := p.form("INVITE")
	f.body = "offer"
	p.send(p.render(f))
	ok := p.expect("SIP/2.0 200")
	f.body, f.toTag, f.method, f.branch = "", tagOf(ok), "ACK", "z9hG4bK"+unique("ack")
	p.send(p.render(f))
	return f
}

// TestCSeqPairs sends pairs of requests without a pause: the handler gets them
// in their order, though the stack does not keep it. FO-MOD-18 (RFC 3261, section
// 12.2.2).
func TestCSeqPairs(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			var mu sync.Mutex
			var order []uint32
			callee := newRecorder()
			callee.inside = func(request *Request) *Response {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, request.CSeq)
				return NewResponse(200)
			}
			callee.invite = func(call *IncomingCall) {
				if _, err := call.Answer(context.Background(), answerTo(call.Request()), leg{callee}); err != nil {
					t.Error(err)
				}
			}
			agent := startAgent(t, Config{}, callee)
			p := dialPhone(t, agent, transport)
			f := answered(t, p)
			for range 1500 {
				for range 2 {
					f.cseq++
					f.method, f.branch = "INFO", "z9hG4bK"+unique("i")
					p.send(p.render(f))
				}
				p.expect("SIP/2.0 200")
				p.expect("SIP/2.0 200")
			}
			mu.Lock()
			defer mu.Unlock()
			if len(order) != 3000 {
				t.Fatalf("%d requests", len(order))
			}
			for i, seq := range order {
				if seq != uint32(i+2) {
					t.Fatalf("request %d has number %d", i, seq)
				}
			}
			f.cseq, f.branch = 5, "z9hG4bK"+unique("old")
			p.send(p.render(f))
			p.expect("SIP/2.0 500")
		})
	}
}
