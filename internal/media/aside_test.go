package media

import (
	"testing"

	"github.com/parley-sip/parley/internal/ice"
)

// FuzzAside: whatever comes to the port of a session that shakes hands, it stays alone with its own.
func FuzzAside(f *testing.F) {
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1})
	f.Add(ice.Opening())
	f.Add([]byte{128, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7})
	f.Fuzz(func(t *testing.T, octets []byte) {
		if len(octets) < 2 {
			return
		}
		var ring asideRing
		s := &Session{transport: &Transport{service: &service{}}}
		s.in.agreed = &agreement{aside: &ring, guard: &guard{}}
		r := received{size: copy(s.in.borrow(nil), octets)}
		s.arrived(&r, 0)
		kept := 0
		ring.each(func(d *asideDatagram) {
			kept++
			if isMedia(d.octets[:d.size]) || string(d.octets[:d.size]) != string(octets) {
				t.Errorf("kept % x of % x", d.octets[:d.size], octets)
			}
		})
		if st := &s.shared; kept+int(st.invalid.load()+st.forged.load()) < 1 && r.size <= asideMax {
			t.Errorf("% x has gone nowhere", octets)
		}
		if s.shared.packetsReceived.load() != 0 {
			t.Error("taken for media without keys")
		}
	})
}
