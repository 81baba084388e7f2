package focus_test

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/prompts"
	"github.com/parley-sip/parley/internal/sipua"
)

// keys presses keys one after the other.
func (p *phone) keys(keys string) {
	for _, key := range []byte(keys) {
		p.Press(key)
	}
}

// pieces are parts of a prompt by each of which it is known: one would be lost with the packets of a moment in which the machine stood
// still, and a prompt may be said only once.
func pieces(t *testing.T, library *prompts.Library, name string) (list [][]float64) {
	t.Helper()
	pcm, ok := library.Sound(name)
	if !ok {
		t.Fatalf("no prompt %s", name)
	}
	said, err := conftest.Resample(pcm, prompts.Rate)
	must(t, err)
	length := float64(len(pcm)) / prompts.Rate
	from := 0.15
	if length > 1.6 { // long ones begin alike
		from = 0.65
	}
	const most, size = 3, 0.6
	list = append(list, conftest.Window(said, from, min(from+size, length-0.15)))
	for from += size; from+size <= length-0.15 && len(list) < most; from += size {
		list = append(list, conftest.Window(said, from, from+size))
	}
	return list
}

// heardPrompt waits until the phone has heard a prompt, now or in the last seconds, after those that it was found to have heard before.
func (p *phone) heardPrompt(library *prompts.Library, name string) {
	p.b.t.Helper()
	const before, step, piece = 5 * time.Second, time.Second / 4, time.Second
	list := pieces(p.b.t, library, name)
	_, until, err := p.HeardSince(0)
	must(p.b.t, err)
	from, looked := max(p.listened, until-before), time.Duration(-1)
	p.b.await(p.name+" to hear "+name, func() bool {
		_, until, err := p.HeardSince(time.Hour) // how long it is by now: looking takes long
		must(p.b.t, err)
		if until < looked+step {
			return false
		}
		heard, until, err := p.HeardSince(from)
		must(p.b.t, err)
		looked = until
		for _, said := range list {
			if found := conftest.Find(heard, said); found.Correlation > 0.8 && found.Gain > -6 && found.Gain < 3 {
				p.listened = until - time.Duration((float64(len(heard))/conftest.AnalysisRate-found.At)*float64(time.Second)) + step
				return true
			}
		}
		from = max(from, until-piece)
		return false
	})
}

// library are the prompts that are built in.
func library(t *testing.T) *prompts.Library {
	t.Helper()
	l, err := prompts.New("", "")
	must(t, err)
	return l
}

// Who calls in hears and is heard by nobody until he has entered the PIN; wrong ones are counted, no key of it is told or logged.
func TestPIN(t *testing.T) { virtual(t, testPIN) }

