package focus_test

import (
	"bytes"
	"encoding/xml"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// apartBench is a focus whose conferences share a line, and have a spool. Voices say in each frame which it is.
type apartBench struct {
	*bench
	srs    *recordingServer
	phones []*phone
	began  []time.Time // when a voice said its first frame
	dead   []*heardStream
	line   *sipua.Dialog // of the session that is kept up, the first one
}

// apartRooms are the conferences, by voice.
var apartRooms = []string{"one", "two"}

func newApartBench(t *testing.T, dir string, change func(*focus.Config)) *apartBench {
	t.Helper()
	srs := newRecordingServer(t)
	a := &apartBench{srs: srs, bench: spoolBench(t, srs, dir, func(c *focus.Config) {
		c.Recorders[0].Persistent, c.Recorders[0].Merge = 1, true
		c.Defaults.Recording.Modes = conference.Mixed
		if change != nil {
			change(c)
		}
	})}
	a.ready(srs, 1)
	pass(100 * time.Millisecond) // the focus knows that, too
	srs.set(func(s *recordingServer) { a.line = s.dialog })
	return a
}

// speak has a voice in each conference say a frame every 20 ms, for so long.
func (a *apartBench) speak(d time.Duration) {
	a.t.Helper()
	for voice, room := range apartRooms {
		a.phones = append(a.phones, a.dial(room, conftest.PhoneConfig{Name: room, RecordAware: true}))
		said := make([]int16, 0, stormFrame*int(d/codecs.FrameDuration))
		for n := range int(d / codecs.FrameDuration) {
			said = append(said, stormSay(voice, n)...)
		}
		a.began = append(a.began, time.Now())
		a.phones[voice].Say(said)
	}
}

// saying is the frame that a voice is about to say.
func (a *apartBench) saying(voice int) int {
	return int(time.Since(a.began[voice]) / codecs.FrameDuration)
}

// reborn is the server again after it has died, with nothing of what it had.
func (a *apartBench) reborn() {
	a.srs.set(func(s *recordingServer) {
		a.dead = append(a.dead, s.streams...)
		s.sockets, s.controls, s.streams, s.local, s.mute, s.slow = nil, nil, nil, nil, false, nil
	})
}

// takes has the server take the line, or not, in an offer of its own.
func (a *apartBench) takes(taken bool) {
	a.t.Helper()
	var text []byte
	a.srs.set(func(s *recordingServer) { text = s.local.Marshal() })
	if !taken {
		text = bytes.Replace(text, []byte("a=recvonly"), []byte("a=inactive"), 1)
	}
	_, err := a.line.ReInvite(a.t.Context(), sipua.Body{ContentType: "application/sdp", Data: text})
	must(a.t, err)
}

// apartFrame is a frame that the server has got.
type apartFrame struct {
	source uint32
	came   time.Time
	stamp  uint32
}

// got is what the server has of each voice, by the number of the frame, and which voices are in what comes of a source.
func (a *apartBench) got() (frames []map[int][]apartFrame, together map[uint32]map[int]int) {
	a.srs.mu.Lock()
	defer a.srs.mu.Unlock()
	together = map[uint32]map[int]int{}
	for range apartRooms {
		frames = append(frames, map[int][]apartFrame{})
	}
	for _, h := range slices.Concat(a.dead, a.srs.streams) {
		for i := range h.packets {
			for _, part := range stormHear(h.pcm[i*stormFrame : (i+1)*stormFrame]) {
				if part.voice >= len(frames) {
					continue
				}
				source := h.sources[i]
				if together[source] == nil {
					together[source] = map[int]int{}
				}
				together[source][part.voice]++
				frames[part.voice][part.n] = append(frames[part.voice][part.n], apartFrame{source, h.came[i], h.stamps[i]})
			}
		}
	}
	return frames, together
}

// whole checks that each frame of a voice between two has come, and gives how many have come more than once.
func (a *apartBench) whole(voice, from, to int) (twice int) {
	a.t.Helper()
	frames, _ := a.got()
	var missing []int
	for n := from; n < to; n++ {
		switch len(frames[voice][n]) {
		case 0:
			missing = append(missing, n)
		case 1:
		default:
			twice++
		}
	}
	if len(missing) > 0 {
		a.t.Errorf("voice %d: %d frames of %d to %d are missing: %v", voice, len(missing), from, to, missing)
	}
	return twice
}

// delivery is what has come of a source that is not the line's.
type delivery struct {
	voice, first, last, packets int
}

// delivered checks that what is delivered of a conference has nobody of the other in it, no gap, and the times at which it was captured.
func (a *apartBench) delivered() (list []delivery) {
	a.t.Helper()
	frames, together := a.got()
	spans := a.replayed()
	a.srs.mu.Lock()
	defer a.srs.mu.Unlock()
	streams := slices.Concat(a.dead, a.srs.streams)
	line := map[uint32]bool{}
	for _, h := range streams {
		for i := range min(1, h.packets) { // the line is there first
			line[h.sources[i]] = true
		}
	}
	for source, voices := range together {
		if line[source] {
			continue
		}
		if len(voices) != 1 {
			a.t.Errorf("source %d has %v frames of the voices", source, voices)
			continue
		}
		d := delivery{first: 1 << stormBits}
		for voice := range voices {
			d.voice = voice
		}
		for n, list := range frames[d.voice] {
			if slices.ContainsFunc(list, func(f apartFrame) bool { return f.source == source }) {
				d.first, d.last = min(d.first, n), max(d.last, n)
			}
		}
		for _, h := range streams {
			for _, s := range h.sources {
				if s == source {
					d.packets++
				}
			}
		}
		if said := d.last - d.first + 1; said != voices[d.voice] {
			a.t.Errorf("%d frames of %+v", voices[d.voice], d)
		}
		age := func(at time.Time, n int) time.Duration {
			return at.Sub(a.began[d.voice]) - time.Duration(n)*codecs.FrameDuration
		}
		if !slices.ContainsFunc(spans, func(span [2]time.Time) bool {
			first, last := age(span[0], d.first), age(span[1], d.last)
			return first <= 40*time.Millisecond && last >= 0 && last <= 40*time.Millisecond && int(span[1].Sub(span[0])/codecs.FrameDuration)+1 == d.packets
		}) {
			a.t.Errorf("%+v of a voice that began at %v was not captured in %v", d, a.began[d.voice], spans)
		}
		list = append(list, d)
	}
	all := 0
	for _, d := range list {
		all += d.packets
	}
	if s := a.focus.Stats(); all != int(s.SpooledFrames) {
		a.t.Errorf("%d frames are delivered, %d were spooled", all, s.SpooledFrames)
	}
	return list
}

// settled waits until all that was spooled has been delivered, and checks that nothing is lost.
func (a *apartBench) settled() {
	a.t.Helper()
	a.await("the spool to be delivered", func() bool {
		s := a.focus.Stats()
		return s.SpooledFrames > 0 && s.SpooledFrames == s.DeliveredFrames
	})
	pass(200 * time.Millisecond) // the last of it is on its way
	if n := a.focus.Stats().UnrecordedFrames; n != 0 {
		a.t.Errorf("%d frames are said to be lost", n)
	}
	a.srs.sound()
}

// replayed are the spans of what was delivered.
func (a *apartBench) replayed() (spans [][2]time.Time) {
	a.t.Helper()
	seen := map[string]bool{}
	for _, body := range a.srs.kept().bodies {
		_, rest, found := strings.Cut(string(body), `<replay xmlns="urn:parley:recording:replay:1"`)
		element, _, ended := strings.Cut(rest, ">")
		if !found || !ended || seen[element] {
			continue
		}
		seen[element] = true
		var span struct {
			From time.Time `xml:"from,attr"`
			To   time.Time `xml:"to,attr"`
		}
		must(a.t, xml.Unmarshal([]byte("<replay"+strings.TrimSuffix(element, "/")+"/>"), &span))
		spans = append(spans, [2]time.Time{span.From, span.To})
	}
	return spans
}

// A server of several conferences in one stream goes away and comes back. Each conference gets what nobody was there for as a recording of its own, in
// which the other is not, with the times at which it was captured; the line goes on with both. Each frame is there, and those twice at most of which it
// is not known that the server had them.
//
// Shows SR-PER-06, SR-PER-07, SR-PER-08, SR-ERR-08, RQ-008, RQ-021.
func TestSharedLineSpools(t *testing.T) {
	for name, c := range map[string]struct {
		away, back func(a *apartBench)
		while      time.Duration
		twice      int // frames of a conference at most; 0: as it comes
	}{
		"ends the session and refuses": {
			func(a *apartBench) {
				a.srs.setRefuse(503)
				must(a.t, a.line.Bye(a.t.Context()))
			},
			func(a *apartBench) { a.srs.setRefuse(0) }, 4 * time.Second, 40,
		},
		"takes the stream no more": {func(a *apartBench) { a.takes(false) }, func(a *apartBench) { a.takes(true) }, 4 * time.Second, 40},
		"does not for a moment":    {func(a *apartBench) { a.takes(false) }, func(a *apartBench) { a.takes(true) }, 0, 40},
		"dies":                     {func(a *apartBench) { a.srs.die() }, (*apartBench).reborn, 4 * time.Second, 0},
	} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			a := newApartBench(t, t.TempDir(), nil)
			a.speak(30 * time.Second)
			pass(2 * time.Second)
			first := []int{a.saying(0) - 50, a.saying(1) - 50}
			c.away(a)
			if c.while > 0 {
				pass(c.while)
			}
			c.back(a)
			a.await("the line again", func() bool {
				frames, _ := a.got()
				return len(frames[0][a.saying(0)-5]) > 0 && len(frames[1][a.saying(1)-5]) > 0
			})
			a.settled()
			for voice := range apartRooms {
				twice := a.whole(voice, first[voice], a.saying(voice)-10)
				if c.twice > 0 && twice > c.twice {
					t.Errorf("%d frames of voice %d have come twice", twice, voice)
				}
			}
			if list := a.delivered(); len(list) != len(apartRooms) {
				t.Errorf("delivered are %+v", list)
			}
			for voice, p := range a.phones {
				p.leave(apartRooms[voice])
			}
			a.await("the verdicts", func() bool {
				return !slices.ContainsFunc(a.focus.Assurance(), func(r focus.Assurance) bool { return r.Verdict != "complete" })
			})
			spooled := 0.0
			for _, r := range a.focus.Assurance() {
				if copied := r.Copies[0]; len(r.Copies) != 1 || copied.SpooledSeconds < c.while.Seconds() || copied.SpooledSeconds != copied.DeliveredSeconds || !copied.Servers[0].Acknowledged {
					t.Errorf("%+v", r)
				}
				spooled += r.Copies[0].SpooledSeconds
			}
			if n := a.focus.Stats().SpooledFrames; spooled < 0.02*float64(n)-0.001 || spooled > 0.02*float64(n)+0.001 {
				t.Errorf("%v s of %d frames are of one conference or the other", spooled, n)
			}
		})
	}
}

