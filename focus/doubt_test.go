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
		again string // when the next one is gone as well
		kept  int    // frames; 0: as many as are in doubt
	}{
		"all is kept":            {hold: 10 * time.Second, there: 100},
		"some is kept":           {hold: time.Second, there: 100, kept: 90},
		"nothing is proven":      {hold: time.Second, kept: 90},
		"all is proven":          {hold: time.Second, there: 300},
		"the spool has a part":   {hold: 10 * time.Second, there: 100, taken: true, kept: 50},
		"twice":                  {hold: 10 * time.Second, there: 100, again: "at once"},
		"twice, some is kept":    {hold: time.Second, there: 100, again: "at once", kept: 90},
		"twice, has begun":       {hold: 10 * time.Second, there: 100, again: "has begun"},
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
				if c.again != "" {
					s.release(codecs.PCMU)
					<-time.After(time.Millisecond)
					s.mark(time.Now())
					if c.again == "has begun" {
						s.takeBack()
					}
					s.doubt(time.Now().Add(markSlack), "two")
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

// Where a tick has two packets, what is sent again begins with the first of one: wherever the server was heard, or what is kept begins.
func TestDoubtBeginsWithATick(t *testing.T) {
	for name, c := range map[string]struct {
		hold time.Duration
		act  func(s *capture, emit func(packets int))
		want int // frames that are sent again; negative: fewer than that
	}{
		"heard amid a tick": {10 * time.Second, func(s *capture, emit func(int)) { emit(100); emit(31); s.mark(time.Now()); emit(9) }, 10},
		"heard while it has to catch up": {10 * time.Second, func(s *capture, emit func(int)) {
			s.hold()
			emit(40)
			s.release(codecs.L16At48000)
			s.flush(9)
			s.publish()
			s.mark(time.Now())
			emit(2)
			s.rest()
		}, 42},
		"not all is kept": {200 * time.Millisecond, func(_ *capture, emit func(int)) { emit(101) }, -101},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCapture(openSession(t), c.hold, codecs.L16At48000)
				s.release(codecs.L16At48000)
				n := 0
				c.act(s, func(packets int) {
					for range packets {
						<-time.After(codecs.FrameDuration / 2)
						s.Emit(&codecs.Packet{Payload: make([]byte, 960-10*(n%5)), Samples: 480})
						n++
					}
				})
				<-time.After(markSlack)
				s.doubt(time.Now(), "one")
				s.takeBack()
				got := 0
				for range s.kept.times() {
					got++
				}
				if s.kept.inner(s.kept.sent.Load()) || c.want > 0 && got != c.want || c.want < 0 && got+int(s.dropped()) != -c.want {
					t.Errorf("%d frames are sent again, the first amid a tick: %t; %d are lost", got, s.kept.inner(s.kept.sent.Load()), s.dropped())
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
