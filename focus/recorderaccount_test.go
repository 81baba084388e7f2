package focus_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/icholy/digest"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// locked lets nobody in without an account, "parley" with the password "s3cret", as a server (401) or a proxy (407) does.
type locked struct {
	status int
	nonce  string
}

// ask is the refusal of a request that does not prove who it is from; nil: it does.
func (l *locked) ask(request *sipua.Request) *sipua.Response {
	asks, answers := "WWW-Authenticate", "Authorization"
	if l.status == 407 {
		asks, answers = "Proxy-Authenticate", "Proxy-Authorization"
	}
	given := digest.Challenge{Realm: "srs", Nonce: l.nonce, Algorithm: "SHA-256", QOP: []string{"auth"}}
	refusal := sipua.NewResponse(l.status, sipua.Header{Name: asks, Value: given.String()})
	answer, err := digest.ParseCredentials(request.Headers.Get(answers))
	if err != nil {
		return refusal
	}
	want, err := digest.Digest(&given, digest.Options{
		Method: request.Method, URI: answer.URI, Count: answer.Nc, Cnonce: answer.Cnonce, Username: "parley", Password: "s3cret",
	})
	if err != nil || want.Response != answer.Response || answer.Nonce != l.nonce {
		return refusal
	}
	return nil
}

// Shows RQ-025, SR-ERR-03. A recorder that asks who we are is answered once, in the next INVITE of the same call, and what follows needs no question; a wrong
// password is not tried again, and calls go on.
func TestRecorderAsksForAccount(t *testing.T) {
	for _, status := range []int{401, 407} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			srs := newRecordingServer(t)
			l := &locked{status: status, nonce: "once"}
			srs.set(func(s *recordingServer) { s.begins, s.respond = l.ask, l.ask })
			b := recordingBench(t, srs, func(c *focus.Config) { c.Recorders[0].Account = focus.Account{Username: "parley", Password: "s3cret"} })
			b.dial("room", conftest.PhoneConfig{Name: "alice"})
			id := b.record("room", conference.Mixed)
			b.awaitRecording("room", id, conference.RecordingActive)
			b.dial("room", conftest.PhoneConfig{Name: "bob"})
			b.await("an UPDATE", func() bool { all := srs.requests(); return all[len(all)-1].Method == "UPDATE" })
			all := srs.requests()
			if len(all) != 3 || all[1].CallID != all[0].CallID || all[1].CSeq != all[0].CSeq+1 {
				t.Errorf("%d requests, the INVITEs have the numbers %d and %d", len(all), all[0].CSeq, all[1].CSeq)
			}
			if all[0].Headers.Has("Authorization") || all[0].Headers.Has("Proxy-Authorization") {
				t.Error("answers before it was asked")
			}
			_, err := b.focus.StopRecording(t.Context(), "room", id)
			must(t, err)
			<-srs.ended
		})
	}
	t.Run("wrong", func(t *testing.T) {
		srs := newRecordingServer(t)
		srs.set(func(s *recordingServer) { s.begins = (&locked{status: 401, nonce: "once"}).ask })
		account := focus.Account{Username: "parley", Password: "guess"}
		b := recordingBench(t, srs, func(c *focus.Config) { c.Recorders[0].Account, c.Recorders[0].Retry.Attempts = account, -1 })
		b.dial("room", conftest.PhoneConfig{Name: "alice"})
		id := b.record("room", conference.Mixed)
		b.awaitRecording("room", id, conference.RecordingFailed)
		if n := len(srs.requests()); n != 2 {
			t.Errorf("%d attempts", n)
		}
		for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", account, account, account, account), fmt.Sprintf("%+v", focus.Recorder{Account: account})} {
			if strings.Contains(text, "guess") {
				t.Errorf("shown: %s", text)
			}
		}
	})
}

// Shows SR-ERR-02. A redirection is followed to hosts that are configured, and to no other.
func TestRecorderRedirects(t *testing.T) {
	for _, test := range []struct {
		allowed string
		follows bool
	}{{"127.0.0.*", true}, {"*.example.com", false}} {
		t.Run(test.allowed, func(t *testing.T) {
			old, moved := newRecordingServer(t), newRecordingServer(t)
			elsewhere := func(*sipua.Request) *sipua.Response {
				return sipua.NewResponse(302, sipua.Header{Name: "Contact", Value: "<" + moved.uri() + ">"})
			}
			old.set(func(s *recordingServer) { s.begins = elsewhere })
			b := recordingBench(t, old, func(c *focus.Config) {
				c.Recorders[0].Redirects, c.Recorders[0].Retry.Attempts = []string{test.allowed}, -1
			})
			b.dial("room", conftest.PhoneConfig{Name: "alice"})
			id := b.record("room", conference.Separate)
			if !test.follows {
				b.awaitRecording("room", id, conference.RecordingFailed)
				if n := len(moved.requests()); n > 0 {
					t.Errorf("%d requests where it may not be followed to", n)
				}
				return
			}
			b.awaitRecording("room", id, conference.RecordingActive)
			b.await("packets", func() bool { return moved.stream("1").packets > 5 })
			if a, z := old.requests()[0], moved.requests()[0]; a.CallID != z.CallID || z.document == nil || len(z.offer.Media) != 1 {
				t.Errorf("%s after %s", z.shape(), a.shape())
			}
			_, err := b.focus.StopRecording(t.Context(), "room", id)
			must(t, err)
			<-moved.ended
		})
	}
}
