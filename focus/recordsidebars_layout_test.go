package focus

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// reaches tells whether one member of a layout hears another.
func reaches(members map[mixer.MemberID]mixer.Member, listener, talker mixer.MemberID) bool {
	l, heard := members[listener]
	t, speaks := members[talker]
	switch {
	case !heard || !speaks || !t.Speaks, slices.Contains(l.Hears.Except, talker), t.Audience != nil && !slices.Contains(t.Audience, listener):
		return false
	case l.Hears.Mode == mixer.Only:
		return slices.Contains(l.Hears.Only, talker)
	default:
		return l.Hears.Mode == mixer.Everyone
	}
}

// What is said in the conference is in its recorded streams, what is said in a sidebar in those of the sidebar, each word in no other; the same
// holds for what stands for somebody.
func TestSidebarTaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, ports := drawRoom(t)
		taps := make([]tap, 0, 1+len(s.Sidebars)*(1+len(s.Participants)))
		taps = append(taps, tap{Member: 100, Out: deaf{}, Recording: "r"})
		where := map[mixer.MemberID]conference.SidebarID{100: ""}
		for k, b := range s.Sidebars {
			id := mixer.MemberID(400 + k)
			taps = append(taps, tap{Member: id, Out: deaf{}, Recording: "r", Sidebar: b.ID})
			where[id] = b.ID
			for i := range s.Participants {
				own := mixer.MemberID(500 + 20*k + i)
				taps = append(taps, tap{Member: own, Out: deaf{}, Recording: "r", Sidebar: b.ID, Participant: s.Participants[i].ID})
			}
		}
		sources := map[mixer.MemberID]source{}
		for i := range s.Participants {
			sources[mixer.MemberID(301+i)] = source{In: deaf{}, Recorded: s.Participants[i].ID}
		}
		members := map[mixer.MemberID]mixer.Member{}
		for _, m := range layout(nil, s, ports, taps, sources).Members {
			members[m.ID] = m
		}
		captures := s.Recordings[0].Captures()
		for i := range s.Participants {
			p := s.Participants[i]
			at, connected := ports[p.ID]
			said := connected && p.Status.Present() && p.Speaks() && p.Coaching == "" && p.Recordable() && captures
			for id, sidebar := range where {
				if got, want := reaches(members, id, at.Member), said && sidebar == p.Sidebar; got != want {
					t.Fatalf("tap of %q holds %s, who is in %q: %t, want %t", sidebar, p.ID, p.Sidebar, got, want)
				}
				if sidebar != p.Sidebar && reaches(members, id, mixer.MemberID(301+i)) {
					t.Fatalf("tap of %q holds what stands for %s, who is in %q", sidebar, p.ID, p.Sidebar)
				}
			}
			for k, b := range s.Sidebars {
				for j := range s.Participants {
					own := mixer.MemberID(500 + 20*k + j)
					if got, want := reaches(members, own, at.Member), said && i == j && b.ID == p.Sidebar; got != want {
						t.Fatalf("stream %d of %q holds %s: %t, want %t", j, b.ID, p.ID, got, want)
					}
				}
			}
		}
	})
}

// In mode pair whoever may be recorded is on exactly one side, whatever the policy: nobody is on both, and nobody is missing.
func TestPairTaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, ports := drawRoom(t)
		policy := rapid.SampledFrom([]conference.PairPolicy{conference.PairFirst, conference.PairModerators}).Draw(t, "policy")
		first := conference.ParticipantID(rapid.SampledFrom([]string{"p0", "p1", "p9"}).Draw(t, "first"))
		taps := []tap{
			{Member: 100, Out: deaf{}, Recording: "r"},
			{Member: 101, Out: deaf{}, Recording: "r", Side: chosenSide, Pair: policy, First: first},
			{Member: 102, Out: deaf{}, Recording: "r", Side: otherSide, Pair: policy, First: first},
		}
		members := map[mixer.MemberID]mixer.Member{}
		for _, m := range layout(nil, s, ports, taps, nil).Members {
			members[m.ID] = m
		}
		for i := range s.Participants {
			p := s.Participants[i]
			at, connected := ports[p.ID]
			if !connected {
				continue
			}
			mixed, chosen, others := reaches(members, 100, at.Member), reaches(members, 101, at.Member), reaches(members, 102, at.Member)
			if wanted := p.ID == first && policy == conference.PairFirst || p.Role == conference.Moderator && policy == conference.PairModerators; chosen && !wanted || others && wanted {
				t.Fatalf("%s is on the wrong side", p.ID)
			}
			if mixed != (chosen || others) || chosen && others {
				t.Fatalf("%s is in the mix: %t, on the chosen side: %t, on the other: %t", p.ID, mixed, chosen, others)
			}
		}
	})
}
