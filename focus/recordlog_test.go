package focus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// What operators are told of a recorded conference names nobody who is in it, was called, or was refused: not by name, not by address, and not in
// what went wrong either. That is for who debugs.
//
// Shows SR-SEC-16.
func TestLogsNameNobody(t *testing.T) {
	names := []string{"zaphod", "trillian", "marvin", "prefect", "dora", "ursa"}
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.DialTimeout = time.Second
		c.Recorders[0].Retry.Attempts = 0
	})
	zaphod := b.dial("room", conftest.PhoneConfig{Name: "zaphod", RecordAware: true})
	trillian := b.dial("room", conftest.PhoneConfig{Name: "trillian"})
	zaphod.hum(500, 20*time.Second)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	answeringOnce(status(488))(t, b, srs) // dora comes, and the recorder does not take the change
	b.await("the alarm", func() bool { return len(b.logged.with("level=WARN", "update-refused")) > 0 })
	_, err := b.focus.Dial(t.Context(), "room", "sip:marvin@127.0.0.1:1;transport=tcp")
	must(t, err)
	b.await("the end of the call", func() bool { return len(b.logged.with("level=INFO", "dial-out failed")) > 0 })
	_, err = b.focus.Dial(t.Context(), "room", "sip:marvin@unreachable.invalid")
	must(t, err)
	b.await("the end of the call", func() bool { return len(b.logged.with("level=INFO", "dial-out failed")) > 1 })
	raw := b.raw()
	_, _, err = raw.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{Name: "Ford Prefect", URI: raw.agent.Contact("prefect")},
		ContentType: "application/sdp", Body: []byte(strings.Replace(string(raw.describe(codecs.PCMU)), "RTP/AVP", "UDP/TLS/FOO", 1)),
	}, raw)
	if sipua.Status(err) != 488 {
		t.Errorf("an offer that cannot be taken: %v", err)
	}
	locked := true
	_, err = b.focus.Update(t.Context(), "room", focus.ConferenceChange{Locked: &locked})
	must(t, err)
	if err = b.phone(conftest.PhoneConfig{Name: "ursa"}).Call(t.Context(), b.uri("room")); sipua.Status(err) != 403 {
		t.Errorf("a locked conference: %v", err)
	}
	srs.mu.Lock()
	dialog := srs.dialog
	srs.mu.Unlock()
	srs.setRefuse(403)
	must(t, dialog.Bye(t.Context()))
	b.await("the refusal", func() bool { return len(b.logged.with("level=WARN", "alarm=refused")) > 0 })
	trillian.leave("room")
	zaphod.leave("room")
	for line := range strings.Lines(strings.Join(b.logged.with(), "")) {
		if strings.Contains(line, "level=DEBUG") {
			continue
		}
		for _, name := range names {
			if strings.Contains(strings.ToLower(line), name) {
				t.Errorf("%s is named: %s", name, line)
			}
		}
	}
}
