package conference

import (
	"strconv"
	"testing"
	"time"
)

// Wrong entries count within a window, keep out for a time, and many sources do not push out one that is kept out.
func TestGuard(t *testing.T) {
	g := NewGuard(DoorConfig{Failures: 3, Total: -1, Window: time.Minute, Lockout: time.Hour})
	at := epoch.Add
	for i, test := range []struct {
		after time.Duration
		out   bool
	}{{0, false}, {50 * time.Second, false}, {61 * time.Second, false}, {62 * time.Second, false}, {63 * time.Second, true}} {
		if got := g.Failed("a", at(test.after)); got != test.out {
			t.Errorf("entry %d: %t", i, got)
		}
	}
	for i := range 3 * maxGuessers {
		g.Failed("s"+strconv.Itoa(i), at(2*time.Minute))
	}
	if len(g.sources) > maxGuessers {
		t.Errorf("%d sources are remembered", len(g.sources))
	}
	for d, out := range map[time.Duration]bool{2 * time.Minute: true, time.Hour: true, time.Hour + 64*time.Second: false} {
		if got := g.KeptOut("a", at(d)); got != out {
			t.Errorf("after %v: kept out %t", d, got)
		}
	}
	if g.KeptOut("b", at(2*time.Minute)) {
		t.Error("another source is kept out")
	}
}

// A PIN counts only whole; the time that the comparison takes is that of hashes, which do not depend on where it differs.
func TestPINs(t *testing.T) {
	d := DoorConfig{PIN: "47", ModeratorPIN: "4711"}
	for entered, want := range map[string]struct {
		role     Role
		ok, full bool
	}{
		"4": {Speaker, false, false}, "47": {Speaker, true, false}, "471": {Speaker, false, false}, "4711": {Moderator, true, true},
		"4712": {Speaker, false, true}, "": {Speaker, false, false},
	} {
		role, ok := d.grants(entered)
		if role != want.role || ok != want.ok || d.complete(entered) != want.full {
			t.Errorf("%q: %s %t %t", entered, role, ok, d.complete(entered))
		}
	}
	d = DoorConfig{PIN: "12", ModeratorPIN: "999999"}
	if !d.complete("12") || d.complete("99") {
		t.Error("a short PIN that is not the beginning of the long one ends at once, others do not")
	}
	if _, ok := (&DoorConfig{ModeratorPIN: "1"}).grants(""); ok {
		t.Error("nothing is no PIN")
	}
}
