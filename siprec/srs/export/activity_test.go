package export_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/parley-sip/parley/siprec/srs"
	"github.com/parley-sip/parley/siprec/srs/export"
)

// Speech is found where the files have it, on the common time line, whatever their rates are.
func TestActivities(t *testing.T) {
	r := sample(t)
	r.Streams = append(r.Streams, srs.Stream{Label: "5", File: "5.jsonl", Medium: "text", Samples: 1})
	found, err := export.Activities(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]export.Span{"1-Alice.wav": {From: 0.5, To: 1}, "2.wav": {From: 1.5, To: 3}, "1-Alice-2.wav": {From: 2, To: 3}, "3-mixed.wav": {From: 0, To: 3}}
	if len(found) != len(want) {
		t.Fatalf("%+v", found)
	}
	for _, a := range found {
		if len(a.Spans) != 1 || math.Abs(a.Spans[0].From-want[a.File].From) > 0.02 || math.Abs(a.Spans[0].To-want[a.File].To) > 0.02 || len(a.Participants) == 0 {
			t.Errorf("%+v, want %+v", a, want[a.File])
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = export.Activities(ended, r); !errors.Is(err, context.Canceled) {
		t.Errorf("when nobody waits any more: %v", err)
	}
}

// A short pause belongs to what is said, a longer one does not; what is soft is no speech.
func TestActivityPauses(t *testing.T) {
	directory := t.TempDir()
	const rate = 8000
	pcm := make([]int16, 3*rate)
	tone := func(from, to float64, peak float64) {
		for i := int(from * rate); i < int(to*rate); i++ {
			pcm[i] = int16(peak * math.Sin(2*math.Pi*500*float64(i)/rate))
		}
	}
	tone(0.2, 0.5, 8000)
	tone(0.7, 1, 8000)
	tone(1.4, 2, 8000)
	tone(2, 3, 60) // -57 dBov
	r := srs.Recording{Directory: directory, Streams: []srs.Stream{{File: "1.wav", Samples: int64(len(pcm)), SampleRate: rate}}}
	write(t, directory, "1.wav", rate, pcm)
	found, err := export.Activities(t.Context(), r)
	if err != nil || len(found) != 1 || len(found[0].Spans) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	for i, want := range []export.Span{{From: 0.2, To: 1}, {From: 1.4, To: 2}} {
		if got := found[0].Spans[i]; math.Abs(got.From-want.From) > 0.02 || math.Abs(got.To-want.To) > 0.02 {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}
