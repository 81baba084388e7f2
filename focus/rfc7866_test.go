package focus_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Shows SC-15, SR-EST-14, SR-EST-15, SR-SRS-12. A recorder that is not ready yet gets no packet until it says so.
func TestRecorderNotReady(t *testing.T) {
	srs := newRecordingServer(t)
	var ready atomic.Bool
	srs.set(func(s *recordingServer) {
		s.answers = func(sdp.Media, int) (sdp.Direction, bool) {
			if ready.Load() {
				return sdp.RecvOnly, true
			}
			return sdp.Inactive, true
		}
	})
	b := recordingBench(t, srs, nil)
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", conference.Separate)
	b.awaitRecording("room", id, conference.RecordingPaused)
	pass(300 * time.Millisecond)
	srs.mu.Lock()
	dialog, text, packets := srs.dialog, string(srs.local.Marshal()), srs.streams[0].packets
	srs.mu.Unlock()
	if packets > 0 {
		t.Errorf("%d packets before the recorder is ready", packets)
	}
	ready.Store(true)
	response, err := dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: []byte(strings.Replace(text, "a=inactive", "a=recvonly", 1))})
	must(t, err)
	if !strings.Contains(string(response.Body), "a=sendonly") {
		t.Errorf("answer:\n%s", response.Body)
	}
	b.await("packets", func() bool { return srs.stream("1").packets > 10 })
	b.awaitRecording("room", id, conference.RecordingActive)
}

// Shows RQ-004, RQ-011, SC-17, SR-UPD-01, SR-UPD-02, SR-UPD-03, SR-UPD-07, SR-UPD-08, SR-UPD-09, SR-RTP-03. A pause and its end: offers with their times, no packet between them, what was said
// meanwhile is nowhere, and the stream goes on under its source with a marker, its timestamps further by the gap.
func TestPauseFlow(t *testing.T) { virtual(t, testPauseFlow) }

func testPauseFlow(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(500, time.Second)
	id := b.record("room", conference.Separate)
	b.await("packets", func() bool { return srs.stream("1").packets > 20 })
	_, err := b.focus.PauseRecording(t.Context(), "room", id)
	must(t, err)
	b.awaitRecording("room", id, conference.RecordingPaused)
	pass(100 * time.Millisecond) // what was sent has been read by then
	before := srs.stream("1")
	alice.hum(900, 300*time.Millisecond)
	pass(700 * time.Millisecond)
	if n := srs.stream("1").packets - before.packets; n > 0 {
		t.Errorf("%d packets in the pause", n)
	}
	_, err = b.focus.ResumeRecording(t.Context(), "room", id)
	must(t, err)
	b.await("packets again", func() bool { return srs.stream("1").packets > before.packets+20 })
	after := srs.stream("1")
	i := before.packets
	gap := time.Duration(after.stamps[i]-after.stamps[i-1]) * time.Second / 8000
	if len(after.ssrcs) != 1 || !after.marks[i] || after.numbers[i] != after.numbers[i-1]+1 || gap < 700*time.Millisecond {
		t.Errorf("sources %v, marker %v, number %d after %d, %v later", after.ssrcs, after.marks[i], after.numbers[i], after.numbers[i-1], gap)
	}
	if level := after.loudest(900); level > -45 {
		t.Errorf("the pause is recorded at %.0f dB", level)
	}
	offers := make([]string, 0, 3)
	for _, r := range srs.requests() {
		if _, err := http.ParseTime(r.Headers.Get("Date")); err != nil {
			t.Errorf("%s: %v", r.shape(), err)
		}
		offers = append(offers, r.shape())
	}
	if len(offers) < 3 || offers[1] != "INVITE | 1=inactive" || offers[2] != "INVITE | 1=sendonly" {
		t.Errorf("requests %q", offers)
	}
	b.await("alice to be told", func() bool {
		all := alice.Indications()
		return slices.Contains(all, sdp.RecordPaused) && lastOf(all) == sdp.RecordOn
	})
}

