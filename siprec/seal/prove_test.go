package seal_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/siprec/seal"
)

// sent makes packets and their sealed stream.
func sent(first uint16, n int) ([]seal.Packet, seal.Stream) {
	d := seal.NewDigest()
	packets := make([]seal.Packet, n)
	for i := range packets {
		packets[i] = seal.Packet{SSRC: 7, Sequence: first + uint16(i), Payload: []byte{byte(i), byte(i >> 8), byte(i >> 16), 9}}
		d.Add(7, packets[i].Sequence, packets[i].Payload)
	}
	var s seal.Stream
	d.Fill(&s)
	return packets, s
}

// Whatever was lost, reordered or altered on the way, the proof tells: it never calls intact what is not, and proves what is, but
// for the blocks with losses.
func TestProve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(1, 600), rapid.IntRange(3000, 12000), rapid.IntRange(60_000, 140_000)).Draw(t, "packets")
		packets, s := sent(uint16(rapid.IntRange(0, 65535).Draw(t, "first")), n)
		if len(s.Blocks) > 16 || s.Span != uint64(n) {
			t.Fatalf("%d blocks, span %d", len(s.Blocks), s.Span)
		}
		lost := map[int]bool{}
		for range rapid.IntRange(0, 3).Draw(t, "losses") {
			from := rapid.IntRange(0, n-1).Draw(t, "from")
			for i := from; i < min(n, from+rapid.IntRange(1, 300).Draw(t, "length")); i++ {
				lost[i] = true
			}
		}
		var received []seal.Packet
		for i, p := range packets {
			if !lost[i] {
				received = append(received, p)
			}
		}
		if len(received) > 1 && rapid.Bool().Draw(t, "reordered") {
			i := rapid.IntRange(0, len(received)-2).Draw(t, "where")
			received[i], received[i+1] = received[i+1], received[i]
			received = append(received, received[len(received)-1]) // and one came twice
		}
		p := s.Prove(received)
		size := s.BlockPackets
		unproved := map[int]int{}
		for i := range lost {
			unproved[(int(s.FirstSequence)+i)/size] = 0
		}
		for i := range n {
			if _, ok := unproved[(int(s.FirstSequence)+i)/size]; ok && !lost[i] {
				unproved[(int(s.FirstSequence)+i)/size]++
			}
		}
		want := seal.Proof{Intact: len(lost) == 0, Lost: uint64(len(lost))}
		for _, k := range unproved {
			want.Unproved += uint64(k)
		}
		want.Proved = uint64(n-len(lost)) - want.Unproved
		if p != want {
			t.Fatalf("%+v, want %+v", p, want)
		}
		if len(received) == 0 {
			return
		}
		i := rapid.IntRange(0, len(received)-1).Draw(t, "altered")
		received = slices.Clone(received)
		received[i].Payload = []byte("something else")
		for k := range received {
			if received[k].Sequence == received[i].Sequence {
				received[k].Payload = received[i].Payload
			}
		}
		if q := s.Prove(received); q.Intact || q.Altered == 0 && q.Unproved == 0 {
			t.Fatalf("altered: %+v", q)
		}
	})
}

