package focus_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// raw is a user agent whose descriptions the test writes; its media go to a socket that nobody reads.
type raw struct {
	ignore
	b      *bench
	agent  *sipua.Agent
	socket net.PacketConn
	local  sdp.Description
	wishes sdp.RecordPreference // in its answer to an INVITE
	dialog *sipua.Dialog
	offer  func(*sipua.Request) *sipua.Response
	ended  chan sipua.EndReason
	asked  chan struct{} // an OPTIONS came
	health atomic.Int32  // what it is answered
}

// Offer implements sipua.DialogHandler.
func (r *raw) Offer(request *sipua.Request) *sipua.Response {
	if r.offer != nil {
		return r.offer(request)
	}
	return nil
}

// Ended implements sipua.DialogHandler.
func (r *raw) Ended(reason sipua.EndReason) { r.ended <- reason }

func (b *bench) raw() *raw {
	b.t.Helper()
	host := "127.0.0.1"
	if b.addr.Addr().Is6() {
		host = "[::1]"
	}
	socket, err := new(net.ListenConfig).ListenPacket(b.t.Context(), "udp", host+":0")
	must(b.t, err)
	b.t.Cleanup(func() { _ = socket.Close() })
	return &raw{b: b, agent: b.clientAt(b.t, host), socket: socket, ended: make(chan sipua.EndReason, 1), asked: make(chan struct{}, 1)}
}

// describe offers these codecs.
func (r *raw) describe(list ...codecs.Codec) []byte {
	at := netip.MustParseAddrPort(r.socket.LocalAddr().String())
	local := sdp.Local{Address: at.Addr(), Session: 5, Version: 1, Streams: []sdp.LocalStream{{Port: at.Port(), Codecs: list}}}
	if r.local.Origin.Session != 0 {
		previous := r.local
		local.Previous = &previous
	}
	r.local = sdp.Offer(local)
	return r.local.Marshal()
}

// call dials with a description and header fields.
func (r *raw) call(conf string, headers ...sipua.Header) {
	r.b.t.Helper()
	dialog, _, err := r.agent.Invite(r.b.t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: r.b.parse(conf)}, From: sipua.Address{URI: r.agent.Contact("raw")},
		Headers: headers, ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
	}, r)
	must(r.b.t, err)
	r.dialog = dialog
	r.b.await("the call to be bridged", func() bool { return r.b.find(conf, "raw").Status.Present() })
}

// FO-MOD-01, FO-MOD-02, FO-MOD-14, FO-MOD-15: codec change, refusal, re-INVITE without offer, UPDATE without offer.
func TestSessionChanges(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	r := b.raw()
	r.call("room")
	reinvite := func(body []byte) (*sipua.Response, error) {
		b := sipua.Body{Data: body}
		if body != nil {
			b.ContentType = "application/sdp"
		}
		return r.dialog.ReInvite(t.Context(), b)
	}
	response, err := reinvite(r.describe(codecs.PCMA))
	must(t, err)
	answer, err := sdp.Parse(response.Body)
	must(t, err)
	if got := b.find("room", "raw").Session.Codec; got != "pcma/8000" {
		t.Errorf("after the change: %s", got)
	}
	before := r.local
	broken := []byte(strings.Replace(string(r.describe(codecs.PCMU)), "RTP/AVP", "UDP/TLS/FOO", 1))
	if _, err = reinvite(broken); sipua.Status(err) != 488 {
		t.Errorf("an offer that cannot be taken: %v", err)
	}
	r.local = before
	if got := b.find("room", "raw").Session.Codec; got != "pcma/8000" {
		t.Errorf("after a refused change: %s", got)
	}
	if _, err = r.dialog.Update(t.Context(), sipua.Body{}); err != nil {
		t.Errorf("UPDATE without offer: %v", err)
	}
	again, err := reinvite(r.describe(codecs.PCMA))
	must(t, err)
	same, err := sdp.Parse(again.Body)
	must(t, err)
	if same.Origin.Version != answer.Origin.Version || same.Origin.Session != answer.Origin.Session {
		t.Errorf("o= %+v after %+v", same.Origin, answer.Origin)
	}
	must(t, r.dialog.Bye(t.Context()))
	<-r.ended
}

