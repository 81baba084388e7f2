package focus_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// flow has the recording of a conference go on if it is paused, and if it is not pauses it, or ends it and begins another one. One that has failed for good
// is begun anew, but by the policy with the next participant; that is paused as it was.
func (s *storm) flow(conf string, on bool) {
	fact := "recording/" + conf
	was := s.facts.now(fact)
	state := s.b.state(conf)
	var id conference.RecordingID
	for k := range state.Recordings {
		if r := &state.Recordings[k]; !r.Over() && !r.Stopping {
			id = r.ID
		}
	}
	var err error
	switch {
	case id == "" && was != "off" && s.plan.always[conf]:
	case on && was == "paused" && id != "":
		now := "on"
		s.changing("resume", func() string { return now }, func() error {
			if _, err = s.b.focus.ResumeRecording(s.t.Context(), conference.ID(conf), id); errors.Is(err, conference.ErrNoRecording) { // it has just failed for good
				now, err = was, nil
			}
			return err
		}, fact)
	case id == "" && (on || was == "on"):
		s.changing("record", is("on"), func() error {
			_, err = s.b.focus.StartRecording(s.t.Context(), conference.ID(conf), focus.RecordingRequest{Modes: s.plan.modes[conf]})
			return err
		}, fact)
	case on:
	default:
		s.stopping("pause", "paused", func() error {
			_, err = s.b.focus.PauseRecording(s.t.Context(), conference.ID(conf), id)
			return err
		}, fact)
	}
}

func (s *storm) stop(conf string) {
	state := s.b.state(conf)
	for k := range state.Recordings {
		if r := state.Recordings[k]; !r.Over() && !r.Stopping {
			s.stopping("stop", "off", func() error {
				_, err := s.b.focus.StopRecording(s.t.Context(), conference.ID(conf), r.ID)
				return err
			}, "recording/"+conf)
		}
	}
}

// stirRecordings has recordings begin, pause, go on and end.
func (s *storm) stirRecordings(rng *rand.Rand) {
	for time.Now().Before(s.over) {
		pass(time.Duration(rng.IntN(1500)) * time.Millisecond)
		conf := stormConferences[rng.IntN(2)]
		switch now := s.facts.now("recording/" + conf); {
		case now != "on":
			s.flow(conf, true)
		case !s.plan.always[conf] && rng.IntN(3) == 0:
			s.stop(conf)
		default:
			s.flow(conf, false)
		}
	}
}

// stirRecorders has them be as they should not.
func (s *storm) stirRecorders(rng *rand.Rand) {
	for time.Now().Before(s.over) {
		pass(time.Duration(200+rng.IntN(1500)) * time.Millisecond)
		r := s.srs[rng.IntN(len(s.srs))]
		set := func(change func(*stormRecorder)) { r.set(change) }
		switch rng.IntN(8) {
		case 0:
			s.note("%s dies", r.name)
			r.die()
			pass(time.Duration(500+rng.IntN(3000)) * time.Millisecond)
			s.note("%s comes back", r.name)
			r.comeBack()
		case 1:
			status := []int{491, 500, 488, 503}[rng.IntN(4)]
			s.note("%s refuses a re-INVITE with %d", r.name, status)
			set(func(r *stormRecorder) { r.reject = status })
		case 2:
			d := time.Duration(rng.IntN(2500)) * time.Millisecond
			s.note("%s dawdles for %v", r.name, d)
			set(func(r *stormRecorder) { r.dawdle = d })
		case 3:
			s.note("%s refuses", r.name)
			set(func(r *stormRecorder) { r.refuse = 503 })
			pass(time.Duration(rng.IntN(2000)) * time.Millisecond)
			s.note("%s does not refuse any more", r.name)
			set(func(r *stormRecorder) { r.refuse = 0 })
		case 4:
			set(func(r *stormRecorder) { r.dawdle = 0 })
		case 5:
			if all := r.all(); len(all) > 0 {
				s.note("%s hangs up", r.name)
				all[len(all)-1].hangUp()
			}
		case 6:
			s.note("%s answers nothing, and takes packets", r.name)
			r.fallSilent()
			pass(time.Duration(500+rng.IntN(3000)) * time.Millisecond)
			s.note("%s answers again", r.name)
			r.comeBack()
		case 7:
			if s.reconfigure(r.name) {
				pass(time.Duration(200+rng.IntN(2500)) * time.Millisecond)
				s.reconfigure("")
			}
		}
	}
}

// reconfigure gives the focus its configuration anew, without a recorder. It reports whether that has been taken.
func (s *storm) reconfigure(without string) bool {
	cfg := s.cfg
	cfg.Recorders = slices.DeleteFunc(slices.Clone(cfg.Recorders), func(r focus.Recorder) bool { return r.Name == without })
	cfg.Conferences = slices.Clone(cfg.Conferences)
	for i := range cfg.Conferences {
		policy := &cfg.Conferences[i].Recording
		policy.Servers = slices.DeleteFunc(slices.Clone(policy.Servers), func(name string) bool { return name == without })
	}
	apply, err := s.b.focus.Reconfigure(cfg)
	if s.note("configured without %q: %v", without, err); err != nil {
		if without == "" {
			s.t.Errorf("configuration: %v", err)
		}
		return false
	}
	apply()
	return true
}
