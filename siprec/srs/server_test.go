package srs

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// status gives the status of an answer, also of a refusal.
func status(response *sipua.Response, err error) int {
	if response != nil {
		return response.Status
	}

	return sipua.Status(err)
}

// Rude input: each gets its status, and nothing is left behind (RFC 7866, section 6.2; RFC 3261, section 8.2).
func TestRefusals(t *testing.T) {
	t.Parallel()
	server := startServer(t, Config{Codecs: []codecs.Codec{codecs.PCMA}})
	c := newClient(t, server)
	good := newVoice(t, "1", codecs.PCMA, 400)
	offer := func(v *voice) []byte { c.offer = nil; return c.describe(v) }
	metadata := siprec.Marshal(siprec.Document(roster(time.Now(), "Alice")), "")
	mixed := func(parts ...siprec.Part) (string, []byte) { return siprec.BuildMultipart(parts) }
	part := func(contentType string, body []byte) siprec.Part {
		return siprec.Part{ContentType: contentType, Body: body}
	}
	for name, x := range map[string]struct {
		change      func(*sipua.OutgoingCall)
		contentType string
		body        []byte
		want        int
		header      string
	}{
		"no option, no tag": {change: func(o *sipua.OutgoingCall) { o.Headers, o.Contact.Params = nil, nil }, want: 403},
		"no option":         {change: func(o *sipua.OutgoingCall) { o.Headers = nil }, want: 403},
		"no tag":            {change: func(o *sipua.OutgoingCall) { o.Contact.Params = nil }, want: 420, header: "Unsupported"},
		"another option": {
			change: func(o *sipua.OutgoingCall) { o.Headers[0].Value = "siprec, 100rel, teleport" }, want: 420, header: "Unsupported",
		},
		"no body":           {contentType: "", body: []byte{}, want: 488},
		"metadata alone":    {contentType: siprec.MetadataType, body: metadata, want: 488},
		"unknown type":      {contentType: "application/x-nonsense", body: []byte("x"), want: 415, header: "Accept"},
		"garbage SDP":       {contentType: "application/sdp", body: []byte("this is no SDP"), want: 400},
		"garbage multipart": {contentType: "multipart/mixed;boundary=b", body: []byte("nothing of the kind"), want: 400},
		"no streams of ours": {
			contentType: "application/sdp", body: offer(newVoice(t, "1", codecs.Opus, 1)), want: 488, header: "Warning",
		},
		"SRTP": {
			contentType: "application/sdp", body: []byte(strings.ReplaceAll(string(offer(good)), "RTP/AVP", "RTP/SAVP")), want: 488,
		},
	} {
		call := c.call("udp", "application/sdp", offer(good))
		if x.body != nil {
			call.ContentType, call.Body = x.contentType, x.body
		}
		if len(call.Body) == 0 {
			call.Answer = func(*sipua.Response) sipua.Body { return sipua.Body{} }
		}
		if x.change != nil {
			x.change(&call)
		}
		response, err := c.invite(call)
		if got := status(response, err); got != x.want {
			t.Errorf("%s: %d, want %d (%v)", name, got, x.want, err)
		}
		var refusal *sipua.StatusError
		if x.header != "" && (!errors.As(err, &refusal) || !refusal.Response.Headers.Has(x.header)) {
			t.Errorf("%s: no %s in %+v", name, x.header, response)
		}
	}
	for name, x := range map[string]struct {
		parts []siprec.Part
		want  int
	}{
		"no SDP in it":     {[]siprec.Part{part(siprec.MetadataType, metadata)}, 488},
		"broken metadata":  {[]siprec.Part{part("application/sdp", offer(good)), part(siprec.MetadataType, []byte("<recording"))}, 400},
		"broken SDP":       {[]siprec.Part{part("application/sdp", []byte("v=1")), part(siprec.MetadataType, metadata)}, 400},
		"unknown required": {[]siprec.Part{part("application/sdp", offer(good)), part("application/x-nonsense", []byte("x"))}, 415},
	} {
		contentType, body := mixed(x.parts...)
		if got := status(c.invite(c.call("tcp", contentType, body))); got != x.want {
			t.Errorf("%s: %d, want %d", name, got, x.want)
		}
	}
	server.eventually(t, func() bool {
		entries, err := os.ReadDir(server.cfg.Directory)

		return err == nil && len(entries) == 0 && len(server.Recordings()) == 0
	})
}

// eventually waits for something that nobody tells about.
func (s *Server) eventually(t *testing.T, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal("it never happens")
		}
	}
}