// Shows ME-MIX-06, SC-07, SR-RTP-16, SR-SDP-11, SR-RTP-01, SR-RTP-05, SR-RTP-06, SR-RTP-07, SR-RTP-09, SR-RTP-11, SR-RTP-12, SR-RTP-13, SR-RTP-14, SR-RTP-19, SR-RTP-26, SR-EST-09, SR-CS-02. The
// mixed stream names who is heard in each packet and, by RTCP, who that is; it is a source of its own with a clock of its own.
func TestMixedStream(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	b.dial("room", conftest.PhoneConfig{Name: "bob"})
	alice.hum(500, 30*time.Second)
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.awaitStreams(srs, map[string]string{"alice": "1/1", "bob": "1/1"})
	talker := b.find("room", "alice").Session.SSRC
	b.await("alice in the list of contributors", func() bool {
		talker = b.find("room", "alice").Session.SSRC
		h := srs.stream("1")
		return len(h.csrcs) > 0 && slices.Equal(h.csrcs[len(h.csrcs)-1], []uint32{talker})
	})
	v := srs.known()
	names := map[uint32]string{}
	b.await("the names of the sources", func() bool {
		for _, r := range srs.stream("1").reports {
			if r.kind == 202 {
				maps.Copy(names, r.names())
			}
		}
		return names[talker] == v.person("alice").Text()
	})
	h := srs.stream("1")
	for source := range h.ssrcs {
		if len(h.ssrcs) != 1 || source == talker || names[source] == "" || strings.Contains(names[source], "127.0.0.1") {
			t.Errorf("source %x of %v is called %q", source, h.ssrcs, names[source])
		}
		checkSenderReports(t, &h, source)
	}
	for i := 1; i < len(h.numbers); i++ {
		if h.numbers[i] != h.numbers[i-1]+1 || h.stamps[i] != h.stamps[i-1]+160 {
			t.Fatalf("packet %d has number %d, timestamp %d after %d, %d", i, h.numbers[i], h.stamps[i], h.numbers[i-1], h.stamps[i-1])
		}
	}
	offer := srs.requests()[0].offer
	if len(offer.Media) != 1 || h.from.Port() != offer.Media[0].Port || h.rtcp.Port() != h.from.Port()+1 {
		t.Errorf("offered %d lines, port %d; packets come from %v, reports from %v", len(offer.Media), offer.Media[0].Port, h.from, h.rtcp)
	}
	_, err := b.focus.StopRecording(t.Context(), "room", id)
	must(t, err)
	b.await("the goodbye", func() bool {
		h := srs.stream("1")
		return slices.ContainsFunc(h.reports, func(r report) bool { return r.kind == 203 })
	})
}

// checkSenderReports sees that reports are about the stream's own packets and clock.
func checkSenderReports(t *testing.T, h *heardStream, source uint32) {
	t.Helper()
	found := false
	for _, r := range h.reports {
		if r.kind != 200 {
			continue
		}
		found = true
		if got := binary.BigEndian.Uint32(r.body); got != source || r.count > 0 {
			t.Errorf("sender report of %x with %d blocks", got, r.count)
		}
		seconds := int64(binary.BigEndian.Uint32(r.body[4:])) - 2208988800
		if d := time.Since(time.Unix(seconds, 0)); d < 0 || d > time.Minute {
			t.Errorf("sender report of %v ago", d)
		}
	}
	if !found {
		t.Error("no sender report")
	}
}

// Shows SC-22, SR-MET-03, SR-MET-15, SR-MET-21. Fifty join within three seconds, and the recorder wants a request a second at most: the last of them goes by TCP and is larger than any datagram, and
// all are known.
func TestFiftyJoin(t *testing.T) { virtual(t, testFiftyJoin) }

func testFiftyJoin(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Recorders[0].Profile.MinInterval = time.Second
		c.Recorders[0].URI = strings.TrimSuffix(srs.uri(), ";transport=tcp") // by UDP, if it is small enough
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	r := b.raw()
	body := r.describe(codecs.PCMU)
	for i := range 49 {
		_, _, err := r.agent.Invite(t.Context(), sipua.OutgoingCall{
			To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{URI: r.agent.Contact(fmt.Sprintf("guest%d", i))}, ContentType: "application/sdp", Body: body,
		}, ignore{})
		must(t, err)
		pass(60 * time.Millisecond)
	}
	b.await("fifty and the focus", func() bool { return len(srs.present()) == 51 })
	all := srs.requests()
	for i := 2; i < len(all); i++ {
		if d := all[i].at.Sub(all[i-1].at); d < 900*time.Millisecond {
			t.Errorf("%s %v after %s", all[i].shape(), d, all[i-1].shape())
		}
	}
	for _, r := range all {
		if r.Transport != "tcp" {
			t.Errorf("%s by %s", r.shape(), r.Transport)
		}
	}
	alice.leave("room")
	srs.sound()
}

