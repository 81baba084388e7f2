package sipua

import "testing"

// streamCall is a call of a raw phone over TCP that is up; the Contact of the phone is where it says.
func streamCall(t *testing.T, agent *Agent, contact string) (*phone, form) {
	t.Helper()
	p := dialPhone(t, agent, "tcp")
	f := p.form("INVITE")
	f.body, f.extra = "v=0", "Contact: <sip:phone@"+contact+";transport=tcp>\r\nContent-Type: application/sdp\r\n"
	p.send(p.render(f))
	f.toTag = tagOf(p.expect("SIP/2.0 200"))
	f.method, f.body, f.branch = "ACK", "", "z9hG4bK"+unique("b")
	p.send(p.render(f))
	return p, f
}

// Who says BYE and closes its connection in the same moment, as a phone does that is switched off, has hung up: what was said before the end of a connection
// is taken up. So is the ACK of who closes after it.
//
// RFC 3261, sections 15.1.2 and 18.2.
func TestLastWords(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	agent := startAgent(t, Config{Listen: []string{"tcp://127.0.0.1:0"}}, r)
	for range 10 {
		p, f := streamCall(t, agent, "127.0.0.1:9")
		wait(t, r.acks, "the ACK")
		f.method, f.cseq, f.branch = "BYE", 2, "z9hG4bK"+unique("b")
		p.send(p.render(f))
		_ = p.conn.Close()
		if reason := wait(t, r.ended, "the end of the call"); reason.Cause != EndRemote {
			t.Fatalf("ended by %v", reason.Cause)
		}
	}
	for range 10 {
		p, _ := streamCall(t, agent, "127.0.0.1:9")
		_ = p.conn.Close()
		wait(t, r.acks, "the ACK")
	}
	eventually(t, "the end of the connections", func() bool { return len(agent.Connections()) == 0 })
}
