package focus

import (
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// RecordingRule says how conferences are recorded, or participants of them, that the policy of the conference does not single out.
type RecordingRule struct {
	// Matches tells whether the rule is about somebody who joins. It is called by many goroutines and must not block.
	Matches func(Arrival) bool
	// Personal tells that the rule is about the participant and not about the conference; see conference.Rule.
	Personal bool
	// Recording is the policy. Without Servers it is the first of Config.Recorders.
	Recording conference.RecordingConfig
}

// Arrival is somebody who joins a conference.
type Arrival struct {
	Conference conference.ID
	Request    *sipua.Request // the INVITE of who calls in; nil for who is called
	Target     sipua.URI      // who is called
	At         time.Time
}

// rule gives the first recording rule that is about an arrival; nil: the policy of the conference holds.
func (f *Focus) rule(a Arrival) *conference.Rule {
	rules := f.live().RecordingRules
	for i := range rules {
		if r := &rules[i]; r.Matches(a) {
			return &conference.Rule{Recording: f.recordingConfig(r.Recording), Personal: r.Personal}
		}
	}
	return nil
}

// recordingConfig completes a policy: the servers that its names stand for, and the spool only if there is one.
func (f *Focus) recordingConfig(c conference.RecordingConfig) conference.RecordingConfig {
	if servers := f.live().Recorders; len(c.Servers) == 0 && len(servers) > 0 {
		c.Servers = []string{servers[0].Name}
	}
	c.Servers = f.pool.expand(c.Servers)
	c.Spool = c.Spool && f.spool != nil
	return c
}

// ruled gives an event its recording rule, if it is about somebody who is called.
func (c *controller) ruled(e conference.Event) conference.Event {
	in, ok := e.(conference.Invite)
	if !ok || in.Rule != nil || len(c.focus.live().RecordingRules) == 0 {
		return e
	}
	target, err := sipua.ParseURI(in.Entity)
	if err != nil {
		return e
	}
	in.Rule = c.focus.rule(Arrival{Conference: c.id, Target: target, At: time.Now()})
	return in
}

// captureEnds is how long the end of a capture is waited for: one tick of the mixer, and one for a busy machine.
const captureEnds = 100 * time.Millisecond

// withdraw lets the capture end before anybody hears of it (RFC 7866, section 7.1.1.1), if a step takes anything out of recordings.
func (c *controller) withdraw(old, next *conference.State) {
	if len(next.Participants) == 0 || !withdraws(old, next) {
		return
	}
	c.updateMix()
	c.giveLayout()
	timer := time.NewTimer(captureEnds)
	defer timer.Stop()
	select {
	case <-c.applied:
	case <-timer.C:
		c.log.Warn("the mixer is late to end a capture")
	}
}

func withdraws(old, next *conference.State) bool {
	for i := range old.Recordings {
		if before := &old.Recordings[i]; before.Captures() {
			if after, ok := next.Recording(before.ID); !ok || !after.Captures() {
				return true
			}
		}
	}
	for was, is := range conference.Changed(old, next) {
		if was != nil && is != nil && was.Recordable() && !is.Recordable() {
			return true
		}
	}
	return false
}