// Shows SC-18, SR-SDP-09, SR-SDP-10, SR-MS-02. A recorder that takes one stream less than there are gets, where that is wanted, the mixed one in their place, in the same dialog.
func TestFallbackToMixed(t *testing.T) {
	srs := newRecordingServer(t)
	srs.set(func(s *recordingServer) {
		s.answers = func(m sdp.Media, _ int) (sdp.Direction, bool) { return sdp.RecvOnly, m.Label != "2" }
	})
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Recorders[0].Profile.FallbackMixed, c.Recorders[0].Profile.AppendOnly = true, true
	})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	b.dial("room", conftest.PhoneConfig{Name: "carol"})
	bob.hum(900, 30*time.Second)
	id := b.record("room", conference.Separate)
	b.await("bob in the mixed stream", func() bool { h := srs.stream("4"); return h.packets > 20 && h.level(900, 200*time.Millisecond) > loud })
	b.awaitRecording("room", id, conference.RecordingActive)
	b.awaitStreams(srs, map[string]string{"alice": "4/4", "bob": "4/4", "carol": "4/4"})
	all := srs.requests()
	if len(all) != 2 || all[0].shape() != "INVITE | 1=sendonly 2=sendonly 3=sendonly | complete" || !strings.HasPrefix(all[1].shape(), "INVITE | 1=0 2=0 3=0 4=sendonly | ") ||
		len(all[0].document.Streams) != 3 || all[0].CallID != all[1].CallID {
		t.Errorf("requests %s, %s", all[0].shape(), all[len(all)-1].shape())
	}
	srs.sound()
}

// Shows SR-EST-06, SR-REC-04, SR-REC-18. Who is called hears nothing of the option of recorders, and is told by a=record because his 200 says that he understands.
func TestCallsKnowNoRecorders(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	callee := b.raw()
	told := make(chan string, 8)
	callee.offer = func(request *sipua.Request) *sipua.Response {
		offer, err := sdp.Parse(request.Body)
		if err != nil {
			return sipua.NewResponse(400)
		}
		told <- offer.RecordOf(0).String()
		plan, err := sdp.Answer(offer, sdp.Local{
			Address: netip.MustParseAddr("127.0.0.1"), Session: 5, Version: 2, Streams: []sdp.LocalStream{{Port: 9, Codecs: []codecs.Codec{codecs.PCMU}}},
		})
		if err != nil {
			return sipua.NewResponse(488)
		}
		return sipua.NewResponse(200).WithBody("application/sdp", plan.Answer.Marshal())
	}
	invites := make(chan *sipua.Request, 2)
	agent := b.callee(func(call *sipua.IncomingCall) {
		invites <- call.Request()
		if call.Request().URI.UserPart() == "carol" {
			_ = call.Reject(sipua.NewResponse(486))
			return
		}
		callee.answer(call, sipua.Header{Name: "Supported", Value: "record-aware"})
	})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id, err := b.focus.Dial(t.Context(), "room", "sip:bob@"+agent.Addr("udp").String())
	must(t, err)
	b.await("bob", func() bool { p, ok := b.state("room").Participant(id); return ok && p.Status.Present() })
	b.record("room", conference.Mixed)
	select {
	case state := <-told:
		if state != "on" {
			t.Errorf("bob is told %q", state)
		}
	case <-time.After(20 * time.Second):
		t.Error("bob is told nothing")
	}
	request := <-invites
	_, err = b.focus.Dial(t.Context(), "room", "sip:carol@"+agent.Addr("udp").String())
	must(t, err)
	later := <-invites
	if offer, err := sdp.Parse(later.Body); err != nil || offer.RecordOf(0) != sdp.RecordOn {
		t.Errorf("who is called into a recorded conference is offered\n%s", later.Body)
	}
	for _, field := range slices.Concat(request.Headers, later.Headers) {
		if strings.Contains(strings.ToLower(field.Value), "siprec") || strings.Contains(field.Value, "+sip.src") {
			t.Errorf("%s: %s", field.Name, field.Value)
		}
	}
}
