package srs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/parley-sip/parley/codecs"
)

const (
	opusExtension = ".opus"
	opusRate      = 48000
	// opusUnit is the shortest frame of Opus: 2.5 ms. Packets are that close to their place, and the first one exactly, as samples are
	// skipped before it.
	opusUnit = 120
	// opusSkip is by how much audio comes later out of a decoder than it went into the encoder.
	opusSkip = 312
	// maxSkip is the most that the header can tell.
	maxSkip = 1<<16 - 1
	// tail is what has to follow the last packet so that all of it comes out of the decoder.
	tail = 960
	// maxMarks pages can be moved: two minutes.
	maxMarks = 128
)

// An ogg is a file of Ogg Opus (RFC 7845), written page by page. Every page is complete, so that all that was written can be read when the
// process dies. What is not there is filled with packets of silence, as a stream cannot have gaps. It belongs to one goroutine.
type ogg struct {
	file  *os.File
	name  string
	ratio int64 // samples of the file per sample of a place

	size    int64  // octets that the file has
	granule int64  // samples that its packets decode to, with those that wait
	skip    int64  // of them, that are thrown away in the beginning
	begun   bool   // a packet is there that is no silence
	first   int64  // samples before it
	waiting page   // what is not written yet
	held    []byte // pages that are written together; nil: each by itself
	marks   []mark // where pages begin, the last ones
	toc     byte   // of the last packet
	padding int64  // where a packet is, in samples of the file, that is nothing but what was left in an encoder
	spoken  int64  // where the last packet that is no silence ends
}

// A mark is where a page begins: its octet, and the samples before it.
type mark struct {
	size, granule int64
	sequence      uint32
}

// createOgg makes a file for places at a rate.
func createOgg(name string, rate int) (*ogg, error) {
	//nolint:gosec // a name made here in the configured directory
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	o := &ogg{padding: math.MinInt64 / 2, file: file, name: name, ratio: int64(opusRate / rate), skip: opusSkip}
	o.waiting.serial = rand.Uint32() //nolint:gosec // tells streams apart
	b := o.head(rate)
	tags := append([]byte("OpusTags\x06\x00\x00\x00parley"), 0, 0, 0, 0)
	p := page{serial: o.waiting.serial, sequence: 1}
	p.add(tags)
	b = p.appendTo(b)
	if _, err := file.WriteAt(b, 0); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	o.size, o.waiting.sequence = int64(len(b)), 2

	return o, nil
}

// head is the page with the identification header (RFC 7845, section 5.1). It always has the same size.
func (o *ogg) head(rate int) []byte {
	h := append([]byte("OpusHead"), 1, 1)                   // version, channels
	h = binary.LittleEndian.AppendUint16(h, uint16(o.skip)) //nolint:gosec // bounded where it is set
	h = binary.LittleEndian.AppendUint32(h, uint32(rate))   //nolint:gosec // a sample rate
	h = append(h, 0, 0, 0)                                  // gain, mapping
	p := page{flags: pageFirst, serial: o.waiting.serial}
	p.add(h)

	return p.appendTo(nil)
}

// silence are frames of silence of CELT of 2.5, 5, 10 and 20 ms (RFC 6716, sections 3.1 and 4.3). Their first octet alone has a decoder make up
// as much.
//
//nolint:gochecknoglobals // table
var silence = [...][]byte{{0xe0, 0xff, 0xfe}, {0xe8, 0xff, 0xfe}, {0xf0, 0xff, 0xfe}, {0xf8, 0xff, 0xfe}}

// longSilence is as much as one packet can hold: six frames of 20 ms.
//
//nolint:gochecknoglobals // table
var longSilence = []byte{0xfb, 6, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe}

// isFilling reports whether a packet is one of those of fill.
func isFilling(packet []byte) bool {
	return slices.Equal(packet, longSilence) || slices.ContainsFunc(silence[:], func(s []byte) bool {
		return slices.Equal(s, packet) || slices.Equal(s[:1], packet)
	})
}

// isSilent reports whether a packet is a frame of silence of any bandwidth.
func isSilent(packet []byte) bool {
	return isFilling(packet) || len(packet) == 3 && packet[0]&3 == 0 && packet[1] == 0xff && packet[2] == 0xfe
}

// fill appends silence, less than a unit short of that many samples, or what decoders make up: a gap that is shorter than a packet is no
// pause of the speaker.
func (o *ogg) fill(samples int64, made bool) error {
	size := len(silence[0])
	if made {
		size = 1
	}
	for samples >= codecs.MaxPacketSamples {
		if err := o.append(longSilence, codecs.MaxPacketSamples); err != nil {
			return err
		}
		samples -= codecs.MaxPacketSamples
	}
	for i := len(silence) - 1; i >= 0; i-- {
		for length := int64(opusUnit) << i; samples >= length; samples -= length {
			if err := o.append(silence[i][:size], length); err != nil {
				return err
			}
		}
	}

	return nil
}

// append puts a packet behind the others.
func (o *ogg) append(packet []byte, samples int64) error {
	if !o.waiting.fits(len(packet)) {
		if err := o.flush(); err != nil {
			return err
		}
	}
	o.waiting.add(packet)
	o.granule += samples

	return nil
}

