package focus_test

import (
	"context"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// Pause, resume and stop answer with what the servers have agreed to.
func TestChangesTellTheTruth(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	for _, test := range []struct {
		change func(context.Context, conference.ID, conference.RecordingID) (state string, err error)
		want   string
	}{
		{b.pause, "paused"}, {b.pause, "paused"}, {b.resume, "recording"}, {b.resume, "recording"}, {b.pause, "paused"}, {b.stop, "stopped"},
	} {
		state, err := test.change(t.Context(), "room", id)
		if err != nil || state != test.want {
			t.Errorf("%s, %v, want %s", state, err, test.want)
		}
	}
	if _, err := b.pause(t.Context(), "room", id); err == nil {
		t.Error("paused what is over")
	}
}

// A server that takes its time is waited for only so long, and by nobody but who has asked.
func TestChangesOfSlowServer(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	slow := make(chan struct{})
	srs.mu.Lock()
	srs.slow = slow
	srs.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	answered := make(chan string, 1)
	go func() {
		state, err := b.pause(ctx, "room", id)
		if err != nil {
			state = err.Error()
		}
		answered <- state
	}()
	b.await("the wish", func() bool {
		r, _ := b.state("room").Recording(id)
		return r.Paused
	})
	start := time.Now()
	if list, err := b.focus.Participants(t.Context(), "room"); err != nil || len(list) != 1 || time.Since(start) > 300*time.Millisecond {
		t.Errorf("%d participants, %v, after %v", len(list), err, time.Since(start))
	}
	if state := <-answered; state != "recording" {
		t.Errorf("out of time: %s", state)
	}
	close(slow)
	b.awaitRecording("room", id, conference.RecordingPaused)
}

func (b *bench) pause(ctx context.Context, id conference.ID, rid conference.RecordingID) (string, error) {
	info, err := b.focus.PauseRecording(ctx, id, rid)
	return info.State, err
}

func (b *bench) resume(ctx context.Context, id conference.ID, rid conference.RecordingID) (string, error) {
	info, err := b.focus.ResumeRecording(ctx, id, rid)
	return info.State, err
}

func (b *bench) stop(ctx context.Context, id conference.ID, rid conference.RecordingID) (string, error) {
	info, err := b.focus.StopRecording(ctx, id, rid)
	return info.State, err
}

// SR-MET-11: who only listens has no stream of his own until he may speak, and then one that says whose it is.
func TestListenersHaveNoStream(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	lena := b.dial("room", conftest.PhoneConfig{Name: "lena", ListenOnly: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	alice.hum(500, 20*time.Second)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets", func() bool { return srs.stream("1").packets > 10 && srs.stream("2").packets > 10 })
	info, err := b.focus.Recording(t.Context(), "room", id)
	must(t, err)
	if len(info.Streams) != 2 || info.Streams[1].Participant != b.find("room", "alice").ID {
		t.Errorf("streams: %+v", info.Streams)
	}
	must(t, lena.Change(t.Context(), sdp.SendRecv))
	b.await("lena's stream", func() bool { return srs.stream("3").packets > 5 })
	must(t, lena.Change(t.Context(), sdp.RecvOnly))
	info, err = b.focus.Recording(t.Context(), "room", id)
	must(t, err)
	if len(info.Streams) != 3 || info.Streams[1].Participant != b.find("room", "alice").ID || info.Streams[1].Label != "2" ||
		info.Streams[2].Participant != b.find("room", "lena").ID || info.Streams[2].Label != "3" {
		t.Errorf("streams: %+v", info.Streams)
	}
	if _, err := b.stop(t.Context(), "room", id); err != nil {
		t.Error(err)
	}
	srs.mu.Lock()
	defer srs.mu.Unlock()
	for _, issue := range srs.issues {
		t.Errorf("metadata: %+v", issue)
	}
	if !fed(srs.documents, "3") {
		t.Error("nobody was ever said to feed lena's stream")
	}
	lint(t, "recording-strict.xsd", srs.bodies)
}

// fed tells whether a document names who feeds the stream of a label.
func fed(documents []siprec.Recording, label string) bool {
	for _, d := range documents {
		for _, s := range d.Streams {
			for _, a := range d.ParticipantStreams {
				for _, id := range a.Send {
					if s.Label == label && id == s.ID {
						return true
					}
				}
			}
		}
	}
	return false
}
