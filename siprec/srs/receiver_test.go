package srs

import (
	"encoding/binary"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

const frame = 20 * time.Millisecond

// A bench feeds a receiver with packets at made-up times.
type bench struct {
	t     testing.TB
	rx    *receiver
	name  string
	from  netip.AddrPort
	codec codecs.Codec
}

func newBench(tb testing.TB, codec codecs.Codec, known clocks) *bench {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "x.wav")
	file, err := createWAV(name, codec.SampleRate(), channelsOf(codec))
	if err != nil {
		tb.Fatal(err)
	}
	b := &bench{t: tb, name: name, from: netip.MustParseAddrPort("192.0.2.1:4000"), codec: codec}
	b.rx = newReceiver(file, codec.SampleRate(), &Stream{}, known, &origin{})
	b.share()
	err = b.rx.configure(sdp.Stream{Codec: codec, Accepts: []sdp.ReceivePayload{{Number: 96, Codec: codec, ClockRate: codec.ClockRate()}}})
	if err != nil {
		tb.Fatal(err)
	}

	return b
}

// share gives benches one recording: when one needs room before the beginning, all files grow.
func (b *bench) share(others ...*bench) {
	from := b.rx.origin
	from.later = func(by time.Duration) (bool, error) {
		for _, o := range append(others, b) {
			if err := o.rx.file.shift(int64(by)*int64(o.rx.rate)/int64(time.Second), false); err != nil {
				return true, err
			}
		}

		return true, nil
	}
	for _, o := range others {
		o.rx.origin = from
	}
}

func rtpPacket(seq uint16, timestamp, ssrc uint32, payload []byte) []byte {
	b := []byte{0x80, 96}
	b = binary.BigEndian.AppendUint16(b, seq)
	b = binary.BigEndian.AppendUint32(b, timestamp)
	b = binary.BigEndian.AppendUint32(b, ssrc)

	return append(b, payload...)
}

// send gives packet n, of 20 ms PCMU with a value of its own, at a time.
func (b *bench) send(n int, at time.Duration) { b.sendAs(n, uint32(n*160), 1, at) }

func (b *bench) sendAs(n int, timestamp, ssrc uint32, at time.Duration) {
	b.t.Helper()
	if err := b.rx.packet(rtpPacket(uint16(n), timestamp, ssrc, ulaw(n)), b.from, at); err != nil {
		b.t.Fatal(err)
	}
}

// ulaw is a payload that decodes to one value all over, by which packet n is known again.
func ulaw(n int) []byte {
	p := make([]byte, 160)
	for i := range p {
		p[i] = byte(0x80 + n%100)
	}

	return p
}

func valueOf(t fatal, n int) int16 {
	t.Helper()
	d, err := codecs.NewDecoder(codecs.PCMU)
	if err != nil {
		t.Fatal(err)
	}
	var pcm [160]int16
	if _, err := d.Decode(pcm[:], ulaw(n)); err != nil {
		t.Fatal(err)
	}

	return pcm[100]
}

func (b *bench) finish(at time.Duration) []int16 {
	b.t.Helper()
	if err := b.rx.play(at, true); err != nil {
		b.t.Fatal(err)
	}
	b.rx.retire()
	if err := b.rx.file.close(); err != nil {
		b.t.Fatal(err)
	}

	return readWAV(b.t, b.name)
}

// fatal is what a test and a property have in common.
type fatal interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// has checks that packet n is at a sample, but for the blend after a concealment.
func has(t fatal, pcm []int16, n, at int) {
	t.Helper()
	want := valueOf(t, n)
	if at < 0 || at+160 > len(pcm) {
		t.Fatalf("packet %d at %d of %d samples", n, at, len(pcm))
	}
	for i := 100; i < 150; i++ {
		if pcm[at+i] != want {
			t.Fatalf("packet %d at %d: sample %d is %d, not %d", n, at, i, pcm[at+i], want)
		}
	}
}

func silent(tb testing.TB, pcm []int16, from, to int) {
	tb.Helper()
	for i := from; i < to; i++ {
		if pcm[i] != 0 {
			tb.Fatalf("sample %d is %d, not silence", i, pcm[i])
		}
	}
}

