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
		for _, m := range layout(s, ports, taps, sources).Members {
			members[m.ID] = m
		}
		captures := s.Recordings[0].Captures()
		for i := range s.Participants {
			p := &s.Participants[i]
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
