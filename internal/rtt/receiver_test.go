package rtt_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/rtt"
)

// stream is n packets of one sender with the letters from a, each with the redundancy of two before.
func stream(t *testing.T, n int) []sent {
	t.Helper()
	r := newRig(t, rtt.Format{Text: 98, Red: 100, Generations: 2, CPS: 90, Aware: true})
	for i := range n {
		r.say(10*time.Second+time.Duration(i)*300*ms, alice, string(rune('a'+i)))
	}
	for i := range r.sent { // of a far end that is no mixer
		r.sent[i].Mixed, r.sent[i].SSRC = false, alice
	}
	return r.sent
}

func join(list []rtt.Text) string {
	var b strings.Builder
	for _, x := range list {
		b.WriteString(x.Text)
	}
	return b.String()
}

// Up to two lost packets in a row are repaired at once; more are marked, after a second. Shows ME-RTT-09.
func TestLoss(t *testing.T) {
	for lost, want := range map[int]string{0: "abcdefghij", 1: "abcdefghij", 2: "abcdefghij", 3: "abc\ufffdefghij", 5: "abc\ufffdghij"} {
		t.Run(strconv.Itoa(lost), func(t *testing.T) {
			in := rtt.NewReceiver(aware)
			var got []rtt.Text
			packets := stream(t, 10)
			for i := range packets {
				if i < 3 || i >= 3+lost {
					got = append(got, in.Put(packets[i].at, packets[i].Packet)...)
				}
				if lost > 0 && lost < 3 && i == 3+lost && join(got) != want[:i+1] {
					t.Errorf("repaired late: %q", join(got))
				}
			}
			end := packets[len(packets)-1].at
			if at, ok := in.Next(); ok {
				end = at
			}
			got = append(got, in.Poll(end)...)
			if join(got) != want || in.Stats().Lost != uint64(lost) {
				t.Errorf("%q, %+v", join(got), in.Stats())
			}
			for _, x := range got {
				if x.Source != alice {
					t.Errorf("text of %x", x.Source)
				}
			}
		})
	}
}

// A packet that comes within a second is in time, and one that comes later or twice is nothing. Shows ME-RTT-09.
func TestReordering(t *testing.T) {
	packets := stream(t, 10)
	in := rtt.NewReceiver(rtt.Format{Text: 98, Red: 100, Generations: 2})
	start := packets[0].at
	got := in.Put(start, packets[0].Packet)
	got = append(got, in.Put(start+10*ms, packets[4].Packet)...)
	got = append(got, in.Put(start+20*ms, packets[5].Packet)...)
	if at, ok := in.Next(); !ok || at != start+10*ms+time.Second || join(got) != "a" {
		t.Fatalf("%q until %v", join(got), at)
	}
	got = append(got, in.Put(start+900*ms, packets[3].Packet)...) // has what was in 1 and 2
	if join(got) != "abcdef" {
		t.Errorf("%q", join(got))
	}
	for _, i := range []int{1, 2, 3, 5} {
		if late := in.Put(start+time.Second, packets[i].Packet); len(late) > 0 {
			t.Errorf("packet %d again: %q", i, join(late))
		}
	}
	if in.Stats().Marked != 0 {
		t.Errorf("%+v", in.Stats())
	}
}

// Byte order marks are no text, and what is no UTF-8 becomes a mark. Shows ME-RTT-20.
func TestClean(t *testing.T) {
	in := rtt.NewReceiver(rtt.Format{Text: 98})
	p := rtt.Packet{PayloadType: 98, SSRC: alice, Payload: []byte("\ufeffa\ufeff\xffb")}
	if got := join(in.Put(0, p)); got != "a\ufffdb" {
		t.Errorf("%q", got)
	}
	p.Sequence, p.PayloadType = 1, 99
	if got := in.Put(0, p); len(got) > 0 {
		t.Errorf("an unknown format: %q", join(got))
	}
}

// A far end that begins anew is read from the beginning, and nothing of before is lost.
func TestNewSource(t *testing.T) {
	packets := stream(t, 8)
	in := rtt.NewReceiver(rtt.Format{Text: 98, Red: 100, Generations: 2})
	got := in.Put(0, packets[0].Packet)
	got = append(got, in.Put(0, packets[5].Packet)...)
	if join(got) != "a" {
		t.Fatalf("%q", join(got))
	}
	p := packets[0].Packet
	p.SSRC, p.Sequence, p.Timestamp = bob, 7, 1
	got = append(got, in.Put(0, p)...)
	if want := "a\ufffddefa"; join(got) != want || got[len(got)-1].Source != bob {
		t.Errorf("%q, want %q", join(got), want)
	}
}

// mixedStream is what a mixer sends of two who write at once: eight letters of one, eight digits of the other.
func mixedStream(t *testing.T) []sent {
	t.Helper()
	r := newRig(t, aware)
	for i := range 8 {
		r.say(10*time.Second+time.Duration(i)*300*ms, alice, string(rune('a'+i)))
		r.say(10*time.Second+time.Duration(i)*300*ms+100*ms, bob, string(rune('0'+i)))
	}
	r.until(20 * time.Second)
	return r.sent
}

// Behind another mixer each source is put together by itself. Loss is that of the stream: two packets are always repaired, and as many as
// redundancy cannot cover are marked as the mixer's. Shows ME-RTT-33.
func TestChainedMixer(t *testing.T) {
	for lost := range 6 {
		in := rtt.NewReceiver(aware)
		text, marks := map[uint32]string{}, 0
		take := func(list []rtt.Text) {
			for _, x := range list {
				if x.Text == "\ufffd" {
					marks++
					if x.Source != 1 {
						t.Errorf("the mark is of %x", x.Source)
					}
					continue
				}
				text[x.Source] += x.Text
			}
		}
		packets := mixedStream(t)
		for i := range packets {
			if i < 5 || i >= 5+lost {
				take(in.Put(packets[i].at, packets[i].Packet))
			}
		}
		take(in.Poll(time.Minute))
		if lost < 5 && (text[alice] != "abcdefgh" || text[bob] != "01234567") {
			t.Errorf("%d lost: %v", lost, text)
		}
		if want := lost > 2; (marks > 0) != want {
			t.Errorf("%d lost: %d marks", lost, marks)
		}
	}
}
