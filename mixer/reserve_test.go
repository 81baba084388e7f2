package mixer

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// talkers are members who all speak in the ticks for which speaks is true.
func talkers(n int, speaks func(tick int) bool) ([]Member, []*fakeOutput) {
	members, outs := make([]Member, n), make([]*fakeOutput, n)
	for i := range n {
		outs[i] = &fakeOutput{}
		members[i] = party(MemberID(i), voiced(48000, 120+float64(i), speaks), outs[i], codecs.Opus)
	}

	return members, outs
}

// When more begin to speak at once than was to be expected, all of them are heard, nobody hears himself, and those for whom there is no
// encoder get packets again as soon as there are more.
func TestMoreSpeakThanExpected(t *testing.T) {
	const all = 4 * reserveLeast
	b := newBench(t, MixConfig{})
	members, outs := talkers(all, func(tick int) bool { return tick >= 2 })
	b.apply(members...)
	for range 4 {
		b.step()
	}
	served := 0
	for i, out := range outs {
		s := b.mix.live.Load().seat(MemberID(i))
		last := out.packets[len(out.packets)-1]
		if last.samples != 960 || len(out.packets) != 4 {
			t.Fatalf("member %d: %d packets, the last of %d units", i, len(out.packets), last.samples)
		}
		if s.in.lanes[mainLane].sounding != true {
			t.Fatalf("member %d is not heard", i)
		}
		if s.out.apart {
			served++
		} else if len(last.payload) > 0 {
			t.Fatalf("member %d hears itself", i)
		}
	}
	if served != reserveLeast {
		t.Errorf("%d of %d have an encoder, want %d", served, all, reserveLeast)
	}
	for range all / reserveLeast {
		b.mix.engine.stock.refill()
		b.step()
	}
	for i, out := range outs {
		if last := out.packets[len(out.packets)-1]; len(last.payload) == 0 || last.samples != 960 {
			t.Errorf("member %d still hears nothing", i)
		}
	}
}

// Who has spoken gives the encoder back; what is far too much is let go when they have left.
func TestReserveIsUsedAgain(t *testing.T) {
	b := newBench(t, MixConfig{})
	turn := func(i int) func(int) bool { return func(tick int) bool { return tick/10%8 == i } }
	members := make([]Member, 8)
	for i := range members {
		members[i] = party(MemberID(i), voiced(48000, 120+float64(i)*7, turn(i)), &fakeOutput{}, codecs.Opus)
	}
	b.apply(members...)
	from := b.mix.engine.stock.get(b.mix.pending.Load().seats[0].out.format, false)
	if n := from.free.Load(); n != 8 {
		t.Fatalf("%d encoders for 8 members", n)
	}
	for range 800 {
		b.step()
	}
	if n := from.free.Load(); n < 6 || n > 8 {
		t.Errorf("%d encoders lie ready, of 8", n)
	}
	b.apply()
	b.step()
	if b.mix.engine.stock.refill(); len(b.mix.engine.stock.all) != 0 || from.users != 0 {
		t.Errorf("%d members are left", from.users)
	}
}

// A reserve is filled by itself within a moment, and by nobody when nobody needs it.
func TestStockFillsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStock()
		go s.run()
		defer s.close()
		r := s.get(format(codecs.Opus), false)
		if err := s.adjust(nil, map[*reserve]int{r: 3}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if r.take() == nil {
				t.Fatal("nothing lies ready")
			}
		}
		if r.take() != nil {
			t.Fatal("more than anybody needs")
		}
		<-time.After(2 * stockPeriod)
		if n := r.free.Load(); n != 3 {
			t.Errorf("%d after a while", n)
		}
	})
}

// Many threads take and give, and no stream is had by two of them.
func TestReserveIsShared(t *testing.T) {
	r := &reserve{format: format(codecs.PCMU)}
	for range 8 {
		r.give(&stream{})
	}
	var threads sync.WaitGroup
	for range 4 {
		threads.Go(func() {
			for range 2000 {
				if s := r.take(); s != nil {
					s.age++ // the race detector sees it if somebody else has it
					r.give(s)
				}
			}
		})
	}
	threads.Wait()
	if n := r.free.Load(); n != 8 {
		t.Errorf("%d of 8 are left", n)
	}
}
