package focus_test

import (
	"os"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/spool"
	"github.com/parley-sip/parley/siprec"
)

// stormHeld is how long what no server takes is in memory only: half of what is held, and a look at it.
const stormHeld = 3200 * time.Millisecond

// stormCrash is the death of the program: what is on its disk by then, and who finds it.
type stormCrash struct {
	at        time.Time
	disk      string
	lost      int // frames that had been counted as lost by then
	delivered int // by the program that came after it
}

func openStormSpool(t *testing.T, disk string) *spool.Store {
	t.Helper()
	store, err := spool.Open(spool.Config{Directory: disk, Key: [spool.KeySize]byte{7}})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	return store
}

// crash has the program die: recorders hear nothing of it any more, and the disk is as it is. What the ghost of it does after that is seen by nobody.
func (s *storm) crash() {
	if lead := time.Duration(6+s.plan.seed%6) * time.Second; s.plan.seed%4 > 0 { // else recorders are mostly well, and the spool has little
		pass(s.plan.crash - lead)
		for _, r := range s.srs {
			s.note("%s dies before the program, and does not come back", r.name)
			r.die()
			r.set(func(r *stormRecorder) { r.away = true })
		}
	}
	pass(time.Until(s.b.origin.Add(s.plan.crash)))
	died := &stormCrash{at: time.Now(), disk: s.t.TempDir(), lost: int(s.b.focus.Stats().UnrecordedFrames)}
	must(s.t, os.CopyFS(died.disk, os.DirFS(s.disk)))
	for _, r := range s.srs {
		r.set(func(r *stormRecorder) { r.ghost = s.b.agent.Addr("tcp").Port() })
		for _, session := range r.all() {
			session.hush()
		}
	}
	s.died = died
	s.note("the program dies")
}

// rise has the program begin again with what is on the disk, and deliver that.
func (s *storm) rise() {
	store := openStormSpool(s.t, s.died.disk)
	for _, r := range s.srs {
		r.set(func(r *stormRecorder) { r.away = false })
	}
	frames := framesOn(s.t, store)
	b := newBenchWith(s.t, focus.Deps{Spool: store}, s.cfg)
	for range 200 {
		if names, err := store.Segments(); err == nil && len(names) == 0 {
			break
		}
		pass(time.Second)
	}
	names, err := store.Segments()
	must(s.t, err)
	for _, name := range names {
		s.t.Errorf("segment %s is not delivered", name)
	}
	pass(2 * time.Second)
	if s.died.delivered = int(b.focus.Stats().DeliveredFrames); s.died.delivered != frames {
		s.t.Errorf("%d of %d frames on the disk are delivered", s.died.delivered, frames)
	}
}

// onDisk tells whether what was said has to have been on the disk when the program died: no server took it, and that was known. What a server was sent that
// may not have got it is in memory for longer, until that is known (ADR 113).
func (o *stormOracle) onDisk(conf string, at time.Time) bool {
	value, certain := o.facts.during("live/"+conf, at, o.s.died.at)
	return o.s.plan.copies == 1 && certain && value == "no" && at.Add(stormHeld).Before(o.s.died.at)
}

// framesOn is how many frames of audio are in the segments of a spool.
func framesOn(t *testing.T, store *spool.Store) (frames int) {
	t.Helper()
	names, err := store.Segments()
	must(t, err)
	for _, name := range names {
		r, err := store.Read(name)
		must(t, err)
		for {
			record, err := r.Next()
			if err != nil { // the end, or where the writing stopped
				break
			}
			if record[0] == 'F' {
				frames++
			}
		}
		must(t, r.Close())
	}
	return frames
}

// checkCrash looks at what was delivered after a crash: each frame once, and nothing is said to have been so after it.
func (o *stormOracle) checkCrash() {
	died := o.s.died
	samples := 0
	times := map[stormPart]map[siprec.ID]int{}
	for _, session := range o.s.sessions() {
		if !session.began().After(died.at) {
			continue
		}
		for i := range session.known {
			d := &session.known[i].metadata
			for _, c := range d.Sessions {
				if c.Start.After(died.at) || c.Stop.After(died.at) {
					o.fault("after", "%s: a session from %v to %v", session.name, o.s.since(c.Start), o.s.since(c.Stop))
				}
			}
			for _, a := range d.ParticipantSessions {
				if a.Associate.After(died.at) || a.Disassociate.After(died.at) {
					o.fault("after", "%s: %s from %v to %v", session.name, nameIn(d, a.Participant), o.s.since(a.Associate), o.s.since(a.Disassociate))
				}
			}
		}
		for _, stream := range session.kept().streams {
			for _, size := range stream.sizes {
				samples += size
			}
		}
		for _, stream := range session.heard(o.s.mains) {
			for _, frame := range stream.frames {
				for _, part := range frame.parts {
					if times[part] == nil {
						times[part] = map[siprec.ID]int{}
					}
					times[part][frame.stream]++
				}
			}
		}
	}
	if got := samples / stormFrame; got != died.delivered && (got < died.delivered || o.s.plan.lines == 0) { // what is in a line that nobody has is silence
		o.s.t.Errorf("%d frames have come of %d on the disk", got, died.delivered)
	}
	for part, streams := range times {
		for id, n := range streams {
			o.tally["crash: delivered"]++
			if part.n >= 0 && n > 1 && times[stormPart{part.voice, part.n - 1}][id] > 1 && times[stormPart{part.voice, part.n + 1}][id] > 1 {
				o.fault("again", "v%d (%d) is delivered %d times in stream %s", part.voice, part.n, n, id.Text())
			}
		}
	}
}

// began is when a session did.
func (s *stormSession) began() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[0].at
}
