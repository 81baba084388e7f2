package srs

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-sip/parley/codecs"
)

// allowedShare is how much of the room that it may want the process may have, 0 to 1.
func allowedShare(t *testing.T) float64 {
	t.Helper()
	const wanted = 4 << 20 // more than any stream asks for
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	if err = raw.Control(func(fd uintptr) { refused = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, wanted) }); err != nil {
		t.Fatal(err)
	}
	if refused == nil {
		return 1
	}
	text, err := os.ReadFile("/proc/sys/net/core/rmem_max")
	if err != nil {
		t.Fatal(err)
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}

	return min(1, float64(most)/wanted)
}

// What comes while a recording does not read, as its disk stands still, is there when it reads again, also where packets are as large as those of
// uncompressed sound are. Where the process may not have the room, the share of it that it may have is used.
func TestRoomForWhatIsUnread(t *testing.T) {
	t.Parallel()
	share := allowedShare(t)
	for codec, sizes := range map[codecs.Codec]map[time.Duration]int{
		codecs.PCMU:             {20 * time.Millisecond: 172},
		codecs.Opus:             {20 * time.Millisecond: 172}, // 64 kbit/s
		codecs.L16At8000:        {20 * time.Millisecond: 332},
		codecs.L16At16000:       {20 * time.Millisecond: 652},
		codecs.L16At44100:       {10 * time.Millisecond: 894, 20 * time.Millisecond: 1776},
		codecs.L16At44100Stereo: {10 * time.Millisecond: 1776, 20 * time.Millisecond: 3540},
		codecs.L16At48000:       {10 * time.Millisecond: 972, 20 * time.Millisecond: 1932},
		codecs.L16At48000Stereo: {10 * time.Millisecond: 1932, 20 * time.Millisecond: 3852},
	} {
		for packetTime, size := range sizes {
			t.Run(fmt.Sprintf("%v/%d/%d of %d octets", codec, codec.ClockRate(), codec.Channels(), size), func(t *testing.T) {
				sockets, err := openPairAnywhere()
				if err != nil {
					t.Fatal(err)
				}
				defer sockets.close()
				sockets.reserve(codec)
				client, err := openPairAnywhere()
				if err != nil {
					t.Fatal(err)
				}
				defer client.close()
				sent := int(unread / packetTime)
				to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), sockets.port())
				for range sent {
					if !client.rtp.Send(make([]byte, size), to) {
						t.Fatal("a packet was not sent")
					}
				}
				came, buffer := 0, make([]byte, maxPacket)
				for _, _, _, ok := sockets.rtp.Receive(buffer); ok; _, _, _, ok = sockets.rtp.Receive(buffer) {
					came++
				}
				if came < int(share*float64(sent)) {
					t.Errorf("%d of %d packets were kept", came, sent)
				}
			})
		}
	}
}

// A recording that stands still for some seconds, as its disk may have it, has every packet of the largest ones that there are.
func TestRecordingThatStandsStill(t *testing.T) {
	t.Parallel()
	frames := int(allowedShare(t) * float64(5*time.Second/codecs.FrameDuration))
	log := newLog()
	server := startServer(t, Config{Hooks: log.hooks()})
	c := newClient(t, server)
	v := newVoice(t, "1", codecs.L16At48000Stereo, 700)
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(v)))
	if err != nil {
		t.Fatal(err)
	}
	v.use(c.accept(response.Body).Streams[0])
	stood := make(chan struct{})
	server.active()[0].post(func() { <-stood })
	for n := range frames {
		c.sendFrame(v, n, false)
	}
	close(stood)
	if err := c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := log.wait(t).Streams[0]; s.Packets != uint64(frames) || s.Lost > 0 {
		t.Errorf("%d packets of %d, %d lost", s.Packets, frames, s.Lost)
	}
}

// Who begins anew does not begin with the ports that he began with before.
func TestPortsBeginAnywhere(t *testing.T) {
	first := map[uint16]bool{}
	for range 50 {
		p := newPorts(20001, 20101)
		if p.next%2 != 0 || p.next < p.low || p.next >= p.high {
			t.Fatalf("begins with port %d", p.next)
		}
		first[p.next] = true
	}
	if len(first) < 5 {
		t.Errorf("begins with %v only", first)
	}
	if p := newPorts(20000, 20001); p.next != 20000 {
		t.Errorf("of one pair it begins with port %d", p.next)
	}
}
