package rtt_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-sip/parley/internal/rtt"
)

const (
	alice = 0xA11CE
	bob   = 0xB0B
	ms    = time.Millisecond
)

// aware is what most tests agree on.
var aware = rtt.Format{Text: 98, Red: 100, Generations: 2, CPS: 90, Aware: true}

// sent is a packet with its time and its blocks.
type sent struct {
	rtt.Packet
	at     time.Duration
	blocks []rtt.Block
}

// text is what a packet has of an age.
func (s *sent) text(age int) string { return string(s.blocks[len(s.blocks)-1-age].Text) }

func (s *sent) offset(age int) time.Duration {
	return time.Duration(s.blocks[len(s.blocks)-1-age].Offset) * ms
}

// rig is an output, and all that it has sent.
type rig struct {
	*testing.T
	out  *rtt.Output
	now  time.Duration
	sent []sent
}

// newRig makes an output that has sent its byte order mark.
func newRig(t *testing.T, f rtt.Format) *rig {
	t.Helper()
	r := &rig{T: t, out: rtt.NewOutput(0, rtt.SenderConfig{SSRC: 1, Sequence: 65534, Timestamp: 1<<32 - 500}, f)}
	r.until(5 * time.Second)
	r.sent = nil
	return r
}

// until lets time pass, and takes each packet when it is due.
func (r *rig) until(end time.Duration) {
	r.Helper()
	for {
		at, ok := r.out.Next()
		if !ok || at > end {
			break
		}
		r.now = max(r.now, at)
		if !r.poll() {
			r.Fatalf("nothing at %v, when something was due", r.now)
		}
	}
	r.now = end
}

func (r *rig) poll() bool {
	r.Helper()
	some := false
	for p, ok := r.out.Poll(r.now); ok; p, ok = r.out.Poll(r.now) {
		some = true
		s := sent{Packet: p, at: r.now, blocks: []rtt.Block{{Text: p.Payload}}}
		if p.PayloadType == aware.Red {
			var err error
			if s.blocks, err = rtt.ParseBlocks(p.Payload); err != nil {
				r.Fatal(err)
			}
		}
		r.sent = append(r.sent, s)
	}
	return some
}

// say has a source write, at this time.
func (r *rig) say(at time.Duration, id uint32, text string) {
	r.Helper()
	r.until(at)
	r.out.Text(at, rtt.Source{ID: id, Name: map[uint32]string{alice: "Alice", bob: "Bob"}[id]}, text)
	r.poll()
}

// fresh is all new text that was sent.
func (r *rig) fresh() string {
	var b strings.Builder
	for i := range r.sent {
		b.WriteString(r.sent[i].text(0))
	}
	return b.String()
}

// Two generations are repeated, the oldest first, each as it was sent; then there is silence.
// Shows ME-RTT-02, ME-RTT-06, ME-RTT-08, ME-RTT-15, ME-RTT-22, ME-RTT-23.
func TestRedundancy(t *testing.T) {
	r := newRig(t, aware)
	r.say(10*time.Second, alice, "one")
	r.say(10*time.Second+100*ms, alice, "two")
	r.until(20 * time.Second)
	want := []struct {
		after  time.Duration
		blocks string
	}{{0, "||one"}, {100 * ms, "|one|two"}, {430 * ms, "one|two|"}, {760 * ms, "two||"}}
	if len(r.sent) != len(want) {
		t.Fatalf("%d packets: %+v", len(r.sent), r.sent)
	}
	for i := range r.sent {
		p := &r.sent[i]
		if got := p.text(2) + "|" + p.text(1) + "|" + p.text(0); got != want[i].blocks || p.at != 10*time.Second+want[i].after {
			t.Errorf("packet %d: %q at %v, want %q after %v", i, got, p.at, want[i].blocks, want[i].after)
		}
		if !p.Mixed || p.Contributor != alice || p.SSRC != 1 {
			t.Errorf("packet %d is from %x of %x", i, p.Contributor, p.SSRC)
		}
	}
	if p := &r.sent[2]; p.offset(1) != 330*ms || p.offset(2) != 430*ms {
		t.Errorf("offsets %v, %v", p.offset(1), p.offset(2))
	}
	if p := &r.sent[0]; p.offset(1) <= 0 || p.offset(2) <= p.offset(1) {
		t.Errorf("empty blocks have offsets %v, %v", p.offset(1), p.offset(2))
	}
}

// Without redundancy the end is one empty block. Shows ME-RTT-08.
func TestWithoutRedundancy(t *testing.T) {
	r := newRig(t, rtt.Format{Text: 98, CPS: 90, Aware: true})
	r.say(10*time.Second, alice, "one")
	r.until(20 * time.Second)
	if len(r.sent) != 2 || r.fresh() != "one" || len(r.sent[1].Payload) != 0 || r.sent[0].PayloadType != 98 {
		t.Errorf("%+v", r.sent)
	}
}

