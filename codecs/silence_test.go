package codecs

import (
	"bytes"
	"reflect"
	"testing"
)

// TestSilenceIsRecognised: what is called silent decodes to one constant value of at most the smallest step, by the short way and by the
// long way alike, and leaves the concealment in the same state.
func TestSilenceIsRecognised(t *testing.T) {
	for codec, octet := range map[Codec]byte{PCMU: 0xFF, PCMA: 0xD5} {
		payload := bytes.Repeat([]byte{octet}, 163) // not a multiple of eight
		if !codec.Silent(payload) {
			t.Fatalf("%v: silence is not recognised", codec)
		}
		for i := range payload {
			loud := bytes.Clone(payload)
			loud[i] ^= 0x10
			if codec.Silent(loud) {
				t.Fatalf("%v: octet %d is not silence", codec, i)
			}
		}
		dec, err := NewDecoder(codec)
		if err != nil {
			t.Fatal(err)
		}
		short, ok := dec.(*g711Decoder)
		if !ok {
			t.Fatal("not the G.711 decoder")
		}
		long := newG711Decoder(short.law)
		pcm, want := make([]int16, len(payload)), make([]int16, len(payload))
		for round := range 6 {
			if round == 3 { // a loss between
				short.Conceal(pcm)
				long.Conceal(want)
			}
			if _, err := short.Decode(pcm, payload); err != nil {
				t.Fatal(err)
			}
			for i, b := range payload {
				want[i] = long.law.decode[b]
			}
			long.concealer.good(want)
			for i := range pcm {
				if pcm[i] != want[i] {
					t.Fatalf("%v: sample %d of round %d is %d, want %d", codec, i, round, pcm[i], want[i])
				}
			}
			if history := short.concealer.history; round < 3 && history != nil {
				t.Fatalf("%v: who has never been heard has memory for %d samples", codec, len(history))
			}
			state := short.concealer // as it is when it is needed
			state.past()
			state.flat, state.rest, long.concealer.flat = 0, 0, 0
			if !reflect.DeepEqual(state, long.concealer) {
				t.Fatalf("%v: the concealment's state differs in round %d", codec, round)
			}
		}
	}
	if G722.Silent(make([]byte, 160)) || Opus.Silent(nil) {
		t.Error("only G.711 has octets of silence")
	}
}
