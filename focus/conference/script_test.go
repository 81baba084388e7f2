package conference

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// Shows RQ-PRV-03 (preference.txt).
//
// TestScripts runs the scenarios of testdata: commands, and after ---- what the machine makes of them.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("differs from %s (rewrite with -update and read the diff):\n%s", file, got)
			}
		})
	}
}

// script is one scenario being run.
type script struct {
	t     *testing.T
	m     *Machine
	now   time.Time
	dials int // identifiers given to those of the call list
}

var epoch = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func runScript(t *testing.T, text string) string {
	t.Helper()
	s := &script{t: t, now: epoch}
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n\n") {
		input, _, _ := strings.Cut(block, "\n----")
		if out.Len() > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(input + "\n----\n")
		for line := range strings.SplitSeq(input, "\n") {
			if !strings.HasPrefix(line, "#") {
				out.WriteString(s.run(strings.Fields(line)))
			}
		}
	}
	return out.String()
}

func (s *script) run(words []string) string {
	args := map[string]string{}
	var names []string
	for _, w := range words[1:] {
		if k, v, ok := strings.Cut(w, "="); ok {
			args[k] = v
		} else {
			names = append(names, w)
		}
	}
	switch words[0] {
	case "new":
		s.m = NewMachine(scriptConfig(s.t, args))
		return ""
	case "at":
		d, err := time.ParseDuration(names[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now = epoch.Add(d)
		return ""
	case "state":
		return printState(s.m.State())
	case "keys": // one after the other
		var out strings.Builder
		for _, key := range []byte(names[1]) {
			out.WriteString(s.step(Key{ID: ParticipantID(names[0]), Key: key}))
		}
		return out.String()
	default:
		return s.step(scriptEvent(s.t, words[0], names, args))
	}
}

// step performs the one action that the machine wants an answer to, and prints all.
func (s *script) step(e Event) string {
	var out strings.Builder
	for _, a := range s.m.Step(e, s.now) {
		switch a := a.(type) {
		case Reject:
			fmt.Fprintf(&out, "reject: %v\n", a.Err)
		case Publish:
			fmt.Fprintf(&out, "publish %d\n", s.m.State().Version)
		case WakeAt:
			if a.At.IsZero() {
				out.WriteString("wake never\n")
			} else {
				fmt.Fprintf(&out, "wake at %v\n", a.At.Sub(epoch))
			}
		case AutoRecord:
			prefix, mark := "auto", ""
			if a.Demanded {
				prefix, mark = "demanded", " demanded"
			}
			out.WriteString("auto-record" + mark + "\n")
			id := RecordingID(prefix + strconv.Itoa(len(s.m.State().Recordings)))
			out.WriteString(s.step(Record{ID: id, Automatic: !a.Demanded, Config: a.Config}))
		case AutoDial:
			fmt.Fprintf(&out, "auto-dial %d\n", a.Callee)
			s.dials++
			callee := s.m.cfg.Calls.Callees[a.Callee]
			out.WriteString(s.step(Invite{
				ID: ParticipantID("auto" + strconv.Itoa(s.dials)), Entity: callee.Entity, Role: callee.Role, Callee: a.Callee + 1,
			}))
		case Indicate:
			fmt.Fprintf(&out, "indicate %s %s\n", a.ID, a.Indication)
		default:
			fmt.Fprintf(&out, "%s\n", strings.TrimSpace(strings.ToLower(strings.NewReplacer("conference.", "", "{", " ", "}", "").Replace(fmt.Sprintf("%T%v", a, a)))))
		}
	}
	return out.String()
}

func scriptConfig(t *testing.T, args map[string]string) Config {
	t.Helper()
	c := Config{ID: "1000", URI: "sip:1000@example.com"}
	for k, v := range args {
		switch k {
		case "dynamic":
			c.Dynamic = v == "yes"
		case "grace":
			c.Grace, _ = time.ParseDuration(v)
		case "pin":
			c.Door.PIN = v
		case "moderator_pin":
			c.Door.ModeratorPIN = v
		case "failures":
			c.Door.Failures, _ = strconv.Atoi(v)
		case "total":
			c.Door.Total, _ = strconv.Atoi(v)
		case "access":
			c.Door.Access = v == "yes"
		case "menu":
			c.Menu.Participants = scriptMenu(v)
		case "moderators":
			c.Menu.Moderators = scriptMenu(v)
		case "max":
			c.MaxParticipants, _ = strconv.Atoi(v)
		case "entry":
			c.MutedOnEntry = v == "muted"
		case "farewell":
			c.Farewell, _ = time.ParseDuration(v)
		case "warn":
			for w := range strings.SplitSeq(v, ",") {
				d, _ := time.ParseDuration(w)
				c.Warnings = append(c.Warnings, d)
			}
		case "calls":
			for who := range strings.SplitSeq(v, ",") {
				c.Calls.Callees = append(c.Calls.Callees, Callee{Entity: "sip:" + who})
			}
		case "attempts":
			c.Calls.Attempts, _ = strconv.Atoi(v)
		case "interval":
			c.Calls.Interval, _ = time.ParseDuration(v)
		case "oncreate":
			c.Calls.OnCreate = v == "yes"
		case "servers":
			c.Recording.Servers = strings.Split(v, ",")
		case "quorum":
			c.Recording.Quorum, _ = strconv.Atoi(v)
		case "policy":
			c.Recording.Policy = map[string]RecordingPolicy{"always": Always, "never": Never, "on_demand": OnDemand}[v]
		case "prefs":
			c.Recording.Preferences = scriptPreferences(t, v)
		case "exclusion":
			c.Recording.NoExclusion = v == "forbidden"
		case "failure":
			c.Recording.OnFailure = map[string]FailurePolicy{"terminate": OnFailureTerminate, "notify": OnFailureNotify}[v]
		default:
			if change, ok := scriptRule(t, k, v); ok {
				var err error
				if c.Rules, err = c.Rules.With(change); err != nil {
					t.Fatal(err)
				}
				continue
			}
			t.Fatalf("unknown setting %q", k)
		}
	}
	return c
}

func scriptEvent(t *testing.T, verb string, names []string, args map[string]string) Event {
	t.Helper()
	id := ParticipantID("")
	if len(names) > 0 {
		id = ParticipantID(names[0])
	}
	rid := RecordingID(id)
	role, _ := ParseRole(args["role"])
	session := Session{Sends: args["sends"] != "no", Receives: true, OnHold: args["hold"] == "yes", Codec: "pcmu/8000"}
	session.Records = map[string]Indication{"on": IndicateOn, "paused": IndicatePaused}[args["records"]]
	switch verb {
	case "join":
		return Join{ID: id, Entity: "sip:" + string(id), Role: role, Marked: args["marked"] == "yes", Known: args["known"] == "yes", Source: args["source"], Replaces: ParticipantID(args["replaces"]), Rule: scriptPolicy(args)}
	case "invite":
		return Invite{ID: id, Entity: "sip:" + string(id), Role: role, Consent: args["consent"] == "yes", Rule: scriptPolicy(args)}
	case "steer":
		return Steer{Wish: scriptPreference(t, string(id))}
	case "prefer":
		return Prefer{ID: id, Preference: scriptPreference(t, names[1])}
	case "ringing":
		return Ringing{ID: id}
	case "bridged":
		told := map[string]Indication{"on": IndicateOn}[args["told"]]
		return Bridged{ID: id, Session: session, Told: told}
	case "said":
		turn, _ := strconv.Atoi(names[1])
		return Said{ID: id, Turn: turn}
	case "named":
		turn, _ := strconv.Atoi(names[1])
		return Named{ID: id, Turn: turn}
	case "routed":
		return Routed{ID: id, Why: Prompt(args["why"])}
	case "session":
		return SessionChanged{ID: id, Session: session}
	case "left":
		return Left{ID: id, Replaced: args["replaced"] == "yes"}
	case "failure":
		return Failure{ID: id, Busy: args["busy"] == "yes", Reason: args["reason"]}
	case "eject":
		return EjectParticipant{ID: id, Reason: args["reason"], By: ParticipantID(args["by"])}
	case "adjust":
		return scriptAdjust(id, args)
	case "configure":
		return scriptConfigure(t, args)
	case "admit-all":
		return AdmitAll{By: ParticipantID(args["by"])}
	case "mute-all":
		e := MuteAll{By: ParticipantID(args["by"]), Muted: args["muted"] != "no"}
		if v, ok := args["hard"]; ok {
			hard := v == "yes"
			e.HardMute = &hard
		}
		return e
	case "lower-hands":
		return LowerHands{By: ParticipantID(args["by"])}
	case "call-out":
		return CallOut{}
	case "speaking":
		var active []ParticipantID
		for _, n := range names {
			active = append(active, ParticipantID(n))
		}
		return Speaking{Active: active, Dominant: ParticipantID(args["dominant"])}
	case "sidebar":
		members, _ := args["members"]
		e := OpenSidebar{ID: SidebarID(id), Name: args["name"], HearMain: args["main"] != "", Private: args["private"] == "yes"}
		e.MainGainDB, _ = strconv.ParseFloat(args["main"], 64)
		if members != "" {
			e.Members = scriptMembers(members)
		}
		return e
	case "change-sidebar":
		e := ChangeSidebar{ID: SidebarID(id)}
		if v, ok := args["members"]; ok {
			e.Members = scriptMembers(v)
		}
		if v, ok := args["main"]; ok {
			hear, gain := v != "no", 0.0
			gain, _ = strconv.ParseFloat(v, 64)
			e.HearMain, e.MainGainDB = &hear, &gain
		}
		if v, ok := args["private"]; ok {
			private := v == "yes"
			e.Private = &private
		}
		return e
	case "close-sidebar":
		return CloseSidebar{ID: SidebarID(id)}
	case "record":
		e := Record{ID: rid}
		if v, ok := args["servers"]; ok {
			e.Servers = strings.Split(v, ",")
		}
		return e
	case "pause":
		return PauseRecording{ID: rid}
	case "resume":
		return ResumeRecording{ID: rid}
	case "stop":
		return StopRecording{ID: rid}
	case "report":
		state := map[string]RecordingState{"starting": RecordingStarting, "recording": RecordingActive, "paused": RecordingPaused, "failed": RecordingFailed, "stopped": RecordingStopped, "standby": RecordingStandby}
		return Report{Recording: rid, Server: names[1], State: state[names[2]], Retrying: args["retry"] == "yes"}
	case "indicated":
		ind := map[string]Indication{"on": IndicateOn, "off": IndicateOff, "paused": IndicatePaused}
		return Indicated{ID: id, Indication: ind[names[1]]}
	case "end":
		return End{Reason: args["reason"], Delete: args["delete"] == "yes", Announce: args["announce"] == "yes", By: ParticipantID(args["by"])}
	case "tick":
		return Tick{}
	}
	t.Fatalf("unknown command %q", verb)
	return nil
}

// scriptRule reads the setting of a rule.
func scriptRule(t *testing.T, key, value string) (RulesChange, bool) {
	t.Helper()
	var c RulesChange
	on := value == "yes"
	n, _ := strconv.Atoi(value)
	d, _ := time.ParseDuration(value)
	after, _ := ParseAfterModerator(value)
	switch key {
	case "wait-for-moderator":
		c.WaitForModerator = &on
	case "lobby":
		c.Lobby = &on
	case "wait-timeout":
		c.WaitTimeout = &d
	case "moderator-leaves":
		c.ModeratorLeaves = &after
	case "moderator-grace":
		c.ModeratorGrace = &d
	case "end-at":
		c.EndAt = &n
	case "end-at-grace":
		c.EndAtGrace = &d
	case "max-duration":
		c.MaxDuration = &d
	case "mute-above":
		c.MuteAbove = &n
	case "hard-mute":
		c.HardMute = &on
	case "lecture":
		c.Lecture = &on
	case "announce":
		announce := EntryAnnounce
		c.Entry = &announce
	case "tone":
		tone := EntryTone
		c.Entry = &tone
	default:
		return c, false
	}
	return c, true
}

func scriptConfigure(t *testing.T, args map[string]string) Event {
	t.Helper()
	e := Configure{By: ParticipantID(args["by"])}
	for k, v := range args {
		if change, ok := scriptRule(t, k, v); ok {
			e.Rules = change // one rule at a time
		}
	}
	if v, ok := args["locked"]; ok {
		b := v == "yes"
		e.Locked = &b
	}
	if v, ok := args["max"]; ok {
		n, _ := strconv.Atoi(v)
		e.MaxParticipants = &n
	}
	if v, ok := args["name"]; ok {
		e.Name = &v
	}
	return e
}
