package focus_test

import (
	"strings"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// levels is what the last description of the focus says of recording: of the session, and of each stream in its own words.
func (p *texter) levels() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.remote[len(p.remote)-1]
	all := append(make([]string, 0, 1+len(d.Media)), d.Record.String())
	for _, m := range d.Media {
		all = append(all, m.Kind+"="+m.Record.String())
	}
	return strings.Join(all, " ")
}

// Recording is told at the level of the session and at that of each medium, as there are user agents that look at one of them only. Where audio is
// recorded and text is not, the line of text says so, and what changes of the one is told without a change of the other.
//
// Shows RQ-019, SR-REC-06, SR-REC-07, SR-REC-08.
func TestRecordingIsToldOfEachMedium(t *testing.T) {
	srs, pair := newRecordingServer(t), newRecordingServer(t)
	b := textRecordingBench(t, srs, func(c *focus.Config) {
		c.Recorders = append(c.Recorders, focus.Recorder{Name: "pair", URI: pair.uri(), Profile: siprec.Profile{Layout: siprec.LayoutPair}})
	})
	aware := sipua.Header{Name: "Supported", Value: "record-aware"}
	ann := b.texter("room", "ann", true, true, aware)
	deaf := b.texter("room", "deaf", true, true)
	phone := b.dial("room", conftest.PhoneConfig{Name: "phone", RecordAware: true})
	says := func(want string) {
		t.Helper()
		b.await("ann to be told "+want, func() bool { return ann.levels() == want })
	}
	start := func(server string) conference.RecordingID {
		t.Helper()
		info, err := b.focus.StartRecording(t.Context(), "room", focus.RecordingRequest{Servers: []string{server}})
		must(t, err)
		b.awaitRecording("room", info.ID, conference.RecordingActive)
		return info.ID
	}
	says(" audio= text=")
	audio := start("pair")
	says("on audio=on text=off")
	late := b.texter("room", "late", true, true, aware)
	if got := late.levels(); got != "on audio=on text=off" {
		t.Errorf("who comes later is told %q", got)
	}
	all := start("srs")
	says("on audio=on text=on")
	_, err := b.focus.PauseRecording(t.Context(), "room", all)
	must(t, err)
	says("on audio=on text=paused")
	_, err = b.focus.StopRecording(t.Context(), "room", all)
	must(t, err)
	says("on audio=on text=off")
	if d := phone.Remote(); d.Record != sdp.RecordOn || len(d.Media) != 1 || d.Media[0].Record != sdp.RecordOn {
		t.Errorf("a phone without text is told\n%s", d.Marshal())
	}
	_, err = b.focus.StopRecording(t.Context(), "room", audio)
	must(t, err)
	says("off audio=off text=off")
	if got := deaf.levels(); got != " audio= text=" {
		t.Errorf("who would not understand it is told %q", got)
	}
}
