package siprec_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec"
)

func TestProfiles(t *testing.T) {
	for _, name := range siprec.Profiles() {
		p, ok := siprec.LookupProfile(name)
		if !ok || p.Name != name || p.Validate() != nil || p.MetadataType != siprec.MetadataType {
			t.Errorf("%s: %+v, %v", name, p, p.Validate())
		}
	}
	if _, ok := siprec.LookupProfile("other"); ok {
		t.Error("found a profile that is none")
	}
	for name, p := range map[string]siprec.Profile{
		"streams":   {MaxStreams: -1},
		"pair":      {Layout: siprec.LayoutPair, MaxStreams: 1},
		"label":     {FirstLabel: -1},
		"time":      {PacketTime: 15 * time.Millisecond},
		"codec":     {Codecs: []codecs.Codec{codecs.None}},
		"type":      {MetadataType: "text/plain"},
		"namespace": {Namespace: `a"b`},
		"header":    {Headers: []siprec.Header{{Name: "X", Value: "a\r\nB: c"}}},
		"name":      {Headers: []siprec.Header{{Name: "X:"}}},
	} {
		_, err := siprec.New(siprec.Config{Profile: p, Address: netip.IPv6Loopback()})
		if !errors.Is(err, siprec.ErrProfile) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := siprec.New(siprec.Config{}); !errors.Is(err, siprec.ErrProfile) {
		t.Errorf("no address: got %v", err)
	}
	if _, err := siprec.New(siprec.Config{Address: netip.IPv6Loopback(), Retry: siprec.RetryPolicy{Jitter: 2}}); !errors.Is(err, siprec.ErrProfile) {
		t.Errorf("jitter: got %v", err)
	}
}

// begin returns the INVITE of a client with a profile.
func begin(t *testing.T, p siprec.Profile) siprec.Invite {
	t.Helper()
	w, err := newWorld(t.Fatalf, siprec.Config{Profile: p}, "mixed")
	if err != nil {
		t.Fatal(err)
	}
	w.join("alice", w.now)
	for _, a := range w.client.Step(w.desire(), w.now) {
		if invite, ok := a.(siprec.Invite); ok {
			return invite
		}
	}
	t.Fatal("no INVITE")
	return siprec.Invite{}
}

// SR-EST-05, SR-EST-12, SR-UPD-07, SR-MET-14, SR-MET-23, SR-INT-01, SR-INT-02, SR-INT-05, SR-INT-07, SR-INT-16,
// SR-REG-01, SR-REG-03, SR-REG-05, SR-ERA-01, SR-ERA-02, SR-ERA-05.
func TestInviteMessage(t *testing.T) {
	header := func(m siprec.Message, name string) string {
		for _, h := range m.Headers {
			if h.Name == name {
				return h.Value
			}
		}
		return ""
	}
	plain := begin(t, siprec.Profile{}).Message
	if header(plain, "Require") != "siprec" || header(plain, "Date") != "Mon, 02 Mar 2026 09:00:00 GMT" ||
		!strings.Contains(header(plain, "Accept"), "application/rs-metadata+xml, application/rs-metadata") {
		t.Errorf("headers %v", plain.Headers)
	}
	if !strings.HasPrefix(plain.ContentType, "multipart/mixed;boundary=") || strings.Contains(plain.ContentType, "charset") ||
		!strings.Contains(string(plain.Body), "Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<recording xmlns=") {
		t.Errorf("%s\n%s", plain.ContentType, plain.Body)
	}
	other := begin(t, siprec.Profile{
		MetadataType: siprec.MetadataTypeOld, Namespace: siprec.NamespaceDraft, OmitRequire: true, SDPDisposition: true,
		Headers: []siprec.Header{{Name: "Call-Info", Value: "<urn:x>"}}, FirstLabel: 7, PacketTime: 40 * time.Millisecond,
	}).Message
	if header(other, "Require") != "" || header(other, "Call-Info") != "<urn:x>" {
		t.Errorf("headers %v", other.Headers)
	}
	for _, want := range []string{
		"Content-Type: application/rs-metadata\r\n", `xmlns="urn:ietf:params:xml:ns:recording"`, "<label>7</label>", "a=label:7\r\n",
		"Content-Type: application/sdp\r\nContent-Disposition: session;handling=required\r\n", "a=ptime:40\r\n", "a=sendonly\r\n",
	} {
		if !strings.Contains(string(other.Body), want) {
			t.Errorf("no %q in\n%s", want, other.Body)
		}
	}
}

// SR-SDP-15, SR-SDP-16, SR-SDP-19: what is sent is what the answer says.
func TestStartMedia(t *testing.T) {
	profile, _ := siprec.LookupProfile("lab-open")
	w, err := newWorld(t.Fatalf, siprec.Config{Profile: profile}, "mixed")
	if err != nil {
		t.Fatal(err)
	}
	w.join("alice", w.now)
	w.step(w.desire())
	body := "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 20000 RTP/AVP 9 0\r\na=rtcp:20009\r\na=ptime:40\r\n"
	w.finish(siprec.Answered{Status: 200, ContentType: "application/sdp", Body: []byte(body)})
	got := w.playing["mix"]
	if got.PayloadType != 9 || got.Format.Codec != codecs.G722 || got.Format.PacketTime != 40*time.Millisecond ||
		got.Remote.String() != "192.0.2.9:20000" || got.RemoteRTCP.String() != "192.0.2.9:20009" {
		t.Errorf("got %+v", got)
	}
}

// ME-CN-07, ME-CN-09: silence is left out toward who says that he takes comfort noise in its place, where it is known octet by octet, unless a dialect keeps it; who loses time
// when nothing comes does not get less of it in silence either.
func TestComfortNoiseInAnswer(t *testing.T) {
	lines := map[string]string{
		"PCMU":           "m=audio 20000 RTP/AVP 0 13\r\n",
		"PCMA by 19":     "m=audio 20000 RTP/AVP 8 19\r\na=rtpmap:19 CN/8000\r\n",
		"without":        "m=audio 20000 RTP/AVP 0\r\n",
		"another rate":   "m=audio 20000 RTP/AVP 0 98\r\na=rtpmap:98 CN/16000\r\n",
		"G722":           "m=audio 20000 RTP/AVP 9 13\r\n",
		"continuous":     "m=audio 20000 RTP/AVP 0 13\r\n",
		"pause: silence": "m=audio 20000 RTP/AVP 0 13\r\n",
	}
	for name, line := range lines {
		profile := siprec.Profile{Codecs: []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.G722}, Continuous: name == "continuous"}
		if name == "pause: silence" {
			profile.Pause = siprec.PauseSilence
		}
		w, err := newWorld(t.Fatalf, siprec.Config{Profile: profile}, "mixed")
		if err != nil {
			t.Fatal(err)
		}
		w.join("alice", w.now)
		w.step(w.desire())
		w.finish(siprec.Answered{Status: 200, ContentType: "application/sdp", Body: []byte("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n" + line)})
		want := map[string]uint8{"PCMU": 13, "PCMA by 19": 19}[name]
		if got := w.playing["mix"]; got.Key == "" || got.ComfortNoise != (want != 0) || got.ComfortNoisePayloadType != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// SR-ERR-07, SR-PER-08: retries back off, within bounds, by their share of jitter.
func TestBackOff(t *testing.T) {
	cfg := siprec.Config{Retry: siprec.RetryPolicy{Jitter: 0.25, Max: 20 * time.Second}, Seed: 42}
	w, err := newWorld(t.Fatalf, cfg, "mixed")
	if err != nil {
		t.Fatal(err)
	}
	w.join("alice", w.now)
	w.step(w.desire())
	for attempt, want := range []int{1, 2, 4, 8, 16, 20, 20, 20} {
		w.respond(503)
		wait := w.wake.Sub(w.now)
		most := time.Duration(want) * time.Second
		if wait > most || wait < most*3/4 {
			t.Errorf("attempt %d: %v", attempt, wait)
		}
		w.advance(wait)
	}
	// A dialog that held resets the count.
	w.respond(200)
	w.advance(time.Minute)
	w.step(siprec.PeerBye{})
	if wait := w.wake.Sub(w.now); wait > time.Second {
		t.Errorf("after a stable dialog: %v", wait)
	}
}

// SR-PSA-02, bounded memory: thousands who came and went do not pile up.
func TestHistoryIsBounded(t *testing.T) {
	w, err := newWorld(t.Fatalf, siprec.Config{}, "mixed")
	if err != nil {
		t.Fatal(err)
	}
	w.join("alice", w.now)
	w.step(w.desire())
	w.respond(200)
	most := 0
	for n := range 1000 {
		d := w.desire()
		guest := siprec.RosterParticipant{ID: idOf(kindParticipant, 100+n), Names: []siprec.NameID{{AOR: "sip:g@example.com"}}, Joined: w.now}
		for _, left := range []time.Time{{}, w.now.Add(time.Second)} {
			guest.Left = left
			d.Roster.Participants = append(d.Roster.Participants[:1:1], guest)
			w.step(d)
			w.advance(2 * time.Second)
			w.respond(200)
		}
		known, _ := w.client.Acknowledged()
		most = max(most, len(known.Participants))
	}
	if most > 250 {
		t.Errorf("%d participants remembered", most)
	}
}

// SR-ERR-09: an answer that comes after its dialog has gone, or to a request of before,
// changes nothing.
func TestLateAnswer(t *testing.T) {
	w, err := newWorld(t.Fatalf, siprec.Config{}, "mixed")
	if err != nil {
		t.Fatal(err)
	}
	w.join("alice", w.now)
	w.step(w.desire())
	w.respond(200)
	w.join("bob", w.now)
	w.step(w.desire())
	w.advance(time.Second)
	late := w.open
	w.open, w.offer, w.pending = 0, nil, nil
	w.step(siprec.PeerBye{})
	w.advance(time.Second)
	if w.client.State() != siprec.StateFailed || w.open == late {
		t.Fatalf("state %v", w.client.State())
	}
	for _, ev := range []siprec.Event{
		siprec.Answered{Exchange: late, Status: 200},
		siprec.Answered{Exchange: late, Status: 481},
		siprec.TimedOut{Exchange: late},
		siprec.TransportFailed{Exchange: late},
		siprec.PeerAck{},
		siprec.Answered{Status: 180},
	} {
		if got := w.client.Step(ev, w.now); len(got) > 0 {
			t.Errorf("%T: %v", ev, got)
		}
	}
	w.respond(200)
	if w.client.State() != siprec.StateRecording {
		t.Errorf("state %v", w.client.State())
	}
}