func testPIN(t *testing.T) {
	t.Helper()
	var guesses atomic.Int32
	said := library(t)
	b := newBenchWith(t, focus.Deps{Prompts: said}, focus.Config{
		Menu: focus.DefaultMenu(), Guessed: func(source netip.Addr) bool { guesses.Add(1); return source.IsLoopback() },
		Conferences: []focus.ConferenceConfig{{ID: "desk", PIN: "4711", ModeratorPIN: "9999"}},
	})
	events := b.focus.Watch("desk", "")
	defer events.Close()
	bob := b.phone(conftest.PhoneConfig{Name: "bob"})
	must(t, bob.Call(t.Context(), b.uri("desk")))
	bob.heardPrompt(said, "enter-pin")
	if s := b.state("desk"); s.Active || s.PresentCount() != 0 || b.find("desk", "bob").Status != conference.Pending || !s.Protected {
		t.Errorf("somebody at the door alone: %+v", s)
	}
	bob.keys("9999")
	b.await("bob to be in", func() bool { return b.find("desk", "bob").Role == conference.Moderator })
	bob.heardPrompt(said, "entering-moderator")

	alice := b.phone(conftest.PhoneConfig{Name: "alice"})
	must(t, alice.Call(t.Context(), b.uri("desk")))
	b.await("alice at the door", func() bool { return b.find("desk", "alice").Status == conference.Pending })
	id := b.find("desk", "alice").ID
	if info, err := b.focus.Participant(t.Context(), "desk", id); err != nil || info.Awaits != "pin" {
		t.Errorf("%+v, %v", info, err)
	}
	alice.hum(500, 20*time.Second)
	bob.hum(900, 20*time.Second)
	alice.keys("4712")
	alice.heardPrompt(said, "pin-wrong")
	if level := alice.hearsNow(900); level > loud+5 { // there is speech at any frequency
		t.Errorf("at the door alice hears the conference at %.0f dB", level)
	}
	if level := bob.hearsNow(500); level > quiet {
		t.Errorf("the conference hears alice at the door at %.0f dB", level)
	}
	alice.keys("4711")
	b.await("alice to be in", func() bool { return b.find("desk", "alice").Status == conference.Connected })
	b.await("alice to hear bob", func() bool { pass(50 * time.Millisecond); return alice.hearsNow(900) > loud })
	b.await("bob to hear alice", func() bool { pass(50 * time.Millisecond); return bob.hearsNow(500) > loud })
	if guesses.Load() != 1 {
		t.Errorf("%d wrong entries were reported", guesses.Load())
	}
	alice.keys("*6")
	b.await("alice to be muted", func() bool { return b.find("desk", "alice").Status == conference.MutedViaFocus })
	digits := ""
	for !strings.HasSuffix(digits, "*6") {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		e, err := events.Next(ctx)
		cancel()
		must(t, err)
		if d, ok := e.Object.(focus.DigitInfo); ok {
			digits += d.Digit
		}
	}
	if digits != "*6" {
		t.Errorf("applications were told %q", digits)
	}
	for _, secret := range []string{"4711", "4712", "9999"} {
		if lines := b.logged.with(secret); len(lines) > 0 {
			t.Errorf("the log has %v", lines)
		}
	}
}

// Who cannot enter the PIN is sent away, and after too many wrong ones his calls are refused; others may still try.
func TestPINLockout(t *testing.T) { virtual(t, testPINLockout) }

func testPINLockout(t *testing.T) {
	t.Helper()
	var guesses atomic.Int32
	b := newBenchWith(t, focus.Deps{}, focus.Config{
		Dynamic: true, Door: conference.DoorConfig{Failures: 5}, Defaults: focus.ConferenceConfig{PIN: "4711"},
		Guessed: func(netip.Addr) bool { guesses.Add(1); return false },
	})
	first := b.phone(conftest.PhoneConfig{Name: "mallory"})
	must(t, first.Call(t.Context(), b.uri("one")))
	first.keys("000000000000")
	select {
	case <-first.Over():
		if reason := first.Reason(); reason.Request == nil || !strings.Contains(reason.Request.Headers.Get("Reason"), "cause=403") {
			t.Errorf("ended by %+v", reason)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the call goes on after three wrong PINs")
	}
	second := b.phone(conftest.PhoneConfig{Name: "mallory"})
	must(t, second.Call(t.Context(), b.uri("two")))
	second.keys("00000000")
	b.await("five wrong entries", func() bool { return guesses.Load() == 5 })
	err := b.phone(conftest.PhoneConfig{Name: "mallory"}).Call(t.Context(), b.uri("three"))
	if sipua.Status(err) != 403 {
		t.Errorf("the third call: %v", err)
	}
}

// PINs that cannot be entered, or do not tell roles apart, are refused, and not shown.
func TestPINConfig(t *testing.T) {
	for name, c := range map[string]focus.ConferenceConfig{
		"letters": {ID: "a", PIN: "12ab"}, "short": {ID: "a", PIN: "123"}, "long": {ID: "a", ModeratorPIN: focus.PIN(strings.Repeat("1", 33))},
		"same": {ID: "a", PIN: "4711", ModeratorPIN: "4711"},
	} {
		b := newBench(t, focus.Config{})
		_, err := b.focus.Create(t.Context(), c)
		if err == nil || strings.Contains(err.Error(), "4711") || strings.Contains(err.Error(), "12ab") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
