package focus_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// plain is a user agent that knows RFC 3261 and G.711, and of everything else nothing: its messages are written by hand, over UDP.
type plain struct {
	b     *bench
	name  string
	as    string // URI of From; empty: its own
	sip   net.PacketConn
	media *net.UDPConn
	call  string
	cseq  int
	count atomic.Int64 // packets of media that came
	told  []string     // NOTIFYs that came before what was expected: one need not wait for the answer to what it is about (RFC 6665, section 4.1.2.4)
	heard string       // the number of the last one
}

func (b *bench) plain(name string) *plain {
	b.t.Helper()
	var listen net.ListenConfig
	conn, err := listen.ListenPacket(b.t.Context(), "udp4", "127.0.0.1:0")
	must(b.t, err)
	media, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(b.t, err)
	p := &plain{b: b, name: name, sip: conn, media: media, call: name + conn.LocalAddr().String()}
	b.t.Cleanup(func() { _, _ = conn.Close(), media.Close() })
	go func() {
		packet := make([]byte, 2000)
		for {
			if _, err := media.Read(packet); err != nil {
				return
			}
			p.count.Add(1)
		}
	}()
	return p
}

func (p *plain) uri() string { return fmt.Sprintf("sip:%s@%s", p.name, p.sip.LocalAddr()) }

// sdp offers, or answers with, PCMU.
func (p *plain) sdp() string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n",
		netip.MustParseAddrPort(p.media.LocalAddr().String()).Port())
}

// request sends one; with the tag of the other side it is within a dialog. An ACK has the number of the INVITE before it.
func (p *plain) request(method, conf, tag, body string, headers ...string) {
	p.b.t.Helper()
	if method != "ACK" {
		p.cseq++
	}
	to := "<" + p.b.uri(conf) + ">"
	if tag != "" {
		to += ";tag=" + tag
	}
	if body != "" {
		headers = append(headers, "Content-Type: application/sdp")
	}
	lines := append([]string{
		fmt.Sprintf("%s %s SIP/2.0", method, p.b.uri(conf)), fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bK%s%d%s", p.sip.LocalAddr(), p.name, p.cseq, method),
		"Max-Forwards: 70", fmt.Sprintf("From: %s <%s>;tag=%s", p.name, cmp.Or(p.as, p.uri()), p.name), "To: " + to, "Call-ID: " + p.call,
		fmt.Sprintf("CSeq: %d %s", p.cseq, method), "Contact: <" + p.uri() + ">",
	}, headers...)
	p.write(p.b.addr.String(), lines, body)
}

func (p *plain) write(to string, lines []string, body string) {
	p.b.t.Helper()
	at, err := net.ResolveUDPAddr("udp4", to)
	must(p.b.t, err)
	_, err = p.sip.WriteTo([]byte(strings.Join(lines, "\r\n")+fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body)), at)
	must(p.b.t, err)
}

// respond answers a request.
func (p *plain) respond(request, status, tag, body string) {
	p.b.t.Helper()
	lines := []string{"SIP/2.0 " + status}
	for _, name := range []string{"Via", "From", "Call-ID", "CSeq", "To"} {
		lines = append(lines, name+": "+field(request, name))
	}
	if last := len(lines) - 1; !strings.Contains(lines[last], ";tag=") {
		lines[last] += ";tag=" + tag
	}
	lines = append(lines, "Contact: <"+p.uri()+">")
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	p.write(p.b.addr.String(), lines, body)
}

// expect reads until a message begins so; NOTIFYs among those before it are answered, and kept.
func (p *plain) expect(prefix string) string {
	p.b.t.Helper()
	packet := make([]byte, 65536)
	_ = p.sip.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		if len(p.told) > 0 && strings.HasPrefix(p.told[0], prefix) {
			defer func() { p.told = p.told[1:] }()
			return p.told[0]
		}
		n, _, err := p.sip.ReadFrom(packet)
		if err != nil {
			p.b.t.Fatalf("no %q: %v", prefix, err)
		}
		message := string(packet[:n])
		if strings.HasPrefix(message, "NOTIFY ") {
			p.respond(message, "200 OK", "", "")
			if cseq := field(message, "CSeq"); cseq != p.heard { // else it comes again, because the answer was late
				p.heard = cseq
				p.told = append(p.told, message)
			}
			continue
		}
		if strings.HasPrefix(message, prefix) {
			return message
		}
	}
}