// What was said in a pause is in nothing that is delivered, nor in the line when it goes on; what was said before and after it is. Of who leaves while the server
// is away all is delivered that he has said.
//
// Shows SR-PER-06, SR-PER-08, SR-UPD-02, RQ-005.
func TestSharedLineSpoolsNoPause(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		a := newApartBench(t, t.TempDir(), nil)
		a.speak(30 * time.Second)
		pass(time.Second)
		from := []int{a.saying(0) - 25, a.saying(1) - 25}
		a.srs.setRefuse(503)
		must(t, a.line.Bye(t.Context()))
		pass(time.Second)
		id := a.state("one").Recordings[0].ID
		_, err := a.focus.PauseRecording(t.Context(), "one", id)
		must(t, err)
		paused := a.saying(0)
		pass(2 * time.Second)
		_, err = a.focus.ResumeRecording(t.Context(), "one", id)
		must(t, err)
		resumed := a.saying(0)
		pass(time.Second)
		a.phones[1].leave("two")
		left := a.saying(1)
		pass(time.Second)
		a.srs.setRefuse(0)
		a.await("the line again", func() bool {
			frames, _ := a.got()
			return len(frames[0][a.saying(0)-5]) > 0
		})
		a.settled()
		a.whole(0, from[0], paused-5)
		a.whole(0, resumed+1, a.saying(0)-10)
		a.whole(1, from[1], left-5)
		frames, _ := a.got()
		for n := paused + 2; n < resumed-5; n++ {
			if got := frames[0][n]; len(got) > 0 {
				t.Errorf("frame %d of the pause from %d to %d has come: %+v", n, paused, resumed, got)
			}
		}
		a.phones[0].leave("one")
		a.await("the verdicts", func() bool {
			return !slices.ContainsFunc(a.focus.Assurance(), func(r focus.Assurance) bool { return r.Verdict != "complete" })
		})
	})
}