// FO-IN-08: a late offer whose answer is of no use ends the call.
func TestLateAnswerIsUseless(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	r := b.raw()
	_, _, err := r.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{URI: r.agent.Contact("raw")},
		Answer: func(*sipua.Response) sipua.Body {
			return sipua.Body{ContentType: "application/sdp", Data: []byte("nonsense")}
		},
	}, r)
	must(t, err)
	select {
	case reason := <-r.ended:
		if reason.Cause != sipua.EndRemote {
			t.Errorf("ended: %+v", reason)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no BYE")
	}
	b.await("the end of the conference", func() bool { return len(b.focus.Conferences()) == 0 })
}

// A record-aware phone that does not take the offer, or does not answer it, gets the tone (SR-REC-01).
func TestIndicationRefused(t *testing.T) {
	var asked atomic.Int32
	for _, test := range []struct {
		name  string
		offer func(release <-chan struct{}) func(*sipua.Request) *sipua.Response
	}{
		{"refuses", func(<-chan struct{}) func(*sipua.Request) *sipua.Response {
			return func(*sipua.Request) *sipua.Response {
				asked.Add(1)
				return sipua.NewResponse(488)
			}
		}},
		{"does not answer", func(release <-chan struct{}) func(*sipua.Request) *sipua.Response {
			return func(*sipua.Request) *sipua.Response {
				<-release
				return sipua.NewResponse(500)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srs := newRecordingServer(t)
			b := recordingBench(t, srs, func(c *focus.Config) { c.Notification.Timeout = 200 * time.Millisecond })
			r := b.raw()
			release := make(chan struct{})
			r.offer = test.offer(release)
			r.call("room", sipua.Header{Name: "Supported", Value: "record-aware"})
			b.record("room", conference.Separate)
			b.await("packets all the same", func() bool { return srs.stream("1").packets > 5 })
			if got := b.find("room", "raw").Recording; got != conference.IndicateOn {
				t.Errorf("told: %s", got)
			}
			if n := asked.Load(); n > 1 {
				t.Errorf("who refuses is asked %d times", n)
			}
			close(release)
		})
	}
}

// A static conference in which nobody is has no goroutine, and keeps its settings.
func TestIdleCostsNothing(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
	name := "Other"
	for range 3 {
		p := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
		_, err := b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Name: &name})
		must(t, err)
		p.leave("desk")
		b.await("the conference to be idle", func() bool { return !b.state("desk").Active })
	}
	b.await("no goroutine", func() bool {
		buf := make([]byte, 1<<20)
		return !strings.Contains(string(buf[:runtime.Stack(buf, true)]), "focus.(*controller).run")
	})
	version := b.state("desk").Version
	p := b.dial("desk", conftest.PhoneConfig{Name: "bob"})
	if s := b.state("desk"); s.Name != name || s.Version <= version {
		t.Errorf("woken up as %q at version %d after %d", s.Name, s.Version, version)
	}
	p.leave("desk")
}

// Many calls come and go at once: nobody is lost, nothing is left.
func TestCallStorm(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Conferences: []focus.ConferenceConfig{{ID: "desk", MaxParticipants: 5}}})
	var wait sync.WaitGroup
	for range 12 {
		r := b.raw()
		wait.Go(func() {
			for i := range 6 {
				conf := []string{"desk", "room", "hall"}[i%3]
				dialog, _, err := r.agent.Invite(t.Context(), sipua.OutgoingCall{
					To: sipua.Address{URI: b.parse(conf)}, From: sipua.Address{URI: r.agent.Contact("raw")},
					ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
				}, r)
				if conf == "desk" && sipua.Status(err) == 486 {
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", conf, err)
					return
				}
				if n := len(b.state("desk").Participants); n > 5 {
					t.Errorf("%d participants where 5 are allowed", n)
				}
				if err := dialog.Bye(t.Context()); err != nil {
					t.Errorf("BYE: %v", err)
				}
				<-r.ended
				r.local = sdp.Description{}
			}
		})
	}
	wait.Wait()
	b.await("the end of all", func() bool {
		s := b.focus.Stats()
		return s.Conferences == 0 && s.Participants == 0 && len(b.focus.Conferences()) == 1
	})
}

