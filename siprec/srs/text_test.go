package srs

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// A name in a transcript cannot make a line of its own, erase what stands before it or turn it round, as it comes from who is recorded.
func TestTranscriptNames(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	got := transcript([]TextLine{{At: at, SSRC: 1, Text: "hi"}}, func(uint32) string { return "Eve\r\n2026 Ben:\u2028 yes\x1b[2J\u202e\u009b\b" })
	if want := "2026-03-04T05:06:07.000Z Eve2026 Ben: yes[2J: hi\n"; got != want {
		t.Errorf("%q", got)
	}
}

// A transcript has a line for each piece of one writer, without what was erased, and with the time of its beginning.
func TestTranscript(t *testing.T) {
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	line := func(ms int, ssrc uint32, text string) TextLine {
		return TextLine{At: began.Add(time.Duration(ms) * time.Millisecond), SSRC: ssrc, Text: text}
	}
	lines := []TextLine{
		line(1000, 1, "helo"), line(1300, 1, "\b\blo"), line(2000, 2, "hi\r\nthere"), line(2500, 2, "\u2028"),
		line(3000, 1, "\b"), line(3100, 1, "é\bend\a"), line(60000, 1, "later"),
	}
	got := transcript(lines, func(ssrc uint32) string { return map[uint32]string{1: "Ann", 2: "Ben"}[ssrc] })
	want := "2026-03-04T05:06:08.000Z Ann: helo\n2026-03-04T05:06:09.000Z Ben: hi\n2026-03-04T05:06:09.000Z Ben: there\n" +
		"2026-03-04T05:06:10.100Z Ann: end\n2026-03-04T05:07:07.000Z Ann: later\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// textClient is the side of a client in a stream of text.
func textClient(t *testing.T) *media.TextSession {
	t.Helper()
	transport, err := media.NewTransport(media.Config{ListenAddress: netip.MustParseAddr("127.0.0.1"), PortMin: 32000, PortMax: 35999, RTCPInterval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	session, err := transport.OpenText(media.TextOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = session.Close(), transport.Close() })

	return session
}

// describeText makes an offer of one voice, and text beside it.
func (c *client) describeText(v *voice, session *media.TextSession, direction sdp.Direction) []byte {
	local := sdp.Local{Address: netip.MustParseAddr("127.0.0.1"), Session: 7, Version: 1, ByPosition: true, Previous: c.offer, Streams: []sdp.LocalStream{
		{Port: v.port(), Codecs: []codecs.Codec{v.codec}, Direction: direction, Label: v.label},
		{Port: session.Port(), Text: &sdp.LocalText{Generations: 2, Mixer: true}, Direction: direction, Label: "t"},
	}}
	offer := sdp.Offer(local)
	c.offer = &offer

	return offer.Marshal()
}

func useText(t *testing.T, session *media.TextSession, plan sdp.Plan, send bool) {
	t.Helper()
	agreed, ok := plan.Text()
	if !ok {
		t.Fatal("text was refused")
	}
	f := agreed.Text.Send
	if !agreed.Text.Mixer || f.Generations != 2 || agreed.Text.CPS != rtt.MixerCPS {
		t.Errorf("agreed on %+v", agreed.Text)
	}
	err := session.Configure(media.TextParams{Remote: agreed.Remote, RemoteRTCP: agreed.RemoteRTCP, Send: send, SendFormat: rtt.Format{
		Text: f.Text, Red: f.Red, Generations: f.Generations, CPS: agreed.Text.CPS, Aware: agreed.Text.Mixer,
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// written waits for a text in the file of a recording that goes on: it is there within the time of a flush.
func written(t *testing.T, server *Server, texts ...string) Recording {
	t.Helper()
	var r Recording
	server.eventually(t, func() bool {
		for _, active := range server.active() {
			if report, ok := active.snapshot(); ok {
				r = report
			}
		}
		for _, s := range r.Streams {
			if s.Medium != MediumText {
				continue
			}
			lines, err := ReadText(filepath.Join(r.Directory, s.File))
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			for _, l := range lines {
				all.WriteString(l.Text)
			}

			return all.String() == strings.Join(texts, "")
		}

		return false
	})

	return r
}

// The recorder keeps text as it comes, with its writers, in a file that can be read while it is written, and not what comes in a pause; at the end
// there is a transcript. The audio beside it is as ever.
func TestText(t *testing.T) {
	log := newLog()
	server := startServer(t, Config{Hooks: log.hooks(), Flush: 20 * time.Millisecond})
	c := newClient(t, server)
	v, session := newVoice(t, "a", codecs.PCMU, 500), textClient(t)
	response, err := c.invite(c.call("tcp", "application/sdp", c.describeText(v, session, sdp.SendOnly)))
	if err != nil {
		t.Fatal(err)
	}
	plan := c.accept(response.Body)
	useText(t, session, plan, true)
	v.use(plan.Streams[0])
	c.stream(0, 10, false, v)
	session.Say(rtt.Source{ID: 11, Name: "Ann"}, "ann@example.com", "hello. ")
	session.Say(rtt.Source{ID: 12, Name: "Ben"}, "ben@example.com", "hi. ")
	r := written(t, server, "hello. ", "hi. ")
	server.eventually(t, func() bool { // the names come by RTCP
		for _, active := range server.active() {
			r, _ = active.snapshot()
		}
		w := r.Streams[1].Writers

		return len(w) == 2 && w[0].Name == "Ann" && w[1].Name == "Ben"
	})
	reoffer := func(direction sdp.Direction) {
		session.Finish()
		answer, fault := c.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: c.describeText(v, session, direction)})
		if fault != nil {
			t.Fatal(fault)
		}
		useText(t, session, c.accept(answer.Body), true) // an unruly client goes on to write
	}
	reoffer(sdp.Inactive)
	server.eventually(t, func() bool { // what was under way is taken for a while
		for _, active := range server.active() {
			r, _ = active.snapshot()
		}
		pauses := r.Streams[1].Pauses

		return len(pauses) == 1 && time.Since(pauses[0].From) > 2*grace
	})
	session.Say(rtt.Source{ID: 11, Name: "Ann"}, "ann@example.com", "secret. ")
	session.Finish()
	server.eventually(t, func() bool {
		for _, active := range server.active() {
			r, _ = active.snapshot()
		}

		return r.Streams[1].Discarded > 0
	})
	reoffer(sdp.SendOnly)
	session.Say(rtt.Source{ID: 11, Name: "Ann"}, "ann@example.com", "bye.")
	written(t, server, "hello. ", "hi. ", "bye.")
	if err = c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	r = log.wait(t)
	s := r.Streams[1]
	if s.Medium != MediumText || s.File != "t.jsonl" || s.Codec != textCodec || s.Label != "t" || s.Samples != 0 || s.Packets == 0 || len(s.Pauses) != 1 || r.Error != "" {
		t.Errorf("%+v of %+v", s, r)
	}
	text, err := os.ReadFile(filepath.Join(r.Directory, s.Transcript))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for line := range strings.Lines(string(text)) {
		_, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		said = append(said, what)
	}
	if got := strings.Join(said, "|"); got != "Ann: hello.|Ben: hi.|Ann: bye." {
		t.Errorf("transcript %q", got)
	}
	if audio, pcm := load(t, r, "a"); audio.Medium != "" || len(pcm) == 0 {
		t.Errorf("%+v", audio)
	}
	if name, err := r.File(s.Transcript); err != nil || filepath.Base(name) != "t.txt" {
		t.Errorf("%q, %v", name, err)
	}
}
