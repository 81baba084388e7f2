package srs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sipua"
)

// readAudio returns the samples of a file of ours, which must be well-formed.
func readAudio(tb testing.TB, name string) []int16 {
	tb.Helper()
	if filepath.Ext(name) == ".wav" {
		return readWAV(tb, name)
	}
	audio, err := OpenAudio(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = audio.Close() }()
	var pcm []int16
	block := make([]int16, 4800)
	for {
		n, err := audio.Read(block)
		pcm = append(pcm, block[:n]...)
		if errors.Is(err, io.EOF) {
			return pcm
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// oggPages reads all pages of a file and checks that they are one stream.
func oggPages(tb testing.TB, name string) []page {
	tb.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	in := bufio.NewReader(bytes.NewReader(data))
	var pages []page
	for {
		p, err := readPage(in)
		if errors.Is(err, io.EOF) {
			return pages
		}
		if err != nil || int(p.sequence) != len(pages) || p.serial != append(pages, p)[0].serial {
			tb.Fatalf("page %d: %+v %v", len(pages), p, err)
		}
		if n := len(pages); n > 2 && p.granule < pages[n-1].granule {
			tb.Fatalf("page %d goes back from %d to %d", n, pages[n-1].granule, p.granule)
		}
		pages = append(pages, p)
	}
}

// payloads are the packets of a file that are not filling.
func payloads(tb testing.TB, name string) [][]byte {
	tb.Helper()
	var list [][]byte
	for _, p := range oggPages(tb, name)[2:] {
		if !p.packets(func(data []byte) {
			if !isFilling(data) {
				list = append(list, data)
			}
		}) {
			tb.Fatal("a packet goes over a page")
		}
	}

	return list
}

// sounds are the payloads that are no silence.
func sounds(list [][]byte) [][]byte {
	return slices.DeleteFunc(slices.Clone(list), isFilling)
}

// opusBeat are the payloads of so many frames of a voice, whose tone begins at 0.2 s and every half second after.
func opusBeat(t *testing.T, frames int) [][]byte {
	t.Helper()

	v := newVoice(t, "1", codecs.Opus, 500)
	list := make([][]byte, frames)
	for n := range list {
		_, list[n], _ = parseRTP(v.packet(t, n))
	}

	return list
}

// Packets are at their place to the sample where a recording begins, and by 2.5 ms after gaps; moved ones as well. At every octet that the
// file could have been cut off it can be read.
func TestOggPlaces(t *testing.T) {
	t.Parallel()
	beat := opusBeat(t, 50)
	for _, x := range []struct {
		name         string
		at, by       int64 // of the first packet, in samples of 48 kHz
		gap          int64 // before packet 25
		move         bool
		exact, after int64 // tolerance of the beats before and after the gap
	}{
		{name: "at the beginning", at: -opusSkip, exact: 0, after: 0},
		{name: "a while later", at: 12345, exact: 0, after: 0},
		{name: "with a gap", at: 777, gap: 4801, exact: 0, after: opusUnit},
		{name: "moved later", at: 1000, by: 1111, move: true, exact: 0, after: 0},
		{name: "moved earlier", at: 1_000_000, by: -99_999, move: true, exact: 0, after: 0},
		{name: "moved far, with a gap", at: 100_000, by: 48_000, gap: 9600, move: true, exact: 0, after: opusUnit},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(t.TempDir(), "x.opus")
			o, err := createOgg(name, opusRate)
			if err != nil {
				t.Fatal(err)
			}
			at := x.at
			for n, payload := range beat {
				if n == 25 {
					at += x.gap
				}
				if err = o.pass(at, payload, 960); err == nil && n%10 == 9 {
					err = o.flush()
				}
				if err != nil {
					t.Fatal(err)
				}
				at += 960
			}
			if x.move {
				if err = o.move(max(0, x.at), at, x.by); err != nil {
					t.Fatal(err)
				}
			}
			if err = o.close(); err != nil {
				t.Fatal(err)
			}
			length, err := o.complete(at + x.by + 50_000)
			pcm := readAudio(t, name)
			if err != nil || length != at+x.by+50_000 || int64(len(pcm)) != length || o.length() < length {
				t.Errorf("%d samples, told %d of %d: %v", len(pcm), length, at+x.by+50_000, err)
			}
			if got, want := payloads(t, name), sounds(beat); !slices.EqualFunc(got, want, bytes.Equal) {
				t.Errorf("%d payloads of %d, or others", len(got), len(want))
			}
			want, reference := x.at+x.by+opusSkip, decoded(t, beat)
			compare(t, pcm, want+10*960, reference[10*960+opusSkip:15*960], x.exact)
			compare(t, pcm, want+35*960+x.gap, reference[35*960+opusSkip:40*960], x.after)
			cutAnywhere(t, name)
		})
	}
}

// decoded is what payloads sound like.
func decoded(t *testing.T, list [][]byte) []int16 {
	t.Helper()
	decoder, err := codecs.NewDecoder(codecs.Opus)
	if err != nil {
		t.Fatal(err)
	}
	var pcm []int16
	for _, payload := range list {
		var out [codecs.MaxPacketSamples]int16
		n, err := decoder.Decode(out[:], payload)
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, out[:n]...)
	}

	return pcm
}

