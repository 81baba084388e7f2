package focus_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// What nobody has to be asked for is offered by UPDATE to those who allow that, by re-INVITE to the others. Who then refuses the medium goes on
// without it.
//
// Shows FO-MOD-11, FO-MOD-13.
func TestOffersInDialogs(t *testing.T) {
	for method, methods := range map[string][]string{
		"UPDATE": nil, "INVITE": {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"},
	} {
		t.Run(method, func(t *testing.T) {
			b := recordingBench(t, newRecordingServer(t), nil)
			r := b.raw()
			var err error
			r.agent, err = sipua.New(sipua.Config{Listen: []string{"udp://127.0.0.1:0"}, Methods: methods}, ignore{})
			must(t, err)
			must(t, r.agent.Start(t.Context()))
			b.peers = append(b.peers, func(ctx context.Context) { _ = r.agent.Shutdown(ctx) })
			var describing sync.Mutex
			offers := make(chan *sipua.Request, 8)
			r.offer = func(request *sipua.Request) *sipua.Response {
				defer func() { offers <- request }()
				describing.Lock()
				defer describing.Unlock()
				answer := strings.Replace(string(r.describe(codecs.PCMU)), "m=audio "+portOf(r), "m=audio 0", 1)
				return sipua.NewResponse(200).WithBody("application/sdp", []byte(answer))
			}
			r.call("room", sipua.Header{Name: "Supported", Value: "record-aware"})
			b.record("room", conference.Mixed)
			request := <-offers
			if request.Method != method {
				t.Errorf("offered by %s", request.Method)
			}
			b.await("him to be there without audio", func() bool {
				p := b.find("room", "raw")
				return p.Status.Present() && p.Recording == conference.IndicateOn && !p.Session.Sends && !p.Session.Receives
			})
			select {
			case reason := <-r.ended:
				t.Errorf("his call has ended: %+v", reason)
			default:
			}
			describing.Lock()
			offer := r.describe(codecs.PCMU)
			describing.Unlock()
			response, err := r.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: offer})
			must(t, err)
			if answer, bad := sdp.Parse(response.Body); bad != nil || answer.Media[0].Port == 0 {
				t.Errorf("he cannot come back: %v\n%s", bad, response.Body)
			}
		})
	}
}

func portOf(r *raw) string {
	_, port, _ := strings.Cut(r.socket.LocalAddr().String(), ":")
	return port
}

// The session with a recorder is refreshed like any other, and ends when the recorder does not know it any more (RFC 4028).
//
// Shows FO-TIM-14, SR-ERR-14.
func TestRecordingSessionTimer(t *testing.T) {
	srs := newRecordingServer(t)
	cfg := focus.Config{Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: srs.uri()}}}
	b := newBenchOf(t, cfg, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", focus.Deps{}, func(c *sipua.Config) {
		c.SessionTimer.Interval = 90 * time.Second
		c.Timers.Glare = 10 * time.Millisecond // a second of the timer
	})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	b.awaitRecording("room", b.record("room", conference.Separate), conference.RecordingActive)
	b.await("refreshes", func() bool {
		srs.mu.Lock()
		defer srs.mu.Unlock()
		return len(srs.refreshes) > 2
	})
	srs.mu.Lock()
	for _, r := range srs.refreshes {
		if r.Headers.Get("Session-Expires") != "90;refresher=uac" || !r.Headers.Contains("Supported", "timer") {
			t.Errorf("%s with Session-Expires %q", r.Method, r.Headers.Get("Session-Expires"))
		}
	}
	srs.gone, srs.refuse = true, 486
	srs.mu.Unlock()
	b.await("the end of the recording", func() bool {
		list := b.state("room").Recordings
		return len(list) == 1 && list[0].Servers[0].State != conference.RecordingActive
	})
	if !b.find("room", "alice").Status.Present() {
		t.Error("the call has ended with it")
	}
}
