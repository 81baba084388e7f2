package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// rung is a call of a user agent that acknowledges provisional responses, and the first of them.
func (b *bench) rung(conf string, late bool, answer func(*raw, *sipua.Response) sipua.Body, headers ...sipua.Header) (*sipua.Dialog, *sipua.Response, *sipua.Response, error) {
	b.t.Helper()
	r := b.raw()
	agent, err := sipua.New(sipua.Config{Listen: []string{"udp://127.0.0.1:0"}, Supported: []string{"100rel"}}, ignore{})
	must(b.t, err)
	must(b.t, agent.Start(b.t.Context()))
	b.t.Cleanup(func() { _ = agent.Shutdown(b.t.Context()) })
	var progress *sipua.Response
	call := sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse(conf)}, From: sipua.Address{Name: "rung", URI: agent.Contact("rung")}, Headers: headers,
		OnProvisional: func(response *sipua.Response) {
			if progress == nil {
				progress = response
			}
		},
	}
	if late {
		call.Answer = func(offer *sipua.Response) sipua.Body { return answer(r, offer) }
	} else {
		call.ContentType, call.Body = "application/sdp", r.describe(codecs.PCMU)
	}
	dialog, response, err := agent.Invite(b.t.Context(), call, r)
	return dialog, progress, response, err
}

// A caller hears that it rings, reliably if he can acknowledge it; one who wants that and has no offer gets ours then, and answers it at once.
//
// Shows FO-PRK-01, FO-PRK-08.
func TestRing(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Ring: 150 * time.Millisecond})
	from := time.Now()
	dialog, progress, response, err := b.rung("room", false, nil)
	must(t, err)
	if took := time.Since(from); took < 150*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	contact, _ := progress.Contact()
	if progress.Status != 180 || !progress.Headers.Contains("Require", "100rel") || !contact.Params.Has("isfocus") || len(response.Body) == 0 {
		t.Errorf("%d %v, then %d with %d octets", progress.Status, progress.Headers, response.Status, len(response.Body))
	}
	b.await("him", func() bool { return b.find("room", "rung").Status.Present() })
	must(t, dialog.Bye(t.Context()))
	b.await("him to be gone", func() bool { return b.find("room", "rung").ID == "" })

	answer := func(r *raw, _ *sipua.Response) sipua.Body {
		return sipua.Body{ContentType: "application/sdp", Data: r.describe(codecs.PCMA)}
	}
	dialog, progress, response, err = b.rung("room", true, answer, sipua.Header{Name: "Require", Value: "100rel"})
	must(t, err)
	if progress.Status != 183 || len(progress.Body) == 0 {
		t.Errorf("%d with %q", progress.Status, progress.Body)
	}
	b.await("him", func() bool { return b.find("room", "rung").Status.Present() })
	if got := b.find("room", "rung").Session.Codec; got != "pcma/8000" || response.Status != 200 {
		t.Errorf("%d, %s", response.Status, got)
	}
	must(t, dialog.Bye(t.Context()))
	b.await("him to be gone", func() bool { return b.find("room", "rung").ID == "" })

	useless := func(*raw, *sipua.Response) sipua.Body {
		return sipua.Body{ContentType: "application/sdp", Data: []byte("v=0\r\n")}
	}
	if _, _, _, err = b.rung("room", true, useless, sipua.Header{Name: "Require", Value: "100rel"}); sipua.Status(err) != 400 && sipua.Status(err) != 488 {
		t.Errorf("a useless answer in the PRACK: %v", err)
	}
	b.await("nobody to be left", func() bool { return b.find("room", "rung").ID == "" })
}

// A call rings until the answer to our offer has come, and a useless one ends it, also when it comes after the time for which it was to ring: a participant without a
// format that could be sent to him would keep the mixer from taking any change of the conference.
func TestRingsUntilThereIsAnAnswer(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Ring: time.Nanosecond})
	useless := func(*raw, *sipua.Response) sipua.Body {
		return sipua.Body{ContentType: "application/sdp", Data: []byte("v=0\r\n")}
	}
	if _, _, _, err := b.rung("room", true, useless, sipua.Header{Name: "Require", Value: "100rel"}); sipua.Status(err) != 400 && sipua.Status(err) != 488 {
		t.Errorf("a useless answer in the PRACK: %v", err)
	}
	b.await("nobody to be left", func() bool { return b.find("room", "rung").ID == "" })
	answer := func(r *raw, _ *sipua.Response) sipua.Body {
		return sipua.Body{ContentType: "application/sdp", Data: r.describe(codecs.PCMA)}
	}
	dialog, _, _, err := b.rung("room", true, answer, sipua.Header{Name: "Require", Value: "100rel"})
	must(t, err)
	b.await("him", func() bool { return b.find("room", "rung").Status.Present() })
	must(t, dialog.Bye(t.Context()))
}

// Who gives up while it rings, or is sent away, is not there any more.
func TestRingEnds(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, Ring: time.Minute})
	result := make(chan error, 1)
	go func() {
		_, err := b.invite(b.uri("desk"), dave)
		result <- err
	}()
	b.await("it to ring", func() bool {
		return b.find("desk", "dave").Status == conference.DialingIn && b.find("desk", "dave").ID != ""
	})
	must(t, b.focus.Eject(t.Context(), "desk", b.find("desk", "dave").ID, ""))
	if err := <-result; sipua.Status(err) != 403 {
		t.Errorf("who was sent away: %v", err)
	}
}
