package focus_test

import (
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/sipua"
)

// Gateways and session border controllers call numbers by tel URI (RFC 3966): it is the conference of that number, whatever it was written with for the eye. The
// caller may have one as well.
func TestCallToATelURI(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	r := b.raw()
	way := b.parse("room")
	way.User, way.Params = "", sipua.Params{{Name: "lr"}}
	called, _ := sipua.ParseURI("tel:+44(20)7946-0.000;phone-context=example.com")
	dialog, _, err := r.agent.Invite(t.Context(), sipua.OutgoingCall{
		RequestURI: called, Route: []sipua.Address{{URI: way}},
		To:   sipua.Address{URI: called},
		From: sipua.Address{URI: sipua.URI{Scheme: "tel", Opaque: "+44-20-7946-0001"}}, Contact: sipua.Address{URI: r.agent.Contact("raw")},
		ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
	}, r)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := b.focus.Conference("+442079460000")
	if err != nil || len(conf.Participants) != 1 {
		t.Fatalf("%+v, %v", conf, err)
	}
	if p := conf.Participants[0]; p.Entity != "tel:+44-20-7946-0001" {
		t.Errorf("the caller is %+v", p)
	}
	// What is asked for in the dialog comes back to the conference's own address.
	if to := dialog.RemoteTarget(); to.Scheme != "sip" || to.UserPart() != "+442079460000" {
		t.Errorf("requests go to %v", to)
	}
	if err := dialog.Bye(t.Context()); err != nil {
		t.Error(err)
	}
}
