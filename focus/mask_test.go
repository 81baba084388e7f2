package focus_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
)

// The tones of a caller: before, while he is masked, and after. The second must be in no recorded stream.
const (
	openly = 500.0
	secret = 900.0
	after  = 700.0
)

// maskPeriod is how long the tone for who is masked takes to come again, and some more.
const maskPeriod = 1200 * time.Millisecond

// setMask masks a participant, or ends that.
func (b *bench) setMask(name string, on bool) {
	b.t.Helper()
	_, err := b.focus.UpdateParticipant(b.t.Context(), "room", b.find("room", name).ID, focus.ParticipantChange{Masked: &on})
	must(b.t, err)
}

// tell has a phone say something of half a second, and waits until the conference has heard it to the end.
func (p *phone) tell(hz float64) {
	const length = 500 * time.Millisecond
	pcm := make([]int16, int(length.Seconds()*float64(p.codec.SampleRate())))
	for i := range pcm {
		pcm[i] = int16(6000 * math.Sin(2*math.Pi*hz*float64(i)/float64(p.codec.SampleRate())))
	}
	<-p.Say(pcm)
	pass(300 * time.Millisecond) // jitter buffer and tick
}

// sayCard tells something openly, the secret while masked, and something openly again.
func (p *phone) sayCard(b *bench, masked func()) {
	b.t.Helper()
	p.tell(openly)
	b.setMask(p.name, true)
	p.tell(secret)
	if masked != nil {
		masked()
	}
	b.setMask(p.name, false)
	b.await("to be recorded again", func() bool {
		s := b.find("room", p.name)
		return s.Recordable()
	})
	p.tell(after)
}

// loudest is the highest level of a tone in any part of a stream.
func (h *heardStream) loudest(hz float64) float64 {
	const window, hop = 800, 200
	most := -200.0
	for at := 0; at+window <= len(h.pcm); at += hop {
		part := heardStream{pcm: h.pcm[at : at+window]}
		most = max(most, part.level(hz, time.Second))
	}
	return most
}

// checkSecret: no stream has the secret, those of the labels have what was said openly.
func (s *recordingServer) checkSecret(tones []float64, labels ...string) {
	s.t.Helper()
	s.mu.Lock()
	streams := slices.Clone(s.streams)
	s.mu.Unlock()
	for _, each := range streams {
		h := s.stream(each.label)
		// A frame of the secret in a part is at -29 dB; where a tone beside it breaks off and comes back the part has up to -50.
		if level := h.loudest(secret); level > -45 {
			s.t.Errorf("stream %s holds what was masked, at %.0f dB", h.label, level)
		}
	}
	for _, label := range labels {
		h := s.stream(label)
		for _, hz := range tones {
			if level := h.loudest(hz); level < loud {
				s.t.Errorf("stream %s has %.0f Hz at %.0f dB", label, hz, level)
			}
		}
	}
}

