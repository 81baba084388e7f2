package siprec_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/parley-sip/parley/siprec"
)

const tracePage = "../docs/traces.md"

// chapter is a recording session in the page of traces: what happens, and the commands of the scenarios that make it happen.
type chapter struct {
	title, mode string
	steps       []struct{ what, commands string }
}

func chapters() []chapter {
	type steps = []struct{ what, commands string }
	return []chapter{
		{"Separate streams", "separate", steps{
			{"A recording starts in a conference of Alice and Bob", "join alice bob\nanswer 200"},
			{"Carol joins: a stream more", "advance 10s\njoin carol\nadvance 200ms\nanswer 200"},
			{"Bob is muted: nothing of the streams changes, so it is an UPDATE", "advance 10s\nmute bob\nadvance 200ms\nanswer 200"},
			{"The recording is paused", "advance 10s\npause\nadvance 200ms\nanswer 200 inactive"},
			{"It is resumed", "advance 10s\nresume\nadvance 200ms\nanswer 200"},
			{"The recorder asks for a snapshot, and gets it in a re-INVITE", "advance 10s\nsnapshot\nadvance 1s\nanswer 200"},
			{"Alice leaves: her m-line gets port 0", "advance 10s\nleave alice\nadvance 200ms\nanswer 200"},
			{"The session is lost and begins again, with the same identifiers; another recorder that takes over gets the same", "advance 10s\nlost\nadvance 2s\nanswer 200"},
			{"The conference ends", "advance 10s\nend\nadvance 200ms\nanswer 200"},
		}},
		{"One mixed stream", "mixed", steps{
			{"A recording starts in a conference of Alice and Bob", "join alice bob\nanswer 200"},
			{"Carol joins: the stream is the same, so it is an UPDATE", "advance 10s\njoin carol\nadvance 200ms\nanswer 200"},
			{"Alice leaves", "advance 10s\nleave alice\nadvance 200ms\nanswer 200"},
		}},
		{"Both", "both", steps{
			{"A recording starts: the mixed stream comes first", "join alice bob\nanswer 200"},
		}},
	}
}

// The page of example traces is what the client says, octet for octet. It is written anew with -update.
func TestTraces(t *testing.T) {
	var out strings.Builder
	out.WriteString("# Traces\n\nWhat a recorder gets and answers in some recording sessions, as the program makes it; a test writes this page (`go test ./siprec -run TestTraces -update`)\n" +
		"and sees to it that it stays true. `→` is to the recorder, `←` from it. Headers of every request and response in a dialog are left out: Via, From, To, Call-ID, CSeq,\n" +
		"Max-Forwards, Contact (with `+sip.src`), Allow, Supported, Session-ID, Session-Expires. What all of it means: [recording](recording.md).\n")
	documents := make([][]byte, 0, 20)
	for _, c := range chapters() {
		fmt.Fprintf(&out, "\n## %s\n", c.title)
		s := scenario{t: t}
		s.create([]string{"rfc", c.mode})
		messages := 0
		message := func(first string, m siprec.Message) {
			messages++
			writeTrace(&out, first, m)
		}
		s.sent = func(a siprec.Action) {
			switch a := a.(type) {
			case siprec.Invite:
				message("→ INVITE", a.Message)
			case siprec.ReInvite:
				message("→ INVITE (in the dialog)", a.Message)
			case siprec.Update:
				message("→ UPDATE", a.Message)
			case siprec.Bye:
				message("→ BYE", a.Message)
			case siprec.AnswerPeer:
				message(fmt.Sprintf("→ %d", a.Status), a.Message)
			}
		}
		s.received = func(a siprec.Answered) {
			message(fmt.Sprintf("← %d", a.Status), siprec.Message{ContentType: a.ContentType, Body: a.Body})
		}
		for _, step := range c.steps {
			fmt.Fprintf(&out, "\n### %s\n", step.what)
			before := messages
			if strings.Contains(step.commands, "snapshot") {
				writeTrace(&out, "← UPDATE", siprec.Message{
					ContentType: siprec.MetadataTypeOld, Disposition: siprec.Disposition, Body: siprec.SnapshotRequest{Reason: "state lost"}.Marshal(),
				})
			}
			s.play(step.commands)
			if messages-before < 2 {
				t.Errorf("%s, %s: %d messages", c.title, step.what, messages-before)
			}
		}
		documents = append(documents, s.documents...)
	}
	lint(t, documents)
	if *update {
		if err := os.WriteFile(tracePage, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(tracePage)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != out.String() {
		t.Errorf("%s is not what the client says; write it anew with -update", tracePage)
	}
}

// writeTrace writes one message.
func writeTrace(out *strings.Builder, first string, m siprec.Message) {
	fmt.Fprintf(out, "\n```\n%s\n", first)
	for _, h := range m.Headers {
		fmt.Fprintf(out, "%s: %s\n", h.Name, h.Value)
	}
	if m.Disposition != "" {
		fmt.Fprintf(out, "Content-Disposition: %s\n", m.Disposition)
	}
	if m.ContentType != "" {
		fmt.Fprintf(out, "Content-Type: %s\n\n%s\n", m.ContentType, strings.TrimRight(strings.ReplaceAll(string(m.Body), "\r\n", "\n"), "\n"))
	}
	out.WriteString("```\n")
}
