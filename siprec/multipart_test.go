package siprec_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/siprec"
)

// SR-MET-11, SR-MET-13, SR-MET-14, SR-INT-11: the exact octets.
func TestBuildMultipart(t *testing.T) {
	contentType, body := siprec.BuildMultipart([]siprec.Part{
		{ContentType: "application/sdp", Body: []byte("v=0\r\n")},
		{ContentType: siprec.MetadataType, Disposition: siprec.Disposition, Body: []byte("<recording/>\n")},
	})
	boundary, found := strings.CutPrefix(contentType, "multipart/mixed;boundary=")
	if !found || strings.ContainsAny(boundary, "\" ;") {
		t.Fatalf("content type %q", contentType)
	}
	want := "--B\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n" +
		"--B\r\nContent-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n<recording/>\n\r\n--B--\r\n"
	if want = strings.ReplaceAll(want, "B", boundary); string(body) != want {
		t.Errorf("got  %q\nwant %q", body, want)
	}
}

// Any reader of RFC 2046 gets the parts back, ours and the library's.
func TestMultipartRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 5).Draw(t, "parts")
		parts := make([]siprec.Part, 0, count)
		for range count {
			body := rapid.OneOf(
				rapid.SliceOf(rapid.Byte()),
				rapid.Map(rapid.SliceOf(rapid.SampledFrom([]string{"--", "\r\n", "\n", "parley", "a", "-"})), func(s []string) []byte {
					return []byte(strings.Join(s, ""))
				}),
			).Draw(t, "body")
			parts = append(parts, siprec.Part{ContentType: "application/x", Disposition: "session;handling=optional", Headers: []siprec.Header{{Name: "X-A", Value: "b"}}, Body: body})
		}
		contentType, data := siprec.BuildMultipart(parts)
		got, err := siprec.ParseParts(contentType, "", data)
		if err != nil || len(got) != len(parts) {
			t.Fatalf("%d parts, %v", len(got), err)
		}
		_, params, err := mime.ParseMediaType(contentType)
		if err != nil {
			t.Fatal(err)
		}
		library := multipart.NewReader(bytes.NewReader(data), params["boundary"])
		for i := range parts {
			if !bytes.Equal(got[i].Body, parts[i].Body) || got[i].Disposition != parts[i].Disposition {
				t.Fatalf("part %d: got %q, want %q", i, got[i].Body, parts[i].Body)
			}
			part, err := library.NextRawPart()
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(part); err != nil || !bytes.Equal(body, parts[i].Body) {
				t.Fatalf("library reads %q, %v", body, err)
			}
		}
	})
}

