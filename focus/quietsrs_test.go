package focus_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
	"github.com/parley-sip/parley/siprec/srs"
)

// A recorder that takes comfort noise has the same samples of what was said as one that is sent every packet of silence, is sent a fraction of the packets, and both
// prove what they have. A dialect keeps silence as it is.
//
// Shows ME-CN-09, SR-RTP-27.
func TestSilenceIsNotSentToWhoTakesComfortNoise(t *testing.T) {
	for name, continuous := range map[string]bool{"left out": false, "by dialect": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			every, everyDone := referenceServer(t, func(c *srs.Config) { c.NoComfortNoise = true })
			some, someDone := referenceServer(t)
			notary := newNotary()
			to := func(name string, s *srs.Server) focus.Recorder {
				return focus.Recorder{Name: name, URI: "sip:srs@" + s.Addr("tcp").String() + ";transport=tcp", Retry: siprec.RetryPolicy{Attempts: 1}, Profile: siprec.Profile{Continuous: continuous}}
			}
			b := newBenchOf(t, focus.Config{
				Conferences: []focus.ConferenceConfig{{ID: "room", Recording: conference.RecordingConfig{
					Modes: conference.Separate, Servers: []string{"every", "some"}, Copies: 2,
				}}},
				Recorders:    []focus.Recorder{to("every", every), to("some", some)},
				Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Minute},
			}, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", focus.Deps{Sealer: notary})
			phones := map[string]*phone{}
			for who, codec := range map[string]codecs.Codec{"ann": codecs.PCMU, "ben": codecs.PCMA} {
				phones[who] = b.dial("room", conftest.PhoneConfig{Name: who, Codec: codec})
			}
			id := b.record("room", conference.Separate)
			b.awaitRecording("room", id, conference.RecordingActive)
			for who := range phones {
				b.recordable(who)
			}
			for range 2 {
				for i, who := range []string{"ann", "ben"} {
					<-phones[who].Say(conftest.Marks(i+1, 0, 600))
				}
				<-phones["ann"].Say(make([]int16, 8000*6/5))
			}
			_, err := b.focus.StopRecording(t.Context(), "room", id)
			must(t, err)
			said := map[string]map[string][][]int16{"every": {}, "some": {}}
			for server, done := range map[string]<-chan srs.Recording{"every": everyDone, "some": someDone} {
				r := <-done
				signed, err := os.ReadFile(filepath.Join(r.Directory, seal.FileName))
				must(t, err)
				manifest, err := seal.Verify(signed, notary.public())
				must(t, err)
				if proof, err := r.Prove(manifest); err != nil || proof.Verdict != srs.Proved {
					t.Errorf("%s: %+v %v", server, proof, err)
				}
				for i := range r.Streams {
					s := &r.Streams[i]
					said[server][s.Participants[0]] = utterances(t, &r, s)
					most := uint64(s.Samples / 320)
					if fewer := server == "some" && !continuous; fewer != (s.Packets < most*2/3) {
						t.Errorf("%s has %d packets of %d samples", server, s.Packets, s.Samples)
					}
					if s.Lost > 0 || s.Discarded > 0 || s.ConcealedMS > 0 {
						t.Errorf("%s: %+v", server, *s)
					}
				}
			}
			for who, want := range said["every"] {
				if got := said["some"][who]; len(want) != 2 || !slices.EqualFunc(got, want, slices.Equal[[]int16]) {
					t.Errorf("%s has said %d words to who gets every packet, others or %d to the other", who, len(want), len(got))
				}
			}
			if len(said["every"]) != 2 {
				t.Errorf("%d streams", len(said["every"]))
			}
		})
	}
}

// utterances are what is between a tenth of a second of silence and the next.
func utterances(t *testing.T, r *srs.Recording, s *srs.Stream) (list [][]int16) {
	t.Helper()
	audio, err := r.Open(*s)
	must(t, err)
	defer audio.Close() //nolint:errcheck // was only read
	pcm := make([]int16, s.Samples)
	_, err = audio.Read(pcm)
	must(t, err)
	var word []int16
	still := 0
	for _, v := range pcm {
		if still++; v < -16 || v > 16 {
			still = 0
		}
		if word = append(word, v); still == audio.Rate/10 {
			if word = word[:len(word)-still]; len(word) > 0 {
				list = append(list, slices.Clone(word))
			}
		}
		if still >= audio.Rate/10 {
			word = word[:0]
		}
	}
	return list
}
