package siprec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/parley-sip/parley/siprec"
)

func seedExamples(f *testing.F) {
	f.Helper()
	for _, pattern := range []string{"examples/*.xml", "examples/made/*.xml", "examples/invalid/*.xml"} {
		files, err := filepath.Glob(schemaDirectory + pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}

// FuzzUnmarshal: what is read can be written and read again as the same, and a
// difference to nothing brings all of it.
func FuzzUnmarshal(f *testing.F) {
	seedExamples(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, _, err := siprec.UnmarshalLenient(data)
		if err != nil {
			if _, exact := siprec.Unmarshal(data); exact == nil {
				t.Fatal("the exact reader takes what the lenient one refuses")
			}
			return
		}
		written := siprec.Marshal(r, "")
		again, _, err := siprec.UnmarshalLenient(written)
		if err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		if twice := siprec.Marshal(again, ""); !bytes.Equal(twice, written) {
			t.Fatalf("written\n%s\nthen\n%s", written, twice)
		}
		r.Mode = siprec.Complete
		if merged := siprec.Merge(siprec.Recording{}, siprec.Diff(siprec.Recording{}, r)); !siprec.Equal(merged, r) {
			t.Fatalf("merged\n%s\nwant\n%s", siprec.Marshal(merged, ""), written)
		}
		siprec.Verify(r, nil)
	})
}

// FuzzParseParts: what is read can be built and read again as the same.
func FuzzParseParts(f *testing.F) {
	f.Add("multipart/mixed;boundary=x", []byte("--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--\r\n"))
	f.Add(`multipart/mixed; boundary="a b"`, []byte("pre\n--a b\nA:b\n c\n\nbody\n--a b--\npost"))
	f.Add("multipart/mixed", []byte("--z\n\nx\n--z--"))
	f.Add("multipart/mixed;boundary=o", []byte("--o\r\nContent-Type: multipart/mixed;boundary=i\r\n\r\n--i\r\n\r\na\r\n--i--\r\n--o--"))
	f.Add("application/sdp", []byte("v=0"))
	f.Fuzz(func(t *testing.T, contentType string, data []byte) {
		parts, err := siprec.ParseParts(contentType, "", data)
		if err != nil {
			return
		}
		builtType, built := siprec.BuildMultipart(parts)
		again, err := siprec.ParseParts(builtType, "", built)
		if err != nil && len(parts) > 0 {
			t.Fatalf("%v in\n%q", err, built)
		}
		if len(again) != len(parts) {
			t.Fatalf("%d parts, then %d in\n%q", len(parts), len(again), built)
		}
		for i := range parts {
			if !bytes.Equal(again[i].Body, parts[i].Body) {
				t.Fatalf("part %d: %q, then %q", i, parts[i].Body, again[i].Body)
			}
		}
		// It must not panic, no more.
		_, _ = siprec.ParseContent(contentType, "", data)
	})
}

// FuzzPeer: whatever the recorder sends, in whatever order, the harness finds nothing
// wrong, and every request is answered exactly once.
func FuzzPeer(f *testing.F) {
	f.Add(uint8(0), "application/sdp", []byte("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8\r\na=inactive\r\n"))
	f.Add(uint8(1), "application/rs-metadata", siprec.SnapshotRequest{Reason: "x"}.Marshal())
	f.Add(uint8(2), "multipart/mixed;boundary=x", []byte("--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--\r\n"))
	f.Fuzz(func(t *testing.T, what uint8, contentType string, body []byte) {
		w, err := newWorld(t.Fatalf, siprec.Config{}, "both")
		if err != nil {
			t.Fatal(err)
		}
		w.join("alice", w.now)
		w.step(w.desire())
		if what%4 == 3 {
			answer := siprec.Answered{Status: 200, ContentType: contentType, Body: body}
			w.finish(answer)
			return
		}
		w.respond(200)
		method := "INVITE"
		if what%2 == 1 {
			method = "UPDATE"
		}
		answers := 0
		for _, a := range w.client.Step(siprec.PeerOffer{Method: method, ContentType: contentType, Body: body}, w.now) {
			if _, ok := a.(siprec.AnswerPeer); ok {
				answers++
			}
		}
		if answers != 1 {
			t.Fatalf("%d answers", answers)
		}
	})
}
