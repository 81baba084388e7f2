package prompts

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// Every prompt of the list is there, as long as its text asks for, and as loud as speech.
func TestBuiltIn(t *testing.T) {
	l, err := New("", "")
	if err != nil {
		t.Fatal(err)
	}
	names := Names()
	if len(names) < 100 || len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Errorf("%d names, or one twice", len(names))
	}
	for _, name := range names {
		pcm, ok := l.Sound(name)
		seconds := float64(len(pcm)) / Rate
		if words := float64(len(strings.Fields(Text(name)))); !ok || seconds < 0.2+0.1*words || seconds > 0.7+0.6*words {
			t.Errorf("%s: %.2f s for %q", name, seconds, Text(name))
		}
		loudest := uint8(codecs.SilenceLevel)
		for frame := range slices.Chunk(pcm, Rate/50) {
			loudest = min(loudest, codecs.Level(frame))
		}
		if loudest > 22 || loudest < 6 {
			t.Errorf("%s: loudest frame at -%d dBov", name, loudest)
		}
	}
	if _, ok := l.Sound("nothing"); ok {
		t.Error("there is a prompt of any name")
	}
}

func TestNumbers(t *testing.T) {
	l, err := New("", English)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{
		0: "number-0", 13: "number-13", 20: "number-20", 47: "number-40 number-7", 90: "number-90", 100: "number-1 hundred",
		305: "number-3 hundred number-5", 21000: "number-20 number-1 thousand", 1234567: "number-1 number-2 number-3 number-4 number-5 number-6 number-7",
		-1: "",
	} {
		names := l.Number(n)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
		for _, name := range names {
			if _, ok := l.Sound(name); !ok {
				t.Errorf("%d: no %s", n, name)
			}
		}
	}
	if got := strings.Join(l.Keys("*6#A"), " "); got != "star number-6 pound" {
		t.Errorf("keys: %s", got)
	}
}

// A directory replaces prompts, and adds numbers; another language has to be complete.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wav := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x40\x1f\x00\x00"), make([]byte, 8000)...)
	for _, language := range []string{"en", "xx", "bad"} {
		if err := os.Mkdir(filepath.Join(dir, language), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("en/goodbye.wav", wav)
	write("en/number-42.wav", wav)
	write("en/README", []byte("not a prompt"))
	l, err := New(dir, "en")
	if err != nil {
		t.Fatal(err)
	}
	if pcm, ok := l.Sound("goodbye"); !ok || len(pcm) != Rate/2 { // half a second at 8 kHz
		t.Errorf("goodbye: %d samples", len(pcm))
	}
	if pcm, ok := l.Sound("welcome"); !ok || len(pcm) < Rate {
		t.Errorf("welcome: %d samples", len(pcm))
	}
	if got := l.Number(42); len(got) != 1 || got[0] != "number-42" {
		t.Errorf("42: %v", got)
	}
	for _, name := range Names() {
		if name != "welcome" {
			write("xx/"+name+".wav", wav)
		}
	}
	write("bad/welcome.opus", []byte("OggS"))
	for name, test := range map[string]struct{ dir, language, problem string }{
		"incomplete": {dir, "xx", "welcome"}, "no such language": {dir, "yy", "no directory"}, "no directory": {"", "de", "no directory"},
		"broken": {dir, "bad", "welcome.opus"}, "outside": {dir, "../etc", "no language"},
	} {
		if _, err := New(test.dir, test.language); !errors.Is(err, ErrLibrary) || !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: %v", name, err)
		}
	}
	write("xx/welcome.wav", wav)
	if _, err := New(dir, "xx"); err != nil {
		t.Errorf("complete: %v", err)
	}
}