// put puts a packet at a place of the file, after silence where nothing is. What has its place taken comes as early as it can.
func (o *ogg) put(at int64, packet []byte, samples int64) error {
	if at+samples <= -opusSkip || len(packet) >= maxLacing*maxLacing || o.spare(at, packet, samples) {
		return nil
	}
	fresh := !o.begun
	if fresh && isFilling(packet) {
		return o.fill(at+samples+o.skip-o.granule, false)
	}
	if fresh {
		if err := o.begin(at); err != nil {
			return err
		}
	}
	missing := at + o.skip - o.granule
	if missing <= -opusUnit && isSilent(packet) {
		return o.fill(missing+samples, false)
	}
	if err := o.fill(missing, missing < codecs.MaxFrameSamples && !fresh); err != nil {
		return err
	}
	if fresh {
		o.begun, o.first = true, o.granule
	}
	err := o.append(packet, samples)
	if !isFilling(packet) {
		o.toc, o.spoken = packet[0], o.granule
	}

	return err
}

// tardy is how late audio may come before any of it is left out that could be speech.
const tardy = opusRate / 5

// spare reports whether a packet is left out, because those before it take more time than there was: the client's clock is slow. Speech never is.
func (o *ogg) spare(at int64, packet []byte, samples int64) bool {
	late := o.granule - at - o.skip
	if !o.begun || late < samples {
		return false
	}
	voice, known := codecs.OpusVoice(packet)

	return len(packet) <= 2 || known && !voice || !known && late > tardy
}

// begin chooses how much is skipped, so that the first packet is exactly at its place: silence before it is a whole number of units.
func (o *ogg) begin(at int64) error {
	units := max(0, (at+opusSkip+opusUnit-1)/opusUnit)
	skip := min(units*opusUnit-at, maxSkip)
	if skip == o.skip || o.granule > units*opusUnit {
		return nil
	}
	o.skip = skip
	_, err := o.file.WriteAt(o.head(int(opusRate/o.ratio)), 0)

	return err
}

// flush writes the packets that wait as a page.
func (o *ogg) flush() error {
	if len(o.waiting.lacing) == 0 {
		return nil
	}
	o.waiting.granule = o.granule
	start := len(o.held)
	b := o.waiting.appendTo(o.held)
	if o.held != nil {
		o.held, b = b, b[start:]
	} else if _, err := o.file.WriteAt(b, o.size); err != nil {
		return err
	}
	before := int64(0)
	o.waiting.packets(func(p []byte) { n, _ := codecs.OpusPacketSamples(p); before += int64(n) })
	if len(o.marks) == maxMarks {
		o.marks = slices.Delete(o.marks, 0, 1)
	}
	o.marks = append(o.marks, mark{size: o.size, granule: o.granule - before, sequence: o.waiting.sequence})
	o.size += int64(len(b))
	o.waiting.sequence++
	o.waiting.lacing, o.waiting.body = o.waiting.lacing[:0], o.waiting.body[:0]

	return nil
}

// pass implements payloadSink.
func (o *ogg) pass(at int64, payload []byte, samples int) error {
	return o.put(at*o.ratio, payload, int64(samples))
}

// lost implements payloadSink: packets with empty frames have the decoder make up what is missing (RFC 7845, section 4.1).
func (o *ogg) lost(at, samples int64) error {
	frame, err := codecs.ParseOpusTOC([]byte{o.toc &^ 3})
	if err != nil || !o.begun {
		return nil //nolint:nilerr // there is nothing to go on from
	}
	for ; samples >= int64(frame.FrameSamples); samples -= int64(frame.FrameSamples) {
		if err := o.put(at*o.ratio, []byte{o.toc &^ 3}, int64(frame.FrameSamples)); err != nil {
			return err
		}
		at += int64(frame.FrameSamples) / o.ratio
	}

	return nil
}

// write implements sink; there is nothing to encode them with.
func (o *ogg) write(int64, []int16) error { return errors.ErrUnsupported }

// length implements sink. What comes late out of a decoder is part of it.
func (o *ogg) length() int64 {
	if !o.begun {
		return max(0, o.granule-o.skip)
	}

	return max(0, o.granule-o.skip, o.spoken-o.skip+opusSkip)
}

func (o *ogg) fileRate() int    { return opusRate }
func (o *ogg) handle() *os.File { return o.file }

// close implements sink.
func (o *ogg) close() error {
	err := o.flush()
	if err == nil {
		err = o.file.Sync()
	}

	return errors.Join(err, o.file.Close())
}

// complete implements sink.
func (o *ogg) complete(samples int64) (int64, error) {
	if err := o.open(); err != nil {
		return o.length(), err
	}

	return o.end(max(samples, o.length()))
}

// open opens the file again that was closed.
func (o *ogg) open() error {
	file, err := reopen(o.name)
	if err == nil {
		o.file = file
	}

	return err
}

// end writes silence up to a length, and the page that ends the stream, whose granule position cuts the rest off, and closes the file.
func (o *ogg) end(samples int64) (int64, error) {
	err := o.fill(samples+o.skip-o.granule, false)
	if err == nil && (o.granule < samples+o.skip || len(o.waiting.lacing) == 0) {
		err = o.append(silence[len(silence)-1], tail)
	}
	if err != nil {
		return o.length(), errors.Join(err, o.file.Close())
	}
	o.waiting.flags, o.granule = pageLast, samples+o.skip
	if err = o.close(); err != nil {
		return o.length(), fmt.Errorf("complete: %w", err)
	}

	return samples, nil
}