// compare finds where a piece is in the samples, and says by how much it is off.
func compare(t *testing.T, pcm []int16, at int64, piece []int16, tolerance int64) {
	t.Helper()
	best, least := int64(0), math.Inf(1)
	for off := -2 * int64(opusUnit); off <= 2*opusUnit; off++ {
		sum := 0.0
		for i := 0; i < len(piece); i += 3 {
			v := piece[i]
			if at+off+int64(i) < 0 || at+off+int64(i) >= int64(len(pcm)) {
				sum += float64(v) * float64(v)

				continue
			}
			d := float64(v) - float64(pcm[at+off+int64(i)])
			sum += d * d
		}
		if sum < least {
			best, least = off, sum
		}
	}
	if abs(best) > tolerance {
		t.Errorf("what should be at %d is %d samples off, beyond %d", at, best, tolerance)
	}
}

// cutAnywhere reads a file that ends at any octet.
func cutAnywhere(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short.opus")
	last := int64(0)
	for n := 150; n < len(data); n += 4999 {
		if err := os.WriteFile(short, data[:n], fileMode); err != nil {
			t.Fatal(err)
		}
		length, err := oggLength(short)
		if got := int64(len(readAudio(t, short))); err != nil || got != length || length < last {
			t.Fatalf("of %d octets there are %d samples, told %d after %d: %v", n, got, length, last, err)
		}
		last = length
	}
}

// A client whose clock is slow sends more than there is time for: what is left out is silence, and what is missing of a fast one is made up,
// so that files stay on the time line.
func TestOggDrift(t *testing.T) {
	t.Parallel()
	for _, step := range []int64{955, 965} {
		name := filepath.Join(t.TempDir(), "x.opus")
		o, err := createOgg(name, opusRate)
		if err != nil {
			t.Fatal(err)
		}
		encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.Opus})
		if err != nil {
			t.Fatal(err)
		}
		var pcm [960]int16
		var payload [codecs.MaxPayload]byte
		for n := range int64(2000) {
			size, err := encoder.Encode(payload[:], pcm[:])
			if err == nil {
				err = o.pass(n*step, payload[:size], 960)
			}
			if err != nil {
				t.Fatal(err)
			}
			if off := o.granule - o.skip - (n+1)*step; abs(off) > tardy+960 {
				t.Fatalf("step %d: packet %d is %d samples off", step, n, off)
			}
		}
		if err := o.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Streams of all codecs in Ogg Opus, and only those of Opus: beats of the conference are at the same place in all files, silence is
// silence, payloads of Opus are those that were sent, and tools of others read the files without complaint.
func TestOpusFiles(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{FormatOpus, FormatNative} {
		t.Run([]string{"wav", "opus", "native"}[format], func(t *testing.T) {
			t.Parallel()
			testOpusFiles(t, format)
		})
	}
}

