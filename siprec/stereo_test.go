package siprec_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// RFC 7587, section 6.1: what comes in two channels is said to, and two channels are passed on only to a recorder that says that it wants them.
func TestStereoIsOffered(t *testing.T) {
	for wants, parameters := range map[bool]sdp.OpusParameters{true: {Stereo: true}, false: {}} {
		address := netip.MustParseAddr("192.0.2.1")
		c, err := siprec.New(siprec.Config{Profile: siprec.Profile{Codecs: []codecs.Codec{codecs.Opus}}, Address: address})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1700000000, 0)
		actions := c.Step(siprec.Desire{Streams: []siprec.StreamWish{
			{Key: "a", ID: siprec.NewID([16]byte{1}), Port: 4000, Prefer: codecs.Opus, Stereo: true},
			{Key: "b", ID: siprec.NewID([16]byte{2}), Port: 4002, Prefer: codecs.Opus},
		}}, now)
		var offer sdp.Description
		for _, a := range actions {
			if invite, ok := a.(siprec.Invite); ok {
				content, fault := siprec.ParseContent(invite.ContentType, "", invite.Body)
				if fault != nil {
					t.Fatal(fault)
				}
				if offer, err = sdp.Parse(content.SDP); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(offer.Media) != 2 {
			t.Fatalf("offer %s", offer.Marshal())
		}
		for i, want := range []bool{true, false} {
			if got := strings.Contains(offer.Media[i].PayloadTypes[0].Parameters, "sprop-stereo=1"); got != want {
				t.Errorf("stream %d is offered with %q", i, offer.Media[i].PayloadTypes[0].Parameters)
			}
		}
		stream := sdp.LocalStream{Port: 5000, Codecs: []codecs.Codec{codecs.Opus}, Direction: sdp.RecvOnly, Opus: parameters}
		plan, err := sdp.Answer(offer, sdp.Local{Address: address, ByPosition: true, Streams: []sdp.LocalStream{stream, stream}})
		if err != nil {
			t.Fatal(err)
		}
		started := 0
		for _, a := range c.Step(siprec.Answered{Status: 200, ContentType: "application/sdp", Body: plan.Answer.Marshal()}, now) {
			if start, ok := a.(siprec.StartMedia); ok {
				started++
				if start.Stereo != wants {
					t.Errorf("stereo %t to a recorder that wants it: %t", start.Stereo, wants)
				}
			}
		}
		if started != 2 {
			t.Errorf("%d streams have started", started)
		}
	}
}
