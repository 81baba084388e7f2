package sipua

import (
	"context"
	"strings"
	"testing"
)

// rings is a reliable provisional response to an INVITE.
func (p *phone) rings(invite, status, rseq, body string) string {
	text := p.respond(invite, status, body)
	text = strings.Replace(text, "To: "+fieldOf(invite, "To"), "To: "+fieldOf(invite, "To")+";tag=early", 1)
	return strings.Replace(text, "Contact:", "Require: 100rel\r\nRSeq: "+rseq+"\r\nContact:", 1)
}

// called is a call to a raw phone, and its outcome.
func called(t *testing.T, p *phone, agent *Agent, body string, answer func(*Response) Body) (outcome, progress chan *Response) {
	t.Helper()
	outcome, progress = make(chan *Response, 1), make(chan *Response, 10)
	go func() {
		call := OutgoingCall{
			To: Address{URI: URI{Scheme: "sip", User: "x", Host: "127.0.0.1", Port: p.addr().Port()}}, Body: []byte(body), Answer: answer,
			OnProvisional: func(r *Response) { progress <- r },
		}
		if body != "" {
			call.ContentType = sdpType
		}
		_, response, err := agent.Invite(context.Background(), call, leg{newRecorder()})
		if err != nil {
			t.Error(err)
		}
		outcome <- response
	}()
	return outcome, progress
}

// Each reliable provisional response is acknowledged in order, repeated ones and those with a gap before them are not, and the dialog goes
// on with the numbers after those of the PRACKs. The answer may come early.
//
// Shows FO-PRK-09, FO-PRK-11, FO-OUT-08.
func TestPRACK(t *testing.T) {
	agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}}, newRecorder())
	p := dialPhone(t, agent, "udp")
	outcome, progress := called(t, p, agent, "offer", nil)
	invite := p.expect("INVITE ")
	if !strings.Contains(fieldOf(invite, "Supported"), "100rel") || fieldOf(invite, "Require") != "" {
		t.Errorf("Supported %q, Require %q", fieldOf(invite, "Supported"), fieldOf(invite, "Require"))
	}
	cseq, _, _ := strings.Cut(fieldOf(invite, "CSeq"), " ")
	p.send(p.rings(invite, "183 Session Progress", "7", "early answer"))
	prack := p.expect("PRACK ")
	if got := fieldOf(prack, "RAck"); got != "7 "+cseq+" INVITE" || fieldOf(prack, "Require") != "" {
		t.Errorf("RAck %q, Require %q", got, fieldOf(prack, "Require"))
	}
	if !strings.Contains(fieldOf(prack, "To"), "tag=early") || fieldOf(prack, "CSeq") == cseq+" PRACK" {
		t.Errorf("PRACK to %s with CSeq %s", fieldOf(prack, "To"), fieldOf(prack, "CSeq"))
	}
	p.send(p.respond(prack, "200 OK", ""))
	wait(t, progress, "183")
	p.send(p.rings(invite, "183 Session Progress", "7", "")) // repeated
	wait(t, progress, "183 again")
	p.send(p.rings(invite, "180 Ringing", "9", "")) // 8 is missing
	wait(t, progress, "180")
	p.send(p.rings(invite, "180 Ringing", "8", ""))
	second := p.expect("PRACK ")
	if got := fieldOf(second, "RAck"); got != "8 "+cseq+" INVITE" {
		t.Errorf("the next RAck is %q", got)
	}
	p.send(p.respond(second, "200 OK", ""))
	ok := strings.Replace(p.respond(invite, "200 OK", ""), "To: "+fieldOf(invite, "To"), "To: "+fieldOf(invite, "To")+";tag=early", 1)
	p.send(ok)
	if got := fieldOf(p.expect("ACK "), "CSeq"); got != cseq+" ACK" {
		t.Errorf("ACK with CSeq %s", got)
	}
	if response := wait(t, outcome, "the answer"); response == nil || string(response.Body) != "early answer" {
		t.Errorf("%+v", response)
	}
}

// An offer in a reliable response is answered in its PRACK, and not again.
//
// Shows FO-PRK-08.
func TestPRACKAnswers(t *testing.T) {
	agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}}, newRecorder())
	p := dialPhone(t, agent, "udp")
	outcome, _ := called(t, p, agent, "", func(offer *Response) Body {
		return Body{ContentType: sdpType, Data: append([]byte("answer to "), offer.Body...)}
	})
	invite := p.expect("INVITE ")
	p.send(p.rings(invite, "183 Session Progress", "1", "early offer"))
	prack := p.expect("PRACK ")
	if !strings.HasSuffix(prack, "answer to early offer") {
		t.Errorf("acknowledged by\n%s", prack)
	}
	p.send(p.respond(prack, "200 OK", ""))
	p.send(strings.Replace(p.respond(invite, "200 OK", ""), "To: "+fieldOf(invite, "To"), "To: "+fieldOf(invite, "To")+";tag=early", 1))
	if ack := p.expect("ACK "); strings.Contains(ack, "answer") {
		t.Errorf("answered again by\n%s", ack)
	}
	wait(t, outcome, "the call")
}

// A description in a 183 that asks for no acknowledgement is the answer when the 2xx of the same dialog has none, as gateways do it; that of another branch is
// not, and one in the 2xx counts more.
//
// RFC 3261, section 13.2.1.
func TestAnswerOnlyInProvisional(t *testing.T) {
	for name, test := range map[string]struct{ first, body, want string }{
		"183 alone": {"early", "", "early answer"},
		"both":      {"early", "late answer", "late answer"},
		"fork":      {"other", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			agent := startAgent(t, Config{Supported: []string{option100rel}, Listen: []string{"udp://127.0.0.1:0"}}, newRecorder())
			p := dialPhone(t, agent, "udp")
			outcome, progress := called(t, p, agent, "offer", nil)
			invite := p.expect("INVITE ")
			tagged := func(message, tag string) string {
				return strings.Replace(message, "To: "+fieldOf(invite, "To"), "To: "+fieldOf(invite, "To")+";tag="+tag, 1)
			}
			p.send(tagged(p.respond(invite, "183 Session Progress", "early answer"), test.first))
			wait(t, progress, "183")
			p.send(tagged(p.respond(invite, "180 Ringing", ""), "early"))
			wait(t, progress, "180")
			p.send(tagged(p.respond(invite, "200 OK", test.body), "early"))
			p.expect("ACK ")
			if response := wait(t, outcome, "the answer"); response == nil || string(response.Body) != test.want {
				t.Errorf("%+v", response)
			} else if got := response.ContentType(); got != sdpType && test.want != "" {
				t.Errorf("it is %s", got)
			}
		})
	}
}
