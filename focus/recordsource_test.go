package focus_test

import (
	"encoding/binary"
	"maps"
	"net"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// saying sends packets of PCMU from a source to where the focus sends from, with numbers and times of their own, until something is so.
func (r *raw) saying(to net.Addr, source uint32, first uint16, hz float64, until func() bool) {
	r.b.t.Helper()
	tone := toned(r.b.t, hz)
	tick := time.NewTicker(codecs.FrameDuration)
	defer tick.Stop()
	for i := 0; !until(); i++ {
		packet := binary.BigEndian.AppendUint16([]byte{0x80, 0}, first+uint16(i))
		packet = binary.BigEndian.AppendUint32(packet, uint32(first)*977+uint32(160*i))
		packet = binary.BigEndian.AppendUint32(packet, source)
		_, err := r.socket.WriteTo(append(packet, tone(i)...), to)
		must(r.b.t, err)
		<-tick.C
		if i > 1000 {
			r.b.t.Fatal("in vain")
		}
	}
}

// hearsFrom waits for media of the focus, and tells where they come from.
func (r *raw) hearsFrom() net.Addr {
	r.b.t.Helper()
	buf := make([]byte, 2048)
	for {
		must(r.b.t, r.socket.SetReadDeadline(time.Now().Add(20*time.Second)))
		size, from, err := r.socket.ReadFrom(buf)
		must(r.b.t, err)
		if size > 12 && buf[1]&0x7F == 0 {
			return from
		}
	}
}

// A phone begins anew in the middle of its call, with another source and other numbers, as after a transfer behind a border controller. His recorded
// stream goes on under its own source, number by number, and what he says is in it; in the mixed one the new source is the one that contributes, and
// its name is his as before.
//
// Shows SR-RTP-04, SR-RTP-12, SR-RTP-13.
func TestRecordedSourceBeginsAnew(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	p := b.raw()
	p.callAs("alice", "room")
	b.record("room", both)
	to := p.hearsFrom()
	const mixed, own = "1", "2"
	contributes := func(source uint32, hz float64) func() bool {
		return func() bool {
			m, h := srs.stream(mixed), srs.stream(own)
			if len(m.csrcs) == 0 || h.packets < 20 || h.level(hz, 200*time.Millisecond) < loud {
				return false
			}
			last := m.csrcs[len(m.csrcs)-1]
			return len(last) == 1 && last[0] == source
		}
	}
	p.saying(to, 0x1111, 60000, 500, contributes(0x1111, 500))
	p.saying(to, 0x2222, 17, 900, contributes(0x2222, 900))
	for _, label := range []string{mixed, own} {
		h := srs.stream(label)
		if len(h.ssrcs) != 1 {
			t.Errorf("stream %s has the sources %v", label, h.ssrcs)
		}
		for i := 1; i < len(h.numbers); i++ {
			if h.numbers[i] != h.numbers[i-1]+1 {
				t.Fatalf("stream %s: packet %d has number %d after %d", label, i, h.numbers[i], h.numbers[i-1])
			}
		}
	}
	b.await("the new source in the roster", func() bool { return b.find("room", "alice").Session.SSRC == 0x2222 })
	names := map[uint32]string{}
	b.await("the name of the new source", func() bool {
		for _, r := range srs.stream(mixed).reports {
			if r.kind == 202 {
				maps.Copy(names, r.names())
			}
		}
		return names[0x2222] != ""
	})
	v := srs.known()
	if want := v.person("alice").Text(); names[0x2222] != want {
		t.Errorf("its name is %q, in the metadata %q", names[0x2222], want)
	}
}
