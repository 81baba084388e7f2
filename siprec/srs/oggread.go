package srs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parley-sip/parley/codecs"
)

// An oggReader decodes a file of Ogg Opus of one stream. A page that is cut off, which was being written when the process died, ends it.
type oggReader struct {
	in      *bufio.Reader
	decoder codecs.Decoder
	serial  uint32
	skip    int64    // samples still to be thrown away
	made    int64    // samples that were decoded
	end     int64    // where the stream ends, -1: not known
	packets [][]byte // of the page that is being decoded
	pcm     []int16  // decoded and not read yet
	buffer  [codecs.MaxPacketSamples]int16
}

func readOgg(in *bufio.Reader) (*oggReader, error) {
	first, err := readPage(in)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	skip, ok := readOpusHead(&first)
	if !ok {
		return nil, ErrFormat
	}
	if _, err = readPage(in); err != nil { // the tags, one page in files of ours
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	decoder, err := codecs.NewDecoder(codecs.Opus)
	if err != nil {
		return nil, err
	}

	return &oggReader{in: in, decoder: decoder, serial: first.serial, skip: skip, end: -1}, nil
}

// readOpusHead returns the pre-skip of the first page (RFC 7845, section 5.1).
func readOpusHead(p *page) (skip int64, ok bool) {
	if p.flags&pageFirst == 0 || len(p.body) < 19 || string(p.body[:8]) != "OpusHead" {
		return 0, false
	}

	return int64(binary.LittleEndian.Uint16(p.body[10:])), true
}

// readSamples implements sampleReader.
func (o *oggReader) readSamples(dst []int16) (int, error) {
	done := 0
	for done < len(dst) {
		if len(o.pcm) == 0 {
			if err := o.next(); err != nil {
				return done, err
			}
		}
		n := copy(dst[done:], o.pcm)
		o.pcm, done = o.pcm[n:], done+n
	}

	return done, nil
}

// next decodes a packet.
func (o *oggReader) next() error {
	for len(o.packets) == 0 {
		p, err := readPage(o.in)
		if errors.Is(err, errPage) {
			err = io.EOF
		}
		if err != nil {
			return err
		}
		if p.serial != o.serial {
			continue
		}
		if p.flags&pageLast != 0 {
			o.end = p.granule
		}
		p.packets(func(data []byte) { o.packets = append(o.packets, data) })
	}
	packet := o.packets[0]
	o.packets = o.packets[1:]
	size, err := codecs.OpusPacketSamples(packet)
	if err != nil {
		return nil //nolint:nilerr // a packet without audio takes no time
	}
	if n, err := o.decoder.Decode(o.buffer[:], packet); err != nil || n != size {
		o.decoder.Conceal(o.buffer[:size])
	}
	o.pcm = o.buffer[:size]
	if o.end >= 0 && o.made+int64(size) > o.end {
		o.pcm = o.pcm[:max(0, o.end-o.made)]
	}
	o.made += int64(size)
	cut := min(o.skip, int64(len(o.pcm)))
	o.pcm, o.skip = o.pcm[cut:], o.skip-cut

	return nil
}

// oggLength reads how many samples a file has from its pages.
func oggLength(name string) (int64, error) {
	file, err := os.Open(name) //nolint:gosec // a name made here in the configured directory
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // was only read
	in := bufio.NewReaderSize(file, audioBuffer)
	first, err := readPage(in)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	skip, ok := readOpusHead(&first)
	if !ok {
		return 0, fmt.Errorf("%w: %s", ErrFormat, name)
	}
	var granule int64
	for {
		p, err := readPage(in)
		if err != nil {
			return max(0, granule-skip), nil
		}
		granule = p.granule
	}
}
