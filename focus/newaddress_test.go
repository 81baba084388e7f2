package focus_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// Who describes another port in a re-INVITE gets media there, and none where they went before.
//
// Shows FO-MOD-17.
func TestMediaFollowTheDescription(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	b.dial("room", conftest.PhoneConfig{Name: "alice"}).hum(500, 60*time.Second)
	r := b.raw()
	r.call("room")
	packet := make([]byte, 2000)
	reads := func(socket net.PacketConn, patience time.Duration) bool {
		must(t, socket.SetReadDeadline(time.Now().Add(patience)))
		_, _, err := socket.ReadFrom(packet)
		return err == nil
	}
	if !reads(r.socket, 20*time.Second) {
		t.Fatal("no media at the first port")
	}
	before := r.socket
	next, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = next.Close() })
	r.socket = next
	_, err = r.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: r.describe(codecs.PCMU)})
	must(t, err)
	if !reads(next, 20*time.Second) {
		t.Fatal("no media at the new port")
	}
	for reads(before, time.Millisecond) { // what was sent before has come by now: both ports are on this machine
		continue
	}
	for range 10 {
		if !reads(next, 20*time.Second) {
			t.Fatal("no media at the new port any more")
		}
	}
	if reads(before, time.Millisecond) {
		t.Error("media still go to the first port")
	}
}
