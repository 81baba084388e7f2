package mixer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// An engine that is driven mixes once for each value, whatever mixes there are, tells who speaks, and ends when it is closed.
func TestDrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spoke := map[*Mix]int{}
		e, err := New(Config{Workers: 2, OnSpeakers: func(m *Mix, active []MemberID) { spoke[m] = len(active) }})
		if err != nil {
			t.Fatal(err)
		}
		ticks := make(chan time.Time)
		if err = e.Drive(ticks); err != nil {
			t.Fatal(err)
		}
		if err = e.Start(); !errors.Is(err, ErrStarted) {
			t.Errorf("started twice: %v", err)
		}
		outs := make([]*fakeOutput, 2*defaultCohorts)
		applied := make([]<-chan struct{}, len(outs))
		for i := range outs {
			outs[i] = &fakeOutput{}
			applied[i], err = e.NewMix(MixConfig{}).Apply(Layout{Members: []Member{
				party(1, tone(8000, 440, 8000), &fakeOutput{}, codecs.PCMU), party(2, quiet(8000), outs[i], codecs.PCMU),
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Hour)
		select {
		case <-applied[0]:
			t.Error("a layout is in effect without a tick")
		default:
		}
		for range 10 {
			ticks <- time.Now()
		}
		for i, done := range applied {
			<-done
			synctest.Wait()
			if n := len(outs[i].packets); n != 10 || outs[i].packets[9].level > 100 {
				t.Errorf("mix %d: %d packets after 10 ticks", i, n)
			}
		}
		<-time.After(SpeakerInterval)
		synctest.Wait()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if len(spoke) != len(outs) {
			t.Errorf("speakers of %d mixes", len(spoke))
		}
		if s := e.Stats(); s.Ticks != 10*defaultCohorts || s.MissedTicks+s.LateTicks != 0 {
			t.Errorf("%+v", s)
		}
	})
}
