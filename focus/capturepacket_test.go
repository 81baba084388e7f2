package focus

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
)

// packed is a stream for a recorder that wants more than a tick's audio in a packet, and what that has been sent of it.
type packed struct {
	t       *testing.T
	capture *capture
	far     *net.UDPConn
	next    byte // what the samples of the next frame are
}

const packedRoom = 2048

// packing has a capture in a bubble send to a socket, as soon as it is released.
func packing(t *testing.T, packetTime time.Duration, act func(p *packed)) (packets [][]byte) {
	t.Helper()
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = far.Close() }()
	synctest.Test(t, func(t *testing.T) {
		session := openSession(t)
		err := session.Configure(media.Params{
			Remote: netip.MustParseAddrPort(far.LocalAddr().String()), Send: true, SendCodec: codecs.PCMU, SendPayloadType: 0,
		})
		if err != nil {
			t.Fatal(err)
		}
		p := &packed{t: t, capture: newCapture(session, 2*time.Second, codecs.PCMU), far: far, next: 1}
		if f := p.capture.pack(codecs.Format{Codec: codecs.PCMU, PacketTime: packetTime}); f.PacketTime != codecs.FrameDuration {
			t.Errorf("the mix makes frames of %v", f.PacketTime)
		}
		act(p)
	})
	packet := make([]byte, 2000)
	for {
		_ = far.SetReadDeadline(time.Now().Add(300 * time.Millisecond)) // all is in the socket's buffer
		n, err := far.Read(packet)
		if err != nil {
			return packets
		}
		if packet[1]&0x7F == 0 { // else it is a report
			packets = append(packets, bytes.Clone(packet[:n]))
		}
	}
}

// frames are made by the mix, one each tick, with what is in common to all.
func (p *packed) frames(n int, csrc ...uint32) {
	for range n {
		<-time.After(codecs.FrameDuration)
		p.capture.Prepare(&codecs.Packet{Payload: bytes.Repeat([]byte{p.next}, 160), Samples: 160, CSRC: csrc}, make([]byte, packedRoom))
		p.capture.Send(nil)
		p.next++
	}
}

// contents are which frames each packet holds. The timestamps must run with them.
func contents(t *testing.T, packets [][]byte) (list []string) {
	t.Helper()
	var first, stamp uint32
	for i, packet := range packets {
		payload := packet[12+4*int(packet[0]&15):]
		var frames []byte
		for at := 0; at < len(payload); at += 160 {
			frames = append(frames, 'a'+payload[at]-1)
		}
		list = append(list, string(frames))
		at := binary.BigEndian.Uint32(packet[4:])
		if i == 0 {
			first, stamp = uint32(payload[0]), at
		}
		if at-stamp != 160*(uint32(payload[0])-first) {
			t.Errorf("packet %d begins with frame %d, %d units after the first", i, payload[0], at-stamp)
		}
	}
	return list
}

func checkContents(t *testing.T, packets [][]byte, want ...string) {
	t.Helper()
	got := contents(t, packets)
	if len(got) != len(want) {
		t.Fatalf("packets %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("packets %q, want %q", got, want)
		}
	}
}

// A recorder that wants 40 or 60 ms in a packet gets them, the payloads one after the other as they came.
//
// Shows SR-SDP-16.
func TestPacked(t *testing.T) {
	for packetTime, want := range map[time.Duration][]string{
		20 * time.Millisecond: {"a", "b", "c", "d", "e", "f", "g"}, 40 * time.Millisecond: {"ab", "cd", "ef", "g"}, 60 * time.Millisecond: {"abc", "def", "g"},
	} {
		checkContents(t, packing(t, packetTime, func(p *packed) {
			p.capture.release(codecs.PCMU)
			p.frames(7)
			p.capture.rest() // the mix has let go: what has begun a packet goes out as it is
		}), want...)
	}
}

// What does not belong in one packet is sent in packets of its own, at once: frames of other sources, or with a gap in between.
func TestPackedApart(t *testing.T) {
	checkContents(t, packing(t, 40*time.Millisecond, func(p *packed) {
		p.capture.release(codecs.PCMU)
		p.frames(3, 5, 6)
		p.frames(1, 6, 5)
		p.frames(3, 6, 5)
	}), "ab", "c", "d", "ef")
	packets := packing(t, 40*time.Millisecond, func(p *packed) {
		p.capture.release(codecs.PCMU)
		p.frames(3)
		<-time.After(time.Second)
		p.frames(3)
	})
	if len(packets) != 4 { // ab, c, d, ef
		t.Fatalf("%d packets", len(packets))
	}
	stamps := make([]uint32, 4)
	for i := range packets {
		stamps[i] = binary.BigEndian.Uint32(packets[i][4:]) - binary.BigEndian.Uint32(packets[0][4:])
	}
	if stamps[1] != 320 || stamps[2] != 480+8000 || stamps[3] != stamps[2]+160 {
		t.Errorf("timestamps %v", stamps)
	}
}

