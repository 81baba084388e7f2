package focus_test

import (
	"encoding/binary"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/conftest"
)

// captured are the times at which what came in a stream was captured, by what the sender reports of its sources say (RFC 3550, section 6.4.1), in order.
func (h *heardStream) captured() (times []time.Time) {
	type anchor struct {
		at    time.Time
		stamp uint32
	}
	anchors := map[uint32]anchor{}
	for _, r := range h.reports {
		if r.kind != 200 || len(r.body) < 24 {
			continue
		}
		seconds, fraction := binary.BigEndian.Uint32(r.body[4:]), uint64(binary.BigEndian.Uint32(r.body[8:]))
		at := time.Unix(int64(seconds)-2208988800, int64(fraction*uint64(time.Second)>>32))
		anchors[binary.BigEndian.Uint32(r.body)] = anchor{at, binary.BigEndian.Uint32(r.body[12:])}
	}
	for i, stamp := range h.stamps {
		if a, ok := anchors[h.sources[i]]; ok {
			times = append(times, a.at.Add(time.Duration(int32(stamp-a.stamp))*time.Second/8000))
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// At the seam of what the spool delivers and what is recorded live no frame is missing, and none is there twice: by the sender reports of both, the frames of each
// stream were captured one after the other, from the time on of which the metadata say that it is the first.
//
// Shows SR-ERR-08, RQ-021.
func TestSeamOfTheSpool(t *testing.T) { virtual(t, testSeamOfTheSpool) }

func testSeamOfTheSpool(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	srs.setRefuse(503)
	b := spoolBench(t, srs, t.TempDir(), func(*focus.Config) {})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(500, time.Minute)
	b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 100 })
	srs.setRefuse(0)
	b.await("live audio", func() bool { return srs.stream("2").packets > 50 })
	b.await("the spool to be delivered", func() bool {
		s := b.focus.Stats()
		return s.SpooledFrames == s.DeliveredFrames && s.SpooledFrames > 0
	})
	pass(3 * time.Second) // reports of all
	alice.leave("room")
	pass(time.Second)
	kept := srs.kept()
	from := time.Time{}
	for _, body := range kept.bodies {
		if m := regexp.MustCompile(`<replay [^>]*from="([^"]*)"`).FindSubmatch(body); m != nil {
			at, err := time.Parse(time.RFC3339Nano, string(m[1]))
			must(t, err)
			from = at
		}
	}
	first := time.Time{}
	for _, h := range kept.streams {
		times := h.captured()
		if len(h.ssrcs) != 2 || len(times) != len(h.stamps) || len(times) < 250 {
			t.Fatalf("stream %s: %d of %d packets of %d sources have a time", h.label, len(times), len(h.stamps), len(h.ssrcs))
		}
		for i := 1; i < len(times); i++ {
			if step := times[i].Sub(times[i-1]); (step - 20*time.Millisecond).Abs() > time.Millisecond {
				t.Errorf("stream %s: %v after %v comes %v", h.label, times[i-1], times[i-1].Sub(from), step)
			}
		}
		if first.IsZero() || times[0].Before(first) {
			first = times[0]
		}
	}
	if off := first.Sub(from).Abs(); off > time.Millisecond {
		t.Errorf("the first frame was captured at %v, the metadata say %v", first, from)
	}
}
