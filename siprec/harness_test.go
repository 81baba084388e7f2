package siprec_test

import (
	"bytes"
	"fmt"
	"net/netip"
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

// conference is a roster that tests change, and what shall be recorded of it.
type conference struct {
	mode    string // mixed, separate or both
	people  []siprec.RosterParticipant
	masked  map[siprec.ID]bool
	paused  bool
	stopped bool
	ended   time.Time
}

var people = []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"}

func personID(name string) siprec.ID { return idOf(kindParticipant, slices.Index(people, name)) }

func nameOf(id siprec.ID) string {
	for _, name := range people {
		if personID(name) == id {
			return name
		}
	}
	return "focus"
}

func (c *conference) person(name string) *siprec.RosterParticipant {
	id := personID(name)
	for i := range c.people {
		if c.people[i].ID == id {
			return &c.people[i]
		}
	}
	return nil
}

func (c *conference) join(name string, now time.Time) {
	if p := c.person(name); p != nil {
		if !p.Left.IsZero() {
			p.Joined, p.Left = now, time.Time{}
			p.Muted, p.Held = false, false
		}
		return
	}
	n := slices.Index(people, name)
	c.people = append(c.people, siprec.RosterParticipant{
		ID: personID(name), Names: []siprec.NameID{{AOR: "sip:" + name + "@example.com", Name: strings.Title(name)}}, //nolint:staticcheck // ASCII
		SIPSessionID: fmt.Sprintf("%032x;remote=%032x", n+1, 0xf0), Joined: now,
	})
}

// desire is the event for the state of now.
func (c *conference) desire() siprec.Desire {
	d := siprec.Desire{Paused: c.paused, Stopped: c.stopped, Roster: siprec.Roster{
		Session: idOf(kindSession, 1), Group: idOf(kindGroup, 1), GroupStarted: base, Started: base, Ended: c.ended,
		Participants: slices.Clone(c.people),
	}}
	if !c.ended.IsZero() {
		d.Roster.Reasons = []siprec.Reason{{Protocol: "Q.850", Cause: 16, Text: "Normal call clearing"}}
	}
	if c.mode != "separate" {
		d.Streams = append(d.Streams, siprec.StreamWish{Key: "mix", ID: idOf(kindStream, 100), Port: 40100})
	}
	if c.mode != "mixed" {
		for _, p := range c.people {
			if !p.Left.IsZero() {
				continue
			}
			n := slices.Index(people, nameOf(p.ID))
			d.Streams = append(d.Streams, siprec.StreamWish{
				Key: nameOf(p.ID), ID: idOf(kindStream, n), Participant: p.ID, Port: uint16(40000 + 2*n), Paused: c.masked[p.ID],
			})
		}
	}
	return d
}

// recorder is the far end: what it knows, and the checks that hold for everything it
// ever receives.
type recorder struct {
	fail      func(format string, args ...any)
	labels    map[string]siprec.ID // stream by label, for the whole session
	documents [][]byte

	known   siprec.Recording
	told    bool // a document has come in this dialog
	offer   *sdp.Description
	pending *siprec.Recording // comes into force with the 2xx
	open    uint32
	lines   int
	version uint64 // the highest one seen

	lastVersion, agreedVersion uint64

	text      string // last SDP with version 0
	agreed    string // the last one in force
	dialog    bool
	playing   map[string]siprec.StartMedia
	peerOffer string // the offer that is being answered
}

// receive checks a request or response of the client and keeps what is in it.
func (r *recorder) receive(m siprec.Message, begins bool) (d *sdp.Description, document *siprec.Recording) {
	if len(m.Body) == 0 {
		return nil, nil
	}
	content, err := siprec.ParseContent(m.ContentType, m.Disposition, m.Body)
	if err != nil {
		r.fail("body: %v", err)
		return nil, nil
	}
	var labels []string
	if content.SDP != nil {
		parsed, err := sdp.Parse(content.SDP)
		if err != nil {
			r.fail("SDP: %v in\n%s", err, content.SDP)
			return nil, nil
		}
		d = &parsed
		labels = []string{}
		for _, media := range d.Media {
			labels = append(labels, media.Label)
		}
		r.description(d, begins)
	}
	if content.Metadata != nil {
		document = r.metadata(content.Metadata, m, labels)
	}
	return d, document
}

func (r *recorder) description(d *sdp.Description, begins bool) {
	if begins {
		r.lines = 0
	} else if r.agreed != "" {
		stripped := *d
		stripped.Origin.Version = 0
		want := r.agreedVersion
		if string(stripped.Marshal()) != r.agreed {
			want = r.version + 1
		}
		// SR-SDP-01: the version grows by one only when the SDP changes.
		if d.Origin.Version != want {
			r.fail("version %d, want %d", d.Origin.Version, want)
		}
	}
	// SR-SDP-17: the number of m-lines never falls.
	if len(d.Media) < r.lines {
		r.fail("%d m-lines after %d", len(d.Media), r.lines)
	}
	for i, media := range d.Media {
		// SR-UPD-02: media stops no later than the offer that says so.
		for key, p := range r.playing {
			if p.Label == media.Label && (media.Port == 0 || media.Direction == sdp.Inactive) {
				r.fail("%s is still sent while line %d says %v, port %d", key, i, media.Direction, media.Port)
			}
		}
		if media.Port != 0 && media.Direction != sdp.SendOnly && media.Direction != sdp.Inactive {
			r.fail("line %d is %v", i, media.Direction)
		}
	}
	r.version, r.lastVersion = max(r.version, d.Origin.Version), d.Origin.Version
	stripped := *d
	stripped.Origin.Version = 0
	r.text = string(stripped.Marshal())
}

func (r *recorder) metadata(data []byte, m siprec.Message, labels []string) *siprec.Recording {
	document, err := siprec.Unmarshal(data)
	if err != nil {
		r.fail("metadata: %v in\n%s", err, data)
		return nil
	}
	r.documents = append(r.documents, data)
	for _, issue := range siprec.Verify(document, labels) {
		r.fail("metadata with labels %q: %v in\n%s", labels, issue, data)
	}
	// SR-MET-08: never partial first.
	if !r.told && document.Mode == siprec.Partial {
		r.fail("the first document is partial")
	}
	// SR-MET-13
	if m.Disposition != siprec.Disposition && !strings.HasPrefix(m.ContentType, "multipart/") {
		r.fail("disposition %q", m.Disposition)
	}
	for _, s := range document.Streams {
		if other, ok := r.labels[s.Label]; ok && other != s.ID {
			r.fail("label %q of stream %s was that of %s", s.Label, s.ID, other)
		}
		r.labels[s.Label] = s.ID
	}
	return &document
}

// accept takes the open request over.
func (r *recorder) accept() {
	if r.pending != nil {
		r.known = siprec.Merge(r.known, *r.pending)
		r.told = true
		for _, issue := range siprec.Verify(r.known.WithoutLabels(), nil) {
			r.fail("merged: %v in\n%s", issue, siprec.Marshal(r.known, ""))
		}
	}
	if r.offer != nil {
		r.lines = len(r.offer.Media)
		r.agreed, r.agreedVersion = r.text, r.lastVersion
	}
	r.pending, r.offer = nil, nil
}

// answerTo builds an answer: each line of the offer with a direction of the list, which
// repeats its last word; "0" refuses a line.
func answerTo(offer *sdp.Description, directions []string) []byte {
	var out strings.Builder
	out.WriteString("v=0\r\no=SRS 7 7 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n")
	for i, media := range offer.Media {
		direction := "recvonly"
		if len(directions) > 0 {
			direction = directions[min(i, len(directions)-1)]
		}
		if media.Direction == sdp.Inactive && direction != "0" {
			direction = "inactive"
		}
		port := 20000 + 2*i
		if direction == "0" || media.Port == 0 {
			direction, port = "inactive", 0
		}
		pt := media.PayloadTypes[0].Number
		fmt.Fprintf(&out, "m=audio %d %s %d\r\na=%s\r\n", port, media.Proto, pt, direction)
	}
	return []byte(out.String())
}

// world joins a client, a recorder and a conference.
type world struct {
	t      testing.TB
	client *siprec.Client
	recorder
	conference
	now  time.Time
	wake time.Time
	log  []string
}

func newWorld(fail func(format string, args ...any), cfg siprec.Config, mode string) (*world, error) {
	cfg.Address = netip.MustParseAddr("192.0.2.1")
	cfg.SDPSession = 1
	client, err := siprec.New(cfg)
	if err != nil {
		return nil, err
	}
	return &world{
		client: client, now: base,
		conference: conference{mode: mode, masked: map[siprec.ID]bool{}},
		recorder:   recorder{fail: fail, labels: map[string]siprec.ID{}, playing: map[string]siprec.StartMedia{}},
	}, nil
}

// step gives the client an event and carries its actions out.
func (w *world) step(ev siprec.Event) {
	for _, a := range w.client.Step(ev, w.now) {
		w.log = append(w.log, w.carryOut(a))
	}
}

// advance lets time pass, waking the client when it asked for it.
func (w *world) advance(d time.Duration) {
	for end := w.now.Add(d); ; {
		if w.wake.IsZero() || w.wake.After(end) {
			w.now = end
			return
		}
		if w.wake.After(w.now) {
			w.now = w.wake
		}
		before := w.wake
		w.wake = time.Time{}
		w.log = append(w.log, "tick at "+w.now.Sub(base).String())
		w.step(siprec.Tick{})
		if w.wake.Equal(before) {
			w.fail("woken at %v for %v again", w.now, before)
			return
		}
	}
}

func (w *world) began(name string, m siprec.Message, begins bool) string {
	if w.open != 0 {
		w.fail("%s while another request is open", name)
	}
	w.open = m.Exchange
	if begins {
		w.dialog, w.told = false, false
		w.agreed = ""
	}
	w.offer, w.pending = w.receive(m, begins)
	return name + describe(m, w.offer, w.pending)
}

func (w *world) carryOut(a siprec.Action) string {
	switch a := a.(type) {
	case siprec.Invite:
		return w.began("INVITE", a.Message, true)
	case siprec.ReInvite:
		return w.began("re-INVITE", a.Message, false)
	case siprec.Update:
		return w.began("UPDATE", a.Message, false)
	case siprec.Cancel:
		return "CANCEL"
	case siprec.Bye:
		w.open, w.offer, w.pending = 0, nil, nil
		if len(w.playing) > 0 {
			w.fail("BYE while %d streams are sent", len(w.playing))
		}
		_, document := w.receive(a.Message, false)
		return "BYE" + describe(a.Message, nil, document)
	case siprec.AnswerPeer:
		offer, document := w.receive(a.Message, !w.dialog)
		switch {
		case offer == nil:
		case w.peerOffer == "":
			w.offer, w.pending = offer, document
		default:
			w.lines, w.agreed, w.agreedVersion = len(offer.Media), w.text, w.lastVersion
		}
		return fmt.Sprintf("answer %d", a.Status) + describe(a.Message, offer, document)
	case siprec.StartMedia:
		w.playing[a.Key] = a
		text := fmt.Sprintf("start %s label %s to %v payload type %d %v %v", a.Key, a.Label, a.Remote, a.PayloadType, a.Format.Codec, a.Format.PacketTime)
		if a.Silence {
			text += " silence"
		}
		return text
	case siprec.StopMedia:
		delete(w.playing, a.Key)
		if a.Removed {
			return "stop " + a.Key + " removed"
		}
		return "stop " + a.Key
	case siprec.Report:
		w.dialog = w.dialog && a.State != siprec.StateFailed
		text := "report " + a.State.String()
		if a.Retry {
			text += " retry"
		}
		if a.Reason != "" {
			text += ": " + a.Reason
		}
		return text
	case siprec.Alarm:
		return fmt.Sprintf("alarm %v %d %s", a.Kind, a.Status, a.Detail)
	case siprec.WakeAt:
		w.wake = a.Time
		if a.Time.IsZero() {
			return "wake never"
		}
		return "wake at " + a.Time.Sub(base).String()
	default:
		w.fail("unknown action %T", a)
		return ""
	}
}

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
		label[idOf(kindStream, n)] = name
	}
	label[idOf(kindStream, 100)] = "mix"
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

// respond answers the open request; a success brings it into force.
func (w *world) respond(status int, directions ...string) {
	a := siprec.Answered{Exchange: w.open, Status: status, Reason: "Test"}
	if status == 200 && w.offer != nil {
		a.ContentType, a.Body = "application/sdp", answerTo(w.offer, directions)
	}
	w.finish(a)
}

func (w *world) finish(a siprec.Answered) {
	w.open = 0
	if a.Status < 300 {
		w.accept()
		w.dialog = true
	} else {
		w.offer, w.pending = nil, nil
	}
	w.step(a)
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

// firstFault returns the first complaint with the document it is about.
func firstFault(out []byte) string {
	for text := range strings.Lines(string(out)) {
		if strings.Contains(text, "error") {
			name, _, _ := strings.Cut(text, ":")
			data, _ := os.ReadFile(name) //nolint:errcheck // only to show it
			return text + string(data)
		}
	}
	return string(out)
}
