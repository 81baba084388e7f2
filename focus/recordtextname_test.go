package focus_test

import (
	"maps"
	"testing"

	"github.com/parley-sip/parley/focus/conference"
)

// The text of a recording has the CNAME of the audio beside it, and each writer the one that his voice has: his identifier in the metadata.
//
// Shows RQ-023.
func TestTextHasTheNameOfItsAudio(t *testing.T) {
	srs := newRecordingServer(t)
	b := textRecordingBench(t, srs, nil)
	ann := b.texter("room", "ann", true, true)
	b.awaitRecording("room", b.record("room", conference.Mixed), conference.RecordingActive)
	b.recordable("ann")
	ann.writes("hello.")
	names := func(label string) (own string, all map[uint32]string) {
		h := srs.stream(label)
		all = map[uint32]string{}
		for i := range h.reports {
			if h.reports[i].kind == 202 { // SDES (RFC 3550, section 6.5)
				maps.Copy(all, h.reports[i].names())
			}
		}
		for source := range h.ssrcs {
			own = all[source]
		}
		return own, all
	}
	b.await("the names of both streams", func() bool {
		audio, _ := names("1")
		text, writers := names(srs.textLabels()[0])
		return audio != "" && text != "" && writers[ann.session.SSRC()] != ""
	})
	v := srs.known()
	audio, _ := names("1")
	text, writers := names(srs.textLabels()[0])
	if want := v.person("ann").Text(); text != audio || writers[ann.session.SSRC()] != want {
		t.Errorf("the audio is called %q and the text %q, the writer %q and not %q", audio, text, writers[ann.session.SSRC()], want)
	}
}
