package srs

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

func id(n byte) siprec.ID {
	return siprec.NewID([16]byte{1, 2, 3, 4, 5, 6, 0x47, 8, 0x89, 10, 11, 12, 13, 14, 15, n})
}

// roster is a conference in which participant i, from 1, speaks on the stream with label i.
func roster(now time.Time, names ...string) siprec.Roster {
	r := siprec.Roster{Session: id(100), Group: id(101), GroupStarted: now, Started: now}
	for i, name := range names {
		n := byte(i + 1)
		r.Participants = append(r.Participants, siprec.RosterParticipant{
			ID: id(n), Names: []siprec.NameID{{AOR: "sip:" + strings.ToLower(name) + "@example.com", Name: name}}, Joined: now,
		})
		r.Streams = append(r.Streams, siprec.RosterStream{ID: id(50 + n), Label: strconv.Itoa(i + 1), Participant: id(n)})
	}

	return r
}

func multipart(description, metadata []byte) (string, []byte) {
	return siprec.BuildMultipart([]siprec.Part{
		{ContentType: "application/sdp", Body: description},
		{ContentType: siprec.MetadataType, Disposition: siprec.Disposition, Body: metadata},
	})
}

// energy is the root of the mean square from one time to another, in seconds.
func energy(pcm []int16, rate int, from, to float64) float64 {
	sum, n := 0.0, 0
	for i := max(0, int(from*float64(rate))); i < min(int(to*float64(rate)), len(pcm)); i++ {
		sum += float64(pcm[i]) * float64(pcm[i])
		n++
	}

	return math.Sqrt(sum / float64(max(n, 1)))
}

// A whole recording session: two streams, one of them paused and resumed, a third that
// joins, the first that leaves, metadata alone, BYE (RFC 7866, sections 7 and 9; RFC 8068, section 3).
func TestRecordingSession(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			testSession(t, transport)
		})
	}
}

