package focus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// The outcome of a reference is told a second after its beginning at the earliest, at once when it takes longer, and not at all when the
// subscriber has gone (RFC 3515, sections 2.4.5 and 3.10).
func TestReferralReportKeepsItsPace(t *testing.T) {
	for _, c := range []struct {
		name           string
		outcome, ended time.Duration // 0: never
		want           []string
	}{
		{"at once", time.Millisecond, 0, []string{"0s active 100", "1s terminated;reason=noresource 200"}},
		{"late", 3 * time.Second, 0, []string{"0s active 100", "3s terminated;reason=noresource 200"}},
		{"the subscriber leaves before", 3 * time.Second, 2 * time.Second, []string{"0s active 100"}},
		{"the subscriber leaves in the pause", time.Millisecond, 900 * time.Millisecond, []string{"0s active 100"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outcome, ended := make(chan int, 1), make(chan struct{})
				time.AfterFunc(c.outcome, func() { outcome <- 200 })
				if c.ended > 0 {
					time.AfterFunc(c.ended, func() { close(ended) })
				}
				start := time.Now()
				var got []string
				reportReferral(t.Context(), slog.New(slog.DiscardHandler), outcome, ended, func(state string, status int) error {
					got = append(got, fmt.Sprintf("%v %s %d", time.Since(start), state, status))
					return nil
				})
				if !slices.Equal(got, c.want) {
					t.Errorf("%q, want %q", got, c.want)
				}
				synctest.Wait()
				<-time.After(max(c.outcome, c.ended)) // lets the bubble end
			})
		})
	}
}

// While the focus does not shut down a request has all the time of the protocol; then it has a while from the beginning of the shutdown,
// or, if it begins later, from its own. What has its answer before is over without an error of ours.
func TestPatienceEndsWithTheShutdown(t *testing.T) {
	const while = 2 * time.Second
	synctest.Test(t, func(t *testing.T) {
		draining, drain := context.WithCancel(t.Context())
		f := &Focus{onDrain: func(do func()) func() bool { return context.AfterFunc(draining, do) }}
		before, release := f.patient(t.Context(), while)
		defer release()
		answered, over := f.patient(t.Context(), while)
		<-time.After(time.Hour)
		if before.Err() != nil {
			t.Fatal("a request was given up although nothing ends")
		}
		drain()
		synctest.Wait()
		<-time.After(while - time.Millisecond)
		synctest.Wait()
		if before.Err() != nil {
			t.Error("given up too early")
		}
		over()
		<-time.After(time.Millisecond)
		synctest.Wait()
		if !errors.Is(context.Cause(before), errImpatient) {
			t.Errorf("after %v: %v", while, context.Cause(before))
		}
		if errors.Is(context.Cause(answered), errImpatient) {
			t.Error("what had its answer was given up")
		}
		late, end := f.patient(t.Context(), while)
		defer end()
		<-time.After(while - time.Millisecond)
		synctest.Wait()
		early := late.Err()
		<-time.After(time.Millisecond)
		synctest.Wait()
		if early != nil || !errors.Is(context.Cause(late), errImpatient) {
			t.Errorf("begun in the shutdown: %v, then %v", early, context.Cause(late))
		}
	})
}
