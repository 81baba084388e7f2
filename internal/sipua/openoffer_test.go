package sipua

import (
	"context"
	"strconv"
	"testing"
	"time"
)

// While an offer is open there is no second one, whoever has made the first (RFC 3261, section 14.2; RFC 3311, section 5.2).
//
// Shows FO-MOD-10, FO-ERR-21.
func TestOpenOffer(t *testing.T) {
	dialogs, begun, answer := make(chan *Dialog, 1), make(chan struct{}, 1), make(chan struct{})
	handler := newRecorder()
	handler.invite = func(call *IncomingCall) {
		dialog, err := call.Answer(context.Background(), answerTo(call.Request()), leg{handler})
		if err != nil {
			t.Error(err)
		}
		dialogs <- dialog
	}
	handler.offer = func(request *Request) *Response {
		begun <- struct{}{}
		<-answer
		return answerTo(request)
	}
	slow := Timers{T1: time.Second, T2: 4 * time.Second, Glare: time.Second} // nothing of this is to time out on a busy machine
	p := dialPhone(t, startAgent(t, Config{Listen: []string{"udp://127.0.0.1:0"}, Timers: slow}, handler), "udp")
	f := p.form("INVITE")
	f.body = "offer"
	p.send(p.render(f))
	f.toTag = tagOf(p.expect("SIP/2.0 200"))
	request := func(method string, cseq int, body string) {
		f.method, f.cseq, f.body, f.branch = method, cseq, body, "z9hG4bK"+unique(method)
		p.send(p.render(f))
	}
	request("ACK", 1, "")
	dialog := wait(t, dialogs, "the dialog")
	wait(t, handler.acks, "ACK")

	updated := make(chan error, 1)
	go func() {
		_, err := dialog.Update(t.Context(), Body{ContentType: sdpType, Data: []byte("ours")})
		updated <- err
	}()
	ours := p.expect("UPDATE ")
	request("UPDATE", 2, "theirs")
	p.expect("SIP/2.0 491")
	request("INVITE", 3, "theirs")
	p.expect("SIP/2.0 491")
	f.method, f.body = "ACK", "" // in the same transaction
	p.send(p.render(f))
	p.send(p.respond(ours, "200 OK", "answer"))
	if err := wait(t, updated, "the end of our offer"); err != nil {
		t.Error(err)
	}

	request("UPDATE", 4, "theirs")
	wait(t, begun, "their offer")
	request("UPDATE", 5, "another")
	refused := p.expect("SIP/2.0 500")
	if after, err := strconv.Atoi(fieldOf(refused, "Retry-After")); err != nil || after < 0 || after > 10 {
		t.Errorf("Retry-After %q", fieldOf(refused, "Retry-After"))
	}
	close(answer)
	if taken := p.expect("SIP/2.0 200"); fieldOf(taken, "CSeq") != "4 UPDATE" {
		t.Errorf("answered\n%s", taken)
	}
	request("BYE", 6, "")
	p.expect("SIP/2.0 200")
}