// field is a header field of a message, by its whole name.
func field(message, name string) string {
	for line := range strings.SplitSeq(message, "\r\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func toTag(message string) string {
	_, tag, _ := strings.Cut(field(message, "To"), ";tag=")
	return tag
}

// hum sends a tone in PCMU to where a description says, until the end of ctx.
func (p *plain) hum(ctx context.Context, hz float64, answer string) {
	p.b.t.Helper()
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU})
	must(p.b.t, err)
	_, port, ok := strings.Cut(answer, "m=audio ")
	if !ok {
		p.b.t.Fatalf("no audio in\n%s", answer)
	}
	port, _, _ = strings.Cut(port, " ")
	to, err := net.ResolveUDPAddr("udp4", "127.0.0.1:"+port)
	must(p.b.t, err)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var pcm [160]int16
		packet := make([]byte, 12, 400)
		for n := 0; ; n++ {
			for i := range pcm {
				pcm[i] = int16(6000 * math.Sin(2*math.Pi*hz*float64(160*n+i)/8000))
			}
			copy(packet, []byte{0x80, 0, byte(n >> 8), byte(n), byte(160 * n >> 24), byte(160 * n >> 16), byte(160 * n >> 8), byte(160 * n), 1, 2, 3, 4})
			payload, _ := encoder.Encode(packet[12:400], pcm[:])
			_, _ = p.media.WriteTo(packet[:12+payload], to)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
}

