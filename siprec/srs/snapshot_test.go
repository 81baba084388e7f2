package srs

import (
	"errors"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// A partial document that refers to what nobody has described makes the recorder ask for all, once; an operator may ask at any
// time (RFC 7866, section 9.2).
func TestSnapshotRequest(t *testing.T) {
	t.Parallel()
	server := startServer(t, Config{})
	c := newClient(t, server)
	now := time.Now()
	one, two := roster(now, "Alice"), roster(now, "Alice", "Bob")
	all := siprec.Document(two)
	change := siprec.Diff(siprec.Document(one), all)
	change.Participants = nil // lost on the way
	contentType, body := multipart(c.describe(newVoice(t, "1", codecs.PCMU, 400), newVoice(t, "2", codecs.PCMU, 500)), siprec.Marshal(change, ""))
	if _, err := c.invite(c.call("tcp", contentType, body)); err != nil {
		t.Fatal(err)
	}
	if reason := <-c.asked; reason != "lost synchronization" {
		t.Errorf("asked because of %q", reason)
	}
	send := func(d siprec.Recording) {
		t.Helper()
		_, err := c.dialog.Update(t.Context(), sipua.Body{
			ContentType: siprec.MetadataType, Data: siprec.Marshal(d.WithoutLabels(), ""),
			Headers: sipua.Headers{{Name: "Content-Disposition", Value: siprec.Disposition}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	send(change) // still not understood, but it has been asked for
	send(all)
	send(siprec.Recording{Mode: siprec.Partial, Participants: all.Participants[:1]})
	list := server.Recordings()
	if len(list) != 1 || len(list[0].Metadata) != 4 {
		t.Fatalf("%+v", list)
	}
	if err := server.RequestSnapshot(t.Context(), list[0].ID, "by hand"); err != nil {
		t.Error(err)
	}
	if reason := <-c.asked; reason != "by hand" {
		t.Errorf("asked because of %q", reason)
	}
	if err := server.RequestSnapshot(t.Context(), "nobody", ""); !errors.Is(err, ErrNoRecording) {
		t.Error(err)
	}
	if err := c.dialog.Bye(t.Context()); err != nil {
		t.Error(err)
	}
}
