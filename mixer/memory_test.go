package mixer

import (
	"runtime"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// Large conferences are mostly listeners: what only a speaker needs they do not have, and who may speak but has not said anything yet has little of it.
func TestMemoryPerMember(t *testing.T) {
	for codec, limit := range map[codecs.Codec]int64{codecs.PCMU: 12 << 10, codecs.G722: 12 << 10, codecs.Opus: 14 << 10} {
		for _, speaks := range []bool{false, true} {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			b := newBench(t, MixConfig{})
			members := make([]Member, 0, 200)
			for i := range 200 {
				m := party(MemberID(i), newSounding(8000, 1, never), &countingOutput{}, codec)
				m.Speaks = speaks
				members = append(members, m)
			}
			b.apply(members...)
			b.step()
			runtime.GC()
			runtime.ReadMemStats(&after)
			bytes := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / 200
			t.Logf("%v, speaks %v: %d bytes per member", codec, speaks, bytes)
			allowed := limit
			if !speaks {
				allowed = 8 << 10
			}
			if bytes > allowed {
				t.Errorf("%v, speaks %v: %d bytes per member, want at most %d", codec, speaks, bytes, allowed)
			}
			runtime.KeepAlive(b)
		}
	}
}
