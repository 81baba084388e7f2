package focus_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// Shows RQ-009, RQ-010, RQ-013, RQ-031, SR-SDP-06, SR-SDP-08. Ten speak, each a tone of his own: each has a line of the offer, and a stream in which nobody else is; the
// label of the line, the stream of the metadata and the person go together, and the mixed stream has everybody, with the sources of the loudest.
func TestTenStreams(t *testing.T) {
	const people = 10
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	phones := make([]*phone, people)
	for i := range phones {
		phones[i] = b.dial("room", conftest.PhoneConfig{Name: "p" + strconv.Itoa(i), RecordAware: true})
		if i == 0 {
			b.awaitRecording("room", b.record("room", both), conference.RecordingActive)
		}
	}
	hz := func(i int) float64 { return 300 + 250*float64(i) }
	for i, p := range phones[:3] {
		p.hum(hz(i), 60*time.Second)
	}
	b.await("three in the mixed stream", func() bool { // which comes first
		want := make([]uint32, 1, 4) // none yet, of the stream itself
		for i := range 3 {
			want = append(want, b.find("room", "p"+strconv.Itoa(i)).Session.SSRC)
		}
		slices.Sort(want)
		h := srs.stream("1")
		for i := range 3 {
			if h.level(hz(i), time.Second/5) < loud {
				return false
			}
		}
		return want[0] == 0 && want[1] != 0 && slices.Equal(slices.Sorted(slices.Values(h.csrcs[len(h.csrcs)-1])), want[1:])
	})
	for i, p := range phones[3:] {
		p.hum(hz(i+3), 60*time.Second)
	}
	for i := range phones {
		name := "p" + strconv.Itoa(i)
		var label string
		b.await(name+" alone in a stream of his own", func() bool {
			v := srs.known()
			label = sends(&v, name)
			own := srs.stream(label)
			if label == "" || own.level(hz(i), time.Second/5) < loud {
				return false
			}
			for k := range phones {
				if k != i && own.level(hz(k), time.Second/5) > quiet {
					return false
				}
			}
			return true
		})
	}
	offer := srs.requests()[0].offer
	for _, r := range srs.requests() {
		if r.offer != nil {
			offer = r.offer
		}
	}
	if len(offer.Media) != people+1 {
		t.Errorf("%d lines in the last offer, want %d", len(offer.Media), people+1)
	}
	labels := map[string]bool{}
	for _, m := range offer.Media {
		labels[m.Label] = true
	}
	if len(labels) != people+1 {
		t.Errorf("labels %v", labels)
	}
	srs.sound()
}

// sends gives the label of the stream that only this person feeds.
func sends(v *view, name string) string {
	feeds := map[siprec.ID]int{}
	for _, a := range v.ParticipantStreams {
		for _, stream := range a.Send {
			feeds[stream]++
		}
	}
	for _, a := range v.ParticipantStreams {
		if a.Participant != v.person(name) {
			continue
		}
		for _, stream := range a.Send {
			if feeds[stream] == 1 {
				return v.labels[stream]
			}
		}
	}
	return ""
}

// Shows RQ-023, ME-MIX-15. A clap is at the same moment of all streams that hold it, by the sender reports of each: the stream of who claps, and the mix.
func TestClap(t *testing.T) {
	apart := math.Inf(1)
	for range 3 { // a report made in a tick that was late is off by as much
		t.Run("", func(t *testing.T) { apart = min(apart, clap(t)) })
		if apart <= 5 {
			return
		}
	}
	t.Errorf("the clap is %.1f ms apart in the two streams", apart)
}

// clap gives how many milliseconds a clap is apart in the two streams.
func clap(t *testing.T) float64 {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	b.record("room", both)
	b.await("a report on each stream", func() bool {
		for _, label := range []string{"1", "2"} {
			if h := srs.stream(label); h.packets < 20 || !slices.ContainsFunc(h.reports, func(r report) bool { return r.kind == 200 }) {
				return false
			}
		}
		return true
	})
	alice.hum(1000, 200*time.Millisecond)
	var when [2]float64
	b.await("the clap in both", func() bool {
		for i, label := range []string{"1", "2"} {
			h := srs.stream(label)
			at, err := h.onset()
			if err != nil {
				return false
			}
			when[i] = at
		}
		return true
	})
	return math.Abs(when[0]-when[1]) * 1000
}

// Shows RQ-023. What is said at once by callers whose packets leave at times of their own is at the same moment of their streams, by the sender reports of each.
func TestClapOfSeparateStreams(t *testing.T) {
	apart := math.Inf(1)
	for range 5 { // a machine that is busy has jitter buffers change after the first report
		t.Run("", func(t *testing.T) { apart = min(apart, separateClap(t)) })
		if apart <= 5 {
			return
		}
	}
	t.Errorf("the clap is %.1f ms apart in the streams", apart)
}

