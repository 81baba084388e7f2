package focus

import "github.com/parley-sip/parley/focus/conference"

// steering is what keys find of the recordings: whether there are any, and whether all of them pause.
func steering(s *conference.State) (running, paused bool) {
	paused = true
	for i := range s.Recordings {
		if r := &s.Recordings[i]; !r.Over() && !r.Stopping {
			running, paused = true, paused && r.Paused
		}
	}
	return running, running && paused
}

// toggleRecording stops all recordings, or starts one. What the policy demands goes on.
func toggleRecording(c *controller, p *conference.Participant) ([]string, error) {
	if p.Role != conference.Moderator {
		return nil, conference.ErrNotModerator
	}
	if running, _ := steering(c.machine.State()); running {
		return []string{"recording-stopped"}, c.step(conference.Steer{Wish: conference.PreferOff})
	}
	return []string{"recording-started"}, c.step(conference.Steer{Wish: conference.PreferOn})
}

// togglePause pauses all recordings, also those that do while others go on; when all pause it resumes them.
func togglePause(c *controller, p *conference.Participant) ([]string, error) {
	running, paused := steering(c.machine.State())
	switch {
	case p.Role != conference.Moderator:
		return nil, conference.ErrNotModerator
	case !running:
		return []string{"recording-none"}, nil
	case paused:
		return []string{"recording-resumed"}, c.step(conference.Steer{Wish: conference.PreferOn})
	default:
		return []string{"recording-paused"}, c.step(conference.Steer{Wish: conference.PreferPause})
	}
}
