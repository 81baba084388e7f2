package focus

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
)

// A backlog gives back what was put in, in order, however the two ends take turns, and again after a rewind.
func TestBacklog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBacklog(100*time.Millisecond, 160)
		var all []codecs.Packet // what was taken in
		var places []uint64     // where
		read := 0
		check := func(p *codecs.Packet, h held) {
			want := all[read]
			if string(p.Payload) != string(want.Payload) || len(p.CSRC) != len(want.CSRC) || p.Samples != want.Samples ||
				p.Marker != want.Marker || h.at != time.Duration(read) || h.codec != codecs.G722 {
				t.Fatalf("frame %d: %+v %+v, want %+v", read, p, h, want)
			}
			for i := range want.CSRC {
				if p.CSRC[i] != want.CSRC[i] || p.CSRCLevel[i] != want.CSRCLevel[i] {
					t.Fatalf("frame %d: %+v, want %+v", read, p, want)
				}
			}
			read++
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1, 2:
				n := rapid.IntRange(0, 15).Draw(t, "contributors")
				p := codecs.Packet{
					Payload: rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "payload"), Samples: rapid.IntRange(0, 960).Draw(t, "samples"),
					Marker: rapid.Bool().Draw(t, "marker"), CSRC: rapid.SliceOfN(rapid.Uint32(), n, n).Draw(t, "csrc"),
					CSRCLevel: rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "levels"),
				}
				at := b.tail.Load()
				if b.push(&p, held{at: time.Duration(len(all)), codec: codecs.G722}) {
					all, places = append(all, p), append(places, at)
				}
			case 3, 4:
				if p, h, ok := b.pop(); ok {
					check(p, h)
				}
			case 6:
				b.resize(make([]byte, 1<<rapid.IntRange(12, 16).Draw(t, "size")))
			case 5:
				from := rapid.IntRange(0, read).Draw(t, "from")
				if from == len(all) || places[from] < b.head.Load() {
					continue
				}
				n := b.count(places[from], b.sent.Load(), func(_ codecs.Codec, at time.Duration) bool { return at%2 == 0 })
				if want := (read+1)/2 - (from+1)/2; int(n) != want {
					t.Fatalf("%d of the frames from %d to %d count, want %d", n, from, read, want)
				}
				b.rewind(places[from])
				read = from
			}
		}
		for p, h, ok := b.pop(); ok; p, h, ok = b.pop() {
			check(p, h)
		}
		if read != len(all) {
			t.Fatalf("%d of %d frames came back", read, len(all))
		}
	})
}

// Shows RQ-005, SR-PER-07. What is captured before a recorder answers goes out in order with its own time, and the live audio
// after it without a gap, also where a frame has two packets; nothing is allocated on the way.
func TestCapture(t *testing.T) {
	for codec, packets := range map[codecs.Codec]int{codecs.PCMA: 1, codecs.L16At48000: 2, codecs.L16At44100: 2} {
		t.Run(strconv.Itoa(codec.SampleRate()), func(t *testing.T) { checkCapture(t, codec, packets) })
	}
}

func checkCapture(t *testing.T, codec codecs.Codec, packets int) {
	t.Helper()
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = far.Close() }()
	n := byte(0)
	synctest.Test(t, func(t *testing.T) { n = captured(t, netip.MustParseAddrPort(far.LocalAddr().String()), codec, packets) })
	var stamps []uint32
	var payloads []byte
	packet := make([]byte, 2000)
	for {
		_ = far.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // all is in the socket's buffer
		k, err := far.Read(packet)
		if err != nil {
			break
		}
		if packet[1]&0x7F != 8 || packet[k-1] == notCounted { // a report, or a frame that was only emitted to count allocations
			continue
		}
		stamps, payloads = append(stamps, binary.BigEndian.Uint32(packet[4:])), append(payloads, packet[k-1])
	}
	if len(payloads) < (55+5)*packets || len(payloads) > (55+6)*packets {
		t.Fatalf("%d packets: %v", len(payloads), payloads)
	}
	units := codec.TimestampUnits(codecs.FrameDuration) / packets
	again := 0
	for i := 1; i < len(payloads); i++ {
		step := int(payloads[i]) - int(payloads[i-1])
		if step < 0 {
			again++
			if int(payloads[i])%packets != 0 {
				t.Errorf("what is sent again begins within a frame, with %d", payloads[i])
			}
		} else if step != 1 {
			t.Errorf("frame %d follows %d", payloads[i], payloads[i-1])
		}
		if got := int(int32(stamps[i] - stamps[i-1])); got != step*units {
			t.Errorf("frame %d follows %d: timestamps differ by %d, want %d", payloads[i], payloads[i-1], got, step*units)
		}
	}
	if again != 1 || payloads[0] != 0 || payloads[len(payloads)-1] != n-1 {
		t.Errorf("sent: %v", payloads)
	}
}

