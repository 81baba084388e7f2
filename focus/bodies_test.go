package focus_test

import (
	"context"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// location is where somebody is who calls for help, as RFC 6442, section 4.2 has it: without Content-Disposition.
var location = siprec.Part{
	ContentType: "application/pidf+xml", Headers: []siprec.Header{{Name: "Content-ID", Value: "<target123@atlanta.example.com>"}},
	Body: []byte(`<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:alice@atlanta.example.com"/>`),
}

// isup is what a gateway adds (RFC 3204).
var isup = siprec.Part{ContentType: "application/ISUP;base=itu-t92+;version=itu-t", Body: []byte{1, 0, 0x49, 0, 0, 3, 2}}

// Calls come in with the location of their caller, and with what gateways add; only what says that it must be understood is refused. A call that is up is changed
// in the same way. FO-LST-13, FO-ERR-08.
func TestBodiesBesideTheDescription(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	r := b.raw()
	with := func(part siprec.Part, disposition string) siprec.Part {
		part.Disposition = disposition
		return part
	}
	for name, test := range map[string]struct {
		kind   string // instead of multipart/mixed
		part   siprec.Part
		before bool // the description
		want   int
	}{
		"location":             {part: location},
		"location first":       {part: location, before: true},
		"location, reference":  {part: with(location, "by-reference")},
		"call data (RFC 7852)": {part: with(siprec.Part{ContentType: "application/EmergencyCallData.ServiceInfo+xml", Body: []byte("<x/>")}, "by-reference;handling=optional")},
		"ISUP":                 {part: isup},
		"ISUP, optional":       {part: with(isup, "signal; handling=optional")},
		"ISUP, required":       {part: with(isup, `signal;HANDLING="Required"`), want: 415},
		"related":              {kind: "multipart/related", part: location},
		"alternative":          {kind: "multipart/alternative", part: siprec.Part{ContentType: "text/plain", Body: []byte("call")}, before: true},
	} {
		t.Run(name, func(t *testing.T) {
			parts := []siprec.Part{{ContentType: "application/sdp", Body: r.describe(codecs.PCMU)}, test.part}
			if test.before {
				parts[0], parts[1] = parts[1], parts[0]
			}
			contentType, body := siprec.BuildMultipart(parts)
			if test.kind != "" {
				contentType = strings.Replace(contentType, "multipart/mixed", test.kind, 1)
			}
			dialog, _, err := r.agent.Invite(t.Context(), sipua.OutgoingCall{
				To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{URI: r.agent.Contact("raw")}, ContentType: contentType, Body: body,
			}, r)
			if sipua.Status(err) != test.want {
				t.Fatalf("%v, want %d", err, test.want)
			}
			if err != nil {
				return
			}
			b.await("the call", func() bool { return b.find("room", "raw").Status.Present() })
			if response, err := dialog.ReInvite(t.Context(), sipua.Body{ContentType: contentType, Data: body}); err != nil || len(response.Body) == 0 {
				t.Errorf("re-INVITE: %v", err)
			}
			must(t, dialog.Bye(t.Context()))
			<-r.ended
			b.await("the end", func() bool { return b.find("room", "raw").ID == "" })
		})
	}
}

// Answers are found among other parts wherever they come: in the 2xx of who is called, in ACK, in the answer to an offer of ours.
func TestAnswersAmongOtherParts(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	r := b.raw()
	among := func(description []byte) (contentType string, body []byte) {
		return siprec.BuildMultipart([]siprec.Part{isup, {ContentType: "application/sdp", Body: description}})
	}
	callee := b.callee(func(call *sipua.IncomingCall) {
		contentType, body := among(r.describe(codecs.PCMU))
		_, _ = call.Answer(context.Background(), sipua.NewResponse(200).WithBody(contentType, body), r)
	})
	id, err := b.focus.Dial(t.Context(), "room", callee.Contact("gateway", "udp").String())
	must(t, err)
	b.await("who was called", func() bool {
		p, _ := b.state("room").Participant(id)
		return p.Status.Present()
	})
	must(t, b.focus.Eject(t.Context(), "room", id, ""))
	<-r.ended
	late := b.raw()
	dialog, _, err := late.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{URI: late.agent.Contact("late")},
		Answer: func(*sipua.Response) sipua.Body {
			contentType, body := among(late.describe(codecs.PCMU))
			return sipua.Body{ContentType: contentType, Data: body}
		},
	}, late)
	must(t, err)
	b.await("who answers in ACK", func() bool { return b.find("room", "late").Status.Present() })
	must(t, dialog.Bye(t.Context()))
}

// Who answers with what cannot be used hears why he is hung up on (RFC 3326).
func TestUselessAnswerIsTold(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	r := b.raw()
	callee := b.callee(func(call *sipua.IncomingCall) {
		_, _ = call.Answer(context.Background(), sipua.NewResponse(200).WithBody("application/sdp", []byte("hello")), r)
	})
	_, err := b.focus.Dial(t.Context(), "room", callee.Contact("x", "udp").String())
	must(t, err)
	if end := <-r.ended; end.Request == nil || !strings.HasPrefix(end.Request.Headers.Get("Reason"), "SIP;cause=488") {
		t.Errorf("%+v", end)
	}
}
