package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// three are alice, bob and carol, in this order, each with a tone.
func three(b *bench) []*phone {
	b.t.Helper()
	list := make([]*phone, 0, 3)
	for i, name := range []string{"alice", "bob", "carol"} {
		p := b.dial("room", conftest.PhoneConfig{Name: name, RecordAware: true})
		p.hum([]float64{400, 700, 1000}[i], 60*time.Second)
		list = append(list, p)
	}
	return list
}

// In mode pair there are two streams, however many there are: who came first, and all others. Recorders with a profile of two streams get them
// whatever the policy says. When the first one leaves, his side is silent, and nobody else comes on it.
//
// Shows SR-INT-23, SR-PTA-07.
func TestPair(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Recorders[0].Profile, _ = siprec.LookupProfile("pair")
		c.Recorders[0].Profile.DropEmptyStreams = false
	})
	phones := three(b)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.awaitStreams(srs, map[string]string{"alice": "1/2", "bob": "2/1,2", "carol": "2/1,2"})
	b.await("packets", func() bool { return srs.stream("1").packets > 30 && srs.stream("2").packets > 30 })
	srs.holds("1", map[float64]bool{400: true, 700: false, 1000: false})
	srs.holds("2", map[float64]bool{400: false, 700: true, 1000: true})
	phones[0].leave("room")
	b.awaitStreams(srs, map[string]string{"alice": "/", "bob": "2/1,2", "carol": "2/1,2"})
	pass(500 * time.Millisecond)
	srs.holds("1", map[float64]bool{400: false, 700: false, 1000: false})
	srs.holds("2", map[float64]bool{400: false, 700: true, 1000: true})
	srs.mu.Lock()
	lines := len(srs.streams)
	srs.mu.Unlock()
	if lines != 2 {
		t.Errorf("%d streams", lines)
	}
	srs.sound()
}

// With pair: moderators the first stream has all moderators; who becomes one changes the side with it, in the sound and in the metadata.
func TestPairOfModerators(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Defaults.Recording = conference.RecordingConfig{Modes: conference.Pair, Pair: conference.PairModerators}
	})
	three(b)
	id := b.record("room", 0)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.awaitStreams(srs, map[string]string{"alice": "2/1,2", "bob": "2/1,2", "carol": "2/1,2"})
	b.await("packets", func() bool { return srs.stream("1").packets > 30 && srs.stream("2").packets > 30 })
	srs.holds("1", map[float64]bool{400: false, 700: false, 1000: false})
	srs.holds("2", map[float64]bool{400: true, 700: true, 1000: true})
	b.moderate("room", "bob")
	b.awaitStreams(srs, map[string]string{"alice": "2/1,2", "bob": "1/2", "carol": "2/1,2"})
	b.await("bob on the other side", func() bool { return srs.levelOf("1", 700) > loud && srs.levelOf("2", 700) < quiet })
	pass(300 * time.Millisecond)
	srs.holds("1", map[float64]bool{400: false, 700: true, 1000: false})
	srs.holds("2", map[float64]bool{400: true, 700: false, 1000: true})
	list, err := b.focus.Recordings(t.Context(), "room")
	must(t, err)
	if s := list[0].Streams; len(s) != 2 || s[0].Side != "chosen" || s[1].Side != "others" || list[0].Mode[0] != "pair" {
		t.Errorf("%+v", list[0])
	}
	srs.sound()
}