func testOpusFiles(t *testing.T, format Format) {
	t.Helper()
	hooks := newLog()
	server := startServer(t, Config{Hooks: hooks.hooks(), Format: format})
	c := newClient(t, server)
	voices := []*voice{newVoice(t, "1", codecs.PCMU, 400), newVoice(t, "2", codecs.G722, 1000), newVoice(t, "3", codecs.Opus, 700)}
	var sent [][]byte
	voices[2].keep = func(payload []byte) { sent = append(sent, payload) }
	voices[2].skip = func(n int) bool { return n == 60 || n == 61 } // made up by the decoder
	response, err := c.invite(c.call("tcp", "application/sdp", c.describe(voices...)))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range c.accept(response.Body).Streams {
		voices[i].use(s)
	}
	c.stream(0, 125, true, voices...)
	voices[0].held = true
	response, err = c.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: c.describe(voices...)})
	if err != nil {
		t.Fatal(err)
	}
	c.accept(response.Body)
	c.stream(125, 175, true, voices[1], voices[2])
	if err := c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := hooks.wait(t)
	origin := 0.0
	var length float64
	for i, label := range []string{"1", "2", "3"} {
		s, pcm := load(t, r, label)
		opus := format == FormatOpus || i == 2
		if opus != strings.HasSuffix(s.File, ".opus") || opus != (s.SampleRate == opusRate) {
			t.Errorf("%+v", s)
		}
		seconds := float64(len(pcm)) / float64(s.SampleRate)
		if i == 0 {
			origin, length = onsetOf(pcm, s.SampleRate, 0, 4000)-0.2, seconds
		}
		if math.Abs(seconds-length) > 0.001 {
			t.Errorf("stream %s has %f s, not %f", label, seconds, length)
		}
		beats := []float64{0.2, 0.7, 1.2, 1.7, 2.2, 2.7, 3.2}
		if i == 0 {
			beats = beats[:5]
			if e := energy(pcm, s.SampleRate, origin+2.6, origin+3.4); e > 40 {
				t.Errorf("stream %s has %f while it is paused", label, e)
			}
		}
		for _, beat := range beats {
			if i == 2 && beat == 1.2 {
				continue // it begins with what is lost
			}
			if got := onsetOf(pcm, s.SampleRate, origin+beat-0.05, 4000) - origin; math.Abs(got-beat) > 0.025 {
				t.Errorf("stream %s: beat %.1f is at %.4f: %+v", label, beat, got, s)
			}
			if e := energy(pcm, s.SampleRate, origin+beat+0.1+0.05, origin+beat+0.1+0.15); e > 100 {
				t.Errorf("stream %s: %f after beat %.1f", label, e, beat)
			}
		}
		if opus {
			checkTools(t, filepath.Join(r.Directory, s.File), len(pcm))
		}
		if i == 2 {
			got := payloads(t, filepath.Join(r.Directory, s.File))
			got = slices.DeleteFunc(got, func(p []byte) bool { return len(p) == 1 }) // where something was lost
			if want := sounds(sent); !slices.EqualFunc(got, want, bytes.Equal) || s.Lost != 2 || s.ConcealedMS < 30 {
				t.Errorf("%d payloads of %d: %+v", len(got), len(want), s)
			}
		}
	}
}

// checkTools has the tools of the codec read a file.
func checkTools(t *testing.T, name string, samples int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "opusinfo", name).CombinedOutput()
	if err != nil || strings.Contains(strings.ToUpper(string(out)), "WARNING") || !strings.Contains(string(out), "parley") {
		t.Errorf("opusinfo: %v\n%s", err, out)
	}
	wav := name + ".wav"
	if out, err := exec.CommandContext(t.Context(), "opusdec", "--quiet", "--rate", "48000", name, wav).CombinedOutput(); err != nil {
		t.Errorf("opusdec: %v\n%s", err, out)
	}
	if got := len(readWAV(t, wav)); got != samples {
		t.Errorf("opusdec has %d samples, not %d", got, samples)
	}
	if err := os.Remove(wav); err != nil {
		t.Error(err)
	}
}
