package codecs

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The recordings are what their README says: mono at a rate that is mixed, 6 to 8 s, -20 dBov while active, quiet at both ends, and
// small together.
func TestSpeechFiles(t *testing.T) {
	files, err := filepath.Glob("../testdata/speech/*.wav")
	if err != nil || len(files) != len(speechNames) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	total := int64(0)
	for _, file := range files {
		if !slices.Contains(speechNames, strings.TrimSuffix(filepath.Base(file), ".wav")) {
			t.Errorf("%s is not known", file)
		}
		stat, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		total += stat.Size()
	}
	if total > 2_500_000 {
		t.Errorf("%d octets in all", total)
	}
	for _, name := range speechNames {
		pcm := speech(t, name, 16000)
		if n := len(pcm); n < 6*16000 || n > 8*16000 {
			t.Errorf("%s: %d samples", name, n)
		}
		if l := min(Level(pcm[:1280]), Level(pcm[len(pcm)-1280:])); l < 55 {
			t.Errorf("%s: level %d at the ends", name, l)
		}
		var sum float64
		count := 0
		for i, on := range active(pcm, 320) {
			if on {
				sum += power(pcm[i*320 : (i+1)*320])
				count++
			}
		}
		if db := decibel(sum/float64(count), 32768*32768); math.Abs(db+20) > 2.5 {
			t.Errorf("%s: active level %.1f dBov", name, db)
		}
	}
}
