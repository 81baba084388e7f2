package siprec_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scenarios")

// TestScenarios plays testdata/*.txt. A block is a command line, "----", and what the
// client does. The first command of a file is "new <profile> <mode> [key=value…]". Rows that a single script shows are named in it.
//
// Shows SR-SDP-01, SR-SDP-04, SR-SDP-05, SR-SDP-06, SR-SDP-17, SR-UPD-02, SR-MET-08, SR-MET-10, SR-MET-13, SR-XML-01, SR-XML-14,
// SR-REG-03: the far end checks these of all that it gets.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	var documents [][]byte
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			documents = append(documents, playFile(t, file)...)
		})
	}
	lint(t, documents)
}

func playFile(t *testing.T, file string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := scenario{t: t}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		commands, _, _ := strings.Cut(block, "\n----")
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(commands + "\n")
		if !s.play(commands) {
			continue // comments only
		}
		out.WriteString("----\n")
		for _, text := range s.log {
			out.WriteString(text + "\n")
		}
		s.log = nil
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if out.String() != string(data) {
		t.Errorf("%s: got\n%s", file, out.String())
	}
	return s.documents
}

// scenario is one file being played.
type scenario struct {
	t *testing.T
	*world
	log []string
}

// play carries the command lines of a block out.
func (s *scenario) play(commands string) (played bool) {
	for text := range strings.Lines(commands) {
		words := strings.Fields(text)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		played = true
		if words[0] == "new" {
			s.create(words[1:])
			continue
		}
		s.command(words[0], words[1:])
		s.log = append(s.log, s.world.log...)
		s.world.log = nil
	}
	return played
}

func (s *scenario) create(words []string) {
	profile, ok := siprec.LookupProfile(words[0])
	if !ok {
		s.t.Fatalf("no profile %q", words[0])
	}
	cfg := siprec.Config{Profile: profile, Seed: 1}
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "silence":
			cfg.Profile.Pause = siprec.PauseSilence
		case "avpf":
			cfg.Profile.AVPF = true
		case "lenient":
			cfg.Profile.LenientAnswer = true
		case "bye-metadata":
			cfg.Profile.MetadataInBye = true
		case "self-contained":
			cfg.Profile.Updates = siprec.SelfContainedUpdates
		case "append-only":
			cfg.Profile.AppendOnly = true
		case "attempts":
			cfg.Retry.Attempts, _ = strconv.Atoi(value)
		case "interval":
			cfg.Profile.MinInterval, _ = time.ParseDuration(value)
		case "max":
			cfg.Profile.MaxStreams, _ = strconv.Atoi(value)
		default:
			s.t.Fatalf("unknown setting %q", key)
		}
	}
	w, err := newWorld(s.t.Errorf, cfg, words[1])
	if err != nil {
		s.t.Fatal(err)
	}
	s.world = w
}

func (s *scenario) command(name string, args []string) {
	switch name {
	case "join", "leave", "mute", "unmute", "hold", "unhold", "mask", "unmask", "rename", "pause", "resume", "stop", "end", "mode", "text":
		s.change(s.t, name, args, s.now)
		s.step(s.desire())
	case "advance":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.advance(d)
	case "answer":
		status, err := strconv.Atoi(args[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.answered(status, args[1:])
	case "timeout":
		s.open, s.offer, s.pending = 0, nil, nil
		s.step(siprec.TimedOut{})
	case "bye":
		s.open, s.offer, s.pending = 0, nil, nil
		s.step(siprec.PeerBye{Reason: strings.Join(args, " ")})
	case "lost":
		s.step(siprec.TransportFailed{Reason: "reset"})
	case "snapshot":
		s.step(siprec.PeerOffer{Method: "UPDATE", ContentType: siprec.MetadataTypeOld, Disposition: siprec.Disposition, Body: siprec.SnapshotRequest{Reason: "state lost"}.Marshal()})
	case "offer":
		s.peerOffers(args)
	case "offerless":
		s.step(siprec.PeerOffer{Method: "INVITE"})
	case "request":
		s.step(siprec.PeerOffer{Method: args[0], ContentType: args[1], Body: []byte("x")})
	case "ack":
		body := []byte(nil)
		if s.offer != nil && len(args) > 0 {
			body = answerTo(s.offer, args)
		}
		s.accept()
		s.dialog = true
		s.step(siprec.PeerAck{ContentType: "application/sdp", Body: body})
	case "retry":
		s.step(siprec.Retry{})
	default:
		s.t.Fatalf("unknown command %q", name)
	}
}

// answered is "answer <status> [direction…|none|short|multipart|allow=…|accept=…|after=…]".
func (s *scenario) answered(status int, args []string) {
	a := siprec.Answered{Exchange: s.open, Status: status, Reason: "Test"}
	var directions []string
	body := s.offer != nil && status < 300
	short, wrapped := false, false
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "none":
			body = false
		case "short":
			short = true
		case "multipart":
			wrapped = true
		case "allow":
			a.Allow = strings.Split(value, ",")
		case "accept":
			a.Accept = strings.Split(value, ",")
		case "after":
			a.RetryAfter, _ = time.ParseDuration(value)
		default:
			directions = append(directions, arg)
		}
	}
	if body {
		offer := *s.offer
		if short {
			offer.Media = offer.Media[:1]
		}
		a.ContentType, a.Body = "application/sdp", answerTo(&offer, directions)
		if wrapped {
			a.ContentType, a.Body = siprec.BuildMultipart([]siprec.Part{{ContentType: "text/plain"}, {ContentType: "application/sdp", Body: a.Body}})
		}
	}
	s.finish(a)
}

// peerOffers lets the recorder offer: a direction for each line, "0" removes it; lines
// beyond ours are new ones.
func (s *scenario) peerOffers(directions []string) {
	last, err := sdp.Parse([]byte("v=0\r\no=- 1 " + strconv.FormatUint(s.version, 10) + " IN IP4 192.0.2.9\r\n" + s.agreedBody()))
	if err != nil {
		s.t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("v=0\r\no=SRS 7 8 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n")
	for i, direction := range directions {
		port := 20000 + 2*i
		if direction == "0" || (i < len(last.Media) && last.Media[i].Port == 0) {
			direction, port = "inactive", 0
		}
		fmt.Fprintf(&out, "m=audio %d RTP/AVP 8\r\na=%s\r\n", port, direction)
	}
	s.peerOffer = out.String()
	s.step(siprec.PeerOffer{Method: "INVITE", ContentType: "application/sdp", Body: []byte(out.String())})
	s.peerOffer = ""
}

// change is one thing that happens in a conference.
func (c *conference) change(t *testing.T, name string, args []string, now time.Time) {
	t.Helper()
	switch name {
	case "pause", "resume":
		c.paused = name == "pause"
		return
	case "stop":
		c.stopped = true
		return
	case "end":
		c.stopped, c.ended = true, now
		return
	case "mode":
		c.mode = args[0]
		return
	case "text":
		c.texting = args[0] == "on"
		return
	case "join":
		for _, arg := range args {
			c.join(arg, now)
		}
		return
	}
	p := c.person(args[0])
	switch name {
	case "leave":
		p.Left = now
	case "mute", "unmute":
		p.Muted = name == "mute"
	case "hold", "unhold":
		p.Held = name == "hold"
	case "mask", "unmask":
		c.masked[p.ID] = name == "mask"
	case "rename":
		p.Names = []siprec.NameID{{AOR: p.Names[0].AOR, Name: strings.Join(args[1:], " ")}} // what was desired before stays as it is
	}
}
