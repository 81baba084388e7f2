package focus

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
)

// What the mix makes between a change of the codec and the layout that has it leaves nobody, whatever else changes meanwhile.
func TestOutletIsSilentBetweenCodecs(t *testing.T) {
	transport, err := media.NewTransport(media.Config{ListenAddress: netip.MustParseAddr("127.0.0.1"), PortMin: 24100, PortMax: 24200})
	if err != nil {
		t.Fatal(err)
	}
	session, err := transport.Open(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = session.Close()
		_ = transport.Close()
		_ = socket.Close()
	}()
	o := &outlet{session: session}
	agree := func(codec codecs.Codec, send bool) {
		t.Helper()
		number, _ := codec.StaticPayloadType()
		p := media.Params{Remote: netip.MustParseAddrPort(socket.LocalAddr().String()), Send: send, SendCodec: codec, SendPayloadType: number}
		if err := o.configure(p); err != nil {
			t.Fatal(err)
		}
	}
	applied := func(turn int) { resumed{outlet: o, turn: turn}.handle(&controller{}) }
	emit := func(when string, want int) {
		t.Helper()
		session.Emit(&codecs.Packet{Payload: make([]byte, 160), Samples: 160})
		packet := make([]byte, 2000)
		wait := 30 * time.Millisecond
		if want >= 0 {
			wait = 2 * time.Second
		}
		_ = socket.SetReadDeadline(time.Now().Add(wait))
		got := -1
		if n, err := socket.Read(packet); err == nil && n > 12 {
			got = int(packet[1] & 0x7f)
		}
		if got != want {
			t.Errorf("%s: payload type %d, want %d", when, got, want)
		}
	}
	agree(codecs.PCMU, true)
	emit("at first", 0)
	agree(codecs.PCMA, true)
	emit("before the layout", -1)
	agree(codecs.PCMA, true)
	emit("after another offer of the same", -1)
	applied(1)
	emit("after a layout that was overtaken", -1)
	applied(2)
	emit("with the layout", 8)
	agree(codecs.PCMA, true)
	emit("without a change", 8)
	agree(codecs.PCMU, false)
	agree(codecs.PCMU, true)
	emit("resumed with another codec", -1)
	applied(4)
	emit("with its layout", 0)
	agree(codecs.PCMA, true)
	agree(codecs.PCMA, false)
	applied(6)
	emit("held while it changed", -1)
}
