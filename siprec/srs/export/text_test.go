package export_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-sip/parley/siprec/srs"
	"github.com/parley-sip/parley/siprec/srs/export"
)

// Text is a dialog of its own in a container, by its transcript, and no channel of audio. That only one has written does not make what all have said
// superfluous.
func TestText(t *testing.T) {
	r := srs.Recording{ID: "ab", Directory: t.TempDir(), StartedAt: began, Participants: []srs.Participant{{ID: "A", Name: "Ann"}, {ID: "B", Name: "Ben"}}}
	r.Streams = []srs.Stream{
		{Label: "1", File: "1.wav", Participants: []string{"A", "B"}, SampleRate: 8000, Samples: click(t, r.Directory, "1.wav", 8000, 0, 1)},
		{
			Label: "2", Medium: srs.MediumText, File: "2.jsonl", Transcript: "2.txt", Participants: []string{"A"}, SampleRate: 1000, Packets: 3,
			StartedAt: began, EndedAt: began.Add(time.Minute),
		},
		{Label: "3", Medium: srs.MediumText, File: "3.jsonl", Transcript: "3.txt", SampleRate: 1000}, // nobody wrote
	}
	if err := os.WriteFile(filepath.Join(r.Directory, "2.txt"), []byte("Ann: hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := export.Container(r, export.Options{Now: began})
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Dialog) != 2 || v.Dialog[0].Type != "recording" {
		t.Fatalf("%+v", v.Dialog)
	}
	d := v.Dialog[1]
	body, err := base64.RawURLEncoding.DecodeString(d.Body)
	if err != nil || string(body) != "Ann: hello\n" || d.Type != "text" || d.MediaType != "text/plain; charset=utf-8" || d.Filename != "2.txt" || d.Duration != 60 ||
		len(d.Parties) != 1 || d.Parties[0] != 0 {
		t.Errorf("%+v, %q, %v", d, body, err)
	}
	if channels := export.Channels(r); len(channels) != 1 || channels[0].Labels[0] != "1" {
		t.Errorf("channels %+v", channels)
	}
}
