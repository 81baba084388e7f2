package media

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Shows RQ-023. All sessions of a transport have one clock of ticks: the timestamps of one whose first tick is late are on the grid of the others, and so is what its
// reports say.
func TestLateFirstTick(t *testing.T) { synctest.Test(t, testLateFirstTick) }

func testLateFirstTick(t *testing.T) {
	transport := newTestTransport(t, nil)
	early, late := openSession(t, transport), openSession(t, transport)
	for _, s := range []*Session{early, late} {
		if err := s.Configure(pcmuParams(netip.MustParseAddrPort("127.0.0.1:9"))); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Since(transport.epoch)
	for i := range 10 {
		due := time.Duration(i) * tick
		<-time.After(begin + due - time.Since(transport.epoch))
		p := codecs.Packet{Payload: loud(), Samples: 160, Due: time.Hour + due}
		early.Emit(&p)
		if i == 5 {
			<-time.After(13 * time.Millisecond)
		}
		if i >= 5 {
			late.Emit(&p)
		}
	}
	for name, s := range map[string]*Session{"early": early, "late": late} {
		if off := (time.Duration(s.shared.anchor.at.Load()) - begin) % tick; off != 0 {
			t.Errorf("%s: timestamps are %v off the ticks", name, off)
		}
	}
}
