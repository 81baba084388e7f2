package sdp

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
)

// someMedia draws a stream as a peer may offer it.
func someMedia(t *rapid.T, i int) Media {
	m := Media{
		Kind:       rapid.SampledFrom([]string{"audio", "audio", "audio", "video", "text", "image"}).Draw(t, "kind"),
		Port:       rapid.SampledFrom([]uint16{0, 4000, 4002, 65535}).Draw(t, "port"),
		Proto:      rapid.SampledFrom([]string{"RTP/AVP", "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "UDP/TLS/RTP/SAVPF"}).Draw(t, "proto"),
		Direction:  rapid.SampledFrom([]Direction{Unspecified, SendRecv, SendOnly, RecvOnly, Inactive}).Draw(t, "direction"),
		PacketTime: time.Duration(rapid.IntRange(0, 100).Draw(t, "ptime")) * time.Millisecond,
		Mux:        rapid.Bool().Draw(t, "mux"),
		Label:      rapid.SampledFrom([]string{"", strconv.Itoa(i)}).Draw(t, "label"),
		Record:     rapid.SampledFrom([]Record{RecordUnspecified, RecordOn, RecordOff, RecordPaused}).Draw(t, "record"),
	}
	if rapid.Bool().Draw(t, "own address") {
		m.Connection = Connection{Address: rapid.SampledFrom([]netip.Addr{
			netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("2001:db8::7"), netip.IPv4Unspecified(),
		}).Draw(t, "address")}
	}
	if rapid.Bool().Draw(t, "level") {
		m.Extensions = []Extension{{ID: uint16(rapid.IntRange(1, 15).Draw(t, "extension")), URI: levelURI}}
	}
	formats := []PayloadType{
		{Number: 0, Name: "PCMU", ClockRate: 8000, Channels: 1},
		{Number: 8, Name: "PCMA", ClockRate: 8000, Channels: 1},
		{Number: 9, Name: "G722", ClockRate: 8000, Channels: 1},
		{Number: 13, Name: "CN", ClockRate: 8000, Channels: 1},
		{Number: 18, Name: "G729", ClockRate: 8000, Channels: 1, Parameters: "annexb=no"},
		{Number: 96, Name: "opus", ClockRate: 48000, Channels: 2, Parameters: "useinbandfec=1;x=y"},
		{Number: 72, Name: "opus", ClockRate: 48000, Channels: 2},
		{Number: 101, Name: "telephone-event", ClockRate: 8000, Channels: 1, Parameters: "0-15"},
		{Number: 102, Name: "telephone-event", ClockRate: 48000, Channels: 1},
		{Number: 111, Name: "speex", ClockRate: 16000, Channels: 1},
		{Number: 127, Channels: 1},
	}
	count := rapid.IntRange(1, len(formats)).Draw(t, "formats")
	m.PayloadTypes = rapid.Permutation(formats).Draw(t, "order")[:count]
	return m
}

func someOffer(t *rapid.T) Description {
	d := Description{
		Origin:     Origin{Username: "-", Session: rapid.Uint64().Draw(t, "session"), Version: rapid.Uint64().Draw(t, "version"), Address: "192.0.2.9"},
		Name:       "-",
		Connection: Connection{Address: netip.MustParseAddr("192.0.2.9")},
		Times:      []Time{{}},
		Direction:  rapid.SampledFrom([]Direction{Unspecified, SendOnly, Inactive}).Draw(t, "session direction"),
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "streams") {
		d.Media = append(d.Media, someMedia(t, i))
	}
	return d
}

func someLocal(t *rapid.T, streams int) Local {
	local := Local{
		Address:     netip.MustParseAddr("192.0.2.1"),
		Session:     1,
		ByPosition:  rapid.Bool().Draw(t, "by position"),
		PreferLocal: rapid.Bool().Draw(t, "prefer local"),
	}
	for i := range streams {
		local.Streams = append(local.Streams, LocalStream{
			Port:           uint16(10000 + 2*i),
			Mux:            rapid.Bool().Draw(t, "our mux"),
			Codecs:         rapid.Permutation(allCodecs).Draw(t, "codecs")[:rapid.IntRange(1, len(allCodecs)).Draw(t, "count")],
			SingleCodec:    rapid.Bool().Draw(t, "single"),
			Events:         rapid.Bool().Draw(t, "events"),
			ComfortNoise:   rapid.Bool().Draw(t, "noise"),
			Direction:      rapid.SampledFrom([]Direction{Unspecified, SendRecv, SendOnly, RecvOnly, Inactive}).Draw(t, "wish"),
			LevelExtension: uint8(rapid.IntRange(0, 14).Draw(t, "our level")),
			Label:          rapid.SampledFrom([]string{"", strconv.Itoa(i)}).Draw(t, "our label"),
		})
	}
	return local
}

// Parse(Marshal(d)) == d.
func TestPropertyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := someOffer(t)
		got, err := Parse(want.Marshal())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\ngot\n%+v\nwant\n%+v", err, got, want)
		}
	})
}

