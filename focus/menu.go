package focus

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/parley-sip/parley/focus/conference"
)

// choice is something that a participant can have done by key presses.
type choice struct {
	help string // prompt that says what it is for, before "press"
	// do does it, and gives the prompts that say so to him. It runs in the goroutine of the controller.
	do func(c *controller, p *conference.Participant) (answer []string, err error)
}

// menuChoices are all there are, by their names in the configuration.
func menuChoices() map[conference.Choice]choice {
	return map[conference.Choice]choice{
		menuHelp:          {"to-hear-menu", readMenu},
		"mute":            {"to-mute", toggleMute},
		"count":           {"to-hear-count", sayCount},
		"louder":          {"to-speak-louder", gainBy(gainStep, "louder")},
		"quieter":         {"to-speak-quieter", gainBy(-gainStep, "quieter")},
		"normal":          {"to-speak-normal", normalGain},
		"leave":           {"to-leave", leaveByKey},
		"roll_call":       {"to-roll-call", sayNames},
		"hand":            {"to-raise-hand", toggleHand},
		"lock":            {"to-lock", toggleLock},
		"mute_all":        {"to-mute-all", toggleMuteAll},
		"lecture":         {"to-lecture", toggleLecture},
		"floor":           {"to-give-floor", giveFloor},
		"admit_all":       {"to-admit-all", admitAll},
		"record":          {"to-record", toggleRecording},
		"pause_recording": {"to-pause-recording", togglePause},
		"remove_last":     {"to-remove-last", removeLast},
		"end":             {"to-end", endByKey},
		"sidebar":         {"to-sidebar", toggleSidebar},
		"main":            {"to-main", leaveSidebar},
		"coach":           {"to-coach", coachNext},
		"end_coaching":    {"to-end-coaching", endCoaching},
	}
}

// menuHelp reads the menu.
const menuHelp conference.Choice = "menu"

// Choices lists what the keys of a menu may choose.
func Choices() []string {
	all := menuChoices()
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return names
}

// DefaultMenu is what participants and moderators can choose where nothing else is configured.
func DefaultMenu() conference.MenuConfig {
	return conference.MenuConfig{
		Participants: conference.Menu{
			"*0": menuHelp, "*1": "count", "*2": "hand", "*3": "roll_call", "*4": "quieter", "*5": "normal", "*6": "mute", "*7": "louder", "*#": "leave",
		},
		Moderators: conference.Menu{
			"#1": "lock", "#2": "mute_all", "#3": "lecture", "#33": "floor", "#4": "record", "#5": "pause_recording", "#7": "remove_last", "#8": "admit_all", "#99": "end",
		},
	}
}

// checkMenu refuses a menu with keys that no telephone has, or choices that there are not.
func checkMenu(m conference.MenuConfig) error {
	choices := menuChoices()
	for _, menu := range []conference.Menu{m.Participants, m.Moderators} {
		for keys, name := range menu {
			if !validKeys(keys) {
				return fmt.Errorf("%w: menu with keys %q", ErrInvalid, keys)
			}
			if _, ok := choices[name]; !ok {
				return fmt.Errorf("%w: menu with choice %q", ErrInvalid, name)
			}
		}
	}
	return nil
}

// maxMenuKeys is the length of the longest sequence.
const maxMenuKeys = 8

func validKeys(keys string) bool {
	for _, key := range keys {
		if (key < '0' || key > '9') && key != '*' && key != '#' {
			return false
		}
	}
	return keys != "" && len(keys) <= maxMenuKeys
}

// choose does what a participant has chosen, and tells him.
func (c *controller) choose(id conference.ParticipantID, name conference.Choice) {
	p, ok := c.machine.State().Participant(id)
	if !ok {
		return
	}
	answer, err := c.focus.choices[name].do(c, &p) // checkMenu has refused what there is not
	if err != nil {
		c.log.Info("key press without effect", slog.String("participant", string(id)), slog.String("choice", string(name)), slog.Any("error", err))
		answer = []string{refusalPrompt(err)}
	}
	if len(answer) > 0 {
		c.say(id, phrase{prompts: answer})
	}
}

// refusalPrompt says why something is not done.
func refusalPrompt(err error) string {
	switch {
	case errors.Is(err, conference.ErrListener), errors.Is(err, conference.ErrHardMuted):
		return "unmute-forbidden"
	case errors.Is(err, conference.ErrNotModerator):
		return "moderators-only"
	default:
		return "not-possible"
	}
}

// readMenu says what each sequence of keys is for.
func readMenu(c *controller, p *conference.Participant) ([]string, error) {
	keys, names := c.focus.live().Menu.Keys(p.Role)
	list := make([]string, 0, len(keys)*4)
	for i, name := range names {
		list = append(append(list, c.focus.choices[name].help), c.focus.prompts.Keys(keys[i])...)
	}
	return list, nil
}

