package rtt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/rtt"
)

// unaware is what a telephone has agreed on that knows nothing of several sources.
var unaware = rtt.Format{Text: 98, Red: 100, Generations: 2, CPS: 90}

const sep = "\u2028"

// typed is what somebody types at a second.
type typed struct {
	at   int
	id   uint32
	text string
}

// screenOf is what is on the screen of who knows one source only.
func screenOf(t *testing.T, keys []typed) string {
	t.Helper()
	r := newRig(t, unaware)
	for _, k := range keys {
		r.say(10*time.Second+time.Duration(k.at)*time.Second, k.id, k.text)
	}
	r.until(r.now + 5*time.Minute)
	for i := range r.sent {
		if r.sent[i].Mixed {
			t.Errorf("packet %d has a contributor", i)
		}
	}
	return r.fresh()
}

// Who cannot tell sources apart gets one text with labels, in lines of their own, that changes at good places.
// Shows ME-RTT-25, ME-RTT-26.
func TestScreen(t *testing.T) {
	for name, c := range map[string]struct {
		keys []typed
		want string
	}{
		"one":                 {[]typed{{0, alice, "hello "}, {5, alice, "there"}}, "[Alice] hello there"},
		"after a line":        {[]typed{{0, alice, "hello" + sep}, {1, bob, "hi"}}, "[Alice] hello" + sep + "[Bob] hi"},
		"after CRLF":          {[]typed{{0, alice, "hello\r\n"}, {1, bob, "hi"}}, "[Alice] hello\r\n[Bob] hi"},
		"CR and LF apart":     {[]typed{{0, alice, "hello\r"}, {1, alice, "\n"}, {2, bob, "hi"}}, "[Alice] hello\r\n[Bob] hi"},
		"after a sentence":    {[]typed{{0, alice, "hello."}, {1, bob, "hi"}}, "[Alice] hello." + sep + "[Bob] hi"},
		"after a phrase":      {[]typed{{0, alice, "hello, "}, {1, bob, "hi"}}, "[Alice] hello, " + sep + "[Bob] hi"},
		"other scripts":       {[]typed{{0, alice, "你好。"}, {1, bob, "hi"}}, "[Alice] 你好。" + sep + "[Bob] hi"},
		"not within a number": {[]typed{{0, alice, "3"}, {1, bob, "hi"}, {1, alice, ".14 "}, {2, alice, "x."}}, "[Alice] 3.14 x." + sep + "[Bob] hi"},
		"after a pause":       {[]typed{{0, alice, "hel"}, {1, bob, "hi"}, {12, alice, "lo"}}, "[Alice] hel" + sep + "[Bob] hi" + sep + "[Alice] lo"},
		"not before it":       {[]typed{{0, alice, "hel"}, {1, bob, "hi"}, {9, alice, "lo"}}, "[Alice] hello" + sep + "[Bob] hi"},
		"two at once": {
			[]typed{{0, alice, "how "}, {1, bob, "I am "}, {2, alice, "are "}, {3, bob, "fine. "}, {4, alice, "you? "}, {5, bob, "And you?"}},
			"[Alice] how are you? " + sep + "[Bob] I am fine. And you?",
		},
		"the oldest first": {
			[]typed{{0, alice, "a"}, {1, bob, "b."}, {2, 0xCA01, "c."}, {3, alice, "d."}}, "[Alice] ad." + sep + "[Bob] b." + sep + "[?] c.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := screenOf(t, c.keys); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// Who never ends a sentence does not keep others waiting for ever: after a minute the end of a word is enough, and 15 seconds later anything.
// Shows ME-RTT-26.
func TestForcedChange(t *testing.T) {
	for name, c := range map[string]struct {
		typed  string
		at     int
		before string
	}{"word": {"ab ", 61, " "}, "no word": {"abc", 76, "c"}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, unaware)
			start := 10 * time.Second
			r.say(start, alice, "go")
			r.say(start+time.Second, bob, "hi")
			for i := 2; !strings.Contains(r.fresh(), "[Bob] hi"); i++ {
				if i > 200 {
					t.Fatal("never")
				}
				r.say(start+time.Duration(i)*time.Second, alice, c.typed)
			}
			if !strings.Contains(r.fresh(), c.before+sep+"[Bob] hi") {
				t.Errorf("%q", r.fresh())
			}
			if at := r.now - start; at < time.Duration(c.at)*time.Second || at > time.Duration(c.at+2)*time.Second {
				t.Errorf("after %v", at)
			}
		})
	}
}

