package srs

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/srtp"
)

// shaking is a voice that makes its keys with the recorder.
type shaking struct {
	*voice

	at           uint16 // the port that is offered
	certificate  *dtls.Certificate
	associations [flows]*dtls.Association
	keys         [flows]chan dtls.Keys // one each, when they are there
	other        chan []byte           // what came on the RTCP port that is no handshake
}

// newShaking makes a voice that waits for the recorder to begin, on both ports.
func newShaking(t *testing.T, label string, frequency float64) *shaking {
	t.Helper()
	s := &shaking{voice: newVoice(t, label, codecs.PCMU, frequency), other: make(chan []byte, 100)}
	s.at = s.port()
	var err error
	if s.certificate, err = dtls.NewCertificate(); err != nil {
		t.Fatal(err)
	}

	return s
}

// begin shakes hands with whom an answer describes, as who begins if client.
func (s *shaking) begin(t *testing.T, stream sdp.Stream, client bool) {
	t.Helper()
	var pumps sync.WaitGroup
	done := make(chan struct{})
	for c, socket := range []*media.QuietSocket{s.sockets.rtp, s.sockets.rtcp} {
		to := stream.Remote
		if flow(c) == flowRTCP {
			to = stream.RemoteRTCP
		}
		s.keys[c] = make(chan dtls.Keys, 1)
		config := dtls.Config{
			Certificate: s.certificate, Client: client, Send: func(b []byte) { socket.Send(b, to) },
			Done: func(k dtls.Keys, err error) {
				if err == nil {
					s.keys[c] <- k
				}
				close(s.keys[c])
			},
		}
		for _, f := range stream.DTLS.Peer {
			config.Peer = append(config.Peer, dtls.Fingerprint(f))
		}
		s.associations[c] = dtls.Start(config)
		pumps.Go(func() { s.pump(socket, s.associations[c], done) })
	}
	t.Cleanup(func() {
		for _, a := range s.associations {
			a.Close()
		}
		close(done)
		pumps.Wait()
	})
}

func (s *shaking) pump(socket *media.QuietSocket, a *dtls.Association, done <-chan struct{}) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	buf := make([]byte, maxPacket)
	for {
		select {
		case <-ticker.C:
		case <-done:
			return
		}
		for n, _, _, ok := socket.Receive(buf); ok; n, _, _, ok = socket.Receive(buf) {
			if isHandshake(buf[:n]) {
				a.Deliver(buf[:n])
			} else if socket == s.sockets.rtcp {
				s.other <- bytes.Clone(buf[:n])
			}
		}
	}
}

// sender makes what protects the packets that a voice sends, once there are keys.
func sender(t *testing.T, keys <-chan dtls.Keys) (protect func([]byte) []byte, got dtls.Keys) {
	t.Helper()
	select {
	case k, ok := <-keys:
		if !ok {
			t.Fatal("the handshake has failed")
		}
		got = k
	case <-time.After(20 * time.Second):
		t.Fatal("no keys")
	}
	s, err := srtp.NewSender(got.Local)
	if err != nil {
		t.Fatal(err)
	}

	return func(packet []byte) []byte {
		size := len(packet)
		packet = append(packet, make([]byte, srtp.MaxOverhead)...)
		if size, err = s.Protect(packet, size); err != nil {
			t.Fatal(err)
		}

		return packet[:size]
	}, got
}

// offer describes the voices, each with a handshake of ours.
func (c *client) offerHandshake(fingerprint dtls.Fingerprint, voices ...*shaking) []byte {
	local := sdp.Local{Address: c.addr("udp").Addr(), Session: 7, Version: 1, ByPosition: true, Previous: c.offer}
	for _, v := range voices {
		local.Streams = append(local.Streams, sdp.LocalStream{
			Port: v.at, Codecs: []codecs.Codec{v.codec}, Direction: sdp.SendOnly, Label: v.label, Security: sdp.SecurityRequired,
			DTLS: sdp.LocalDTLS{Fingerprint: sdp.Fingerprint(fingerprint)},
		})
	}
	offer := sdp.Offer(local)
	c.offer = &offer

	return offer.Marshal()
}

// shakingFrames is how much each voice says, all at once: the second beat of the tone is in it.
const shakingFrames = 40

// A client of which the signalling is not even encrypted makes keys with the recorder, which takes nothing unprotected: RTP and RTCP
// each have their own, what it sends at once is all there, what others send is not, and a new offer lets all go on.
//
// Shows SR-SEC-15, ME-DTL-08, ME-DTL-10, ME-DTL-11.
func TestHandshakeWithTheRecorder(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks(), Security: SecurityRequired})
	c := newClient(t, server)
	alice := newShaking(t, "1", 400)
	response, err := c.invite(c.call("udp", "application/sdp", c.offerHandshake(alice.certificate.Fingerprint(), alice)))
	if err != nil || response.Status != 200 {
		t.Fatal(response, err)
	}
	stream := c.accept(response.Body).Streams[0]
	if stream.DTLS == nil || stream.DTLS.Setup != sdp.SetupPassive || stream.Protection != nil {
		t.Fatalf("%+v", stream)
	}
	alice.use(stream)
	alice.sockets.rtp.Send(alice.packet(t, 0), alice.remote) // before there are keys, and in the clear
	alice.sequence = 0
	alice.begin(t, stream, false)
	protect, keys := sender(t, alice.keys[flowRTP])
	for n := range shakingFrames {
		alice.sockets.rtp.Send(protect(alice.packet(t, n)), alice.remote)
	}
	server.eventually(t, func() bool { // until then a report means nothing
		r, _ := server.active()[0].snapshot()

		return r.Streams[0].Packets == shakingFrames
	})
	if _, reports := sender(t, alice.keys[flowRTCP]); reports.Local.Equal(keys.Local) {
		t.Error("RTP and RTCP have the same key")
	} else {
		alice.report(t, reports)
	}
	first := server.active()[0].stream(t).keying
	if response, err = c.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: c.offerHandshake(alice.certificate.Fingerprint(), alice)}); err != nil || response.Status != 200 {
		t.Fatal(response, err)
	}
	c.accept(response.Body)
	if again := server.active()[0].stream(t).keying; again != first {
		t.Error("another handshake for the same description")
	}
	alice.sockets.rtp.Send(alice.packet(t, shakingFrames), alice.remote)
	alice.sequence--
	alice.sockets.rtp.Send(protect(alice.packet(t, shakingFrames)), alice.remote)
	server.eventually(t, func() bool {
		r, _ := server.active()[0].snapshot()

		return r.Streams[0].Packets == shakingFrames+1 && r.Streams[0].Clock == "rtcp"
	})
	if err = c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := hooks.wait(t).Streams[0]
	if !got.SRTP || got.Lost != 0 || got.Discarded != 2 || got.Samples < shakingFrames*160 {
		t.Errorf("%+v", got)
	}
}