// separateClap gives how many milliseconds a clap is apart in the streams of six callers.
func separateClap(t *testing.T) float64 {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	origin, phones := time.Now(), map[string]*phone{}
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin", "frank"} { // that all six have packets leave within 5 of 20 ms is one chance in 170
		phones[name] = b.dial("room", conftest.PhoneConfig{Name: name, RecordAware: true, Origin: origin})
	}
	b.record("room", conference.Separate)
	of := func(name string) heardStream {
		v := srs.known()
		return srs.stream(sends(&v, name))
	}
	for name := range phones {
		b.await("a report on the stream of "+name, func() bool {
			h := of(name)
			return h.packets > 20 && slices.ContainsFunc(h.reports, func(r report) bool { return r.kind == 200 })
		})
	}
	for _, p := range phones {
		p.hum(1000, 200*time.Millisecond)
	}
	var later []float64
	for name, p := range phones {
		b.await("the clap of "+name, func() bool {
			h := of(name)
			at, err := h.onset()
			said, failed := p.Said()
			begins := slices.IndexFunc(said, func(v float64) bool { return math.Abs(v) >= 0.05 })
			if err != nil || failed != nil || begins < 0 {
				return false
			}
			later = append(later, at-float64(begins)/conftest.AnalysisRate)
			return true
		})
	}
	return (slices.Max(later) - slices.Min(later)) * 1000
}

// onset gives when something loud begins in a stream, in seconds of NTP time.
func (h *heardStream) onset() (float64, error) {
	for i, v := range h.pcm {
		if math.Abs(v) < 0.05 {
			continue
		}
		packet, in := i/160, i%160
		if packet >= len(h.stamps) {
			break
		}
		at, err := h.sent(packet)
		return at + float64(in)/8000, err
	}
	return 0, fmt.Errorf("nothing in %d packets", h.packets)
}

// sent gives when the first sample of a packet was captured, by the stream's own sender reports, in seconds of NTP time.
func (h *heardStream) sent(packet int) (float64, error) {
	for _, r := range h.reports {
		if r.kind == 200 {
			ntp := float64(binary.BigEndian.Uint32(r.body[4:])) + float64(binary.BigEndian.Uint32(r.body[8:]))/(1<<32)
			return ntp + float64(int32(h.stamps[packet]-binary.BigEndian.Uint32(r.body[12:])))/8000, nil
		}
	}
	return 0, fmt.Errorf("no report in %d packets", h.packets)
}

// ntp is a time in seconds as sender reports count them.
func ntp(t time.Time) float64 { return float64(t.UnixNano())/1e9 + 2208988800 }

// Shows RQ-022, RQ-024, SR-UPD-07. Metadata, sender reports, events and Date tell the same time: who comes in is in the metadata from where his stream begins, by its
// reports; who leaves has left at the same moment in the metadata and in the event; and the request of a pause is dated.
func TestOneClock(t *testing.T) { virtual(t, testOneClock) }

func testOneClock(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	w := b.focus.Watch("room", "")
	defer w.Close()
	b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	id := b.record("room", conference.Separate)
	b.awaitRecording("room", id, conference.RecordingActive)
	late := math.Inf(1) // of three: a machine may be busy whenever somebody comes
	var bob *phone
	for i, name := range []string{"bob", "carol", "dave"} {
		p := b.dial("room", conftest.PhoneConfig{Name: name, RecordAware: true})
		if i == 0 {
			bob = p
		}
		var first float64
		b.await("a report on the stream of "+name, func() bool {
			v := srs.known()
			h := srs.stream(sends(&v, name))
			var err error
			if h.packets > 0 {
				first, err = h.sent(0)
			}
			return h.packets > 0 && err == nil
		})
		v := srs.known()
		from, _ := v.in(name)
		d := first - ntp(from)
		late = min(late, d)
		if d < -0.001 || d > 5 {
			t.Errorf("%s is there since %v, his stream begins %.0f ms later", name, from, d*1000)
		}
	}
	if late > 0.05 {
		t.Errorf("streams begin %.0f ms after their participants have come", late*1000)
	}
	bob.leave("room")
	left := eventOf(t, w, focus.ParticipantLeft)
	var to time.Time
	b.await("bob to have left", func() bool { v := srs.known(); _, to = v.in("bob"); return !to.IsZero() })
	if d := to.Sub(time.Time(left.Time)).Abs(); d > 50*time.Millisecond {
		t.Errorf("bob has left at %v, the event says %v", to, left.Time)
	}
	before := time.Now().Truncate(time.Second)
	_, err := b.focus.PauseRecording(t.Context(), "room", id)
	must(t, err)
	paused := eventOf(t, w, focus.RecordingPaused)
	all := srs.requests()
	for _, r := range all {
		if date, wrong := http.ParseTime(r.Headers.Get("Date")); wrong != nil || date.After(r.at) || r.at.Sub(date) > 20*time.Second {
			t.Errorf("%s came at %v, Date %q, %v", r.shape(), r.at, r.Headers.Get("Date"), wrong)
		}
	}
	date, err := http.ParseTime(all[len(all)-1].Headers.Get("Date"))
	at := time.Time(paused.Time)
	text, _ := paused.Time.MarshalText()
	if err != nil || date.Before(before) || date.After(at) || !strings.HasSuffix(string(text), "Z") {
		t.Errorf("paused at %s, Date %v, %v", text, date, err)
	}
}

// eventOf waits for an event.
func eventOf(t *testing.T, w *focus.Watcher, kind focus.EventType) focus.Event {
	t.Helper()
	for {
		e, err := w.Next(t.Context())
		must(t, err)
		if e.Type == kind {
			return e
		}
	}
}
