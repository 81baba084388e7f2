package sdp

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// What parses also marshals and parses equal.
func FuzzParse(f *testing.F) {
	for _, text := range offers(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(d.Marshal())
		if err != nil {
			t.Fatalf("%v\n%s", err, d.Marshal())
		}
		if !reflect.DeepEqual(d, again) {
			t.Fatalf("got\n%+v\nwant\n%+v\ntext\n%s", again, d, d.Marshal())
		}
	})
}

// Answer never panics, and what it answers is an answer; Accept never panics whatever the answer.
func FuzzAnswer(f *testing.F) {
	all := offers(f)
	for _, text := range all {
		f.Add(text, all["asterisk"], true)
		f.Add(all["siprec-rfc7866-figure5"], text, false)
	}
	f.Fuzz(func(t *testing.T, first, second []byte, byPosition bool) {
		offer, err := Parse(first)
		if err != nil {
			return
		}
		local := participant("192.0.2.1")
		local.ByPosition = byPosition
		local.Streams = append(local.Streams, LocalStream{Port: 10002, Codecs: []codecs.Codec{codecs.PCMU}, Label: "2"})
		other, err := Parse(second)
		if err == nil {
			local.Previous, local.Remote = &other, &offer
			if _, err = Parse(Offer(local).Marshal()); err != nil {
				t.Fatal(err)
			}
			_, _ = Accept(offer, other)
		}
		plan, err := Answer(offer, local)
		if err != nil {
			if WarningFor(err).Code < 300 {
				t.Fatal(err)
			}
			return
		}
		checkAnswer(t, offer, plan)
		accepted, err := Accept(offer, plan.Answer)
		if err == nil && len(accepted.Streams) != len(plan.Streams) {
			t.Fatalf("accepted %d of %d", len(accepted.Streams), len(plan.Streams))
		}
		for _, s := range plan.Streams {
			if s.Send && (!s.Remote.IsValid() || s.Remote.Addr() == (netip.Addr{})) {
				t.Fatal("sends nowhere")
			}
			if _, err := s.Format.Normalize(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