// What Shutdown has no time for is cut off.
func TestShutdownInHaste(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, DialTimeout: time.Minute})
	phone := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	never := b.callee(func(c *sipua.IncomingCall) { <-c.Done() })
	_, err := b.focus.Dial(t.Context(), "room", "sip:never@"+never.Addr("udp").String())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.focus.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown: %v", err)
	}
	if err := phone.Call(t.Context(), b.uri("room")); sipua.Status(err) != 503 {
		t.Errorf("a call during shutdown: %v", err)
	}
	if _, err := b.focus.Create(t.Context(), focus.ConferenceConfig{ID: "late"}); !errors.Is(err, focus.ErrShutdown) {
		t.Errorf("create during shutdown: %v", err)
	}
}

// The limits of the focus as a whole.
func TestLimits(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Limits: focus.Limits{Conferences: 1, Participants: 2}})
	b.dial("one", conftest.PhoneConfig{Name: "alice"})
	if err := b.phone(conftest.PhoneConfig{Name: "x"}).Call(t.Context(), b.uri("two")); sipua.Status(err) != 503 {
		t.Errorf("a second conference: %v", err)
	}
	b.dial("one", conftest.PhoneConfig{Name: "bob"})
	if err := b.phone(conftest.PhoneConfig{Name: "y"}).Call(t.Context(), b.uri("one")); sipua.Status(err) != 503 {
		t.Errorf("a third participant: %v", err)
	}
	if _, err := b.focus.Dial(t.Context(), "one", b.uri("two")); !errors.Is(err, focus.ErrBusy) {
		t.Errorf("dial-out beyond the limit: %v", err)
	}
}

// Over IPv6, and with sockets that listen everywhere: descriptions say an address that can be reached.
func TestAddresses(t *testing.T) {
	for _, test := range []struct {
		name        string
		media       string
		sip, expect string
		from        string // where media come from, if not from where signalling does
		told        string // external address
	}{
		{name: "IPv6", media: "::1", sip: "[::1]", expect: "::1"},
		{name: "everywhere", media: "0.0.0.0", sip: "127.0.0.1", expect: "127.0.0.1"},
		{name: "everywhere, IPv6", media: "::", sip: "[::1]", expect: "::1"},
		{name: "both families", media: "::", sip: "127.0.0.1", expect: "127.0.0.1"},
		{name: "media over IPv6, signalling over IPv4", media: "::", sip: "127.0.0.1", from: "[::1]", expect: "::1"},
		{name: "media over IPv4, signalling over IPv6", media: "::", sip: "[::1]", from: "127.0.0.1", expect: "127.0.0.1"},
		{name: "told", media: "::", sip: "127.0.0.1", told: "192.0.2.1", expect: "192.0.2.1"},
		{name: "told for the other family", media: "::", sip: "[::1]", told: "192.0.2.1", expect: "::1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBenchAt(t, focus.Config{Dynamic: true}, netip.MustParseAddr(test.media), test.sip)
			if test.told != "" {
				apply, err := b.deps.Media.Reconfigure(media.Config{ListenAddress: netip.MustParseAddr(test.media), ExternalAddress: netip.MustParseAddr(test.told)})
				must(t, err)
				apply()
			}
			r := b.raw()
			if test.from != "" {
				socket, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", test.from+":0")
				must(t, err)
				t.Cleanup(func() { _ = socket.Close() })
				r.socket = socket
			}
			r.call("room")
			response, err := r.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: r.describe(codecs.PCMU)})
			must(t, err)
			answer, err := sdp.Parse(response.Body)
			must(t, err)
			if got := answer.ConnectionOf(0).Address.String(); got != test.expect {
				t.Errorf("c= %s, want %s", got, test.expect)
			}
			contact, _ := response.Contact()
			if got := contact.URI.Host; got != strings.Trim(test.sip, "[]") {
				t.Errorf("Contact %s", contact)
			}
			must(t, r.dialog.Bye(t.Context()))
		})
	}
}
