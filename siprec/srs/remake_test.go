package srs

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec/seal"
)

// A remakeBench is a recording with streams and without sockets, which is told what came and when.
type remakeBench struct {
	t       rapid.TB
	r       *recording
	digests []*seal.Digest
	voices  []*voice
	sent    []int
	clock   time.Time // of the client, in its reports, at the beginning
}

func newRemakeBench(t rapid.TB, dir string, format Format, list ...codecs.Codec) *remakeBench {
	b := &remakeBench{t: t}
	b.r = &recording{cfg: &Config{Format: format}, dir: dir, began: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), clocks: clocks{}, server: &Server{keeper: &keeper{}}}
	b.r.origin, b.clock = &origin{later: b.r.later}, b.r.began
	b.r.report = Recording{ID: "x", Directory: dir, CallID: "c", SealKey: "k", State: StateRecording}
	for i, codec := range list {
		v := &voice{label: string(rune('1' + i)), codec: codec, frequency: 400 + 100*float64(i), pt: 96, ssrc: uint32(i + 1), sequence: 65500}
		if !codec.Linear() {
			encoder, err := codecs.NewEncoder(codecs.Format{Codec: codec})
			if err != nil {
				t.Fatal(err)
			}
			v.encoder = encoder
		}
		report := &Stream{Label: v.label, State: StateRecording, StartedAt: b.r.began}
		agreed := sdp.Stream{Label: v.label, Codec: codec, Receive: true, Accepts: []sdp.ReceivePayload{{Number: 96, Codec: codec, ClockRate: codec.ClockRate()}}}
		if codec == codecs.PCMU || codec == codecs.PCMA {
			agreed.Accepts = append(agreed.Accepts, sdp.ReceivePayload{Number: noisePayload, ClockRate: 8000, ComfortNoise: true})
		}
		file, err := b.r.createFile(report, agreed)
		if err != nil {
			t.Fatal(err)
		}
		s := &stream{report: report, receiver: newReceiver(file, codec.SampleRate(), report, b.r.clocks, b.r.origin)}
		if err := b.r.agree(s, agreed, b.r.began); err != nil {
			t.Fatal(err)
		}
		if err := b.r.keep(s); err != nil {
			t.Fatal(err)
		}
		b.r.streams = append(b.r.streams, s)
		b.voices, b.digests = append(b.voices, v), append(b.digests, seal.NewDigest())
	}
	b.sent = make([]int, len(list))

	return b
}

// finish ends the recording, and gives what is on the disk and what was sent.
func (b *remakeBench) finish(at time.Duration) (Recording, seal.Manifest) {
	m := seal.Manifest{CallID: "c"}
	for i, s := range b.r.streams {
		s.closed = true
		b.ok(s.play(at, true))
		s.count()
		b.ok(s.receiver.file.close())
		b.ok(s.dump.close())
		sent := seal.Stream{Label: s.report.Label, Codec: s.report.Codec}
		b.digests[i].Fill(&sent)
		m.Streams = append(m.Streams, sent)
	}
	length := at + b.r.origin.early
	for _, s := range b.r.streams {
		length = max(length, time.Duration(s.report.Samples)*time.Second/time.Duration(s.report.SampleRate))
	}
	for _, s := range b.r.streams {
		b.ok(b.r.lengthen(s, length))
	}
	b.ok(b.r.fingerprint())
	b.ok(writeReport(b.r.current()))
	r, err := ReadRecording(b.r.dir)
	b.ok(err)
	r.State = StateFinished

	return r, m
}

