package sipua

import (
	"context"
	"errors"
	"testing"
	"time"
)

// lasting is a dialog handler whose dialog outlasts that the peer cannot be reached.
type lasting struct {
	leg

	outages chan error
}

func (l lasting) Unreachable(err error) { l.outages <- err }

// A dialog whose handler wants it outlasts that its peer cannot be reached: a phone comes back by a new connection. Others end then.
//
// RFC 3261, sections 8.1.3.1 and 12.2.1.2.
func TestOutage(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	outages := make(chan error, 8)
	dialogs := make(chan *Dialog, 1)
	var handler DialogHandler = lasting{leg: leg{r}, outages: outages}
	r.invite = func(call *IncomingCall) {
		dialog, err := call.Answer(context.Background(), answerTo(call.Request()), handler)
		if err != nil {
			t.Error(err)
		}
		dialogs <- dialog
	}
	agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, r)
	p, f := streamCall(t, agent, "127.0.0.1:9")
	wait(t, r.acks, "the ACK")
	dialog := wait(t, dialogs, "the call")
	_ = p.conn.Close()
	eventually(t, "the end of the connection", func() bool { return len(agent.Connections()) == 0 })
	if _, err := dialog.ReInvite(t.Context(), Body{ContentType: sdpType, Data: []byte("offer")}); !errors.Is(err, ErrTransport) {
		t.Errorf("an offer to nobody: %v", err)
	}
	if err := wait(t, outages, "the outage"); !errors.Is(err, ErrTransport) {
		t.Errorf("unreachable: %v", err)
	}
	back := dialPhone(t, agent, "tcp")
	f.method, f.cseq, f.branch, f.extra, f.body = "INVITE", 2, "z9hG4bK"+unique("b"), "Content-Type: application/sdp\r\nContact: <sip:phone@127.0.0.1:9;transport=tcp>\r\n", "new"
	back.send(back.render(f))
	back.expect("SIP/2.0 200")
	f.method, f.branch, f.extra, f.body = "ACK", "z9hG4bK"+unique("b"), "", ""
	back.send(back.render(f))
	done := make(chan error, 1)
	go func() { _, err := dialog.Update(t.Context(), Body{}); done <- err }()
	back.send(back.reply(back.expect("UPDATE"), "200 OK"))
	if err := wait(t, done, "the answer over the new connection"); err != nil {
		t.Error(err)
	}
	handler = leg{r}
	p, _ = streamCall(t, agent, "127.0.0.1:9")
	wait(t, r.acks, "the ACK")
	dialog = wait(t, dialogs, "the call")
	_ = p.conn.Close()
	eventually(t, "the end of the connection", func() bool { return len(agent.Connections()) == 1 })
	_, _ = dialog.Update(t.Context(), Body{})
	if reason := wait(t, r.ended, "the end"); reason.Cause != EndRefused {
		t.Errorf("ended by %v", reason.Cause)
	}
}

// A session goes on being refreshed while its peer cannot be reached, and ends when its time is over (RFC 4028, section 10).
func TestRefreshInOutage(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	outages := make(chan error, 64)
	r.invite = func(call *IncomingCall) {
		if _, err := call.Answer(context.Background(), answerTo(call.Request()), lasting{leg: leg{r}, outages: outages}); err != nil {
			t.Error(err)
		}
	}
	timers := quick()
	timers.Glare = 10 * time.Millisecond
	agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}, Timers: timers, SessionTimer: SessionTimer{Interval: 90 * time.Second, Min: 90 * time.Second}}, r)
	p := dialPhone(t, agent, "tcp")
	f := p.form("INVITE")
	f.body, f.extra = "v=0", "Contact: <sip:phone@127.0.0.1:9;transport=tcp>\r\nContent-Type: application/sdp\r\nSupported: timer\r\nSession-Expires: 90;refresher=uas\r\n"
	p.send(p.render(f))
	f = f.within("ACK", p.expect("SIP/2.0 200"), 1)
	p.send(p.render(f))
	wait(t, r.acks, "the ACK")
	from := time.Now()
	_ = p.conn.Close()
	for range 2 {
		if err := wait(t, outages, "a refresh"); !errors.Is(err, ErrTransport) {
			t.Errorf("a refresh: %v", err)
		}
	}
	if reason := wait(t, r.ended, "the end"); reason.Cause != EndExpired || time.Since(from) < 500*time.Millisecond {
		t.Errorf("ended by %v after %v", reason.Cause, time.Since(from))
	}
}
