package media

import (
	"testing"
	"time"
)

// When the system's clock is set, what packets say of their arrival is understood again soon.
func TestWallClockFollows(t *testing.T) {
	transport := newTestTransport(t, nil)
	openSession(t, transport)
	off := func() time.Duration {
		return (time.Duration(transport.wall.at(time.Since(transport.epoch))) - time.Duration(time.Now().UnixNano())).Abs()
	}
	if off() > time.Second {
		t.Fatalf("the clock is off by %v from the beginning", off())
	}
	transport.wall.offset.Add(int64(time.Hour))
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	limit := time.After(10 * time.Second)
	for off() > time.Second {
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("the clock is off by %v", off())
		}
	}
}
