package focus_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

const (
	both     = conference.Mixed | conference.Separate
	toneTime = 100 * time.Millisecond
)

// recordingBench is a focus with one recording server.
func recordingBench(t *testing.T, srs *recordingServer, change func(*focus.Config)) *bench {
	t.Helper()
	cfg := focus.Config{
		Dynamic:      true,
		Recorders:    []focus.Recorder{{Name: "srs", URI: srs.uri(), Retry: siprec.RetryPolicy{Initial: 50 * time.Millisecond, Attempts: 1}}},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Second},
	}
	if change != nil {
		change(&cfg)
	}
	return newBench(t, cfg)
}

func (b *bench) record(conf string, modes conference.Mode) conference.RecordingID {
	b.t.Helper()
	info, err := b.focus.StartRecording(b.t.Context(), conference.ID(conf), focus.RecordingRequest{Modes: modes})
	must(b.t, err)
	return info.ID
}

func (b *bench) awaitRecording(conf string, id conference.RecordingID, state conference.RecordingState) {
	b.t.Helper()
	b.await("the recording to be "+state.String(), func() bool {
		r, _ := b.state(conf).Recording(id)
		return r.State == state
	})
}

// Shows RQ-011, RQ-015, RQ-019, SR-EST-01, SR-EST-03, SR-EST-05, SR-SDP-02, SR-SDP-08, SR-XML-01, SR-REC-08, SR-REC-18, SR-UPD-02, SR-UPD-03, SR-UPD-08, SR-RTP-03. A recording in both modes with joins, leaves, a pause and the end.
func TestRecording(t *testing.T) { virtual(t, testRecording) }

func testRecording(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	alice.hum(500, 20*time.Second)
	bob.hum(900, 20*time.Second)
	pass(2 * time.Second)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	srs.mu.Lock()
	if began, since := srs.merged.Sessions[0].Start, srs.merged.SessionRecordings[0].Associate; since.Sub(began) < 2*time.Second {
		t.Errorf("the conference began at %v, its recording at %v", began, since) // SR-CSR-02
	}
	srs.mu.Unlock()
	b.await("packets of all streams", func() bool {
		return srs.stream("1").packets > 30 && srs.stream("2").packets > 30 && srs.stream("3").packets > 30
	})
	if got := srs.kept(); !slices.Contains(got.requires, "siprec") || !got.contact.Params.Has(siprec.FeatureTag) {
		t.Errorf("Require %v, Contact %s", got.requires, got.contact)
	}
	for label, want := range map[string][2]bool{"1": {true, true}, "2": {true, false}, "3": {false, true}} {
		h := srs.stream(label)
		for i, hz := range []float64{500, 900} {
			if level := h.level(hz, 300*time.Millisecond); (level > loud) != want[i] {
				t.Errorf("stream %s has %.0f Hz at %.0f dB", label, hz, level)
			}
		}
	}
	carol := b.dial("room", conftest.PhoneConfig{Name: "carol", RecordAware: true})
	if got := carol.Indications(); len(got) == 0 || got[0] != sdp.RecordOn {
		t.Errorf("carol was told %v in her 200", got) // SR-REC-18
	}
	b.await("carol's stream", func() bool { return srs.stream("4").packets > 5 })

	carol.leave("room")
	carolURI := "sip:carol@"
	b.await("carol to leave the metadata", func() bool {
		for aor := range srs.present() {
			if len(aor) > len(carolURI) && aor[:len(carolURI)] == carolURI {
				return false
			}
		}
		return true
	})
	pauseAndResume(t, b, srs, alice, id)

	_, err := b.focus.StopRecording(t.Context(), "room", id)
	must(t, err)
	b.awaitRecording("room", id, conference.RecordingStopped)
	<-srs.ended
	b.await("alice to be told off", func() bool {
		return lastOf(alice.Indications()) == sdp.RecordOff
	})
	pass(100 * time.Millisecond) // what was sent has been read by then
	last := srs.stream("1").packets
	pass(150 * time.Millisecond)
	if n := srs.stream("1").packets - last; n != 0 {
		t.Errorf("%d packets after the end", n)
	}
	got := srs.kept()
	for _, issue := range got.issues {
		t.Errorf("metadata: %+v", issue)
	}
	lint(t, "recording-strict.xsd", got.bodies)
	for _, h := range got.streams {
		if len(h.ssrcs) != 1 {
			t.Errorf("stream %s had %d sources", h.label, len(h.ssrcs)) // SR-RTP-03
		}
	}
}

// pauseAndResume: nothing is captured once the command has returned (SR-UPD-02), phones are told (SR-UPD-08).
func pauseAndResume(t *testing.T, b *bench, srs *recordingServer, alice *phone, id conference.RecordingID) {
	t.Helper()
	_, err := b.focus.PauseRecording(t.Context(), "room", id)
	must(t, err)
	pass(100 * time.Millisecond) // what was sent has been read by then
	count := map[string]int{}
	for _, label := range []string{"1", "2", "3"} {
		count[label] = srs.stream(label).packets
	}
	b.awaitRecording("room", id, conference.RecordingPaused)
	pass(150 * time.Millisecond)
	for label, before := range count {
		if n := srs.stream(label).packets - before; n != 0 {
			t.Errorf("stream %s got %d packets after the pause", label, n)
		}
	}
	b.await("alice to be told of the pause", func() bool {
		return lastOf(alice.Indications()) == sdp.RecordPaused
	})
	before := srs.stream("2").packets
	_, err = b.focus.ResumeRecording(t.Context(), "room", id)
	must(t, err)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets again", func() bool { return srs.stream("2").packets > before+10 })
}

