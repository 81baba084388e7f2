package sipua

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// elapse lets time pass on the clock of a bubble of testing/synctest.
func elapse(d time.Duration) { <-time.After(d) }

// TestRetransmission checks when a 2xx is repeated: RFC 3261, section 13.3.1.4.
func TestRetransmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		schedule := newRetransmission(Config{}.withDefaults().Timers)
		var at []string
		for {
			wait, again := schedule.next()
			elapse(wait)
			if !again {
				break
			}
			at = append(at, time.Since(start).String())
		}
		if got, want := strings.Join(at, " "), "500ms 1.5s 3.5s 7.5s 11.5s 15.5s 19.5s 23.5s 27.5s 31.5s"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := time.Since(start); got != 32*time.Second {
			t.Errorf("gave up after %v", got)
		}
	})
}

// TestGate: a gap is waited for, and passed when nothing comes. FO-MOD-18.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newCSeqGate(10, true)
		start := time.Now()
		if _, ok := gate.enter(10); ok {
			t.Error("10 again")
		}
		var order []uint32
		var mu sync.Mutex
		var group sync.WaitGroup
		enter := func(seq uint32) {
			group.Go(func() {
				place, ok := gate.enter(seq)
				if !ok {
					t.Errorf("%d refused", seq)
					return
				}
				<-place.before
				mu.Lock()
				order = append(order, seq)
				mu.Unlock()
				place.done()
			})
		}
		enter(13)
		enter(12)
		synctest.Wait()
		enter(11)
		group.Wait()
		if time.Since(start) != 0 || fmt.Sprint(order) != "[11 12 13]" {
			t.Errorf("%v after %v", order, time.Since(start))
		}
		enter(20)
		group.Wait()
		if time.Since(start) != holdGap {
			t.Errorf("a gap was passed after %v", time.Since(start))
		}
		start = time.Now()
		gate.announce(21)
		enter(22)
		elapse(100 * time.Millisecond)
		enter(21)
		group.Wait()
		if time.Since(start) != 100*time.Millisecond || fmt.Sprint(order) != "[11 12 13 20 21 22]" {
			t.Errorf("%v after %v", order, time.Since(start))
		}
	})
}

// TestOffers is the table of RFC 3261, section 14.2, and RFC 3311, section 5.2.
// FO-MOD-07, FO-MOD-10, FO-ERR-21, SR-SNP-12.
func TestOffers(t *testing.T) {
	for _, row := range []struct {
		name          string
		open          func(*offers)
		invite, offer bool
		want          int
	}{
		{"re-INVITE, nothing open", func(*offers) {}, true, true, 0},
		{"UPDATE, nothing open", func(*offers) {}, false, true, 0},
		{"re-INVITE in theirs", func(o *offers) { o.remoteInvite = true }, true, true, 500},
		{"re-INVITE in their UPDATE", func(o *offers) { o.remoteUpdate = true }, true, true, 500},
		{"re-INVITE in ours", func(o *offers) { o.localInvite = true }, true, true, 491},
		{"re-INVITE in our UPDATE", func(o *offers) { o.localOffer = true }, true, true, 491},
		{"re-INVITE before the answer in ACK", func(o *offers) { o.lateOffer = true }, true, true, 491},
		{"UPDATE in their UPDATE", func(o *offers) { o.remoteUpdate = true }, false, true, 500},
		{"UPDATE with offer in our offer", func(o *offers) { o.localOffer = true }, false, true, 491},
		{"UPDATE with offer in their INVITE", func(o *offers) { o.remoteInvite = true }, false, true, 500},
		{"UPDATE without offer in our offer", func(o *offers) { o.localOffer = true }, false, false, 0},
		{"UPDATE without offer in their UPDATE", func(o *offers) { o.remoteUpdate = true }, false, false, 500},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := newOffers()
			row.open(o)
			got := 0
			if refusal := o.admit(row.invite, row.offer); refusal != nil {
				got = refusal.Status
				if got == 500 && !refusal.Headers.Has("Retry-After") {
					t.Error("no Retry-After")
				}
			}
			if got != row.want {
				t.Errorf("%d, want %d", got, row.want)
			}
		})
	}
}