func (b *remakeBench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// event lets something happen that happens: a packet, late, lost, twice or in the wrong place, a report, a look at what waits, another source, another address.
func (b *remakeBench) event(t *testing.T, rt *rapid.T, i, n int, at time.Duration) {
	t.Helper()
	s, v := b.r.streams[i], b.voices[i]
	from := netip.MustParseAddrPort("192.0.2.1:4000")
	switch what := rapid.IntRange(0, 40).Draw(rt, "what"); {
	case what == 0:
		b.ok(s.play(at, false))
	case what == 1:
		shift := time.Duration(rapid.Int64Range(-3000, 50).Draw(rt, "shift")) * time.Millisecond
		report := v.senderReport(n, b.clock.Add(shift))
		b.ok(s.control(&packet{data: report, from: from}, at))
	case what == 2:
		b.ok(s.flush())
	case what == 3 && rapid.Bool().Draw(rt, "bye"):
		b.ok(s.control(&packet{data: goodbye(v.ssrc)}, at))
	case what == 4:
		v.packet(t, n) // it is lost
		b.digests[i].Add(v.ssrc, v.sequence, nil)
	case what == 5:
		s.receiver.unlatch()
	default:
		data := v.packet(t, n)
		if what > 30 && s.receiver.accepts[noisePayload].ComfortNoise {
			data[1] = data[1]&0x80 | noisePayload
			data = append(data[:12], codecs.SilenceLevel)
		}
		_, payload, _ := parseRTP(data)
		b.digests[i].Add(v.ssrc, v.sequence, payload)
		late := at + time.Duration(rapid.Int64Range(0, 30_000_000).Draw(rt, "late"))
		b.ok(s.media(&packet{data: slices.Clone(data), from: from}, late))
		if what == 6 {
			b.ok(s.media(&packet{data: slices.Clone(data), from: from}, late))
		}
	}
}

// Whatever comes when, the files that are made again from the dumps are those that the recorder has written.
func TestRemake(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := drawRemakeBench(t, rt)
		remakes(t, rt, b, 200, func(int) {})
	})
}

// The same of what a client delivers later, whose reports tell when it was captured, whether the recorder knows from the beginning that it is that or not.
func TestRemakeOfDelivery(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := drawRemakeBench(t, rt)
		b.clock = b.r.began.Add(-time.Hour)
		known := rapid.SampledFrom([]int{0, 0, 50}).Draw(rt, "known")
		remakes(t, rt, b, 200, func(n int) {
			if n == known {
				b.r.origin.captured = ntpTime(b.clock)
			}
		})
	})
}

func drawRemakeBench(t *testing.T, rt *rapid.T) *remakeBench {
	t.Helper()
	all := []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.G722, codecs.Opus, codecs.L16At16000}
	dir, err := os.MkdirTemp(t.TempDir(), "") //nolint:usetesting // one for each try
	if err != nil {
		rt.Fatal(err)
	}
	format := Format(rapid.IntRange(0, 2).Draw(rt, "format"))

	return newRemakeBench(rt, dir, format, rapid.SliceOfN(rapid.SampledFrom(all), 1, 2).Draw(rt, "codecs")...)
}

// remakes lets events happen, and looks at what is made again.
func remakes(t *testing.T, rt *rapid.T, b *remakeBench, frames int, before func(n int)) {
	t.Helper()
	for n := range frames {
		before(n)
		for i := range b.voices {
			b.event(t, rt, i, n, time.Duration(n)*frame)
		}
	}
	r, m := b.finish(time.Duration(frames) * frame)
	for i, s := range r.Streams {
		audio, err := r.proveAudio(i, &m.Streams[i], false)
		if err != nil || slices.ContainsFunc(audio.Reasons, func(s string) bool { return !isCount(s) }) || audio.Rounded > 0 {
			rt.Fatalf("%s: %+v %v", s.File, audio, err)
		}
	}
}

// isCount tells a reason that says what the recorder has not put in, which is so as well when the file is what it has made.
func isCount(reason string) bool {
	for _, end := range []string{"came too late for it", "were cut or covered"} {
		if len(reason) > len(end) && reason[len(reason)-len(end):] == end {
			return true
		}
	}

	return false
}