// A packet that has begun when a server vanishes is kept for the next one, with what the first may not have got.
func TestPackedTakeover(t *testing.T) {
	packets := packing(t, 40*time.Millisecond, func(p *packed) {
		p.capture.release(codecs.PCMU)
		p.frames(5)                      // ab, cd; e waits
		p.capture.doubt(time.Now(), "a") // of which nothing is known to have got there
		p.frames(2)                      // f, g are kept
		p.capture.release(codecs.PCMU)
		p.frames(5)
	})
	checkContents(t, packets[:2], "ab", "cd")
	checkContents(t, packets[2:], "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "kl")
}

// A pause begins between two packets: what has begun one is not sent, nor kept, nor lost.
//
// Shows SR-UPD-02, SR-UPD-09.
func TestPackedPause(t *testing.T) {
	packets := packing(t, 40*time.Millisecond, func(p *packed) {
		p.capture.release(codecs.PCMU)
		p.frames(3)
		p.capture.pause()
		if !p.capture.idle() {
			t.Error("something is owed")
		}
		p.frames(1)
		p.capture.unsent(0, func(k *codecs.Packet, h held) {
			if !p.capture.nobodys(h.at) {
				t.Errorf("frame %d is kept", k.Payload[0])
			}
		})
		<-time.After(time.Second)
		p.capture.release(codecs.PCMU)
		p.frames(2)
		if n := p.capture.dropped(); n != 0 {
			t.Errorf("%d frames are lost", n)
		}
	})
	checkContents(t, packets[:1], "ab")
	checkContents(t, packets[1:], "ef")
	if gap := binary.BigEndian.Uint32(packets[1][4:]) - binary.BigEndian.Uint32(packets[0][4:]); gap != 640+8000 {
		t.Errorf("a gap of %d units", gap)
	}
}

// What has begun a packet when its server vanishes is for the next one, also when a pause begins just then; so is what a new stream has kept.
//
// Shows SR-ERR-08.
func TestPackedPauseOfWhatIsKept(t *testing.T) {
	for name, act := range map[string]func(p *packed) (frames int){
		"vanished": func(p *packed) int {
			p.capture.release(codecs.PCMU)
			p.frames(3)
			p.capture.hold()
			p.frames(1)
			return 2
		},
		"new": func(p *packed) int {
			p.frames(2)
			return 2
		},
	} {
		packing(t, 40*time.Millisecond, func(p *packed) {
			want := act(p)
			<-time.After(time.Millisecond)
			p.capture.pause()
			kept := 0
			p.capture.unsent(0, func(_ *codecs.Packet, h held) {
				if !p.capture.nobodys(h.at) {
					kept++
				}
			})
			if kept != want {
				t.Errorf("%s: %d frames are kept, want %d", name, kept, want)
			}
		})
	}
}

// While a packet is being filled nothing is late: a key may be sent in place of the audio. When the mix lets go of the stream, its beginning is owed.
func TestPackedFlows(t *testing.T) {
	packing(t, 40*time.Millisecond, func(p *packed) {
		s := &recorded{capture: p.capture}
		if p.capture.flows() {
			t.Error("flows while it holds")
		}
		p.capture.release(codecs.PCMU)
		for range 2 {
			p.frames(1)
			if !p.capture.flows() || !s.owes() {
				t.Errorf("flows: %v, owes: %v", p.capture.flows(), s.owes())
			}
		}
		p.frames(1)
		if !p.capture.drain() || !p.capture.live() {
			t.Error("the beginning of a packet is left")
		}
	})
}

// Nothing is allocated on the way.
func TestPackedAllocates(t *testing.T) {
	packing(t, 40*time.Millisecond, func(p *packed) {
		p.capture.release(codecs.PCMU)
		packet, room := &codecs.Packet{Payload: make([]byte, 160), Samples: 160}, make([]byte, packedRoom)
		if n := testing.AllocsPerRun(100, func() {
			p.capture.Prepare(packet, room)
			p.capture.Send(nil)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