// What is of another source, or was never sent, is no part of a recording.
func TestProveStrange(t *testing.T) {
	packets, s := sent(100, 1000)
	for name, p := range map[string]seal.Packet{
		"another source": {SSRC: 8, Sequence: 200, Payload: []byte("x")},
		"after the end":  {SSRC: 7, Sequence: 1100, Payload: []byte("x")},
		"before":         {SSRC: 7, Sequence: 99, Payload: []byte("x")},
	} {
		if got := s.Prove(append(slices.Clone(packets), p)); got.Intact || got.Strange != 1 || got.Proved != 1000 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Packets that could not be sent leave holes that are nobody's fault; another source is counted.
func TestDigestWithHoles(t *testing.T) {
	d := seal.NewDigest()
	var packets []seal.Packet
	for i := range uint16(700) {
		if i%100 != 50 {
			packets = append(packets, seal.Packet{SSRC: 7, Sequence: 65400 + i, Payload: []byte{byte(i), byte(i >> 8)}})
			d.Add(7, 65400+i, packets[len(packets)-1].Payload)
		}
	}
	var s seal.Stream
	d.Fill(&s)
	if got := s.Prove(packets); !got.Intact || got.Proved != 693 {
		t.Errorf("%+v", got)
	}
	if got := s.Prove(packets[1:]); got.Intact || got.Lost != 1 || got.Altered != 0 || got.Proved == 0 {
		t.Errorf("%+v", got)
	}
	d.Add(8, 1, []byte("x"))
	d.Fill(&s)
	if got := s.Prove(packets); got.Intact || got.Lost != 1 || s.Unsealed != 1 {
		t.Errorf("%+v", got)
	}
	d.Add(8, 2, []byte("x"))
	d.Fill(&s)
	// One of the two is there: what it says is not sealed, but it was sent.
	one := append(slices.Clone(packets), seal.Packet{SSRC: 8, Sequence: 1, Payload: []byte("x")})
	if got := s.Prove(one); got.Intact || got.Lost != 1 || got.Strange != 0 || got.Proved != 693 {
		t.Errorf("%+v", got)
	}
}

// After a pause of whole blocks the stream has no hash but that of all of it: it proves all or nothing, and calls nothing altered.
func TestDigestWithPause(t *testing.T) {
	for _, pause := range []uint16{256, 300, 600} {
		d := seal.NewDigest()
		packets := make([]seal.Packet, 0, 1000)
		for i := range uint16(1000) {
			n := 500 + i
			if i >= 268 { // at the end of a block
				n += pause
			}
			packets = append(packets, seal.Packet{SSRC: 7, Sequence: n, Payload: []byte{byte(i), byte(i >> 8)}})
			d.Add(7, n, packets[i].Payload)
		}
		var s seal.Stream
		d.Fill(&s)
		if got, want := s.Prove(packets), (seal.Proof{Intact: true, Proved: 1000}); got != want {
			t.Errorf("%d: %+v", pause, got)
		}
		if got, want := s.Prove(packets[1:]), (seal.Proof{Lost: 1, Unproved: 999}); got != want {
			t.Errorf("%d, without the first: %+v", pause, got)
		}
	}
}

// Whatever its length and wherever its numbers begin, a stream has the hashes of at least eight blocks as soon as it is long enough for so many, and what
// is not next to a loss is proved by them.
func TestDigestIsFine(t *testing.T) {
	const block = 256
	for _, first := range []uint16{0, 100, 256, 65535} {
		for blocks := 1; blocks <= 70; blocks++ {
			packets, s := sent(first, blocks*block)
			if n := len(s.Blocks); n > 16 || n < min(blocks, 8) {
				t.Errorf("%d blocks from %d: %d hashes", blocks, first, n)
			}
			got := s.Prove(packets[:len(packets)-1])
			if got.Lost != 1 || got.Altered != 0 || int(got.Unproved) >= s.BlockPackets || got.Proved+got.Unproved != uint64(len(packets)-1) {
				t.Errorf("%d blocks from %d, without the last packet: %+v", blocks, first, got)
			}
			if blocks > 1 && got.Proved == 0 {
				t.Errorf("%d blocks from %d: nothing is proved", blocks, first)
			}
		}
	}
}

// The sequence numbers go round: packets change places just there, or most of a cycle is lost.
func TestProveAcrossCycles(t *testing.T) {
	packets, s := sent(0, 140_000)
	swapped := slices.Clone(packets)
	for _, cycle := range []int{65536, 131072} {
		swapped[cycle-1], swapped[cycle] = swapped[cycle], swapped[cycle-1]
	}
	if got, want := s.Prove(swapped), (seal.Proof{Intact: true, Proved: 140_000}); got != want {
		t.Errorf("swapped: %+v", got)
	}
	if got := s.Prove(packets[40_000:]); got.Lost != 40_000 || got.Strange != 0 || got.Altered != 0 || got.Proved == 0 {
		t.Errorf("without the first 40,000: %+v", got)
	}
}

// The media path hashes without allocating: for minutes, not only for the first packet.
func TestDigestAllocates(t *testing.T) {
	d := seal.NewDigest()
	payload := make([]byte, 160)
	n := uint16(0)
	if allocs := testing.AllocsPerRun(20_000, func() { d.Add(1, n, payload); n++ }); allocs != 0 {
		t.Errorf("%v allocations a packet", allocs)
	}
}

// BenchmarkDigest is what the seal costs the media path: one packet of 20 ms.
func BenchmarkDigest(b *testing.B) {
	for name, size := range map[string]int{"opus": 80, "g711": 160, "l16": 1920} {
		b.Run(name, func(b *testing.B) {
			d := seal.NewDigest()
			payload := make([]byte, size)
			b.ReportAllocs()
			n := uint16(0)
			for b.Loop() {
				d.Add(1, n, payload)
				n++
			}
		})
	}
}

// A part of a stream that goes on for hours is found among the others, wherever the sequence numbers go round; what is changed in it is found, what is
// changed beside it is of others.
func TestProvePart(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const n = 150_000
	for _, c := range []struct {
		first        uint16
		from, length int
	}{{0, 0, 1}, {65_000, 66_000, 70_000}, {7, 100, 500}, {7, 65_636, 1000}, {30_000, 140_000, 10_000}} {
		d := seal.NewDigest()
		received := make([]seal.Packet, n)
		for i := range received {
			received[i] = seal.Packet{
				SSRC: 7, Sequence: c.first + uint16(i), Payload: []byte{byte(i), byte(i >> 8), byte(i >> 16), 9}, At: began.Add(time.Duration(i) * 20 * time.Millisecond),
			}
			if i >= c.from && i < c.from+c.length {
				d.Add(7, received[i].Sequence, received[i].Payload)
			}
		}
		var s seal.Stream
		d.Fill(&s)
		at := received[c.from].At.Add(time.Minute) // clocks differ
		whole := seal.Proof{Intact: true, Proved: uint64(c.length)}
		if p := s.ProvePart(received, at); p != whole {
			t.Errorf("%+v: %+v, want %+v", c, p, whole)
		}
		middle := c.from + c.length/2
		if p := s.ProvePart(slices.Delete(slices.Clone(received), middle, middle+1), at); p.Intact || p.Altered != 0 || p.Lost != 1 {
			t.Errorf("%+v, one lost: %+v", c, p)
		}
		changed := func(i int) []seal.Packet {
			list := slices.Clone(received)
			list[i].Payload = []byte("something else")
			return list
		}
		if p := s.ProvePart(changed(middle), at); p.Intact || p.Altered == 0 {
			t.Errorf("%+v, altered: %+v", c, p)
		}
		if p := s.ProvePart(changed((c.from+c.length)%n), at); p != whole {
			t.Errorf("%+v, altered beside it: %+v", c, p)
		}
	}
	s := seal.Stream{Packets: 5, Span: 5}
	if p := s.ProvePart(nil, began); p.Intact || p.Lost != 5 {
		t.Errorf("nothing there: %+v", p)
	}
}