// notCounted is the payload of frames that TestCapture does not look for.
const notCounted = 0xFF

// openSession opens one of a transport of its own, until the bubble ends.
func openSession(t *testing.T) *media.Session {
	t.Helper()
	transport, err := media.NewTransport(media.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = transport.Close() })
	session, err := transport.Open(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// captured makes the frames of TestCapture in the time of its bubble, in so many packets each, and returns how many packets.
func captured(t *testing.T, remote netip.AddrPort, codec codecs.Codec, packets int) (n byte) {
	t.Helper()
	session := openSession(t)
	<-time.After(time.Second) // the clock of the session has run for a while
	c := newCapture(session, 2*time.Second, codec)
	units := codec.TimestampUnits(codecs.FrameDuration) / packets
	size := codec.FrameSamples(codecs.FrameDuration) / packets
	if codec.Linear() {
		size *= 2
	}
	emit := func(frames int) {
		for range frames {
			<-time.After(codecs.FrameDuration)
			for range packets {
				c.Emit(&codecs.Packet{Payload: append(make([]byte, 0, size), n), Samples: units})
				n++
			}
		}
	}
	emit(20)
	if err := session.Configure(media.Params{Remote: remote, Send: true, SendCodec: codec, SendPayloadType: 8}); err != nil {
		t.Fatal(err)
	}
	c.release(codec)
	emit(15)
	c.mark(time.Now())
	emit(5)
	c.doubt(time.Now().Add(-4*codecs.FrameDuration), "one") // the recorder has vanished
	emit(5)
	c.release(codec)
	emit(10)
	c.rest()
	p := &codecs.Packet{Payload: bytes.Repeat([]byte{notCounted}, size), Samples: units, CSRC: make([]uint32, 3)}
	if got := testing.AllocsPerRun(100, func() { c.Emit(p) }); got != 0 {
		t.Errorf("%v allocations in Emit", got)
	}
	c.hold()
	if got := testing.AllocsPerRun(400*packets, func() { c.Emit(p) }); got != 0 {
		t.Errorf("%v allocations in Emit while it holds", got)
	}
	if c.dropped() == 0 {
		t.Error("two seconds hold more than they should")
	}
	return n
}

// What the mix still hands over after a pause has begun is nobody's; what was held before is kept, or lost.
func TestPauseIsNobodys(t *testing.T) {
	c := newCapture(nil, time.Second, codecs.PCMU) // it holds: no session is asked
	c.Emit(&codecs.Packet{Payload: []byte{1}, Samples: 160})
	c.pause()
	c.Emit(&codecs.Packet{Payload: []byte{2}, Samples: 160})
	var kept, nobodys []byte
	c.unsent(0, func(p *codecs.Packet, h held) {
		if c.nobodys(h.at) {
			nobodys = append(nobodys, p.Payload...)
		} else {
			kept = append(kept, p.Payload...)
		}
	})
	if string(kept) != "\x01" || string(nobodys) != "\x02" {
		t.Errorf("kept %v, nobody's %v", kept, nobodys)
	}
	c.hold()
	if c.nobodys(time.Hour) {
		t.Error("what is held again is somebody's")
	}
}

// When the stream flows again, of a pause that the mix had not heard of yet nothing is sent.
//
// Shows SR-UPD-02, SR-UPD-09.
func TestNobodysIsNotSent(t *testing.T) {
	c := newCapture(nil, time.Second, codecs.PCMU)
	emit := func() { c.Emit(&codecs.Packet{Payload: []byte{1}, Samples: 160}) }
	emit()
	c.pause()
	emit()
	c.release(codecs.G722) // what would be sent is counted, as it cannot be: no session is asked
	emit()
	if n := c.dropped(); n != 2 {
		t.Errorf("%d of the frames before and after the pause would be sent", n)
	}
}

// Ticks come late, and those after them early: what is captured runs as its samples do. What has stood still for longer than that follows the clock.
func TestCapturedAsSamplesRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapture(nil, 10*time.Second, codecs.PCMU) // it holds: no session is asked
		began := time.Now()
		emit := func(at time.Duration) {
			<-time.After(time.Until(began.Add(at)))
			c.Emit(&codecs.Packet{Payload: []byte{1}, Samples: 160})
		}
		want := make([]time.Duration, 0, 20)
		const ms = time.Millisecond
		for i, late := range []time.Duration{0, 3 * ms, 0, 70 * ms, 50 * ms, 31 * ms, 12 * ms, 0, 119 * ms, 99 * ms, 80 * ms} {
			at := codecs.FrameDuration * time.Duration(i+1)
			emit(at + late)
			want = append(want, at)
		}
		emit(time.Second + 7*ms) // 29 ticks and 7 ms after the last one
		want = append(want, time.Second)
		for i := range 7 { // all in one tick: more than time goes by
			emit(time.Second + 8*ms)
			want = append(want, time.Second+time.Duration(i+1)*codecs.FrameDuration)
		}
		want[len(want)-1] = time.Second // seven ticks ahead is too much
		var got []time.Duration
		c.unsent(0, func(_ *codecs.Packet, h held) { got = append(got, h.captured()) })
		if !slices.Equal(got, want) {
			t.Errorf("captured at %v, want %v", got, want)
		}
	})
}