// Any valid offer gets a legal answer or a refusal for which there is a warning (RFC 3264, section 6); what our answer
// means to the peer is what we mean by it.
func TestPropertyAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offer := someOffer(t)
		plan, err := Answer(offer, someLocal(t, rapid.IntRange(0, 4).Draw(t, "our streams")))
		if err != nil {
			if _, ok := errors.AsType[*StreamError](err); !ok {
				t.Fatal(err)
			}
			return
		}
		checkAnswer(t, offer, plan)
		checkSymmetry(t, offer, plan)
	})
}

// checkSymmetry reads the answer as the one who made the offer does.
func checkSymmetry(t *rapid.T, offer Description, plan Plan) {
	accepted, err := Accept(offer, plan.Answer)
	if err != nil || len(accepted.Streams) != len(plan.Streams) {
		t.Fatalf("%v: %d of %d streams", err, len(accepted.Streams), len(plan.Streams))
	}
	for i, ours := range plan.Streams {
		theirs := accepted.Streams[i]
		held := offer.ConnectionOf(ours.Index).nowhere()
		if theirs.Index != ours.Index || theirs.Send != ours.Receive || theirs.Receive != ours.Send && !held {
			t.Fatalf("direction: ours %+v, theirs %+v", ours, theirs)
		}
		if theirs.Codec != ours.Codec && plan.Answer.Media[ours.Index].PayloadTypes[0].codec() != theirs.Codec {
			t.Fatalf("codec: ours %v, theirs %v", ours.Codec, theirs.Codec)
		}
		if theirs.Mux != ours.Mux || theirs.Remote.Port() != ours.LocalPort || theirs.LocalPort != offer.Media[ours.Index].Port {
			t.Fatalf("ports: ours %+v, theirs %+v", ours, theirs)
		}
		takes := func(s Stream, number uint8) bool {
			return slices.ContainsFunc(s.Accepts, func(p ReceivePayload) bool { return p.Number == number && p.Codec != codecs.None })
		}
		if !takes(ours, theirs.SendPT) || !takes(theirs, ours.SendPT) {
			t.Fatalf("payload types: ours %+v, theirs %+v", ours, theirs)
		}
	}
}

// Our own offers are legal descriptions, they are answered, and both sides read the same; in a dialog lines never get
// fewer and a number never changes its meaning (RFC 3264, section 8).
func TestPropertyOffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var previous *Description
		for range rapid.IntRange(1, 5).Draw(t, "rounds") {
			local := someLocal(t, rapid.IntRange(1, 4).Draw(t, "our streams"))
			local.Previous = previous
			offer := Offer(local)
			again, err := Parse(offer.Marshal())
			if err != nil || !reflect.DeepEqual(again, offer) {
				t.Fatalf("%v\ngot\n%+v\nwant\n%+v", err, again, offer)
			}
			checkSuccession(t, previous, offer)
			peer := someLocal(t, len(offer.Media))
			peer.Address = netip.MustParseAddr("192.0.2.2")
			if plan, err := Answer(offer, peer); err == nil {
				checkAnswer(t, offer, plan)
				checkSymmetry(t, offer, plan)
			}
			previous = &offer
		}
	})
}

func checkSuccession(t *rapid.T, previous *Description, next Description) {
	if previous == nil {
		return
	}
	if len(next.Media) < len(previous.Media) {
		t.Fatalf("%d lines after %d", len(next.Media), len(previous.Media))
	}
	changed := uint64(0)
	if !reflect.DeepEqual(previous.Media, next.Media) {
		changed = 1
	}
	if next.Origin.Session != previous.Origin.Session || next.Origin.Version != previous.Origin.Version+changed {
		t.Fatalf("%+v after %+v, changed %d", next.Origin, previous.Origin, changed)
	}
	for i := range previous.Media {
		for _, p := range next.Media[i].PayloadTypes {
			if old := previous.Media[i].payloadType(p.Number); old != nil && !old.means(p) {
				t.Fatalf("%+v after %+v", p, *old)
			}
		}
	}
}
