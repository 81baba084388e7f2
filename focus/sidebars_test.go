package focus_test

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// A sidebar in calls: its members hear each other, and the conference in the background; nobody hears them; their dialogs go on. The
// roster has them in both places, and the sidebar is deleted with its end.
//
// Shows FO-CAS-06, CE-SID-01, CE-SID-04, CE-SID-07, CE-SID-08.
func TestSidebar(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, NotifyInterval: -1})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	carol := b.dial("room", conftest.PhoneConfig{Name: "carol"})
	r := b.subscribe("room", time.Hour)
	call := b.find("room", "alice").Session
	made, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{
		Name: "Consultation", Participants: []conference.ParticipantID{b.find("room", "alice").ID, b.find("room", "bob").ID}, HearMain: true, MainGainDB: -12,
	})
	must(t, err)
	if len(made.Participants) != 2 || made.Name != "Consultation" {
		t.Errorf("opened %+v", made)
	}
	hum := func(after time.Duration) (from, to time.Time) {
		alice.hum(500, after+1200*time.Millisecond)
		carol.hum(900, after+1200*time.Millisecond)
		from = time.Now().Add(after + 400*time.Millisecond)
		pass(after + 700*time.Millisecond)
		return from, from.Add(200 * time.Millisecond)
	}
	from, to := hum(0)
	if got := bob.hears(500, from, to); got < loud {
		t.Errorf("bob hears alice in the sidebar at %.0f dB", got)
	}
	if got := carol.hears(500, from, to); got > quiet {
		t.Errorf("carol hears the sidebar at %.0f dB", got)
	}
	if a, c := bob.hears(900, from, to), alice.hears(900, from, to); math.Abs(a-(-15-12)) > 3 || math.Abs(a-c) > 1 {
		t.Errorf("the conference is heard at %.1f and %.1f dB in the sidebar", a, c)
	}
	b.await("the sidebar in the roster", func() bool {
		all := r.doc().SidebarsByVal
		return all != nil && len(all.Entries) == 1 && len(all.Entries[0].Users.Users) == 2
	})
	entry := r.doc().SidebarsByVal.Entries[0]
	if entry.Description.DisplayText != "Consultation" || entry.Users.Users[0].Entity != r.user("alice").Entity || len(r.users()) != 3 {
		t.Errorf("sidebar %+v, roster %+v", entry, r.users())
	}
	if p := b.find("room", "alice"); p.Session != call && p.Session.CallID != call.CallID || p.Status != conference.Connected || b.state("room").Speaking(p.ID) {
		t.Errorf("alice: %+v", p)
	}
	hear := false
	_, err = b.focus.ChangeSidebar(t.Context(), "room", made.ID, focus.SidebarChange{HearMain: &hear})
	must(t, err)
	from, to = hum(900 * time.Millisecond)
	if got := bob.hears(900, from, to); got > quiet {
		t.Errorf("bob hears the conference at %.0f dB", got)
	}
	must(t, b.focus.CloseSidebar(t.Context(), "room", made.ID))
	from, to = hum(900 * time.Millisecond)
	if got := carol.hears(500, from, to); got < loud {
		t.Errorf("carol hears alice, who is back, at %.0f dB", got)
	}
	b.await("the sidebar to be gone", func() bool { all := r.doc().SidebarsByVal; return all == nil || len(all.Entries) == 0 })
	deleted := false
	for _, body := range r.all() {
		deleted = deleted || bytes.Contains(body, []byte(`<sidebars-by-val state="deleted"`)) || bytes.Contains(body, []byte(`;sidebar=`)) && bytes.Contains(body, []byte(`state="deleted"`))
	}
	if !deleted {
		t.Error("no document deletes the sidebar")
	}
	lint(t, "conference-info-strict.xsd", r.all())
	if err := b.focus.CloseSidebar(t.Context(), "room", made.ID); !errors.Is(err, focus.ErrNoSidebar) {
		t.Errorf("closed twice: %v", err)
	}
}

// An announcement turns the conference down for who hears it, and lets it come back.
func TestDuck(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	carol := b.dial("room", conftest.PhoneConfig{Name: "carol"})
	alice.hum(500, 4*time.Second)
	done := make(chan bool, 1)
	_, err := b.focus.Play(t.Context(), "room", focus.Playback{
		WAV: toneWAV(700, 1200*time.Millisecond), Participants: []conference.ParticipantID{b.find("room", "bob").ID}, Duck: true,
		Done: func(stopped bool) { done <- stopped },
	})
	must(t, err)
	from := time.Now().Add(600 * time.Millisecond)
	pass(900 * time.Millisecond)
	to := from.Add(200 * time.Millisecond)
	if got := bob.hears(700, from, to); got < loud {
		t.Errorf("bob hears the announcement at %.0f dB", got)
	}
	if a, c := bob.hears(500, from, to), carol.hears(500, from, to); math.Abs(c-a-15) > 2 {
		t.Errorf("bob hears the conference at %.1f dB, carol at %.1f dB", a, c)
	}
	<-done
	from = time.Now().Add(600 * time.Millisecond)
	pass(900 * time.Millisecond)
	to = from.Add(200 * time.Millisecond)
	if a, c := bob.hears(500, from, to), carol.hears(500, from, to); math.Abs(c-a) > 1 {
		t.Errorf("afterwards bob hears the conference at %.1f dB, carol at %.1f dB", a, c)
	}
}

// Who is held hears the music of the conference, and the others do not.
func TestHeldHearsMusic(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Defaults: focus.ConferenceConfig{Music: music(t)}})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	held := true
	id := b.find("room", "alice").ID
	_, err := b.focus.UpdateParticipant(t.Context(), "room", id, focus.ParticipantChange{Held: &held})
	must(t, err)
	b.await("music on hold", func() bool { return alice.hearsNow(700) > loud })
	if got := bob.hearsNow(700); got > quiet {
		t.Errorf("bob hears the music at %.0f dB", got)
	}
	held = false
	_, err = b.focus.UpdateParticipant(t.Context(), "room", id, focus.ParticipantChange{Held: &held})
	must(t, err)
	b.await("the music to end", func() bool { return alice.hearsNow(700) < quiet })
}