func TestPlainStream(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	for n := range 100 {
		b.send(n, 500*time.Millisecond+time.Duration(n)*frame)
	}
	pcm := b.finish(3 * time.Second)
	silent(t, pcm, 0, 4000)
	for n := range 100 {
		has(t, pcm, n, 4000+160*n)
	}
	if b.rx.report.Packets != 100 || b.rx.report.Lost != 0 || b.rx.first != 4000 {
		t.Errorf("%+v first %d", b.rx.report, b.rx.first)
	}
}

// The first packet came 30 ms late: what tells the time is the quickest one.
func TestFirstPacketLate(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	for n := range 100 {
		at := time.Second + time.Duration(n)*frame
		if n < 3 {
			at = time.Second + 60*time.Millisecond
		}
		b.send(n, at)
	}
	pcm := b.finish(4 * time.Second)
	for n := range 100 {
		has(t, pcm, n, 8000+160*n)
	}
}

// Loss, reordering and duplicates as the property: what arrives within the time for
// reordering is at its place, whatever happens around it.
func TestLossAndReordering(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, codecs.PCMU, clocks{})
		type arrival struct {
			n  int
			at time.Duration
		}
		var arrivals []arrival
		kept := map[int]bool{}
		for n := range 60 {
			at := time.Second + time.Duration(n)*frame
			// The first second sets the time line, which is not what is tested here.
			fate := rapid.IntRange(0, 9).Draw(rt, "fate")
			if n < 5 || fate > 2 {
				arrivals = append(arrivals, arrival{n, at})
				kept[n] = true
			}
			switch {
			case n < 5:
			case fate == 1:
				arrivals = append(arrivals, arrival{n, at + time.Duration(rapid.IntRange(1, 90).Draw(rt, "delay"))*time.Millisecond})
				kept[n] = true
			case fate == 9:
				arrivals = append(arrivals, arrival{n, at + time.Millisecond})
			}
		}
		for at := time.Second; at < 4*time.Second; at += time.Millisecond {
			for _, a := range arrivals {
				if a.at == at {
					b.send(a.n, at)
				}
			}
			if err := b.rx.play(at, false); err != nil {
				rt.Fatal(err)
			}
		}
		pcm := b.finish(4 * time.Second)
		for n := range kept {
			has(rt, pcm, n, 8000+160*n)
		}
		r := b.rx.report
		last := 0
		for n := range kept {
			last = max(last, n)
		}
		if int(r.Packets) != len(kept) || int(r.Lost) != last+1-len(kept) || r.Late != 0 {
			rt.Fatalf("%d kept up to %d: %+v", len(kept), last, r)
		}
	})
}

func TestLateAndDuplicateAreCounted(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	for n := range 40 {
		if n != 20 {
			b.send(n, time.Duration(n)*frame)
		}
	}
	b.send(20, 800*time.Millisecond) // given up
	b.send(20, 801*time.Millisecond)
	b.send(30, 802*time.Millisecond)
	b.finish(time.Second)
	if r := b.rx.report; r.Lost != 1 || r.Late != 1 || r.Duplicate != 2 || r.Packets != 39 || r.ConcealedMS != 20 {
		t.Errorf("%+v", r)
	}
}

// A pause in which timestamps go on is silence of its length.
func TestSilenceOfSender(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	for n := range 20 {
		b.send(n, time.Duration(n)*frame)
	}
	for n := 20; n < 40; n++ {
		b.sendAs(n, uint32((n+100)*160), 1, time.Duration(n+100)*frame)
	}
	pcm := b.finish(4 * time.Second)
	has(t, pcm, 19, 19*160)
	silent(t, pcm, 20*160, 120*160)
	has(t, pcm, 20, 120*160)
	if b.rx.report.Lost != 0 || b.rx.report.ConcealedMS != 0 {
		t.Errorf("%+v", b.rx.report)
	}
}