// report sends a sender report, and waits for one of the recorder, each under its own key.
func (s *shaking) report(t *testing.T, keys dtls.Keys) {
	t.Helper()
	out, err := srtp.NewReportSender(keys.Local)
	if err != nil {
		t.Fatal(err)
	}
	in, err := srtp.NewReportReceiver(keys.Remote)
	if err != nil {
		t.Fatal(err)
	}
	data := s.senderReport(0, time.Now())
	size := len(data)
	data = append(data, make([]byte, srtp.MaxOverhead)...)
	if size, err = out.Protect(data, size); err != nil {
		t.Fatal(err)
	}
	s.sockets.rtcp.Send(data[:size], s.rtcp)
	select {
	case b := <-s.other:
		n, err := in.Unprotect(b)
		if err != nil || n < 8 || b[1] != rtcpRR {
			t.Errorf("report of the recorder: %v, % x", err, b)
		}
	case <-time.After(20 * time.Second):
		t.Error("no report of the recorder")
	}
}

// stream is the first one of a recording.
func (r *recording) stream(t *testing.T) (s *stream) {
	t.Helper()
	if !r.do(func() { s = r.streams[0] }) {
		t.Fatal("the recording has ended")
	}

	return s
}

// Who has another certificate than its description says is not recorded, and the operator is told.
//
// Shows SR-SEC-15, SR-SEC-17, ME-DTL-04.
func TestForgedClient(t *testing.T) {
	t.Parallel()
	hooks, alarms := newLog(), make(chan Alarm, 10)
	h := hooks.hooks()
	h.Alarm = func(a Alarm) { alarms <- a }
	server := startServer(t, Config{Hooks: h, Security: SecurityOptional})
	c := newClient(t, server)
	alice, mallory := newShaking(t, "1", 400), newShaking(t, "2", 400)
	response, err := c.invite(c.call("udp", "application/sdp", c.offerHandshake(mallory.certificate.Fingerprint(), alice)))
	if err != nil || response.Status != 200 {
		t.Fatal(response, err)
	}
	stream := c.accept(response.Body).Streams[0]
	alice.use(stream)
	alice.begin(t, stream, false)
	select {
	case a := <-alarms:
		if a.Name != AlarmHandshake || !a.Active || !strings.Contains(a.Detail, "certificate is not that of the description") {
			t.Errorf("%+v", a)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody is told")
	}
	for n := range shakingFrames {
		alice.sockets.rtp.Send(alice.packet(t, n), alice.remote)
	}
	server.eventually(t, func() bool {
		r, _ := server.active()[0].snapshot()

		return r.Streams[0].Discarded == shakingFrames
	})
	if err = c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := hooks.wait(t).Streams[0]; got.Packets != 0 || len(got.SSRCs) != 0 {
		t.Errorf("%+v", got)
	}
}

// What is offered is taken as the policy of the recorder says.
//
// Shows SR-SEC-15.
func TestPolicyOfHandshakes(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		cfg    Config
		status int
	}{
		"optional":         {Config{Security: SecurityOptional}, 200},
		"required":         {Config{Security: SecurityRequired}, 200},
		"no SRTP":          {Config{Security: SecurityNone}, 488},
		"no handshakes":    {Config{Security: SecurityOptional, NoDTLS: true}, 488},
		"only other kinds": {Config{Security: SecurityRequired, NoDTLS: true, KeysInClear: true}, 488},
	} {
		server := startServer(t, x.cfg)
		c := newClient(t, server)
		alice := newShaking(t, "1", 400)
		response, err := c.invite(c.call("udp", "application/sdp", c.offerHandshake(alice.certificate.Fingerprint(), alice)))
		if response == nil || response.Status != x.status {
			t.Errorf("%s: %v, %v", name, response, err)
		}
		if c.dialog != nil {
			if text := string(response.Body); strings.Contains(text, "a=crypto") || !strings.Contains(text, "a=setup:active") {
				t.Errorf("%s: %s", name, text)
			}
			_ = c.dialog.Bye(t.Context())
		}
	}
	server := startServer(t, Config{Security: SecurityRequired})
	c := newClient(t, server)
	if response, _ := c.invite(c.call("udp", "application/sdp", c.describe(newVoice(t, "1", codecs.PCMU, 400)))); response == nil || response.Status != 488 {
		t.Errorf("plain RTP: %v", response)
	}
}