// Backspaces erase no label and nobody else's text: they are an X there. A line is erased by one. Shows ME-RTT-27.
func TestBackspace(t *testing.T) {
	for name, c := range map[string]struct{ typed, want string }{
		"of what is there": {"abc\b\b", "[Alice] abc\b\b"},
		"of more":          {"ab\b\b\b\bc", "[Alice] ab\b\bXXc"},
		"of a line":        {"a" + sep + "\b\b\b", "[Alice] a" + sep + "\b\bX"},
		"of CRLF":          {"a\r\n\b\b\b", "[Alice] a\r\n\b\bX"},
		"of an emoji":      {"👩🏽\u200d🚒\b\b", "[Alice] 👩🏽\u200d🚒\bX"},
		"behind control":   {"\a\u009b31m\u0098app\u009c\x1ba\b", "[Alice] \a\u009b31m\u0098app\u009c\x1baX"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := screenOf(t, []typed{{0, alice, c.typed}}); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	got := screenOf(t, []typed{{0, alice, "a." + sep}, {1, bob, "b." + sep}, {2, alice, "\b\b"}})
	if want := "[Alice] a." + sep + "[Bob] b." + sep + "[Alice] XX"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Renditions stay with who has chosen them. Shows ME-RTT-28.
func TestRendition(t *testing.T) {
	red, reset := "\u009b31m", "\u009b0m"
	got := screenOf(t, []typed{{0, alice, red + "a."}, {1, bob, "b."}, {2, alice, "c."}, {3, alice, reset + "d."}, {4, bob, "e."}})
	want := "[Alice] " + red + "a." + sep + reset + "[Bob] b." + sep + red + "[Alice] c." + reset + "d." + sep + "[Bob] e."
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := screenOf(t, []typed{{0, alice, "\u009b3"}, {1, alice, "1ma"}, {1, bob, "."}}); got != "[Alice] "+red+"a"+sep+reset+"[Bob] ." {
		t.Errorf("in two parts: %q", got)
	}
}

// A label is one line, and nobody can write that of somebody else into his name.
func TestLabel(t *testing.T) {
	r := newRig(t, unaware)
	r.out.Text(r.now, rtt.Source{ID: alice, Name: "Al] hi" + sep + "[Bob\u202e\b"}, "x")
	r.poll()
	if want := "[Al) hi(Bob] x"; r.fresh() != want {
		t.Errorf("%q, want %q", r.fresh(), want)
	}
}

// A telephone may come to know several sources, or forget it; nothing that waits is lost. Shows ME-RTT-29.
func TestChangeOfFormat(t *testing.T) {
	slow := unaware
	slow.CPS = 1
	r := newRig(t, slow)
	r.say(20*time.Second, alice, "abcdefghijklmnopqrstuvwxyz")
	r.say(20*time.Second, bob, "HI")
	r.out.Configure(r.now, aware)
	r.say(r.now, alice, "Z.")
	r.until(r.now + 10*time.Second)
	if n := len(r.sent); !r.sent[n-1].Mixed {
		t.Error("no contributor once it was agreed on")
	}
	text := r.fresh()
	if strings.Count(text, "Z.") != 1 || strings.Count(text, "HI") != 1 || !strings.Contains(text, "[Alice] ab") || strings.Count(text, "xyz") != 1 {
		t.Errorf("%q", text)
	}
	r.out.Configure(r.now, unaware)
	r.sent = nil
	r.say(r.now, bob, "bye")
	r.until(r.now + time.Minute)
	if r.fresh() != "[Bob] bye" {
		t.Errorf("%q", r.fresh())
	}
	for i := range r.sent {
		if r.sent[i].Mixed {
			t.Errorf("packet %d has a contributor", i)
		}
	}
}