// Timestamps that stand still during a pause, go back, or jump are not believed.
func TestStrangeTimestamps(t *testing.T) {
	for name, ts := range map[string]uint32{"stood still": 20 * 160, "back": 0, "jump": 1 << 30} {
		b := newBench(t, codecs.PCMU, clocks{})
		for n := range 20 {
			b.send(n, time.Duration(n)*frame)
		}
		for n := 20; n < 40; n++ {
			b.sendAs(n, ts+uint32((n-20)*160), 1, time.Duration(n+100)*frame)
		}
		pcm := b.finish(4 * time.Second)
		t.Log(name)
		has(t, pcm, 20, 120*160)
		has(t, pcm, 39, 139*160)
	}
}

// Another source takes over; its numbers have nothing to do with the old ones. One stray
// packet of somebody else changes nothing.
func TestSourceChanges(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	for n := range 50 {
		b.send(n, time.Duration(n)*frame)
		if n == 25 {
			b.sendAs(7, 99, 77, time.Duration(n)*frame)
		}
	}
	for n := 50; n < 100; n++ {
		b.sendAs(n+30000, 1<<31+uint32(n*160), 2, time.Duration(n)*frame)
	}
	pcm := b.finish(3 * time.Second)
	for n := range 50 {
		has(t, pcm, n, 160*n)
	}
	for n := 50; n < 100; n++ {
		has(t, pcm, (n+30000)%65536, 160*n)
	}
	if r := b.rx.report; len(r.SSRCs) != 3 || r.Lost != 0 || r.Packets != 100 {
		t.Errorf("%+v", r)
	}
}

// A client that begins anew under the same SSRC is believed from its second packet on.
func TestSameSourceRestarts(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	for n := range 200 {
		b.send(n, time.Duration(n)*frame)
	}
	for n := range 50 {
		b.sendAs(n, uint32(n*160), 1, time.Duration(200+n)*frame)
	}
	pcm := b.finish(6 * time.Second)
	has(t, pcm, 199, 199*160)
	has(t, pcm, 0, 200*160)
	has(t, pcm, 49, 249*160)
}

// Nobody else's packets are taken while the client is heard, nor other payload types, nor rubbish.
func TestForeignPackets(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	b.send(0, 0)
	client := b.from
	b.from = netip.MustParseAddrPort("198.51.100.9:9")
	b.send(1, frame)
	b.from = client
	for _, data := range [][]byte{nil, {0x80}, make([]byte, 12), rtpPacket(1, 160, 1, nil)[:11], append([]byte{0x80, 8}, make([]byte, 20)...), {0xbf, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9}} {
		if err := b.rx.packet(data, b.from, frame); err != nil {
			t.Fatal(err)
		}
	}
	b.finish(time.Second)
	if r := b.rx.report; r.Packets != 1 || r.Discarded != 7 {
		t.Errorf("%+v", r)
	}
}

// What comes first to a port may be for who had it before: another recorder that has just died, and whose client does not know yet. Whom the client has described is
// heard as soon as he sends, and nobody else from then on.
func TestDescribedAddressCounts(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	stranger := netip.MustParseAddrPort("192.0.2.1:4002")
	b.rx.described = b.from
	client := b.from
	say := func(from netip.AddrPort, n int, ssrc uint32) {
		b.from = from
		b.sendAs(n, uint32(n*160), ssrc, time.Second+time.Duration(n)*frame)
	}
	say(stranger, 0, 9)
	for n := 1; n < 100; n++ {
		say(stranger, n, 9)
		say(client, n, 1)
	}
	pcm := b.finish(3 * time.Second)
	for n := 4; n < 100; n++ {
		has(t, pcm, n, 8000+160*n)
	}
	if r := b.rx.report; r.Packets < 97 || r.Discarded != 98 {
		t.Errorf("%+v", *r)
	}
}

func TestPause(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	for n := range 100 {
		at := time.Duration(n) * frame
		switch n {
		case 30:
			b.rx.pause(at)
		case 60:
			b.rx.resume()
		}
		b.send(n, at)
	}
	pcm := b.finish(3 * time.Second)
	has(t, pcm, 29, 29*160)
	silent(t, pcm, 40*160, 60*160)
	has(t, pcm, 60, 60*160)
	has(t, pcm, 99, 99*160)
}
