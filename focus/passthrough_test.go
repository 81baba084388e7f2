package focus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/mixer"
)

// forwarded counts the payloads that were passed on.
func (b *bench) forwarded(codec codecs.Codec) uint64 {
	stats := b.mixer.Stats()
	i := slices.IndexFunc(stats.Codecs, func(c mixer.CodecStats) bool { return c.Codec == codec })
	if i < 0 {
		return 0
	}
	return stats.Codecs[i].Forwarded
}

// TestPassthrough: payloads of who speaks the codec that the recorder takes go out as they came, for each in his own codec; what is done to a
// participant's sound is in his stream, which goes on without a gap.
func TestPassthrough(t *testing.T) { virtual(t, testPassthrough) }

func testPassthrough(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	srs.set(func(s *recordingServer) { s.codecs = []codecs.Codec{codecs.PCMA, codecs.Opus, codecs.PCMU} })
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Recorders[0].Codecs = []codecs.Codec{codecs.PCMA, codecs.PCMU, codecs.Opus}
		c.Defaults.Recording = conference.RecordingConfig{Policy: conference.Always, Modes: conference.Separate, Servers: []string{"srs"}}
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true, Codec: codecs.Opus, Stereo: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	alice.hum(500, 20*time.Second)
	bob.hum(900, 20*time.Second)
	b.await("both to be passed on", func() bool { return b.forwarded(codecs.Opus) > 20 && b.forwarded(codecs.PCMU) > 20 })
	b.await("packets of both", func() bool { return srs.stream("1").packets > 20 && srs.stream("2").packets > 20 })
	recordings, err := b.focus.Recordings(t.Context(), "room")
	must(t, err)
	for i, want := range []string{"opus/48000", "pcmu/8000"} {
		if got := recordings[0].Streams[i].Codec; got != want {
			t.Errorf("stream %d is %s, want %s", i+1, got, want)
		}
	}
	offers := srs.kept().offers
	for i, stereo := range []bool{true, false} {
		for _, f := range offers[len(offers)-1].Media[i].PayloadTypes {
			if f.Name == "opus" && (f.Parameters == "sprop-stereo=1") != stereo {
				t.Errorf("stream %d is offered as %q", i+1, f.Parameters)
			}
		}
	}
	b.await("bob to be recorded", func() bool { return srs.levelOf("2", 900) > loud })
	louder := 6.0
	_, err = b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, focus.ParticipantChange{GainDB: &louder})
	must(t, err)
	before, level := b.forwarded(codecs.PCMU), srs.levelOf("2", 900)
	b.await("bob to be louder", func() bool { return srs.levelOf("2", 900) > level+5 })
	pass(200 * time.Millisecond)
	if got := b.forwarded(codecs.PCMU); got != before {
		t.Errorf("%d payloads were passed on although he is louder", got-before)
	}
	h, missed := srs.stream("2"), uint32(b.missedTicks())
	for i := 1; i < len(h.stamps); i++ {
		if gap := h.stamps[i] - h.stamps[i-1]; h.numbers[i] != h.numbers[i-1]+1 || gap%160 != 0 || gap < 160 || gap > 160*(1+missed) {
			t.Fatalf("packet %d: number %d after %d, timestamp %d after %d", i, h.numbers[i], h.numbers[i-1], h.stamps[i], h.stamps[i-1])
		}
	}
}

// levelOf is that of a tone in the last fifth of a second of a stream, in dB.
func (s *recordingServer) levelOf(label string, hz float64) float64 {
	h := s.stream(label)
	return h.level(hz, 200*time.Millisecond)
}
