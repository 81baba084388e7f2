package siprec_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// describe writes what is in a message in one line each.
func describe(m siprec.Message, d *sdp.Description, document *siprec.Recording) string {
	var out strings.Builder
	for _, h := range m.Headers {
		if h.Name != "Accept" && h.Name != "Date" {
			fmt.Fprintf(&out, " %s: %s", h.Name, h.Value)
		}
	}
	if d != nil {
		fmt.Fprintf(&out, "\n  sdp version %d:", d.Origin.Version)
		for _, media := range d.Media {
			fmt.Fprintf(&out, " %s=%d/%v", media.Label, media.Port, media.Direction)
			if media.Proto != "RTP/AVP" {
				out.WriteString("/" + media.Proto)
			}
		}
	}
	if document != nil {
		out.WriteString("\n  metadata " + document.Mode.String())
		describeDocument(&out, document)
	}
	return out.String()
}

func describeDocument(out *strings.Builder, d *siprec.Recording) {
	for _, s := range d.Sessions {
		fmt.Fprintf(out, "\n    session with %d SIP sessions", len(s.SIPSessionIDs))
		if !s.Stop.IsZero() {
			fmt.Fprintf(out, " stopped %v", s.Stop.Sub(base))
		}
	}
	for _, p := range d.Participants {
		fmt.Fprintf(out, "\n    participant %s %q", nameOf(p.ID), p.Names[0].Name)
	}
	label := map[siprec.ID]string{}
	for n, name := range people {
		label[idOf(kindStream, n)], label[idOf(kindStream, 41000+2*n)] = name, "text-"+name
	}
	label[idOf(kindStream, 100)] = "mix"
	label[idOf(kindStream, 41100)] = "text-mix"
	for _, s := range d.Streams {
		fmt.Fprintf(out, "\n    stream %s label %s", label[s.ID], s.Label)
	}
	for _, a := range d.SessionRecordings {
		out.WriteString("\n    recorded" + span(a.Associate, a.Disassociate))
	}
	for _, a := range d.ParticipantSessions {
		fmt.Fprintf(out, "\n    %s in session%s", nameOf(a.Participant), span(a.Associate, a.Disassociate))
	}
	for _, a := range d.ParticipantStreams {
		fmt.Fprintf(out, "\n    %s", nameOf(a.Participant))
		for _, id := range a.Send {
			out.WriteString(" send " + label[id])
		}
		for _, id := range a.Recv {
			out.WriteString(" recv " + label[id])
		}
		out.WriteString(span(a.Associate, a.Disassociate))
	}
}

func span(from, to time.Time) string {
	text := " from " + from.Sub(base).String()
	if !to.IsZero() {
		text += " to " + to.Sub(base).String()
	}
	return text
}

// lint checks documents against the strict schemas, all of a kind in one run.
func lint(t *testing.T, documents [][]byte) {
	t.Helper()
	directory := t.TempDir()
	files := map[string][]string{}
	seen := map[string]bool{}
	for i, data := range documents {
		if seen[string(data)] {
			continue
		}
		seen[string(data)] = true
		schema := "recording-strict.xsd"
		if bytes.Contains(data, []byte("<datamode>complete<")) {
			schema = "recording-strict-complete.xsd"
		}
		name := filepath.Join(directory, strconv.Itoa(i)+".xml")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		files[schema] = append(files[schema], name)
	}
	for schema, names := range files {
		for batch := range slices.Chunk(names, 500) {
			args := append([]string{"--nonet", "--noout", "--schema", schemaDirectory + schema}, batch...)
			out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, firstFault(out))
			}
		}
	}
	t.Logf("%d documents are valid", len(seen))
}

// xmllint checks one document against the strict schema of complete ones.
func xmllint(t *testing.T, data []byte) ([]byte, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "document.xml")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), "xmllint", "--nonet", "--noout", "--schema", schemaDirectory+"recording-strict-complete.xsd", name).CombinedOutput()
}

// firstFault returns the first complaint with the document it is about.
func firstFault(out []byte) string {
	for text := range strings.Lines(string(out)) {
		if strings.Contains(text, "error") {
			name, _, _ := strings.Cut(text, ":")
			data, _ := os.ReadFile(name)
			return text + string(data)
		}
	}
	return string(out)
}