// TestGlare lets both sides send offers at the same moment; both succeed in the
// end. FO-MOD-07, FO-MOD-08 (RFC 3261, section 14.1).
func TestGlare(t *testing.T) {
	a, b := newRecorder(), newRecorder()
	// The first offer has no answer until all others are on their way.
	var group, underway sync.WaitGroup
	underway.Add(20)
	slow := func(request *Request) *Response {
		underway.Wait()
		return answerTo(request)
	}
	a.offer, b.offer = slow, slow
	out, in := connected(t, "udp", a, b)
	for range 5 {
		for _, dialog := range []*Dialog{out, in} {
			group.Go(func() {
				underway.Done()
				if _, err := dialog.ReInvite(t.Context(), Body{ContentType: sdpType, Data: []byte("x")}); err != nil {
					t.Error(err)
				}
			})
			group.Go(func() {
				underway.Done()
				if _, err := dialog.Update(t.Context(), Body{ContentType: sdpType, Data: []byte("y")}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
}

// TestNoACK: without ACK the 2xx is repeated and then the call is ended with BYE
// (RFC 3261, section 13.3.1.4). FO-IN-12.
func TestNoACK(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			callee := newRecorder()
			agent := startAgent(t, Config{}, callee)
			p := dialPhone(t, agent, transport)
			f := p.form("INVITE")
			f.body = "offer"
			p.send(p.render(f))
			answers := 0
			for {
				message := p.read(patience)
				if strings.HasPrefix(message, "BYE ") {
					break
				}
				if !strings.HasPrefix(message, "SIP/2.0 200") {
					t.Fatalf("unexpected: %q", message)
				}
				answers++
			}
			// 10, 30, 70, 150, 230, … 630 ms, and the first one.
			if answers < 8 || answers > 11 {
				t.Errorf("%d times 200", answers)
			}
			if reason := wait(t, callee.ended, "end"); reason.Cause != EndNoACK || !errors.Is(reason.Err, ErrNoACK) {
				t.Errorf("%+v", reason)
			}
		})
	}
}

// TestByeWaitsForACK: no BYE before the ACK (RFC 3261, section 15). FO-END-05.
func TestByeWaitsForACK(t *testing.T) {
	callee := newRecorder()
	callee.invite = func(call *IncomingCall) {
		dialog, err := call.Answer(context.Background(), answerTo(call.Request()), leg{callee})
		if err != nil {
			t.Error(err)
			return
		}
		go func() { _ = dialog.Bye(context.Background()) }()
	}
	agent := startAgent(t, Config{}, callee)
	p := dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.body = "offer"
	p.send(p.render(f))
	ok := p.expect("SIP/2.0 200")
	for range 3 {
		p.expect("SIP/2.0 200")
	}
	f.method, f.toTag, f.body, f.branch = "ACK", tagOf(ok), "", "z9hG4bK"+unique("ack")
	p.send(p.render(f))
	for {
		if message := p.read(patience); strings.HasPrefix(message, "BYE ") {
			break
		} else if !strings.HasPrefix(message, "SIP/2.0 200") {
			t.Fatalf("%q", message)
		}
	}
}

// TestLateOffer: an INVITE without offer gets one in the 2xx, and the answer comes
// in the ACK. FO-MOD-15 (RFC 3261, section 13.2.1).
func TestLateOffer(t *testing.T) {
	a, b := newRecorder(), newRecorder()
	b.invite = func(call *IncomingCall) {
		if len(call.Request().Body) != 0 {
			t.Error("INVITE has a body")
		}
		if _, err := call.Answer(context.Background(), NewResponse(200).WithBody(sdpType, []byte("our offer")), leg{b}); err != nil {
			t.Error(err)
		}
	}
	caller, callee := pair(t, "udp", a, b)
	dialog, _, err := caller.Invite(t.Context(), OutgoingCall{
		To: Address{URI: callee.Contact("1000")},
		Answer: func(offer *Response) Body {
			return Body{ContentType: sdpType, Data: append([]byte("answer to "), offer.Body...)}
		},
	}, leg{a})
	if err != nil {
		t.Fatal(err)
	}
	if ack := wait(t, b.acks, "ACK"); string(ack.Body) != "answer to our offer" || ack.ContentType() != sdpType {
		t.Errorf("ACK %q", ack.Body)
	}
	if err := dialog.Bye(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTargetRefresh: the next request goes to the new Contact. FO-MOD-16. The
// ACK of an INVITE is found though a later request came before it.
func TestTargetRefresh(t *testing.T) {
	dialogs := make(chan *Dialog, 1)
	callee := newRecorder()
	callee.invite = func(call *IncomingCall) {
		dialog, _ := call.Answer(context.Background(), answerTo(call.Request()), leg{callee})
		dialogs <- dialog
	}
	agent := startAgent(t, Config{}, callee)
	p, other := dialPhone(t, agent, "udp"), dialPhone(t, agent, "udp")
	f := p.form("INVITE")
	f.body = "offer"
	p.send(p.render(f))
	f.toTag, f.body = tagOf(p.expect("SIP/2.0 200")), ""
	ack := f
	f.method, f.cseq, f.branch = "UPDATE", 2, "z9hG4bK"+unique("u")
	f.extra = "Contact: <sip:phone@" + other.addr().String() + ">\r\n"
	p.send(p.render(f))
	for cseq := ""; cseq != "2 UPDATE"; {
		cseq = fieldOf(p.expect("SIP/2.0 200"), "CSeq")
	}
	ack.method, ack.branch = "ACK", "z9hG4bK"+unique("ack")
	p.send(p.render(ack))
	wait(t, callee.acks, "ACK")
	dialog := wait(t, dialogs, "dialog")
	go func() { _, _ = dialog.Request(context.Background(), "INFO", Body{}) }()
	info := other.expect("INFO sip:phone@" + other.addr().String())
	if got := fieldOf(info, "Via"); !strings.Contains(got, agent.Addr("udp").String()) {
		t.Errorf("Via %s", got)
	}
}

// TestGone: 481 to a request ends the dialog. FO-END-07 (RFC 3261, section
// 12.2.1.2).
func TestGone(t *testing.T) {
	a, b := newRecorder(), newRecorder()
	b.inside = func(*Request) *Response { return NewResponse(481) }
	out, _ := connected(t, "udp", a, b)
	if _, err := out.Request(t.Context(), "INFO", Body{}); Status(err) != 481 {
		t.Error(err)
	}
	if reason := wait(t, a.ended, "end"); reason.Cause != EndRefused || Status(reason.Err) != 481 {
		t.Errorf("%+v", reason)
	}
	if reason := wait(t, b.ended, "end of the other side"); reason.Cause != EndRemote {
		t.Errorf("%+v", reason)
	}
}

// TestRefusedOffer: the dialog and the session stay after 488. FO-MOD-14.
func TestRefusedOffer(t *testing.T) {
	a, b := newRecorder(), newRecorder()
	b.offer = func(request *Request) *Response {
		if string(request.Body) == "bad" {
			return nil
		}
		return answerTo(request)
	}
	out, _ := connected(t, "tcp", a, b)
	if _, err := out.ReInvite(t.Context(), Body{ContentType: sdpType, Data: []byte("bad")}); Status(err) != 488 {
		t.Error(err)
	}
	if _, err := out.ReInvite(t.Context(), Body{ContentType: sdpType, Data: []byte("good")}); err != nil {
		t.Error(err)
	}
}

// TestByeEndsOffer: a pending re-INVITE gets 487 when the dialog ends. FO-END-06.
func TestByeEndsOffer(t *testing.T) {
	release, reached := make(chan struct{}), make(chan struct{}, 2)
	callee := newRecorder()
	callee.offer = func(request *Request) *Response {
		reached <- struct{}{}
		<-release
		return answerTo(request)
	}
	agent := startAgent(t, Config{}, callee)
	p := dialPhone(t, agent, "udp")
	f := answered(t, p)
	f.method, f.cseq, f.branch, f.body = "INVITE", 2, "z9hG4bK"+unique("re"), "offer"
	p.send(p.render(f))
	wait(t, reached, "the offer") // or the next one could be handled first
	f.cseq, f.branch = 3, "z9hG4bK"+unique("re")
	p.send(p.render(f))
	second := p.expect("SIP/2.0 500")
	if fieldOf(second, "CSeq") != "3 INVITE" || fieldOf(second, "Retry-After") == "" {
		t.Errorf("%s", second)
	}
	f.method, f.cseq, f.branch, f.body = "BYE", 4, "z9hG4bK"+unique("bye"), ""
	p.send(p.render(f))
	got := map[string]string{}
	for len(got) < 2 {
		message := p.read(patience)
		if cseq := fieldOf(message, "CSeq"); cseq == "4 BYE" || cseq == "2 INVITE" && !strings.HasPrefix(message, "SIP/2.0 100") {
			got[cseq] = message[8:11]
		}
	}
	close(release)
	if got["4 BYE"] != "200" || got["2 INVITE"] != "487" {
		t.Error(got)
	}
}