// What is refused in the dialog leaves the recording as it was.
func TestRefusalsInDialog(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks()})
	c := newClient(t, server)
	v := newVoice(t, "1", codecs.PCMU, 400)
	if _, err := c.invite(c.call("udp", "application/sdp", c.describe(v))); err != nil {
		t.Fatal(err)
	}
	offer := c.offer.Marshal()
	for name, x := range map[string]struct {
		contentType string
		body        string
		want        int
	}{
		"garbage":       {"application/sdp", "v=0", 400},
		"unknown":       {"application/x-nonsense", "x", 415},
		"broken XML":    {siprec.MetadataType, "<recording", 400},
		"nothing ours":  {"application/sdp", strings.NewReplacer("m=audio", "m=video").Replace(string(offer)), 488},
		"all the same":  {"application/sdp", string(offer), 200},
		"empty refresh": {"", "", 200},
	} {
		response, err := c.dialog.Update(t.Context(), sipua.Body{ContentType: x.contentType, Data: []byte(x.body)})
		if got := status(response, err); got != x.want {
			t.Errorf("%s: %d, want %d", name, got, x.want)
		}
	}
	if list := server.Recordings(); len(list) != 1 || len(list[0].Streams) != 1 || list[0].State != StateRecording {
		t.Errorf("%+v", list)
	}
	if _, err := c.dialog.Request(t.Context(), "INFO", sipua.Body{}); sipua.Status(err) != 405 {
		t.Errorf("INFO: %v", err)
	}
}

// The limits: recordings, streams, who may.
func TestLimits(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{MaxRecordings: 1, MaxStreams: 1, Hooks: hooks.hooks()})
	c, other := newClient(t, server), newClient(t, server)
	a, b := newVoice(t, "1", codecs.PCMU, 400), newVoice(t, "2", codecs.PCMU, 500)
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(a, b)))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := sdp.Parse(response.Body)
	if err != nil || answer.Media[0].Port == 0 || answer.Media[1].Port != 0 {
		t.Errorf("%+v %v", answer, err)
	}
	if got := status(other.invite(other.call("udp", "application/sdp", other.describe(a)))); got != 503 {
		t.Errorf("a second recording: %d", got)
	}
	strict := startServer(t, Config{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	third := newClient(t, strict)
	if got := status(third.invite(third.call("udp", "application/sdp", third.describe(a)))); got != 403 {
		t.Errorf("a stranger: %d", got)
	}
}

// A persistent session: it begins without a stream (RFC 7866, section 10), a stream comes, its m-line is
// given to another one, the offer is left to us; BYE has the last metadata.
func TestPersistentSession(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks(), PortMin: 42000, PortMax: 42999})
	c := newClient(t, server)
	if _, err := c.invite(c.call("tcp", "application/sdp", c.describe())); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i, label := range []string{"1", "2"} {
		v := newVoice(t, label, codecs.PCMU, 400)
		r := roster(now, "Alice", "Bob")
		r.Streams = r.Streams[i : i+1]
		contentType, data := multipart(c.describe(v), siprec.Marshal(siprec.Document(r), siprec.NamespaceDraft))
		response, err := c.dialog.ReInvite(t.Context(), sipua.Body{ContentType: contentType, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range c.accept(response.Body).Streams {
			if s.Remote.Port() < 42000 || s.Remote.Port() > 42999 {
				t.Errorf("port %v", s.Remote)
			}
		}
	}
	list := server.Recordings()
	if len(list) != 1 || len(list[0].Streams) != 2 || list[0].Streams[0].State != StateFinished || list[0].Streams[1].File != "2-Bob.wav" {
		t.Fatalf("%+v", list)
	}
	if m := list[0].Metadata; len(m) != 2 || len(m[0].Issues) == 0 {
		t.Errorf("%+v", m)
	}
	l := (*leg)(server.active()[0])
	offer := l.Offer(&sipua.Request{Method: "INVITE", Transport: "tcp"})
	ours, err := sdp.Parse(offer.Body)
	if err != nil || len(ours.Media) != 1 || ours.DirectionOf(0) != sdp.RecvOnly || ours.Media[0].Label != "2" {
		t.Errorf("our offer %+v %v", ours, err)
	}
	held := sdp.Local{Address: netip.MustParseAddr("127.0.0.1"), Session: 7, Version: 9, ByPosition: true, Streams: []sdp.LocalStream{
		{Port: 4000, Codecs: []codecs.Codec{codecs.PCMU}, Direction: sdp.Inactive},
	}}
	plan, err := sdp.Answer(ours, held)
	if err != nil {
		t.Fatal(err)
	}
	l.Ack(&sipua.Request{Method: "ACK", Headers: sipua.Headers{{Name: "Content-Type", Value: "application/sdp"}}, Body: plan.Answer.Marshal()})
	if list = server.Recordings(); list[0].State != StatePaused || len(list[0].Streams) != 2 {
		t.Errorf("held by our own offer: %+v", list)
	}
	// The last metadata come in the BYE (RFC 8068, section 3.2.4).
	stop := siprec.Recording{Mode: siprec.Partial, Sessions: []siprec.Session{{ID: id(100), Stop: now}}}
	l.Ended(sipua.EndReason{Cause: sipua.EndRemote, Request: &sipua.Request{
		Method: "BYE", Headers: sipua.Headers{{Name: "Content-Type", Value: siprec.MetadataType}}, Body: siprec.Marshal(stop, ""),
	}})
	if r := hooks.wait(t); len(r.Metadata) != 3 || r.Sessions[0].EndedAt.IsZero() || r.State != StateFinished || r.Streams[0].Samples != r.Streams[1].Samples || r.EndedAt.Before(r.StartedAt) {
		t.Errorf("%+v", r)
	}
}

// Close ends what goes on with BYE and leaves complete files.
func TestClose(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks()})
	c := newClient(t, server)
	v := newVoice(t, "1", codecs.PCMU, 400)
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(v)))
	if err != nil {
		t.Fatal(err)
	}
	v.use(c.accept(response.Body).Streams[0])
	c.stream(0, 20, true, v)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := server.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if reason := <-c.ended; reason.Cause != sipua.EndRemote {
		t.Errorf("%v", reason)
	}
	r := hooks.wait(t)
	if s, _ := load(t, r, "1"); r.EndReason != "shutdown" || s.Packets != 20 || s.State != StateFinished {
		t.Errorf("%+v", r)
	}
}

