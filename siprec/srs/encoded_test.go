package srs

import (
	"path/filepath"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// Whatever has its place taken already is cut, a short gap is silence and a long one is left out of the encoder, and each sample keeps its place: the file is
// as long as what was written into it.
func TestEncodedPlaces(t *testing.T) {
	const rate, ratio = 8000, opusRate / 8000
	name := filepath.Join(t.TempDir(), "stream.opus")
	e, err := createEncoded(name, rate)
	if err != nil {
		t.Fatal(err)
	}
	frame := rate / 50
	for _, w := range []struct {
		what        string
		at, samples int
		end         int
	}{
		{"first", 0, 2 * frame, 2 * frame},
		{"overlaps by a frame", frame, 2 * frame, 3 * frame},
		{"all of it is there", 0, frame, 3 * frame},
		{"half a frame is new", frame, 2*frame + frame/2, 3*frame + frame/2},
		{"a short gap", 5 * frame, frame, 6 * frame},
		{"two frames", 8 * frame, frame / 2, 8*frame + frame/2},
		{"a long gap", 50 * frame, frame, 51 * frame},
		{"overlaps behind it", 50*frame + frame/2, frame, 51*frame + frame/2},
	} {
		if err = e.write(int64(w.at), make([]int16, w.samples)); err != nil {
			t.Fatal(w.what, err)
		}
		if got := e.length(); got != int64(w.end*ratio) {
			t.Errorf("%s: it ends at %d, want %d", w.what, got, w.end*ratio)
		}
	}
	want := e.length()
	if _, err = e.complete(0); err != nil {
		t.Fatal(err)
	}
	if got, err := oggLength(name); err != nil || got != want {
		t.Errorf("the file has %d samples, want %d, %v", got, want, err)
	}
	if frame*ratio != codecs.MaxFrameSamples {
		t.Errorf("a frame has %d samples", frame*ratio)
	}
}