// The smaller number of both sides is used. Shows ME-RTT-21.
func TestGenerations(t *testing.T) {
	for _, n := range []int{1, 2, 3} {
		f := aware
		f.Generations = n
		r := newRig(t, f)
		r.say(10*time.Second, alice, "x")
		r.until(20 * time.Second)
		if len(r.sent) != n+1 || len(r.sent[0].blocks) != n+1 || r.sent[n].text(n) != "x" {
			t.Errorf("%d generations: %+v", n, r.sent)
		}
	}
}

// The clock is in milliseconds, no two packets have the same time, and only the first after silence is marked.
// Shows ME-RTT-03, ME-RTT-04, ME-RTT-16, ME-RTT-18.
func TestTimestampsAndMarker(t *testing.T) {
	r := newRig(t, aware)
	for _, id := range []uint32{alice, bob} {
		r.out.Text(10*time.Second, rtt.Source{ID: id}, "x")
	}
	r.until(10 * time.Second)
	r.poll()
	r.until(20 * time.Second)
	r.say(20*time.Second, bob, "y")
	r.until(30 * time.Second)
	last := map[uint32]time.Duration{}
	seen := map[uint32]bool{}
	for i := range r.sent {
		p := &r.sent[i]
		if want := i == 0 || p.at == 20*time.Second; p.Marker != want {
			t.Errorf("packet %d at %v: marker %v", i, p.at, p.Marker)
		}
		if seen[p.Timestamp] {
			t.Errorf("packet %d has the timestamp of another", i)
		}
		seen[p.Timestamp] = true
		if at := time.Duration(p.Timestamp+500) * ms; at < p.at || at > p.at+2*ms {
			t.Errorf("packet %d of %v has the time %v", i, p.at, at)
		}
		if before, ok := last[p.Contributor]; ok && p.at-before > 330*ms && p.at != 20*time.Second {
			t.Errorf("packet %d comes %v after the one before", i, p.at-before)
		}
		last[p.Contributor] = p.at
		if all := p.text(0) + p.text(1) + p.text(2); p.Contributor == alice && all != "x" || p.Contributor == bob && len(all) != 1 {
			t.Errorf("packet %d of %x: %q", i, p.Contributor, all)
		}
	}
	if len(r.sent) != 9 {
		t.Errorf("%d packets", len(r.sent))
	}
}

// What is older than the offset can tell is an empty block. Shows ME-RTT-05.
func TestOldRedundancy(t *testing.T) {
	r := newRig(t, aware)
	r.say(10*time.Second, alice, "old")
	r.now = 10*time.Second + 16383*ms + ms // nobody polls for that long
	r.out.Text(r.now, rtt.Source{ID: alice}, "new")
	r.poll()
	for i := range r.sent {
		for _, b := range r.sent[i].blocks {
			if r.sent[i].at > 10*time.Second && string(b.Text) == "old" {
				t.Errorf("an old block with an offset of %d", b.Offset)
			}
		}
	}
	if r.fresh() != "oldnew" {
		t.Errorf("sent %q", r.fresh())
	}
}

// The first that goes is a byte order mark of the mixer, with its redundancy. Shows ME-RTT-19.
func TestByteOrderMark(t *testing.T) {
	for _, f := range []rtt.Format{aware, {Text: 98, Red: 100, Generations: 2}} {
		r := &rig{T: t, out: rtt.NewOutput(0, rtt.SenderConfig{SSRC: 1}, f)}
		r.until(5 * time.Second)
		if len(r.sent) != 3 {
			t.Fatalf("%+v", r.sent)
		}
		for i := range r.sent {
			if p := &r.sent[i]; p.Mixed || p.text(i) != "\ufeff" || p.Marker != (i == 0) {
				t.Errorf("packet %d: %+v", i, p)
			}
		}
		if r.sent[0].at != 0 {
			t.Errorf("it goes at %v", r.sent[0].at)
		}
	}
}

// A block ends between signs, however many characters they have. Shows ME-RTT-07.
func TestWholeSigns(t *testing.T) {
	signs := []string{"👩🏽\u200d🚒", "e\u0301", "🇩🇪", "🇫🇷", "क्\u200dष", "ß", "\r\n", "漢"}
	f := aware
	f.CPS = 5
	for start := range signs {
		r := newRig(t, f)
		text := strings.Repeat(strings.Join(append(append([]string(nil), signs[start:]...), signs[:start]...), ""), 12)
		r.say(10*time.Second, alice, text)
		r.until(10 * time.Minute)
		if r.fresh() != text {
			t.Errorf("%d characters became %d", utf8.RuneCountInString(text), utf8.RuneCountInString(r.fresh()))
		}
		for i := range r.sent {
			rest := r.sent[i].text(0)
			for rest != "" {
				n := 0
				for _, sign := range signs {
					if strings.HasPrefix(rest, sign) {
						n = max(n, len(sign))
					}
				}
				if n == 0 {
					t.Fatalf("packet %d begins or ends within a sign: %q", i, r.sent[i].text(0))
				}
				rest = rest[n:]
			}
		}
	}
}