// A client that vanished is found out by OPTIONS; the recording is complete all the same.
func TestClientVanishes(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{
		Hooks: hooks.hooks(), Keepalive: 100 * time.Millisecond,
	})
	c := newClient(t, server)
	v := newVoice(t, "1", codecs.PCMU, 400)
	if _, err := c.invite(c.call("udp", "application/sdp", c.describe(v))); err != nil {
		t.Fatal(err)
	}
	c.gone.Store(true)
	if r := hooks.wait(t); r.State != StateInterrupted || r.EndReason == "" {
		t.Errorf("%+v", r)
	}
}

// What a dead process left behind is marked when the next one starts.
func TestRecover(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	left := filepath.Join(directory, "20260101T000000Z-00000000")
	if err := os.Mkdir(left, dirMode); err != nil {
		t.Fatal(err)
	}
	w, err := createWAV(filepath.Join(left, "1.wav"), 8000, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err = errors.Join(w.write(80, make([]int16, 160)), w.flush()); err != nil {
		t.Fatal(err)
	}
	report := Recording{ID: "x", Directory: left, State: StateRecording, Streams: []Stream{{Label: "1", File: "1.wav", State: StatePaused}}}
	if err = writeReport(report); err != nil {
		t.Fatal(err)
	}
	startServer(t, Config{Directory: directory})
	r, err := ReadRecording(left)
	if err != nil || r.State != StateInterrupted || r.EndedAt.IsZero() || r.Streams[0].Samples != 240 || r.Streams[0].State != StateInterrupted {
		t.Errorf("%+v %v", r, err)
	}
	if err := os.WriteFile(filepath.Join(left, reportFile), []byte("{"), fileMode); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRecording(left); err == nil {
		t.Error("half a report was read")
	}
}

func TestValidate(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no directory":   {},
		"ports reversed": {Directory: "x", PortMin: 2000, PortMax: 1000},
		"one port":       {Directory: "x", PortMin: 2000, PortMax: 2001},
		"codec":          {Directory: "x", Codecs: []codecs.Codec{codecs.None}},
		"limit":          {Directory: "x", MaxStreams: -1},
		"duration":       {Directory: "x", Flush: -1},
		"listener":       {Directory: "x", Listen: []string{"smoke://signals"}},
	} {
		if _, err := New(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The feature tag, as the RFC and as clients in the field write it.
func TestIsClient(t *testing.T) {
	for contact, want := range map[string]bool{
		"<sip:a@192.0.2.1>;+sip.src":        true,
		`<sip:a@192.0.2.1>;+sip.src="TRUE"`: true,
		"<sip:a@192.0.2.1>;src":             true,
		"<sip:a@192.0.2.1;+sip.src>":        true,
		"<sip:a@192.0.2.1>":                 false,
		"<sip:a@192.0.2.1>;+sip.srs":        false,
		"":                                  false,
	} {
		request := &sipua.Request{}
		if contact != "" {
			request.Headers = request.Headers.With("Contact", contact)
		}
		if got := isClient(request); got != want {
			t.Errorf("%q: %v", contact, got)
		}
	}
}

// Another codec with another sample rate goes into another file; with the same rate the file goes on.
func TestCodecChanges(t *testing.T) {
	t.Parallel()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks()})
	c := newClient(t, server)
	voices := []*voice{newVoice(t, "1", codecs.PCMU, 400), newVoice(t, "1", codecs.PCMA, 400), newVoice(t, "1", codecs.Opus, 400)}
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(voices[0])))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range voices {
		if i > 0 {
			if response, err = c.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: c.describe(v)}); err != nil {
				t.Fatal(err)
			}
		}
		v.ssrc = uint32(7 + i)
		v.use(c.accept(response.Body).Streams[0])
		c.stream(10*i, 10*i+10, true, v)
	}
	if err = c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := hooks.wait(t)
	if len(r.Streams) != 2 || r.Streams[0].Codec != "PCMA/8000" || r.Streams[0].Packets < 19 || r.Streams[1].File != "1-2.wav" || r.Streams[1].Packets != 10 {
		t.Errorf("%+v", r.Streams)
	}
}
