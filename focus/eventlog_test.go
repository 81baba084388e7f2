package focus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/focus/conference"
)

// Whoever follows events gets those of his conference that are kept, in order and each once, wherever he begins and however slow he is; what he has missed is of his conference.
func TestWatchersGetTheirEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 6).Draw(t, "kept")
		f := &Focus{events: newEventLog(size, nil)}
		type follower struct {
			*Watcher

			id     conference.ID
			at     int // of all, what he has looked at
			missed int
		}
		var all []Event // number n is at n-1
		var followers []*follower
		ids := []conference.ID{"a", "b", "c"}
		oldest := func() int { return max(0, len(all)-size) }
		mine := func(w *follower, e Event) bool { return w.id == "" || e.Conference == w.id }
		look := func(t *rapid.T, w *follower) {
			for ; w.at < oldest(); w.at++ {
				if mine(w, all[w.at]) {
					w.missed++
				}
			}
			for w.at < len(all) && !mine(w, all[w.at]) {
				w.at++
			}
			e, found, _ := f.events.read(w.Watcher)
			if found != (w.at < len(all)) || w.Missed() != uint64(w.missed) {
				t.Fatalf("%q at %d of %d gets %+v, has missed %d, want %d", w.id, w.at, len(all), e, w.Missed(), w.missed)
			}
			if found {
				if e.ID != all[w.at].ID || e.Object != w.at {
					t.Fatalf("%q gets %+v, want number %d", w.id, e, w.at)
				}
				w.at++
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"happen": func(t *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(t, "conference")
				f.events.add(id, time.Now(), ConferenceUpdated, len(all), rapid.Bool().Draw(t, "last"))
				all = append(all, f.events.ring[uint64(len(all)+1)%uint64(size)])
			},
			"watch": func(t *rapid.T) {
				w := &follower{id: rapid.SampledFrom(append(ids, "")).Draw(t, "whose"), at: len(all)}
				after := ""
				if n := rapid.IntRange(-1, len(all)).Draw(t, "after"); n >= 0 {
					after, w.at, w.missed = fmt.Sprintf("%s-%d", f.events.boot, n), max(n, oldest()), max(0, oldest()-n)
				}
				w.Watcher = f.Watch(w.id, after)
				followers = append(followers, w)
			},
			"look": func(t *rapid.T) {
				if len(followers) > 0 {
					look(t, rapid.SampledFrom(followers).Draw(t, "who"))
				}
			},
			"leave": func(t *rapid.T) {
				if len(followers) > 0 {
					i := rapid.IntRange(0, len(followers)-1).Draw(t, "who")
					followers[i].Close()
					followers = slices.Delete(followers, i, i+1)
				}
			},
			"": func(t *rapid.T) {
				for id, s := range f.events.follows {
					if !slices.ContainsFunc(followers, func(w *follower) bool { return w.id == id }) || len(s.numbers) > size {
						t.Fatalf("for nobody, or more than is kept of %q: %v", id, s.numbers)
					}
				}
			},
		})
	})
}

// Events of a conference wake those who follow it or all, and nobody else.
func TestEventsWakeWhoFollowsThem(t *testing.T) {
	f := &Focus{events: newEventLog(8, nil)}
	of := func(id conference.ID) *Watcher {
		w := f.Watch(id, "")
		<-w.place.news // who comes has not looked yet
		return w
	}
	a, b, all := of("a"), of("b"), of("")
	woken := func(w *Watcher) bool {
		select {
		case <-w.place.news:
			return true
		default:
			return false
		}
	}
	for range 20 {
		f.events.add("a", time.Now(), ConferenceUpdated, nil, false)
		if !woken(a) || woken(b) || !woken(all) {
			t.Fatal("an event of a has to wake who follows a, and who follows all")
		}
		f.events.add("c", time.Now(), ConferenceUpdated, nil, false)
		if woken(a) || woken(b) || !woken(all) {
			t.Fatal("an event of c has to wake who follows all")
		}
	}
	if _, found, _ := f.events.read(b); found || b.Missed() > 0 {
		t.Errorf("who follows b has missed %d of the events of others", b.Missed())
	}
}

// counted is an object that knows how often it has been written.
type counted struct{ times *atomic.Int32 }

// MarshalJSON implements json.Marshaler.
func (c counted) MarshalJSON() ([]byte, error) {
	c.times.Add(1)
	return []byte(`{"a":"\u003c"}`), nil
}

// The text of an event is made once, however many follow it, and is that of any event. All get it, and all end when there will be no more.
func TestEventTextIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Focus{events: newEventLog(8, nil)}
		var object counted
		object.times = &atomic.Int32{}
		var mu sync.Mutex
		texts := map[string]int{}
		var wait sync.WaitGroup
		const many = 5 * wokenAtOnce
		for i := range many {
			w := f.Watch([]conference.ID{"", "a"}[i%2], "")
			wait.Go(func() {
				defer w.Close()
				for {
					e, err := w.Next(t.Context())
					if err != nil {
						if !errors.Is(err, ErrShutdown) {
							t.Error(err)
						}
						return
					}
					text, err := e.JSON()
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					texts[string(text)]++
					mu.Unlock()
				}
			})
		}
		synctest.Wait()
		f.events.add("a", time.Now(), ConferenceUpdated, object, false)
		<-time.After(time.Second)
		synctest.Wait()
		e := f.events.ring[1]
		plain := Event{ID: e.ID, Type: e.Type, Time: e.Time, Conference: e.Conference, Sequence: e.Sequence, Object: object}
		if n := object.times.Load(); n != 1 {
			t.Errorf("made %d times", n)
		}
		want, err := json.Marshal(plain)
		mu.Lock()
		if err != nil || texts[string(want)] != many {
			t.Errorf("%v, want %d times %s: %v", texts, many, want, err)
		}
		mu.Unlock()
		if own, err := plain.JSON(); err != nil || string(own) != string(want) {
			t.Errorf("of an event that is not of the log: %s, %v", own, err)
		}
		f.events.close()
		wait.Wait()
		if len(f.events.follows) != 0 {
			t.Errorf("left are %v", f.events.follows)
		}
	})
}

// Who was closed still gets what there was before, and nothing else, also when it is not kept any more.
func TestClosedWatcher(t *testing.T) {
	f := &Focus{events: newEventLog(4, nil)}
	w := f.Watch("a", "")
	for i := range 3 {
		f.events.add("a", time.Now(), ConferenceUpdated, i, false)
	}
	w.Close()
	for range 2 { // the first one is overwritten
		f.events.add("b", time.Now(), ConferenceUpdated, -1, false)
	}
	for want := 1; want < 3; want++ {
		if e, err := w.Next(t.Context()); err != nil || e.Object != want {
			t.Errorf("%+v, %v, want %d", e, err, want)
		}
	}
	if _, err := w.Next(context.Background()); !errors.Is(err, ErrShutdown) || w.Missed() != 1 {
		t.Errorf("%v, missed %d", err, w.Missed())
	}
}
