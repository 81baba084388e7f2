package sipua

import (
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// TestExpiring: entries are forgotten after their time.
func TestExpiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newExpiring[int](time.Second)
		table.add("a", 1)
		if v, fresh := table.add("a", 2); fresh || v != 1 {
			t.Error(v, fresh)
		}
		elapse(time.Second)
		if _, ok := table.get("a"); ok {
			t.Error("still there")
		}
		table.add("b", 3)
		if table.size() != 1 {
			t.Error(table.size())
		}
	})
}

// TestExpiringShrinks: a wave of entries leaves no room behind, although there is always one.
func TestExpiringShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wave = 40_000
		table := newExpiring[int](time.Second)
		size := func() int64 {
			runtime.GC()
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			return int64(now.HeapAlloc)
		}
		before := size()
		for n := range wave {
			table.add(strconv.Itoa(n), n)
			if n%100 == 99 {
				elapse(time.Millisecond)
			}
		}
		full := size() - before
		if table.size() != wave {
			t.Fatal(table.size(), "of", wave, "are there")
		}
		for n := range 20 {
			table.add("later"+strconv.Itoa(n), n)
			elapse(100 * time.Millisecond)
		}
		left := size() - before
		t.Logf("%d octets with all, %d with %d", full, left, table.size())
		if table.size() > 11 || left > full/20 {
			t.Errorf("%d of %d octets are left with %d of %d entries", left, full, table.size(), wave)
		}
		for n := 11; n < 20; n++ {
			if v, ok := table.get("later" + strconv.Itoa(n)); !ok || v != n {
				t.Error("lost", n, v, ok)
			}
		}
	})
}
