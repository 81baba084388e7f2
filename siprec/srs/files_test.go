package srs

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// readWAV checks header and length of a file and returns its samples.
func readWAV(tb testing.TB, name string) []int16 {
	tb.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	if len(data) < wavHeader || string(data[:4]) != "RIFF" || string(data[8:16]) != "WAVEfmt " || string(data[36:40]) != "data" {
		tb.Fatalf("%s: no WAV file", name)
	}
	riff, size := binary.LittleEndian.Uint32(data[4:]), binary.LittleEndian.Uint32(data[40:])
	if int(size) != len(data)-wavHeader || riff != size+wavHeader-8 {
		tb.Fatalf("%s: header tells %d and %d of %d octets", name, riff, size, len(data))
	}
	pcm := make([]int16, size/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(data[wavHeader+2*i:]))
	}

	return pcm
}

// The header is right after each flush, as if the process died then.
func TestHeaderWhileWriting(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.wav")
	w, err := createWAV(name, 8000, 1)
	if err != nil {
		t.Fatal(err)
	}
	readWAV(t, name)
	for _, at := range []int64{100, 260, 60000, 0} {
		if err := w.write(at, []int16{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		if pcm := readWAV(t, name); int64(len(pcm)) != w.end || pcm[at+1] != 2 {
			t.Fatalf("%d samples, %d at %d", len(pcm), pcm[at+1], at)
		}
	}
	if err := w.move(100, 263, -150); err != nil {
		t.Fatal(err)
	}
	if err := w.write(maxSamples-1, []int16{1, 2}); err == nil {
		t.Error("grew beyond its format")
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if n, err := w.complete(70000); n != 70000 || err != nil {
		t.Fatal(n, err)
	}
	pcm := readWAV(t, name)
	if len(pcm) != 70000 || pcm[110] != 1 || pcm[112] != 3 || pcm[260] != 0 || pcm[60000] != 1 {
		t.Errorf("%d samples %v", len(pcm), pcm[100:120])
	}
	if _, err := createWAV(name, 8000, 1); err == nil {
		t.Error("overwrote a file")
	}
}

func TestSafeName(t *testing.T) {
	for in, want := range map[string]string{
		"Alice Smith": "Alice-Smith", "../../etc/passwd": "etc-passwd", "": "", "...": "", "Bøb\x00": "B-b",
		"0123456789012345678901234567890123456789-more": "0123456789012345678901234567890123456789",
	} {
		if got := safeName(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func FuzzRTCP(f *testing.F) {
	f.Add(receiverReport(1, &reception{ssrc: 2}, "cname"))
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 203, 0, 1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		count := 0
		parseRTCP(data, func(r senderReport) {
			count++
			if r.time() < 0 {
				t.Fatalf("%+v is at %v", r, r.time())
			}
		}, func(uint32) { count++ })
		if count > len(data)/4 {
			t.Fatalf("%d things in %d octets", count, len(data))
		}
	})
}

// A receiver report is well-formed whatever the length of the name (RFC 3550, section 6.5).
func TestReceiverReport(t *testing.T) {
	for n := range 9 {
		b := receiverReport(7, &reception{ssrc: 9, lost: 1 << 30, fraction: 128}, "12345678"[:n])
		if len(b)%4 != 0 {
			t.Fatalf("%d octets", len(b))
		}
		sdes := b[32:]
		if b[1] != rtcpRR || sdes[1] != rtcpSDES || 4*(int(binary.BigEndian.Uint16(sdes[2:]))+1) != len(sdes) || sdes[len(sdes)-1] != 0 {
			t.Errorf("%x", b)
		}
		if lost := binary.BigEndian.Uint32(b[12:]); lost != 128<<24|0x7fffff {
			t.Errorf("loss %x", lost)
		}
	}
}
