package sipua

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

// TestSessionTimerKeepsTime: a session of ours is refreshed when half of its interval is over, and again earlier and earlier when that
// fails; one that is not refreshed in time is ended a third of the interval, at most 32 s, before its end, and not after the dialog has
// ended by itself (RFC 4028, section 10).
func TestSessionTimerKeepsTime(t *testing.T) {
	refused := errors.New("refused")
	for _, c := range []struct {
		name     string
		interval time.Duration
		ours     bool
		answers  int           // so many refreshes succeed
		begins   time.Duration // when the peer refreshes, 0: never
		stops    time.Duration // when the dialog ends by itself, 0: never
		want     []string
	}{
		{"refreshed for ever", 90 * time.Second, true, 99, 0, 190 * time.Second, []string{"45s refresh", "1m30s refresh", "2m15s refresh", "3m0s refresh"}},
		{"never refreshed", 90 * time.Second, true, 0, 0, 0, []string{"45s refresh", "52.5s refresh", "56.25s refresh", "58.125s refresh", "1m0s end"}},
		{"refreshed once", 1800 * time.Second, true, 1, 0, 2000 * time.Second, []string{"15m0s refresh", "30m0s refresh"}},
		{"by the peer", 90 * time.Second, false, 0, 50 * time.Second, 0, []string{"1m50s end"}},
		{"by the peer, long", 1800 * time.Second, false, 0, 0, 0, []string{"29m28s end"}},
		{"ended before", 90 * time.Second, false, 0, 0, 59 * time.Second, nil},
		{"for ever", 0, true, 0, 0, 24 * time.Hour, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				agent := &Agent{running: true, closed: make(chan struct{}), log: slog.New(slog.DiscardHandler)}
				agent.config.Timers = Timers{T1: 500 * time.Millisecond, Glare: time.Second}
				d := newDialog(&dialogState{agent: agent}, nil)
				s, start := &d.session, time.Now()
				var got []string
				over := make(chan struct{})
				note := func(what string) { got = append(got, fmt.Sprintf("%v %s", time.Since(start), what)) }
				s.renew = func(context.Context) error {
					note("refresh")
					if c.answers--; c.answers < 0 {
						return refused
					}
					s.begin(lease{interval: c.interval, ours: true})
					return nil
				}
				s.end = func(reason EndReason) {
					note("end")
					if reason.Cause != EndExpired {
						t.Errorf("ended for %v", reason.Cause)
					}
					close(over)
				}
				s.begin(lease{interval: c.interval, ours: c.ours})
				if c.begins > 0 {
					defer time.AfterFunc(c.begins, func() { s.begin(lease{interval: c.interval}) }).Stop()
				}
				var stops <-chan time.Time
				if c.stops > 0 {
					stops = time.After(c.stops)
				}
				select {
				case <-over:
				case <-stops:
				}
				s.stop()
				<-time.After(48 * time.Hour) // nothing comes after
				synctest.Wait()
				if !slices.Equal(got, c.want) {
					t.Errorf("%q, want %q", got, c.want)
				}
				close(agent.closed)
				agent.wait.Wait()
			})
		})
	}
}