func testSession(t *testing.T, transport string) {
	t.Helper()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks()})
	c := newClient(t, server)
	now := time.Now().UTC().Truncate(time.Millisecond)
	alice, bob := newVoice(t, "1", codecs.PCMU, 400), newVoice(t, "2", codecs.G722, 1000)
	bob.late = 7 * time.Millisecond // another leg of the way, which the reports take out
	var sent [][]byte
	body := func(r siprec.Roster, previous *siprec.Roster, voices ...*voice) sipua.Body {
		d := siprec.Document(r)
		if previous != nil {
			d = siprec.Diff(siprec.Document(*previous), d)
		}
		sent = append(sent, siprec.Marshal(d, ""))
		contentType, data := multipart(c.describe(voices...), sent[len(sent)-1])

		return sipua.Body{ContentType: contentType, Data: data}
	}
	use := func(response *sipua.Response, voices ...*voice) {
		t.Helper()
		for _, s := range c.accept(response.Body).Streams {
			voices[s.Index].use(s)
		}
	}
	change := func(b sipua.Body, voices ...*voice) {
		t.Helper()
		response, err := c.dialog.ReInvite(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		use(response, voices...)
		if contact, _ := response.Contact(); !contact.Params.Has(siprec.FeatureTagServer) {
			t.Errorf("Contact %v", contact)
		}
	}

	first := roster(now, "Alice", "Bob")
	b := body(first, nil, alice, bob)
	response, err := c.invite(c.call(transport, b.ContentType, b.Data))
	if err != nil {
		t.Fatal(err)
	}
	use(response, alice, bob)
	answer, _ := sdp.Parse(response.Body)
	for i := range answer.Media {
		if answer.DirectionOf(i) != sdp.RecvOnly || answer.Media[i].Label != strconv.Itoa(i+1) {
			t.Errorf("m-line %d is %v with label %q", i, answer.DirectionOf(i), answer.Media[i].Label)
		}
	}
	c.stream(0, 55, true, alice, bob)

	bob.held = true // from 1.1 s to 1.9 s
	change(sipua.Body{ContentType: "application/sdp", Data: c.describe(alice, bob)}, alice, bob)
	c.stream(55, 95, true, alice)
	bob.held = false
	change(sipua.Body{ContentType: "application/sdp", Data: c.describe(alice, bob)}, alice, bob)
	c.stream(95, 100, true, alice, bob)

	carol := newVoice(t, "3", codecs.Opus, 700)
	second := roster(now, "Alice", "Bob", "Carol")
	change(body(second, &first, alice, bob, carol), alice, bob, carol)
	c.stream(100, 150, true, alice, bob, carol)

	third := second // Alice leaves at 3 s
	third.Participants = append([]siprec.RosterParticipant(nil), second.Participants...)
	third.Participants[0].Left = now.Add(3 * time.Second)
	third.Streams = second.Streams[1:]
	change(body(third, &second, nil, bob, carol), nil, bob, carol)
	c.stream(150, 175, true, bob, carol)

	// Bob gets another name: metadata alone, bare, by UPDATE.
	fourth := third
	fourth.Participants = append([]siprec.RosterParticipant(nil), third.Participants...)
	fourth.Participants[1].Names = []siprec.NameID{{AOR: "sip:bob@example.com", Name: "Robert"}}
	renamed := siprec.Diff(siprec.Document(third), siprec.Document(fourth)).WithoutLabels()
	sent = append(sent, siprec.Marshal(renamed, ""))
	_, err = c.dialog.Update(t.Context(), sipua.Body{
		ContentType: siprec.MetadataType, Data: sent[len(sent)-1],
		Headers: sipua.Headers{{Name: "Content-Disposition", Value: siprec.Disposition}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := hooks.wait(t)
	checkSession(t, r)
	checkMetadata(t, r, sent)
	if len(hooks.started) != 1 || hooks.started[0].State != StateRecording || len(hooks.started[0].Streams) != 2 {
		t.Errorf("started: %+v", hooks.started)
	}
	if onDisk, err := ReadRecording(r.Directory); err != nil || onDisk.State != StateFinished || len(onDisk.Metadata) != len(sent) {
		t.Errorf("%+v %v", onDisk, err)
	}
}

func checkSession(t *testing.T, r Recording) {
	t.Helper()
	if r.State != StateFinished || r.EndReason != "bye" || r.Error != "" || len(r.Streams) != 3 || len(r.Participants) != 3 || len(r.Sessions) != 1 {
		t.Fatalf("%+v", r)
	}
	alice, first := load(t, r, "1")
	bob, second := load(t, r, "2")
	carol, third := load(t, r, "3")
	if alice.File != "1-Alice.wav" || bob.File != "2-Bob.wav" || carol.File != "3-Carol.wav" || r.Participants[1].Name != "Robert" ||
		alice.Participants[0] != string(id(1)) || alice.StreamID != string(id(51)) || r.Participants[2].Labels[0] != "3" ||
		r.Participants[0].LeftAt.IsZero() || alice.Codec != "PCMU/8000" || bob.SampleRate != 16000 {
		t.Errorf("%+v\n%+v", r.Participants, r.Streams)
	}
	if len(bob.Pauses) != 1 || bob.Pauses[0].To.Sub(bob.Pauses[0].From) < 700*time.Millisecond || len(alice.Pauses) != 0 {
		t.Errorf("pauses %+v", bob.Pauses)
	}
	if alice.Packets != 150 || bob.Packets != 135 || carol.Packets != 75 || alice.Lost+bob.Lost+carol.Lost != 0 {
		t.Errorf("packets %d %d %d, lost %d %d %d", alice.Packets, bob.Packets, carol.Packets, alice.Lost, bob.Lost, carol.Lost)
	}
	if alice.Clock != "rtcp" || bob.Clock != "rtcp" || carol.Clock != "rtcp" {
		t.Errorf("clocks %s %s %s", alice.Clock, bob.Clock, carol.Clock)
	}
	// All files have the same length.
	if d := float64(len(first))/8000 - float64(len(second))/16000; math.Abs(d) > 0.001 || len(second)*3 < len(third)-3 || len(second)*3 > len(third)+3 {
		t.Errorf("%d samples at 8000, %d at 16000, %d at 48000", len(first), len(second), len(third))
	}
	// The beat of 0.2 s of the conference is at the same place in all files.
	origin := onsetOf(first, 8000, 0, 4000) - 0.2
	for _, x := range []struct {
		name  string
		pcm   []int16
		rate  int
		beats []float64
		quiet [][2]float64
	}{
		{"alice", first, 8000, []float64{0.2, 0.7, 1.2, 1.7, 2.2, 2.7}, [][2]float64{{0.35, 0.65}, {3.05, 3.45}}},
		{"bob", second, 16000, []float64{0.2, 0.7, 2.2, 2.7, 3.2}, [][2]float64{{0.35, 0.65}, {1.15, 1.85}}},
		{"carol", third, 48000, []float64{2.2, 2.7, 3.2}, [][2]float64{{0, 1.95}, {2.4, 2.6}}},
	} {
		for _, beat := range x.beats {
			if got := onsetOf(x.pcm, x.rate, origin+beat-0.05, 4000); math.Abs(got-origin-beat) > 0.005 {
				t.Errorf("%s: beat %.1f is at %.4f", x.name, beat, got-origin)
			}
			if e := energy(x.pcm, x.rate, origin+beat+0.02, origin+beat+0.09); e < 6000 || e > 10000 {
				t.Errorf("%s: beat %.1f has %f", x.name, beat, e)
			}
		}
		for _, q := range x.quiet {
			if e := energy(x.pcm, x.rate, origin+q[0], origin+q[1]); e > 40 {
				t.Errorf("%s: %f from %.2f to %.2f", x.name, e, q[0], q[1])
			}
		}
	}
}

// checkMetadata compares the documents with what was sent and validates them.
func checkMetadata(t *testing.T, r Recording, sent [][]byte) {
	t.Helper()
	args := make([]string, 0, len(sent)+4)
	args = append(args, "--nonet", "--noout", "--schema", "../../testdata/schema/recording-strict.xsd")
	for i, want := range sent {
		name := filepath.Join(r.Directory, fmt.Sprintf("metadata-%04d.xml", i+1))
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s (%v)\n%s\nsent\n%s", name, err, got, want)
		}
		if issues := r.Metadata[i].Issues; len(issues) > 0 {
			t.Errorf("%s: %v", name, issues)
		}
		args = append(args, name)
	}
	if out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
}

// Without sender reports the arrival of packets sets the time line; of what is lost on the way
// only the first bit is made up.
func TestLossOnTheWay(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks()})
	c := newClient(t, server)
	a, b := newVoice(t, "left", codecs.PCMA, 500), newVoice(t, "right", codecs.Opus, 900)
	b.skip = func(n int) bool { return n > 5 && n%10 == 3 || n >= 70 && n < 90 }
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(a, b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.accept(response.Body).Streams {
		[]*voice{a, b}[s.Index].use(s)
	}
	c.stream(0, 120, false, a, b)
	if err := c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := hooks.wait(t)
	left, first := load(t, r, "left")
	right, second := load(t, r, "right")
	if left.Lost != 0 || right.Lost != 29 || right.Clock != "arrival" || right.ConcealedMS < 200 {
		t.Errorf("%+v\n%+v", left, right)
	}
	origin := onsetOf(first, 8000, 0, 4000) - 0.2
	for _, beat := range []float64{0.2, 0.7, 1.2, 2.2} {
		if got := onsetOf(second, 48000, origin+beat-0.05, 4000); math.Abs(got-origin-beat) > 0.005 {
			t.Errorf("beat %.1f is at %.4f", beat, got-origin)
		}
	}
	if e := energy(second, 48000, origin+1.5, origin+1.75); e > 40 {
		t.Errorf("%f in a gap", e)
	}
	if len(r.Participants) != 0 || len(r.Metadata) != 0 || left.File != "left.wav" {
		t.Errorf("%+v", r)
	}
}
