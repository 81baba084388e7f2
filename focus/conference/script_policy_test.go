package conference

import (
	"strconv"
	"strings"
	"testing"
)

func scriptPreference(t *testing.T, word string) Preference {
	t.Helper()
	for p := NoPreference; p <= PreferPause; p++ {
		if p.String() == word {
			return p
		}
	}
	t.Fatalf("unknown preference %q", word)
	return 0
}

func scriptPreferences(t *testing.T, word string) PreferencePolicy {
	t.Helper()
	for p := PreferencesOfModerators; p <= PreferencesForSelf; p++ {
		if p.String() == word {
			return p
		}
	}
	t.Fatalf("unknown preference policy %q", word)
	return 0
}

// scriptPolicy reads rule=always or rule=personal-never with servers=.
func scriptPolicy(args map[string]string) *Rule {
	word, ok := args["rule"]
	if !ok {
		return nil
	}
	policy, personal := strings.CutPrefix(word, "personal-")
	r := &Rule{Personal: personal}
	r.Recording.Policy = map[string]RecordingPolicy{"always": Always, "never": Never, "on_demand": OnDemand}[policy]
	if v, ok := args["servers"]; ok {
		r.Recording.Servers = strings.Split(v, ",")
	}
	return r
}

func scriptAdjust(id ParticipantID, args map[string]string) Event {
	e := Adjust{ID: id, By: ParticipantID(args["by"])}
	yes := func(key string) *bool {
		v, ok := args[key]
		if !ok {
			return nil
		}
		b := v == "yes"
		return &b
	}
	e.Muted, e.Deafened, e.Held, e.Unrecorded, e.Masked = yes("muted"), yes("deafened"), yes("held"), yes("unrecorded"), yes("masked")
	e.Marked, e.Waiting, e.Hand, e.Floor = yes("marked"), yes("waiting"), yes("hand"), yes("floor")
	if v, ok := args["gain"]; ok {
		g, _ := strconv.ParseFloat(v, 64)
		e.GainDB = &g
	}
	if v, ok := args["listen"]; ok {
		g, _ := strconv.ParseFloat(v, 64)
		e.ListenGainDB = &g
	}
	if v, ok := args["coaching"]; ok {
		who := ParticipantID(v)
		e.Coaching = &who
	}
	if v, ok := args["role"]; ok {
		r, _ := ParseRole(v)
		e.Role = &r
	}
	return e
}

// scriptMenu reads keys:choice,keys:choice.
func scriptMenu(text string) Menu {
	m := Menu{}
	for entry := range strings.SplitSeq(text, ",") {
		keys, choice, _ := strings.Cut(entry, ":")
		m[keys] = Choice(choice)
	}
	return m
}
