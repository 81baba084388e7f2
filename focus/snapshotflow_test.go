package focus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// Shows SC-13, SR-SNP-01, SR-SNP-02, SR-SNP-03, SR-SNP-04, SR-SNP-05, SR-SNP-08, SR-SNP-09, SR-SNP-11, SR-MET-10, SR-XML-19, SR-XML-21, SR-ERR-16, SR-RTP-25, SR-INT-44.
// A snapshot follows its request at once, in a request of its own with an offer; what the recorder asks otherwise has its answer and does no harm.
func TestSnapshotFlow(t *testing.T) { virtual(t, testSnapshotFlow) }

func testSnapshotFlow(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	b.awaitStreams(srs, map[string]string{"bob": "1/1"})
	srs.mu.Lock()
	dialog := srs.dialog
	srs.mu.Unlock()
	wish := siprec.SnapshotRequest{Reason: "state lost", Lang: "en"}.Marshal()
	before := len(srs.requests())
	for range 5 {
		response, err := dialog.Update(t.Context(), sipua.Body{
			ContentType: siprec.MetadataType, Data: wish, Headers: sipua.Headers{{Name: "Content-Disposition", Value: siprec.Disposition}},
		})
		must(t, err)
		if len(response.Body) > 0 {
			t.Errorf("the 200 has a body:\n%s", response.Body)
		}
	}
	b.await("the snapshot", func() bool { return len(srs.requests()) > before })
	if got := srs.requests()[before].shape(); got != "INVITE | 1=sendonly | complete" {
		t.Errorf("after the request: %s", got)
	}
	for _, bad := range []struct {
		method, contentType, body string
		status                    int
	}{
		{"UPDATE", "text/plain", "hello", 415},
		{"UPDATE", siprec.MetadataType, "<requestsnapshot", 400},
		{"INFO", siprec.MetadataType, string(wish), 405},
		{"INFO", "application/media_control+xml", "<media_control/>", 405},
	} {
		var err error
		body := sipua.Body{ContentType: bad.contentType, Data: []byte(bad.body)}
		if bad.method == "UPDATE" {
			_, err = dialog.Update(t.Context(), body)
		} else {
			_, err = dialog.Request(t.Context(), bad.method, body)
		}
		if got := sipua.Status(err); got != bad.status && (bad.method != "INFO" || got != 415) {
			t.Errorf("%s with %s: %d, %v; want %d", bad.method, bad.contentType, got, err, bad.status)
		}
	}
	pass(2 * time.Second) // all wishes are fulfilled: what happens while one waits is in its snapshot, and in no update
	bob.leave("room")
	b.awaitStreams(srs, map[string]string{"bob": "/"})
	var last time.Time
	var shapes strings.Builder
	for _, r := range srs.requests()[1:] {
		shapes.WriteString(r.shape() + "\n")
		if r.document == nil || r.document.Mode != siprec.Complete {
			continue
		}
		if r.at.Sub(last) < 900*time.Millisecond {
			t.Errorf("two snapshots within %v", r.at.Sub(last))
		}
		last = r.at
	}
	if !strings.Contains(shapes.String(), "complete\nUPDATE | partial") {
		t.Errorf("no update follows a snapshot:\n%s", shapes.String())
	}
	srs.sound()
}