// Shows RQ-018, SR-REC-01, SR-REC-02, SR-REC-03, SR-REC-15, SR-REC-17. Everybody has been told before the first packet, by a=record or by the tone, which no recording holds.
func TestIndicationComesFirst(t *testing.T) { virtual(t, testIndicationComesFirst) }

func testIndicationComesFirst(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	aware := b.dial("room", conftest.PhoneConfig{Name: "aware", RecordAware: true})
	deaf := b.dial("room", conftest.PhoneConfig{Name: "unaware"})
	start := time.Now()
	b.record("room", both)
	b.await("packets", func() bool { return srs.stream("1").packets > 20 && srs.stream("3").packets > 20 })
	if got := aware.Indications(); !slices.Contains(got, sdp.RecordOn) {
		t.Errorf("the record-aware phone was told %v", got)
	}
	pass(300 * time.Millisecond)
	first := srs.stream("3").first // of the unaware phone
	if got := first.Sub(start); got < toneTime {
		t.Errorf("first packet %v after the start, the tone takes %v", got, toneTime)
	}
	if got := deaf.hears(1400, start, first); got < -40 {
		t.Errorf("the unaware phone heard the tone at %.0f dB before the first packet", got)
	}
	if got := aware.hears(1400, start, first); got > quiet {
		t.Errorf("the record-aware phone heard the tone at %.0f dB", got)
	}
	pass(time.Second) // another tone has sounded
	for _, label := range []string{"1", "2", "3"} {
		if got := srs.stream(label); got.level(1400, time.Second) > -60 {
			t.Errorf("stream %s holds the tone at %.0f dB", label, got.level(1400, time.Second))
		}
	}
}

// A server that refuses, or never answers, changes nothing for the callers (SR-ERR-15).
func TestDeadRecorder(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*recordingServer)
		state  conference.RecordingState
	}{
		{"refuses", func(s *recordingServer) { s.refuse = 403 }, conference.RecordingFailed},
		{"is silent", func(s *recordingServer) { s.mute = true }, conference.RecordingStarting},
	} {
		runVirtual(t, test.name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			srs.set(test.change)
			b := recordingBench(t, srs, nil)
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
			bob.hum(900, 5*time.Second)
			id := b.record("room", both)
			b.awaitRecording("room", id, test.state)
			from := time.Now().Add(50 * time.Millisecond)
			pass(400 * time.Millisecond)
			if got := alice.hears(900, from, from.Add(200*time.Millisecond)); got < loud {
				t.Errorf("alice hears bob at %.0f dB", got)
			}
			if test.state == conference.RecordingFailed { // SR-REC-16
				b.await("alice to be told off", func() bool {
					return lastOf(alice.Indications()) == sdp.RecordOff
				})
			}
			alice.leave("room")
			bob.leave("room")
		})
	}
}

// on_failure: terminate ends the conference (SR-ERR-12); policy always begins with the first participant.
func TestPolicies(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Defaults.Recording = conference.RecordingConfig{Policy: conference.Always, Servers: []string{"srs"}, OnFailure: conference.OnFailureTerminate}
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	if got := alice.Indications(); len(got) == 0 || got[0] != sdp.RecordOn {
		t.Errorf("alice was told %v in her 200", got)
	}
	b.await("the recording", func() bool { return srs.stream("1").packets > 5 })
	srs.mu.Lock()
	dialog := srs.dialog
	srs.mu.Unlock()
	must(t, dialog.Bye(t.Context()))
	select {
	case <-alice.Over():
	case <-time.After(20 * time.Second):
		t.Fatal("the conference goes on without its recording")
	}
}

// Shutdown ends recordings cleanly: the last metadata say when it ended, then BYE.
func TestShutdownWhileRecording(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	must(t, b.focus.Shutdown(ctx))
	<-srs.ended
	<-alice.Over()
	srs.mu.Lock()
	defer srs.mu.Unlock()
	if len(srs.merged.Sessions) == 0 || srs.merged.Sessions[0].Stop.IsZero() {
		t.Errorf("no stop time in the last metadata: %+v", srs.merged.Sessions)
	}
}

// SR-ERR-11, SR-ERR-12: a server that ends the session is tried again; labels and sources stay, participants know each time.
func TestRecorderComesBack(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	w := b.focus.Watch("room", "")
	defer w.Close()
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	id := b.record("room", both)
	b.await("packets", func() bool { return srs.stream("2").packets > 5 })
	srs.mu.Lock()
	dialog := srs.dialog
	srs.mu.Unlock()
	must(t, dialog.Bye(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for e := (focus.Event{}); e.Type != focus.RecordingFailed; {
		var err error
		e, err = w.Next(ctx)
		must(t, err)
	}
	b.awaitRecording("room", id, conference.RecordingActive)
	before := srs.stream("2").packets
	b.await("packets again", func() bool { return srs.stream("2").packets > before+10 })
	if got := alice.Indications(); !slices.Equal(got[max(0, len(got)-3):], []sdp.Record{sdp.RecordOn, sdp.RecordOff, sdp.RecordOn}) {
		t.Errorf("alice was told %v", got)
	}
	info, err := b.focus.Recording(t.Context(), "room", id)
	must(t, err)
	if info.State != "recording" || len(info.Streams) != 2 || info.Streams[1].Packets == 0 || info.Streams[1].Label != "2" {
		t.Errorf("recording: %+v", info)
	}
	for _, h := range srs.kept().streams[:2] {
		if len(h.ssrcs) != 1 {
			t.Errorf("stream %s had %d sources", h.label, len(h.ssrcs))
		}
	}
}