// In no ten seconds more goes than the far end takes, of all sources together; nothing is lost, and nobody waits for all others.
// Shows ME-RTT-10, ME-RTT-11.
func TestRate(t *testing.T) {
	for _, f := range []rtt.Format{{Text: 98, Red: 100, Generations: 2, CPS: 10, Aware: true}, {Text: 98, Red: 100, Generations: 2, CPS: 10}} {
		rate(t, f)
	}
}

func rate(t *testing.T, f rtt.Format) {
	t.Helper()
	r := newRig(t, f)
	r.out.Text(20*time.Second, rtt.Source{ID: alice}, strings.Repeat("a", 999)+".")
	r.out.Text(20*time.Second, rtt.Source{ID: bob}, strings.Repeat("b", 500))
	r.until(20 * time.Second)
	r.until(400 * time.Second)
	if got := r.fresh(); strings.Count(got, "a") != 999 || strings.Count(got, "b") != 500 {
		t.Errorf("%d and %d characters went", strings.Count(got, "a"), strings.Count(got, "b"))
	}
	var first time.Duration
	for i := range r.sent {
		count := 0
		for j := i; j < len(r.sent) && r.sent[j].at < r.sent[i].at+10*time.Second; j++ {
			count += utf8.RuneCountInString(r.sent[j].text(0))
		}
		if count > 100 {
			t.Fatalf("%d characters in the ten seconds from %v", count, r.sent[i].at)
		}
		if first == 0 && strings.Contains(r.sent[i].text(0), "b") {
			first = r.sent[i].at
		}
	}
	if f.Aware && first > 60*time.Second {
		t.Errorf("the second source waits until %v", first)
	}
}

// What waits is bounded, and the end of what was taken is marked. Shows ME-RTT-11.
func TestBook(t *testing.T) {
	r := newRig(t, aware)
	lost := r.out.Text(r.now, rtt.Source{ID: alice}, strings.Repeat("book ", 100000))
	if n := r.out.Waiting() - 1; n+lost != 500000 { // without the mark for what is lost
		t.Errorf("of 500000 characters %d wait and %d are lost", n, lost)
	}
	r.until(30 * time.Minute)
	if n := utf8.RuneCountInString(r.fresh()); n > 10000 || n < 8000 || !strings.HasSuffix(r.fresh(), "\ufffd") {
		t.Errorf("%d characters were sent, the last %q", n, r.fresh()[len(r.fresh())-3:])
	}
}

// With loss packets become fewer, not their redundancy. Shows ME-RTT-12.
func TestCongestion(t *testing.T) {
	r := newRig(t, aware)
	r.out.Congestion(0.5)
	for i := range 30 {
		r.say(10*time.Second+time.Duration(i)*100*ms, alice, "x")
	}
	r.until(30 * time.Second)
	if r.fresh() != strings.Repeat("x", 30) {
		t.Errorf("sent %q", r.fresh())
	}
	for i := 1; i < len(r.sent); i++ {
		if gap := r.sent[i].at - r.sent[i-1].at; gap < 900*ms {
			t.Errorf("packet %d after %v", i, gap)
		}
		if r.sent[i].text(1) != r.sent[i-1].text(0) || len(r.sent[i].blocks) != 3 {
			t.Errorf("packet %d repeats %q", i, r.sent[i].text(1))
		}
	}
	r.out.Congestion(0)
	r.sent = nil
	r.say(40*time.Second, alice, "a")
	r.say(40*time.Second+50*ms, alice, "b")
	if len(r.sent) != 2 {
		t.Errorf("%d packets once nothing is lost", len(r.sent))
	}
}

// What nobody may read any more is neither sent nor repeated.
func TestDrop(t *testing.T) {
	for _, f := range []rtt.Format{aware, {Text: 98, Red: 100, Generations: 2, CPS: 90}} {
		r := newRig(t, f)
		r.say(10*time.Second, alice, "known")
		r.say(10*time.Second, bob, "secret")
		r.out.Text(10*time.Second, rtt.Source{ID: bob}, "hidden")
		r.out.Drop(bob)
		before := len(r.sent)
		r.until(100 * time.Second)
		for i := before; i < len(r.sent); i++ {
			for _, b := range r.sent[i].blocks {
				if strings.Contains(string(b.Text), "hidden") || f.Aware && strings.Contains(string(b.Text), "secret") {
					t.Errorf("%q at %v", b.Text, r.sent[i].at)
				}
			}
		}
	}
}
