package focus_test

import (
	"net"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// fault is what a recorder does in the middle of a recording.
type fault struct {
	name   string
	do     func(t *testing.T, b *bench, srs *recordingServer)
	alarm  string // empty: it is no fault that an operator has to know of
	called int    // INVITEs that begin a session, at least, until all is well again
}

// answeringOnce lets a recorder answer the next offer or update in a way, and makes one.
func answeringOnce(respond func(*sipua.Request) *sipua.Response) func(*testing.T, *bench, *recordingServer) {
	return func(_ *testing.T, b *bench, srs *recordingServer) {
		srs.mu.Lock()
		srs.respond = func(request *sipua.Request) *sipua.Response {
			srs.mu.Lock()
			srs.respond = nil
			srs.mu.Unlock()
			return respond(request)
		}
		srs.mu.Unlock()
		b.dial("room", conftest.PhoneConfig{Name: "dora"})
	}
}

func status(code int) func(*sipua.Request) *sipua.Response {
	return func(*sipua.Request) *sipua.Response { return sipua.NewResponse(code) }
}

// Shows SR-ERR-09, SR-ERR-10, SR-ERR-11, SR-ERR-15, SR-SDP-21, SR-XML-22, RQ-UC10a. A recorder that misbehaves in the middle of a recording harms no call: who is there goes on hearing
// the others, others come in, the operator is told, and the recording goes on, in the same dialog or in the next.
func TestFaultyRecorder(t *testing.T) {
	for _, test := range []fault{
		{name: "488 to a change", do: answeringOnce(status(488)), alarm: "update-refused"},
		{name: "481 to a change", do: answeringOnce(status(481)), alarm: "lost", called: 2},
		{name: "garbage to a change", alarm: "bad-answer", called: 2, do: answeringOnce(func(*sipua.Request) *sipua.Response {
			return sipua.NewResponse(200).WithBody("application/sdp", []byte("\x00\xff garbage"))
		})},
		{name: "no answer in a 200", do: answeringOnce(status(200)), alarm: "bad-answer", called: 2},
		{name: "a slow answer", do: answeringOnce(func(*sipua.Request) *sipua.Response {
			pass(1500 * time.Millisecond) // is the slowness itself
			return nil
		})},
		{name: "BYE", alarm: "ended", called: 2, do: func(t *testing.T, _ *bench, srs *recordingServer) {
			t.Helper()
			srs.mu.Lock()
			dialog := srs.dialog
			srs.mu.Unlock()
			must(t, dialog.Bye(t.Context()))
		}},
		{name: "a storm of offers", do: stormOfOffers},
		{name: "garbage at the media ports", do: garbageAtPorts},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkFault(t, test)
		})
	}
}

func checkFault(t *testing.T, test fault) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	alice.hum(500, 60*time.Second)
	id := b.record("room", conference.Mixed|conference.Separate)
	b.await("packets", func() bool { return srs.stream("1").packets > 10 && srs.stream("2").packets > 10 })
	b.awaitRecording("room", id, conference.RecordingActive)
	test.do(t, b, srs)
	carol := b.dial("room", conftest.PhoneConfig{Name: "carol"})
	b.await("bob to hear alice", func() bool { return bob.hearsNow(500) > loud })
	b.await("carol to hear alice", func() bool { return carol.hearsNow(500) > loud })
	if test.alarm != "" {
		b.await("the alarm", func() bool { return len(b.logged.with("alarm="+test.alarm)) > 0 })
	}
	b.await("the recorder to know who is there", func() bool {
		v := srs.known()
		return v.streams("alice") != "-" && v.streams("carol") != "-" && v.streams("carol") != "/"
	})
	b.awaitRecording("room", id, conference.RecordingActive)
	n := srs.stream("2").packets
	b.await("packets to go on", func() bool { return srs.stream("2").packets > n+20 })
	begun := 0
	for _, r := range srs.requests() {
		if r.Method == "INVITE" && r.To.Tag() == "" {
			begun++
		}
	}
	if begun < max(1, test.called) || test.called == 0 && begun > 1 {
		t.Errorf("%d sessions, want %d", begun, max(1, test.called))
	}
}

// stormOfOffers sends offers as fast as they are answered.
func stormOfOffers(t *testing.T, _ *bench, srs *recordingServer) {
	t.Helper()
	srs.mu.Lock()
	dialog, text := srs.dialog, srs.local.Marshal()
	srs.mu.Unlock()
	for range 40 {
		if _, err := dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: text}); err != nil && sipua.Status(err) == 0 {
			t.Fatalf("the session is over: %v", err)
		}
	}
}

// garbageAtPorts sends what is neither RTP nor RTCP to where streams come from.
func garbageAtPorts(t *testing.T, _ *bench, srs *recordingServer) {
	t.Helper()
	for _, m := range srs.requests()[0].offer.Media {
		for _, port := range []int{int(m.Port), int(m.Port) + 1} {
			conn, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
			must(t, err)
			for size := range 200 {
				_, _ = conn.Write(make([]byte, size)) // who does not listen refuses
				_, _ = conn.Write([]byte{0x80, 201, 0xff, 0xff, 1, 2, 3})
			}
			must(t, conn.Close())
		}
	}
}
