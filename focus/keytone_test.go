package focus_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// keysIn are the keys that a listener finds in a stream.
func (h *heardStream) keysIn(t *testing.T) string {
	t.Helper()
	d, err := codecs.NewDTMFDetector(8000)
	must(t, err)
	var keys strings.Builder
	pcm := make([]int16, 160)
	for at := 0; at+len(pcm) <= len(h.pcm); at += len(pcm) {
		for i := range pcm {
			pcm[i] = int16(h.pcm[at+i] * math.MaxInt16)
		}
		if key := d.Push(pcm); key != 0 {
			keys.WriteByte(key)
		}
	}
	return keys.String()
}

// sound says a key in the audio, and waits until the phone has said it.
func (p *phone) sound(key byte) {
	p.b.t.Helper()
	code, _ := codecs.EventCode(key)
	tone, _ := codecs.DTMFTone(code, -15)
	tone.Cadence, tone.Once = []time.Duration{120 * time.Millisecond}, true
	generator, err := codecs.NewToneGenerator(tone, p.codec.SampleRate())
	must(p.b.t, err)
	pcm := make([]int16, p.codec.SampleRate()*200/1000)
	generator.Read(pcm)
	<-p.Say(pcm)
}

// Shows RQ-007. Keys are in recorded streams as the policy wants it, whether they came as events or as tones, and the conference hears
// nothing of what stands for them; a key that is pressed while its presser is masked is in none.
func TestKeysInRecordings(t *testing.T) {
	for _, policy := range []conference.KeyPolicy{conference.KeepKeys, conference.SuppressKeys, conference.MaskKeys} {
		for _, events := range []bool{true, false} {
			runVirtual(t, policy.String(), func(t *testing.T) {
				t.Helper()
				keysInRecordings(t, policy, events)
			})
		}
	}
}

func keysInRecordings(t *testing.T, policy conference.KeyPolicy, events bool) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Defaults.Recording = conference.RecordingConfig{Policy: conference.Always, Modes: both, Servers: []string{"srs"}, Keys: policy}
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true, NoEvents: !events})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	b.await("both to be recorded", func() bool { return srs.stream("2").packets > 10 && srs.stream("3").packets > 10 })
	press := func(key byte) {
		if events {
			<-alice.Press(key)
		} else {
			alice.sound(key)
		}
		pass(500 * time.Millisecond)
	}
	alice.tell(openly)
	press('5')
	b.setMask("alice", true)
	press('9')
	b.setMask("alice", false)
	b.await("to be recorded again", func() bool {
		p := b.find("room", "alice")
		return p.Recordable()
	})
	alice.tell(after)
	b.await("what she said last", func() bool { h := srs.stream("1"); return h.loudest(after) > loud })
	for _, label := range []string{"1", "2"} {
		h := srs.stream(label)
		keys := h.keysIn(t)
		if kept := strings.Contains(keys, "5"); kept != (policy == conference.KeepKeys) || strings.Trim(keys, "5") != "" {
			t.Errorf("stream %s has the keys %q (events: %t)", label, keys, events)
		}
		there := float64(loud)
		if policy == conference.MaskKeys {
			there -= 20 // on a busy machine a jitter buffer cuts the key, and what stands for it, into pieces
		}
		if level := h.loudest(620); (level > there) != (policy == conference.MaskKeys) {
			t.Errorf("stream %s has the neutral tone at %.0f dB", label, level)
		}
		if h.loudest(openly) < loud || h.loudest(after) < loud {
			t.Errorf("stream %s misses what was said", label)
		}
	}
	if h := srs.stream("3"); h.keysIn(t) != "" || h.loudest(620) > -35 {
		t.Errorf("bob's stream has the keys %q", h.keysIn(t))
	}
	heard, err := bob.Heard()
	must(t, err)
	most := -200.0
	for at := 0; at+conftest.AnalysisRate/10 < len(heard); at += conftest.AnalysisRate / 20 {
		most = max(most, toneLevel(heard[at:at+conftest.AnalysisRate/10], 620))
	}
	if most > -35 { // what is cut off has a little of every frequency
		t.Errorf("bob hears the neutral tone at %.0f dB", most)
	}
}