// Shows RQ-UC05, SR-UPD-04. What a participant says while masked is in no recorded stream, the conference hears it, and whoever is
// masked is told so. His stream goes on with silence or a tone, which nobody in the conference hears.
func TestMasked(t *testing.T) {
	for _, tone := range []bool{false, true} {
		runVirtual(t, "", func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := recordingBench(t, srs, func(c *focus.Config) {
				c.Defaults.Recording = conference.RecordingConfig{Policy: conference.Always, Modes: both, Servers: []string{"srs"}, MaskTone: tone}
			})
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
			b.await("both to be recorded", func() bool { return srs.stream("2").packets > 10 && srs.stream("3").packets > 10 })
			alice.sayCard(b, func() {
				before := srs.stream("2")
				b.await("her stream to go on", func() bool { return srs.stream("2").packets > before.packets+50 })
				if n := gaps(srs.stream("2").stamps); n > b.missedTicks() {
					t.Errorf("%d packets are missing, %d ticks", n, b.missedTicks())
				}
				for _, label := range []string{"1", "2", "3"} {
					h := srs.stream(label)
					h.pcm = h.pcm[max(0, len(h.pcm)-10000):]
					if level := h.loudest(440); (level > loud) != (tone && label != "3") {
						t.Errorf("stream %s has the tone at %.0f dB", label, level)
					}
				}
				if got := alice.Indications(); lastOf(got) != sdp.RecordPaused {
					t.Errorf("alice was told %v", got)
				}
				if level := bob.hearsNow(440); level > -60 {
					t.Errorf("bob hears the tone at %.0f dB", level)
				}
			})
			b.await("what she said last", func() bool { h := srs.stream("1"); return h.loudest(after) > loud })
			srs.checkSecret([]float64{openly, after}, "1", "2")
			pass(2 * maskPeriod)
			for _, label := range []string{"1", "2"} { // the tone has ended with the mask
				h := srs.stream(label)
				h.pcm = h.pcm[max(0, len(h.pcm)-int(maskPeriod.Seconds()*conftest.AnalysisRate)):]
				if level := h.loudest(440); level > -45 {
					t.Errorf("stream %s still has the tone at %.0f dB", label, level)
				}
			}
			heard, err := bob.Heard()
			must(t, err)
			most := -200.0
			for at := 0; at+conftest.AnalysisRate/10 < len(heard); at += conftest.AnalysisRate / 20 {
				most = max(most, toneLevel(heard[at:at+conftest.AnalysisRate/10], secret))
			}
			if most < loud {
				t.Errorf("bob heard what was masked at %.0f dB", most)
			}
			srs.mu.Lock()
			defer srs.mu.Unlock()
			for _, issue := range srs.issues {
				t.Errorf("metadata: %+v", issue)
			}
			lint(t, "recording-strict.xsd", srs.bodies)
		})
	}
}

// Shows RQ-UC05. A recorder that answers when the secret is over gets what was kept for it, without the secret.
func TestMaskedWhileHeld(t *testing.T) {
	srs := newRecordingServer(t)
	slow := make(chan struct{})
	srs.set(func(s *recordingServer) { s.slow = slow })
	b := serversBench(t, []*recordingServer{srs}, func(c *focus.Config) {
		c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, both
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	b.dial("room", conftest.PhoneConfig{Name: "bob"})
	alice.sayCard(b, nil)
	close(slow)
	b.await("what she said last", func() bool { h := srs.stream("2"); return h.loudest(after) > loud })
	srs.checkSecret([]float64{openly, after}, "1", "2")
}

// Shows RQ-UC05, SR-ERR-08. What is sent again to the recorder that takes over does not hold the secret either.
func TestMaskedInFailover(t *testing.T) {
	one, two := newRecordingServer(t), newRecordingServer(t)
	b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
		c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, both
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	b.dial("room", conftest.PhoneConfig{Name: "bob"})
	b.await("packets", func() bool { return one.stream("2").packets > 10 })
	alice.sayCard(b, func() {
		one.die()
		b.await("packets at the second server", func() bool { return two.stream("2").packets > 0 })
	})
	b.await("what she said last", func() bool { h := two.stream("2"); return h.loudest(after) > loud })
	two.checkSecret([]float64{after}, "1", "2")
	one.checkSecret([]float64{openly}, "1", "2")
}

// Shows RQ-UC05, RQ-021. Nor does what the spool delivers.
func TestMaskedInSpool(t *testing.T) {
	srs := newRecordingServer(t)
	srs.setRefuse(503)
	b := spoolBench(t, srs, t.TempDir(), func(*focus.Config) {})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	b.dial("room", conftest.PhoneConfig{Name: "bob"})
	b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 10 })
	alice.sayCard(b, nil)
	pass(700 * time.Millisecond) // until all of that is on disk
	srs.setRefuse(0)
	b.await("the spool to be delivered", func() bool {
		s := b.focus.Stats()
		return s.SpooledFrames == s.DeliveredFrames && s.SpooledFrames > 100
	})
	srs.checkSecret(nil)
	for _, hz := range []float64{openly, after} {
		found := false
		srs.mu.Lock()
		for _, h := range srs.streams {
			found = found || h.loudest(hz) > loud
		}
		srs.mu.Unlock()
		if !found {
			t.Errorf("%.0f Hz is nowhere", hz)
		}
	}
}
