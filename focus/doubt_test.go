package focus

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// What a server is sent after the last look before it gave its last sign is sent again as far as it is kept, and the rest of it is lost, each frame once: with
// room for all of it or not, when some of it has been taken by the spool, and when the next server is gone before anything has been sent to it.
//
// Shows SR-ERR-08.
func TestDoubtIsExact(t *testing.T) {
	for name, c := range map[string]struct {
		hold  time.Duration
		there int // frames that it had been sent when it was there last
		taken bool
		again bool
		kept  int // frames; 0: as many as are in doubt
	}{
		"all is kept":            {hold: 10 * time.Second, there: 100},
		"some is kept":           {hold: time.Second, there: 100, kept: 90},
		"nothing is proven":      {hold: time.Second, kept: 90},
		"all is proven":          {hold: time.Second, there: 300},
		"the spool has a part":   {hold: 10 * time.Second, there: 100, taken: true, kept: 50},
		"twice":                  {hold: 10 * time.Second, there: 100, again: true},
		"twice, some is kept":    {hold: time.Second, there: 100, again: true, kept: 90},
		"nothing is proven, all": {hold: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCapture(openSession(t), c.hold, codecs.PCMU)
				s.release(codecs.PCMU)
				began, sent := time.Now(), 0
				for sent < 300 {
					if c.taken && sent == 250 {
						s.keep()
						speak(s, 1)
						s.unsent(0, func(*codecs.Packet, held) {})
						s.release(codecs.PCMU)
					}
					speak(s, 25)
					sent += 25
					s.mark(time.Now())
				}
				<-time.After(markSlack)
				there := began.Add(time.Duration(c.there)*codecs.FrameDuration + markSlack)
				s.follow(there, time.Time{}, time.Time{})
				s.doubt(there, "one")
				if c.again {
					s.release(codecs.PCMU)
					s.doubt(time.Now(), "two")
				}
				for s.takeBack(); s.again.Load() != nil; {
					continue
				}
				kept := 0
				for range s.kept.times() {
					kept++
				}
				doubtful := sent - c.there
				if c.kept == 0 && kept != doubtful || c.kept > 0 && (kept < c.kept || kept >= doubtful) || kept+int(s.dropped()) != doubtful {
					t.Errorf("%d frames are in doubt; %d are kept, %d lost", doubtful, kept, s.dropped())
				}
			})
		})
	}
}

// What has waited for a server, and is sent again as it is gone, is of the time at which it was captured: who was there then is named (ADR 106).
func TestDoubtOfWhatHasWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapture(openSession(t), 10*time.Second, codecs.PCMU)
		began := time.Now()
		speak(c, 200)
		c.release(codecs.PCMU)
		released := time.Now()
		c.mark(released)
		speak(c, 10)
		c.mark(time.Now())
		c.doubt(released.Add(50*time.Millisecond), "one")
		if at := c.oldest().Sub(began); at > 2*codecs.FrameDuration {
			t.Errorf("the first was captured at %v", at)
		}
		c.release(codecs.PCMU)
		speak(c, 200)
		c.mark(time.Now())
		flowing := time.Now()
		speak(c, 10)
		c.doubt(flowing.Add(50*time.Millisecond), "two")
		if at := c.oldest(); at.Sub(flowing).Abs() > 2*codecs.FrameDuration {
			t.Errorf("the first was captured %v after all that had waited was sent", at.Sub(flowing))
		}
	})
}

// What is known of a session belongs to those that it was sent to: as long as a recording has not heard that it is lost, what the next one tells proves nothing.
func TestSignsOfTheNextSession(t *testing.T) {
	lost := time.Unix(1000, 0)
	h := &persistent{}
	l := &lease{session: h}
	if _, current := l.listen(time.Time{}, answers{}, lost); !current {
		t.Error("nothing is lost")
	}
	l.doubt = lost
	h.proof = proof{there: lost.Add(time.Second)}
	if _, current := l.listen(lost.Add(2*time.Second), answers{}, lost.Add(3*time.Second)); current || !h.proof.reported.IsZero() {
		t.Error("what the next session tells is taken for the one before")
	}
}