// gainStep is one press, in dB; the loudest and the quietest are maxMenuGain away from normal.
const (
	gainStep    = 3.0
	maxMenuGain = 12.0
)

func toggleMute(c *controller, p *conference.Participant) ([]string, error) {
	muted := !p.Silenced()
	return either(muted, "muted", "unmuted"), c.step(conference.Adjust{ID: p.ID, By: p.ID, Muted: &muted})
}

func sayCount(c *controller, _ *conference.Participant) ([]string, error) {
	n := c.machine.State().PresentCount()
	if n == 1 {
		return []string{"only-participant"}, nil
	}
	return append(append([]string{"there-are"}, c.focus.prompts.Number(n)...), "participants"), nil
}

func gainBy(step float64, answer string) func(*controller, *conference.Participant) ([]string, error) {
	return func(c *controller, p *conference.Participant) ([]string, error) {
		gain := max(-maxMenuGain, min(maxMenuGain, p.GainDB+step))
		if gain == p.GainDB {
			return nil, conference.ErrRange
		}
		return []string{answer}, c.step(conference.Adjust{ID: p.ID, GainDB: &gain})
	}
}

func normalGain(c *controller, p *conference.Participant) ([]string, error) {
	gain := 0.0
	return []string{"normal-volume"}, c.step(conference.Adjust{ID: p.ID, GainDB: &gain})
}

// leaveByKey says good bye first.
func leaveByKey(c *controller, p *conference.Participant) ([]string, error) {
	id := p.ID
	c.say(id, phrase{prompts: []string{"goodbye"}, replace: true, then: func(bool) {
		_ = c.step(conference.EjectParticipant{ID: id, Reason: reasonHeader(200, "Left by key press")})
	}})
	return nil, nil
}

// either is the answer to a toggle.
func either(on bool, yes, no string) []string {
	if on {
		return []string{yes}
	}
	return []string{no}
}

func toggleHand(c *controller, p *conference.Participant) ([]string, error) {
	raised := !p.HandRaised()
	return either(raised, "hand-raised", "hand-lowered"), c.step(conference.Adjust{ID: p.ID, By: p.ID, Hand: &raised})
}

func toggleLock(c *controller, p *conference.Participant) ([]string, error) {
	locked := !c.machine.State().Locked
	return either(locked, "locked", "unlocked"), c.step(conference.Configure{By: p.ID, Locked: &locked})
}

// toggleMuteAll mutes as long as anybody is left to be muted.
func toggleMuteAll(c *controller, p *conference.Participant) ([]string, error) {
	muted := slices.ContainsFunc(c.machine.State().Participants, func(q *conference.Participant) bool {
		return q.Role == conference.Speaker && q.ID != p.ID && q.Present() && !q.Muted
	})
	return either(muted, "all-muted", "all-unmuted"), c.step(conference.MuteAll{By: p.ID, Muted: muted})
}

func toggleLecture(c *controller, p *conference.Participant) ([]string, error) {
	lecture := !c.machine.State().Rules.Lecture
	return either(lecture, "lecture-on", "lecture-off"), c.step(conference.Configure{By: p.ID, Rules: conference.RulesChange{Lecture: &lecture}})
}

// giveFloor gives the floor to whose hand has been up for longest; he hears of it like of all that others do with him.
func giveFloor(c *controller, p *conference.Participant) ([]string, error) {
	hands := c.machine.State().Hands()
	if len(hands) == 0 {
		return []string{"no-hands"}, nil
	}
	floor := true
	if err := c.step(conference.Adjust{ID: hands[0].ID, By: p.ID, Floor: &floor}); err != nil {
		return nil, err
	}
	switch n := len(hands) - 1; n {
	case 0:
		return []string{"no-hands"}, nil
	case 1:
		return append(c.focus.prompts.Number(n), "hand-is-raised"), nil
	default:
		return append(c.focus.prompts.Number(n), "hands-raised"), nil
	}
}

func admitAll(c *controller, p *conference.Participant) ([]string, error) {
	return []string{"all-admitted"}, c.step(conference.AdmitAll{By: p.ID})
}

// removeLast ejects who came last, but for him who wants it and other moderators.
func removeLast(c *controller, p *conference.Participant) ([]string, error) {
	for _, q := range slices.Backward(c.machine.State().Participants) {
		if q.ID == p.ID || q.Role == conference.Moderator || !q.Present() {
			continue
		}
		return []string{"last-removed"}, c.step(conference.EjectParticipant{ID: q.ID, By: p.ID, Reason: reasonHeader(200, "Removed by a moderator")})
	}
	return []string{"nobody"}, nil
}

func endByKey(c *controller, p *conference.Participant) ([]string, error) {
	return nil, c.step(conference.End{By: p.ID, Reason: reasonHeader(200, "Ended by a moderator"), Announce: true})
}