// edited is a copy of a recording whose dump has other records.
func edited(t *testing.T, r *Recording, change func([]record) []record) *Recording {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(r.Directory)); err != nil {
		t.Fatal(err)
	}
	c := *r
	c.Directory, c.Streams = dir, slices.Clone(r.Streams)
	var list []record
	var at time.Time
	name := filepath.Join(dir, r.Streams[0].Dump)
	if err := readRecords(name, func(began time.Time, r record) error { at, list = began, append(list, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	d, err := createDump(name, everybody, at)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range change(list) {
		length := len(r.data)
		if r.control {
			length = 0
		}
		if err := d.record(r.data, length, r.at); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}

	return &c
}

// forge makes the file what the dump gives now, with its hash and its counters, as one does who is able to do all but sign.
func forge(t *testing.T, r *Recording) {
	t.Helper()
	s := &r.Streams[0]
	dir := t.TempDir()
	m, err := s.remake(filepath.Join(r.Directory, s.Dump), dir, r.StartedAt, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err = os.Rename(m.name, filepath.Join(r.Directory, s.File)); err != nil {
		t.Fatal(err)
	}
	s.Packets = m.report.Packets
	if s.SHA256, err = hashFile(filepath.Join(r.Directory, s.File)); err != nil {
		t.Fatal(err)
	}
}

// Whoever changes the dump such that it gives another file, all payloads being what was sent, and puts that file with its hash in the place of the
// recorder's, is found as well.
func TestRemakeFindsForgedDumps(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{FormatWAV, FormatOpus} {
		b := newRemakeBench(t, t.TempDir(), format, codecs.PCMU)
		s, v := b.r.streams[0], b.voices[0]
		s.receiver.accepts[101] = sdp.ReceivePayload{Number: 101, ClockRate: 8000, Event: true}
		b.ok(s.dump.note(newAgreed(s.receiver)))
		for n := range 300 {
			data := v.packet(t, n)
			_, payload, _ := parseRTP(data)
			b.digests[0].Add(v.ssrc, v.sequence, payload)
			at := time.Duration(n) * frame
			b.ok(s.media(&packet{data: data, from: everybody}, at))
			if n == 100 {
				b.ok(s.control(&packet{data: v.senderReport(n, b.r.began), from: everybody}, at))
			}
		}
		r, m := b.finish(300 * frame)
		if p, err := r.Prove(m); err != nil || p.Verdict != Proved || p.Streams[0].Audio[0].Verdict != Proved {
			t.Fatalf("%+v %v", p, err)
		}
		for name, x := range forgeries() {
			c := edited(t, &r, x.change)
			forge(t, c)
			p, err := c.Prove(m)
			if err != nil || p.Verdict != x.want || len(p.Streams[0].Audio) != 1 || !strings.Contains(strings.Join(p.Streams[0].Audio[0].Reasons, "; "), x.says) {
				t.Errorf("%v, %s: %+v %v", format, name, p, err)
			}
		}
	}
}

type forgery struct {
	change func([]record) []record
	want   Verdict
	says   string
}

func forgeries() map[string]forgery {
	// of gives the packets, in order.
	of := func(list []record) (at []int) {
		for i, r := range list {
			if !r.control {
				at = append(at, i)
			}
		}

		return at
	}

	return map[string]forgery{
		"words again at the end": {func(list []record) []record {
			at := of(list)
			for i := range 10 {
				again := list[at[100+i]]
				again.at = list[at[299]].at + time.Duration(i)*frame
				list = append(list, again)
			}

			return append(list, record{data: note{Do: notePlay, All: true}.packet(), control: true, at: 8 * time.Second})
		}, Altered, "are in it again"},
		"words taken for keys": {func(list []record) []record {
			for _, i := range of(list)[100:110] {
				list[i].data = bytes.Clone(list[i].data)
				list[i].data[1] = 101
			}

			return list
		}, Altered, "taken for events"},
		"words taken for silence": {func(list []record) []record {
			for _, i := range of(list)[100:110] {
				list[i].data = bytes.Clone(list[i].data)
				list[i].data[1] = noisePayload
			}

			return list
		}, Altered, "taken for events or comfort noise"},
		"another codec": {func(list []record) []record {
			for i := range list {
				if list[i].control {
					list[i].data = bytes.ReplaceAll(list[i].data, []byte("PCMU"), []byte("PCMA"))
				}
			}

			return list
		}, Altered, "decoded as PCMA, and sent as PCMU"},
		"words that come too late": {func(list []record) []record {
			at := of(list)
			for _, i := range at[100:110] {
				list[i].at += time.Second
			}
			late := slices.Clone(list[at[100]:at[110]])
			rest := slices.Delete(list, at[100], at[110])

			return slices.Insert(rest, at[180], late...)
		}, Incomplete, "too late for it"},
		"the beginning cut off": {func(list []record) []record {
			for i, r := range list {
				if r.control && r.data[1] == rtcpSR {
					clock := note{Do: noteClock, Known: true, Latched: true, NS: -time.Duration(binary.BigEndian.Uint32(r.data[8:])) * time.Second}

					return slices.Insert(list, i, record{data: clock.packet(), control: true, at: r.at})
				}
			}

			return list
		}, Incomplete, "cut or covered"},
	}
}