// A user agent without any extension joins and leaves. Its media are in the conference from its ACK on, of which the others are then told, and out of
// it both ways with its BYE.
//
// Shows FO-ID-14, FO-IN-13, FO-END-01.
func TestPlainPhone(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, NotifyInterval: -1})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	r := b.subscribe("room", time.Hour)
	p := b.plain("plain")
	p.request("INVITE", "room", "", p.sdp())
	answer := p.expect("SIP/2.0 200")
	for _, name := range []string{"Require", "RSeq"} {
		if got := field(answer, name); got != "" {
			t.Errorf("the 200 has %s: %s", name, got)
		}
	}
	p.expect("SIP/2.0 200") // again, since there is no ACK
	if got := b.find("room", "plain"); got.Status != conference.DialingIn || b.state("room").PresentCount() != 1 || r.users()["plain"] == confevent.StatusConnected {
		t.Errorf("before the ACK it is %v", got.Status)
	}
	if n := p.count.Load(); n != 0 {
		t.Errorf("%d packets of media before the ACK", n)
	}
	p.request("ACK", "room", toTag(answer), "")
	b.await("it to be connected", func() bool {
		return b.find("room", "plain").Status == conference.Connected && r.users()["plain"] == confevent.StatusConnected
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.hum(ctx, 900, answer)
	b.await("alice to hear it", func() bool { return alice.hearsNow(900) > loud })
	b.await("media from the conference", func() bool { return p.count.Load() > 5 })
	p.request("BYE", "room", toTag(answer), "")
	if ok := p.expect("SIP/2.0 200"); field(ok, "CSeq") != "2 BYE" {
		t.Errorf("BYE is answered by\n%s", ok)
	}
	b.await("alice to hear nothing more", func() bool { return alice.hearsNow(900) < quiet })
	b.await("no media to it", func() bool {
		n := p.count.Load()
		pass(200 * time.Millisecond)
		return p.count.Load() == n
	})
	if b.find("room", "plain").ID != "" || b.find("room", "alice").Status != conference.Connected {
		t.Errorf("the roster is %+v", b.state("room").Participants)
	}
}

// Who has asked for a call by REFER may leave before it is answered, outside of a dialog as within: the call goes on. The subscription lasts longer
// than the call may ring.
//
// Shows FO-REF-22, FO-REF-23.
func TestReferGoesOn(t *testing.T) {
	b := newBench(t, focus.Config{
		Dynamic: true, DialTimeout: 50 * time.Second, Refer: focus.ReferPolicy{From: focus.ReferAnyone, Targets: []string{"*"}},
	})
	keeper := b.raw()
	keeper.callAs("keeper", "room")
	ringing, pick := make(chan struct{}, 2), make(chan *raw) // who picks up
	target := b.callee(func(call *sipua.IncomingCall) {
		_ = call.Provisional(sipua.NewResponse(180))
		ringing <- struct{}{}
		select {
		case callee := <-pick:
			callee.answer(call)
		case <-call.Done():
		}
	}).Addr("udp").String()
	p := b.plain("plain")
	p.request("REFER", "room", "", "", "Refer-To: <sip:bob@"+target+">")
	accepted := p.expect("SIP/2.0 202")
	notify := p.expect("NOTIFY ")
	var expires int
	if _, err := fmt.Sscanf(field(notify, "Subscription-State"), "active;expires=%d", &expires); err != nil || expires <= 50 {
		t.Errorf("Subscription-State %q", field(notify, "Subscription-State"))
	}
	<-ringing
	p.request("SUBSCRIBE", "room", toTag(accepted), "", "Event: refer", "Expires: 0")
	p.expect("SIP/2.0 200")
	if got := field(p.expect("NOTIFY "), "Subscription-State"); !strings.HasPrefix(got, "terminated") {
		t.Errorf("after it has unsubscribed: %s", got)
	}
	pick <- b.raw()
	b.await("bob, although nobody wants to know", func() bool { return b.find("room", "bob").Status.Present() })
	host := b.asks("room", conference.Moderator)
	if code, _ := host.refer("Refer-To", "<sip:carol@"+target+">"); code != 202 {
		t.Fatalf("REFER: %d", code)
	}
	<-ringing
	if err := host.dialog.Bye(t.Context()); sipua.Status(err) != 481 { // its own 481 to a NOTIFY that was under way may have ended the dialog before
		must(t, err)
	}
	b.await("him to be gone", func() bool { return b.find("room", "raw").ID == "" })
	pick <- b.raw()
	b.await("carol", func() bool { return b.find("room", "carol").Status.Present() })
}

// A call that is picked up elsewhere is taken back with the reason for it, so that the phone does not count it as missed.
//
// Shows FO-OUT-11.
func TestPickedUpElsewhere(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, DialTimeout: time.Minute})
	p := b.plain("carol")
	_, err := b.focus.Dial(t.Context(), "desk", p.uri())
	must(t, err)
	invite := p.expect("INVITE ")
	p.respond(invite, "180 Ringing", "c", "")
	b.await("the phone to ring", func() bool { return b.find("desk", "carol").Status == conference.Alerting })
	from, err := sipua.ParseAddress(field(invite, "From"))
	must(t, err)
	picked, err := b.invite(b.uri("desk"), p.uri(), sipua.Header{
		Name: "Replaces", Value: fmt.Sprintf("%s;to-tag=%s;from-tag=c", field(invite, "Call-ID"), from.Tag()),
	})
	must(t, err)
	canceled := p.expect("CANCEL ")
	if got := field(canceled, "Reason"); got != `SIP;cause=200;text="Call completed elsewhere"` {
		t.Errorf("Reason %s", got)
	}
	p.respond(canceled, "200 OK", "c", "")
	p.respond(invite, "487 Request Terminated", "c", "")
	p.expect("ACK ")
	must(t, picked.dialog.Bye(t.Context()))
	b.await("the end", func() bool { return len(b.state("desk").Participants) == 0 })
}
