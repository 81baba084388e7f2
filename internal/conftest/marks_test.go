package conftest_test

import (
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/conftest"
)

// A mark is found wherever it is, also after G.711, and nothing else is taken for one.
func TestMarks(t *testing.T) {
	const count = 5000
	pcm := append(make([]int16, 3), conftest.Marks(7, conftest.MaxMarks-count, count)...)
	pcm = append(pcm, make([]int16, 5)...)
	pcm = append(pcm, conftest.Marks(conftest.MaxVoices-1, 0, count)...)
	pcm = pcm[:len(pcm)/160*160]
	format := codecs.Format{Codec: codecs.PCMU, PacketTime: codecs.FrameDuration}
	enc, err := codecs.NewEncoder(format)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := codecs.NewDecoder(codecs.PCMU)
	if err != nil {
		t.Fatal(err)
	}
	var payload [codecs.MaxPayload]byte
	for at := 0; at < len(pcm); at += 160 {
		n, err := enc.Encode(payload[:], pcm[at:at+160])
		if err != nil {
			t.Fatal(err)
		}
		if _, err = dec.Decode(pcm[at:at+160], payload[:n]); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	conftest.FindMarks(pcm, func(voice, index, at int) {
		wantVoice, wantIndex := 7, conftest.MaxMarks-count+found
		wantAt := 3 + 8*found
		if found >= count {
			wantVoice, wantIndex, wantAt = conftest.MaxVoices-1, found-count, 8+8*found
		}
		if voice != wantVoice || index != wantIndex || at != wantAt {
			t.Fatalf("mark %d: voice %d, index %d at %d; want %d, %d at %d", found, voice, index, at, wantVoice, wantIndex, wantAt)
		}
		found++
	})
	if found < 2*count-20 {
		t.Errorf("%d marks", found)
	}
	// Neither a part of one, nor another in its place.
	broken := conftest.Marks(3, 0, 1000)
	for i := 4; i < len(broken); i += 8 {
		broken[i] = -broken[i]
	}
	wrong := 0
	conftest.FindMarks(broken, func(int, int, int) { wrong++ })
	if wrong > 2 {
		t.Errorf("%d marks that are none", wrong)
	}
}