// Whatever happens to a stream, all that is captured of it outside of pauses has been sent in the end, or is counted as lost: nothing is lost while
// there is room, and no more pauses than are told apart; nothing of a pause is sent.
func TestAllIsSentOrCounted(t *testing.T) {
	transport, err := media.NewTransport(media.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = transport.Close() }()
	remote := netip.MustParseAddrPort("127.0.0.1:9")
	rapid.Check(t, func(t *rapid.T) {
		session, err := transport.Open(media.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = session.Close() }()
		if err := session.Configure(media.Params{Remote: remote, Send: true, SendCodec: codecs.PCMU}); err != nil {
			t.Fatal(err)
		}
		room := rapid.SampledFrom([]time.Duration{200 * time.Millisecond, 10 * time.Second}).Draw(t, "room")
		c := newCapture(session, room, codecs.PCMU)
		captured, owed := uint64(0), uint64(0)
		paused, pauses, mixed := false, 0, true // the mix has the stream
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1, 2:
				for range rapid.IntRange(1, 10).Draw(t, "frames") {
					if !mixed {
						break
					}
					before := c.dropped()
					c.Emit(&codecs.Packet{Payload: make([]byte, 160), Samples: 160})
					if !paused {
						captured++
					} else { // what has no room is nobody's all the same
						owed += c.dropped() - before
					}
				}
			case 3:
				c.pause()
				paused, pauses = true, pauses+1
			case 4:
				c.hold()
				paused = false
			case 5:
				c.release(codecs.PCMU)
				paused = false
			case 6:
				mixed = false
				c.drain()
			}
		}
		c.release(codecs.PCMU)
		for !c.drain() {
			continue
		}
		sent := session.Stats().PacketsSent
		if sent+c.dropped()-owed != captured || room > time.Second && pauses < keptPauses && c.dropped() > 0 {
			t.Fatalf("%d frames were sent and %d lost of %d", sent, c.dropped()-owed, captured)
		}
	})
}

// What was sent to a server that had gone is sent again also of a stream that the mix has let go of.
func TestSentAgainWithoutTheMix(t *testing.T) {
	transport, err := media.NewTransport(media.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = transport.Close() }()
	session, err := transport.Open(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Configure(media.Params{Remote: netip.MustParseAddrPort("127.0.0.1:9"), Send: true, SendCodec: codecs.PCMU}); err != nil {
		t.Fatal(err)
	}
	c := newCapture(session, 10*time.Second, codecs.PCMU)
	for range 10 {
		c.Emit(&codecs.Packet{Payload: make([]byte, 160), Samples: 160})
	}
	c.release(codecs.PCMU)
	if c.drain() || session.Stats().PacketsSent != catchUp {
		t.Errorf("%d packets at once", session.Stats().PacketsSent)
	}
	c.doubt(time.Now().Add(-time.Minute), "one") // all that it was sent
	if c.drain() || session.Stats().PacketsSent != catchUp {
		t.Errorf("%d packets to nobody", session.Stats().PacketsSent-catchUp)
	}
	c.release(codecs.PCMU)
	for !c.drain() {
		continue
	}
	if n := session.Stats().PacketsSent; n != catchUp+10 {
		t.Errorf("%d packets, want %d and ten again", n, catchUp)
	}
}

// What waits when a stream ends goes out at once, if it is a second or less; what is more is somebody else's, so that it counts.
func TestWhatIsTooMuchForTheEnd(t *testing.T) {
	c := newCapture(nil, 10*time.Second, codecs.PCMU) // it holds: no session is asked
	frame := &codecs.Packet{Payload: make([]byte, 160), Samples: 160}
	emit := func(n int) {
		for range n {
			c.Emit(frame)
		}
	}
	emit(lastBurst)
	if c.release(codecs.PCMU); c.lags() {
		t.Errorf("%d frames are too much", lastBurst)
	}
	c.hold()
	if emit(1); c.lags() {
		t.Error("while it holds all is somebody else's anyway")
	}
	if c.release(codecs.PCMU); !c.lags() {
		t.Errorf("%d frames are not too much", lastBurst+1)
	}
	if newCapture(nil, 0, codecs.PCMU).lags() {
		t.Error("what keeps nothing lags")
	}
}