// The program dies while the server is away. What is on the disk by then, the next one delivers, of each conference by itself; the spool lacks no more than what
// is kept in memory before it goes there.
//
// Shows SR-ERR-17, SR-PER-08.
func TestSharedLineSpoolSurvives(t *testing.T) {
	dir, died := t.TempDir(), t.TempDir()
	var said [2]int
	t.Run("first", func(t *testing.T) {
		virtual(t, func(t *testing.T) {
			t.Helper()
			a := newApartBench(t, dir, func(c *focus.Config) { c.Deliver = time.Hour })
			a.speak(30 * time.Second)
			pass(time.Second)
			a.srs.setRefuse(503)
			must(t, a.line.Bye(t.Context()))
			pass(4 * time.Second)
			said = [2]int{a.saying(0), a.saying(1)}
			must(t, os.CopyFS(died, os.DirFS(dir))) // as the disk is
		})
	})
	virtual(t, func(t *testing.T) {
		t.Helper()
		a := &apartBench{srs: newRecordingServer(t), began: make([]time.Time, 2)}
		a.bench = spoolBench(t, a.srs, died, func(*focus.Config) {})
		a.await("the spool to be delivered", func() bool { return a.focus.Stats().DeliveredFrames > 2*190 })
		pass(2 * time.Second)
		for voice, n := range said {
			a.whole(voice, 50, n-60) // 300 ms, a look at it every 500 ms, and what the phone and the mix are late by
		}
		_, together := a.got()
		for source, voices := range together {
			if len(voices) != 1 {
				t.Errorf("source %d has %v frames of the voices", source, voices)
			}
		}
		a.srs.sound()
	})
}