// SR-INT-07, SR-INT-11, SR-INT-49, SR-SNP-07: what peers send.
func TestParseContent(t *testing.T) {
	const request = `<requestsnapshot xmlns="urn:ietf:params:xml:ns:recording:1"/>`
	for _, test := range []struct {
		name, contentType, body string
		sdp, metadata           string
		snapshot                bool
		err                     error
	}{
		{name: "none"},
		{name: "bare SDP", contentType: "Application/SDP; charset=x", body: "v=0", sdp: "v=0"},
		{name: "bare metadata, old name", contentType: "application/rs-metadata", body: "<recording/>", metadata: "<recording/>"},
		{name: "snapshot", contentType: "application/rs-metadata+xml", body: request, snapshot: true},
		{name: "snapshot, old name", contentType: "application/rs-metadata", body: request, snapshot: true},
		{name: "snapshot in multipart", contentType: `multipart/mixed; boundary="a b"`, body: "--a b\r\nContent-Type: application/rs-metadata\r\n\r\n" + request + "\r\n--a b--", snapshot: true},
		{
			name: "preamble, LF, no blank, fold, epilogue", contentType: "multipart/mixed;boundary=x",
			body: "hi\n--x \nContent-Type:application/sdp\nX-Y: a\n b\n\nv=0\n--x\nContent-Disposition:recording-session\nContent-Type:application/rs-metadata+xml\n\n<recording/>\n--x--\nbye\n",
			sdp:  "v=0", metadata: "<recording/>",
		},
		{name: "no last boundary", contentType: "multipart/mixed;boundary=x", body: "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n", sdp: "v=0"},
		{name: "boundary with equals and quotes", contentType: `multipart/mixed; charset=a; boundary="unique=\"b;c"`, body: "--unique=\"b;c\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--unique=\"b;c--", sdp: "v=0"},
		{name: "unquoted boundary with equals", contentType: `multipart/mixed;boundary=unique=1`, body: "--unique=1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--unique=1--", sdp: "v=0"},
		{name: "no boundary told", contentType: `multipart/mixed`, body: "--z\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--z--", sdp: "v=0"},
		{
			name: "nested", contentType: "multipart/mixed;boundary=o",
			body: "--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n--i\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--i--\r\n--o\r\nContent-Type: application/rs-metadata+xml\r\n\r\n<recording/>\r\n--o--",
			sdp:  "v=0", metadata: "<recording/>",
		},
		{
			name: "optional part", contentType: "multipart/mixed;boundary=x",
			body: "--x\r\nContent-Type: application/gtd\r\nContent-Disposition: signal;handling=optional\r\n\r\nq\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--", sdp: "v=0",
		},
		{
			name: "required part", contentType: "multipart/mixed;boundary=x",
			body: "--x\r\nContent-Type: application/gtd\r\n\r\nq\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--", sdp: "v=0", err: siprec.ErrMediaType,
		},
		{
			name: "metadata before SDP, blanks at the parameter", contentType: "multipart/mixed; boundary = x",
			body: "--x\r\nContent-Type: application/rs-metadata+xml\r\n\r\n<recording/>\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--", sdp: "v=0", metadata: "<recording/>",
		},
		{
			name: "line that begins as the boundary does", contentType: "multipart/mixed;boundary=x",
			body: "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--xy\r\ns=-\r\n--x--", sdp: "v=0\r\n--xy\r\ns=-",
		},
		{name: "boundary without its last quote", contentType: `multipart/mixed;boundary="x`, body: "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--", sdp: "v=0"},
		{name: "unknown", contentType: "text/plain", body: "x", err: siprec.ErrMediaType},
		{name: "boundary missing in body", contentType: "multipart/mixed;boundary=x", body: "y", err: siprec.ErrMultipart},
		{name: "no boundary anywhere", contentType: "multipart/mixed", body: "y", err: siprec.ErrMultipart},
		{name: "header without colon", contentType: "multipart/mixed;boundary=x", body: "--x\r\nfoo\r\n\r\n--x--", err: siprec.ErrMultipart},
		{name: "too deep", contentType: "multipart/mixed;boundary=x", body: strings.Repeat("--x\nContent-Type: multipart/mixed\n\n", 8), err: siprec.ErrMultipart},
		{name: "too many", contentType: "multipart/mixed;boundary=x", body: strings.Repeat("--x\r\n\r\n", 99), err: siprec.ErrTooLarge},
		{name: "broken snapshot request", contentType: "application/rs-metadata+xml", body: `<requestsnapshot xmlns="urn:ietf:params:xml:ns:recording:1">`, err: siprec.ErrSyntax},
	} {
		got, err := siprec.ParseContent(test.contentType, "", []byte(test.body))
		if !errors.Is(err, test.err) {
			t.Errorf("%s: error %v, want %v", test.name, err, test.err)
		}
		if string(got.SDP) != test.sdp || string(got.Metadata) != test.metadata || (got.Snapshot != nil) != test.snapshot {
			t.Errorf("%s: got %q %q %v", test.name, got.SDP, got.Metadata, got.Snapshot)
		}
	}
}

// SR-SNP-06 (RFC 7865, section 7).
func TestSnapshotRequest(t *testing.T) {
	want := siprec.SnapshotRequest{Reason: "SRS internal <error>", Lang: "it"}
	if got, err := siprec.ParseSnapshotRequest(want.Marshal()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	// SR-XML-19: foreign elements are ignored.
	got, err := siprec.ParseSnapshotRequest([]byte(`<requestsnapshot xmlns="urn:ietf:params:xml:ns:recording:1"><x xmlns="urn:x"/></requestsnapshot>`))
	if err != nil || got != (siprec.SnapshotRequest{}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := siprec.ParseSnapshotRequest([]byte(`<requestsnapshot xmlns="urn:x"/>`)); !errors.Is(err, siprec.ErrNamespace) {
		t.Errorf("got %v", err)
	}
}
