package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// Who goes on with another phone goes on in his recorded stream: the same label, and what the new phone says in it.
//
// Shows FO-RPL-11, SR-RTP-04.
func TestReplacesGoesOnInTheRecording(t *testing.T) {
	server := newRecordingServer(t)
	b := newBench(t, focus.Config{
		Dynamic: true, Recorders: []focus.Recorder{{Name: "primary", URI: server.uri()}},
		Notification: focus.Notification{ToneLength: 40 * time.Millisecond},
	})
	first := b.dial("room", conftest.PhoneConfig{Name: "dave", Identity: dave})
	_, err := b.focus.StartRecording(t.Context(), "room", focus.RecordingRequest{Modes: conference.Separate})
	must(t, err)
	stream := func() focus.StreamInfo {
		list, err := b.focus.Recordings(t.Context(), "room")
		must(t, err)
		if len(list) != 1 || len(list[0].Streams) != 1 {
			return focus.StreamInfo{}
		}
		return list[0].Streams[0]
	}
	first.hum(600, 2*time.Second)
	b.await("packets of the first phone", func() bool { return stream().Packets > 10 })
	before := stream()
	second := b.phone(conftest.PhoneConfig{Name: "second", Identity: dave, Headers: sipua.Headers{{Name: "Replaces", Value: names(first.Dialog().ID())}}})
	must(t, second.Call(t.Context(), b.uri("room")))
	<-first.Over()
	second.hum(900, 3*time.Second)
	b.await("the recorder to get the second phone", func() bool {
		server.mu.Lock()
		defer server.mu.Unlock()
		if len(server.streams) != 1 {
			return false
		}
		return server.streams[0].level(900, 200*time.Millisecond) > loud
	})
	if after := stream(); after.Label != before.Label || after.Participant != before.Participant {
		t.Errorf("before %+v, after %+v", before, after)
	}
	server.mu.Lock()
	if sources := server.streams[0].ssrcs; len(sources) != 1 {
		t.Errorf("the recorded stream has the sources %v", sources)
	}
	n := len(server.merged.Participants)
	server.mu.Unlock()
	if n != 2 { // dave and the focus
		t.Errorf("the metadata have %d participants", n)
	}
}
