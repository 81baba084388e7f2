package conference

import "slices"

// RecordingConfig is a recording policy: of a conference, or of a rule.
type RecordingConfig struct {
	Policy    RecordingPolicy
	Modes     Mode     // when a request names none; 0 means Mixed
	Servers   []string // when a request names none
	OnFailure FailurePolicy
	// Copies is how many of the servers record at once, the others stand by; 0: all of them.
	Copies int
	// Balance spreads recordings over the servers instead of preferring the first ones.
	Balance bool
	// Spool keeps on disk what no server takes. It appears among the servers of a recording as [SpoolServer].
	Spool bool
	// Quorum is how many copies are wanted: with fewer, OnFailure applies. 0: one.
	Quorum int
	// Preferences says whose a=recordpref is honoured (RFC 7866, section 6.2).
	Preferences PreferencePolicy
	// NoExclusion refuses to leave participants out of recordings. Masking them for a while is possible all the same.
	NoExclusion bool
	// Keys says what recordings hold of the keys that participants press.
	Keys KeyPolicy
	// MaskTone puts a tone into recorded streams in the place of a participant who is masked; otherwise there is silence.
	MaskTone bool
	// Pair says who is on the first of the two streams of the mode [Pair].
	Pair PairPolicy
	// Sidebars has sidebars recorded, too: each as a communication session of its own, with streams of its own.
	Sidebars bool
	// NoText leaves real-time text out of recordings.
	NoText bool
}

func (c RecordingConfig) normal() RecordingConfig {
	if c.Modes == 0 {
		c.Modes = Mixed
	}
	c.Servers = slices.Clone(c.Servers)
	return c
}

// PairPolicy says who is on the first of the two streams of the mode [Pair]; all others are on the second one.
type PairPolicy uint8

// The policies: who came first, for good; all moderators, as long as they are.
const (
	PairFirst PairPolicy = iota
	PairModerators
)

// Rule is what a recording rule says for who joins.
type Rule struct {
	Recording RecordingConfig
	// Personal tells that it is about this participant and not about the conference: Never leaves him alone out, for good;
	// Always makes the conference be recorded because he is there.
	Personal bool
}

// Preference is what a participant wishes of recordings (RFC 7866, section 7.3.2).
type Preference uint8

// The preferences. NoPreference is also what counts for who says nothing.
const (
	NoPreference Preference = iota
	PreferOn
	PreferOff
	PreferPause
)

// String gives the spelling of the recordpref attribute.
func (p Preference) String() string { return name(preferenceNames[:], int(p)) }

// PreferencePolicy says whose preferences are honoured.
type PreferencePolicy uint8

// The preference policies. A moderator's wish, or with PreferencesOfAll anybody's, holds for the whole conference; with
// PreferencesForSelf everybody's wish holds for what he says himself.
const (
	PreferencesOfModerators PreferencePolicy = iota
	PreferencesIgnored
	PreferencesOfAll
	PreferencesForSelf
)

// KeyPolicy says what recordings hold of pressed keys, however they were sent.
type KeyPolicy uint8

// The key policies. With KeepKeys each is the two tones that go with it, with MaskKeys one that tells only that a key was pressed, and with
// SuppressKeys nothing. Tones of keys in the audio of participants are kept by KeepKeys alone.
const (
	KeepKeys KeyPolicy = iota
	SuppressKeys
	MaskKeys
)

// String gives the name used in the configuration.
func (p KeyPolicy) String() string { return name(keyPolicyNames[:], int(p)) }

// String gives the name used in the configuration.
func (p PreferencePolicy) String() string { return name(preferencePolicyNames[:], int(p)) }

//nolint:gochecknoglobals // tables
var (
	preferenceNames       = [...]string{"nopreference", "on", "off", "pause"}
	keyPolicyNames        = [...]string{"keep", "suppress", "mask"}
	preferencePolicyNames = [...]string{"moderators", "ignored", "everybody", "self"}
)

// govern applies a recording rule to who is about to be admitted, and tells what has to be recorded because of him; nil: nothing more.
func (s *step) govern(rule *Rule, p *Participant) *RecordingConfig {
	if s.nobody() {
		s.m.policy, s.m.brokePaused = s.m.cfg.Recording, false // a rule holds for one meeting, and so does a pause
	}
	var wanted *RecordingConfig
	switch {
	case rule == nil:
	case !rule.Personal:
		s.m.policy = rule.Recording.normal()
	case rule.Recording.Policy == Never:
		p.Unrecorded, p.Exempt = true, true
	case rule.Recording.Policy == Always:
		own := rule.Recording.normal()
		wanted = &own
	}
	if s.m.policy.Policy == Always {
		policy := s.m.policy
		wanted = &policy
	}
	if s.hasAutomatic() {
		return nil
	}
	return wanted
}

// steer brings the recordings of the conference to a wished state. What is so already stays, and PreferOn starts one only if there is
// none. Error: ErrRecordingPolicy; nothing has changed then.
func (s *step) steer(wish Preference) error {
	var running []RecordingID
	automatic := false
	for i := range s.next.Recordings {
		if r := &s.next.Recordings[i]; !r.Over() && !r.Stopping {
			running, automatic = append(running, r.ID), automatic || r.Automatic
		}
	}
	switch {
	case wish == PreferOff && automatic, wish == PreferOn && len(running) == 0 && s.m.policy.Policy == Never:
		return ErrRecordingPolicy
	case wish == PreferOn && len(running) == 0 && len(s.m.policy.Servers) == 0:
		return ErrConflict
	case wish == PreferOn && len(running) == 0 && (len(s.next.Participants) == 0 || !s.m.endedAt.IsZero()):
		return ErrNotActive
	case wish == PreferOn && len(running) == 0:
		s.do(AutoRecord{Demanded: true})
		return nil
	case wish == NoPreference:
		return nil
	}
	for _, id := range running {
		if err := s.wish(id, wish == PreferPause, wish == PreferOff); err != nil {
			return err
		}
	}
	return nil
}

// prefer takes note of a wish and follows it as far as the policy lets it; the outcome is what participants are told. A wish that was
// stated before is no news: whoever repeats it in a later offer does not undo what has happened since.
func (s *step) prefer(e Prefer) error {
	p, ok := s.next.Participant(e.ID)
	if !ok {
		return ErrNoParticipant
	}
	if p.Prefers == e.Preference {
		return nil
	}
	if err := s.edit(e.ID, func(p *Participant) { p.Prefers = e.Preference }); err != nil {
		return err
	}
	switch s.m.policy.Preferences {
	case PreferencesOfModerators:
		if p.Role == Moderator {
			_ = s.steer(e.Preference) // what the policy forbids is refused by not happening
		}
	case PreferencesOfAll:
		_ = s.steer(e.Preference)
	case PreferencesForSelf:
		return s.preferSelf(e)
	case PreferencesIgnored:
	}
	return nil
}

func (s *step) preferSelf(e Prefer) error {
	return s.edit(e.ID, func(p *Participant) {
		switch e.Preference {
		case PreferOn:
			p.Masked, p.Unrecorded = false, p.Exempt
		case PreferOff:
			p.Unrecorded = p.Unrecorded || !s.m.policy.NoExclusion
		case PreferPause:
			p.Masked = true
		case NoPreference:
		}
	})
}

// recordable refuses changes of who is recorded that the policy forbids.
func (s *step) recordable(p *Participant, e Adjust) error {
	if e.Unrecorded == nil || *e.Unrecorded == p.Unrecorded {
		return nil
	}
	if p.Exempt || *e.Unrecorded && s.m.policy.NoExclusion {
		return ErrRecordingPolicy
	}
	return nil
}
