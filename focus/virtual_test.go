package focus_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/memnet"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
)

// networks are those of the tests that run under a virtual clock, by the test.
var networks sync.Map

// virtual runs a test in a bubble of testing/synctest: the mixer ticks on its clock, signalling goes through memory, media are looked for instead of
// waited for. What takes a minute takes a second of a machine, however busy it is, and nothing is late. Its benches, phones and recording servers
// know by themselves; agents of its own have to be given networkOf, and sockets that are waited for stop the clock.
func virtual(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		networks.Store(t, &memnet.Network{})
		t.Cleanup(func() { networks.Delete(t) })
		test(t)
	})
}

// runVirtual runs a subtest under a virtual clock of its own.
func runVirtual(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { virtual(t, test) })
}

// networkOf is the network of a virtual test; nil: it is none.
func networkOf(t *testing.T) *memnet.Network {
	t.Helper()
	n, _ := networks.Load(t)
	inside, _ := n.(*memnet.Network)
	return inside
}

// signalling is that network, or that of the system, for an agent.
func signalling(t *testing.T) sipua.Network {
	t.Helper()
	if n := networkOf(t); n != nil {
		return n
	}
	return nil
}

// network is where signalling goes.
func (b *bench) network() sipua.Network { return signalling(b.t) }

// receiving is how sessions of text get datagrams; nil: as ever.
func receiving(inside *memnet.Network) func(*net.UDPConn, []byte) (int, netip.AddrPort, error) {
	if inside == nil {
		return nil
	}
	return conftest.Poll
}

// receive waits for a datagram.
func (s *recordingServer) receive(socket *net.UDPConn, packet []byte) (int, netip.AddrPort, error) {
	if networkOf(s.t) != nil {
		return conftest.Poll(socket, packet)
	}
	return socket.ReadFromUDPAddrPort(packet)
}

// newVirtualBench is a bench of a virtual test with the timers of SIP as they are by default.
func newVirtualBench(t *testing.T, cfg focus.Config, tune ...func(*sipua.Config)) *bench {
	t.Helper()
	return newVirtualBenchWith(t, focus.Deps{}, cfg, tune...)
}

// newVirtualBenchWith has a focus with more than a mixer and media.
func newVirtualBenchWith(t *testing.T, deps focus.Deps, cfg focus.Config, tune ...func(*sipua.Config)) *bench {
	t.Helper()
	usual := func(c *sipua.Config) { c.Timers = sipua.Timers{} }
	return newBenchOf(t, cfg, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", deps, append([]func(*sipua.Config){usual}, tune...)...)
}

// tick begins the ticks of the mixer.
func (b *bench) tick() {
	b.t.Helper()
	if b.inside == nil {
		must(b.t, b.mixer.Start())
		return
	}
	ticker := time.NewTicker(mixer.TickPeriod)
	b.t.Cleanup(ticker.Stop)
	must(b.t, b.mixer.Drive(ticker.C))
}
