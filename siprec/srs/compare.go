package srs

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// rounding is by how much a sample may be different that a decoder of Opus has made elsewhere, of 32768 (RFC 6716, section 6).
const rounding = 16

// A difference says what of a file is not as it was made again.
type difference struct {
	where   string // the first one; empty: there is none
	rounded int64  // samples that are different, by no more than rounding
}

// A comparison is what is compared of a file of ours and of the same one made again.
type comparison struct {
	from, to  time.Duration // the part of it
	tolerance int32         // by how much samples of WAV may be different
}

func (c *comparison) whole() bool { return c.to == math.MaxInt64 }

// files compares what was made with what is stored.
func (c *comparison) files(made, stored string) (d difference, err error) {
	a, err := os.Open(made) //nolint:gosec // the caller's
	if err != nil {
		return d, err
	}
	defer func() { _ = a.Close() }() // was only read
	b, err := os.Open(stored)        //nolint:gosec // the caller's
	if err != nil {
		return d, err
	}
	defer func() { _ = b.Close() }() // was only read
	x, y := bufio.NewReaderSize(a, audioBuffer), bufio.NewReaderSize(b, audioBuffer)
	if magic, _ := x.Peek(len(oggMagic)); string(magic) == oggMagic {
		return c.ogg(x, y)
	}

	return c.wav(x, y)
}

// wav compares the headers by their octets, and the samples by their values.
func (c *comparison) wav(made, stored io.Reader) (d difference, err error) {
	var h, g [wavHeader]byte
	if _, err := io.ReadFull(made, h[:]); err != nil {
		return d, err
	}
	if _, err := io.ReadFull(stored, g[:]); err != nil || h != g && c.whole() || !bytes.Equal(h[8:40], g[8:40]) {
		return difference{where: "in the header"}, ended(err)
	}
	rate, channels := int64(binary.LittleEndian.Uint32(h[24:])), int64(binary.LittleEndian.Uint16(h[22:]))
	from, to := int64(0), int64(math.MaxInt64)
	if !c.whole() {
		from, to = int64(c.from)*rate/int64(time.Second)*channels, int64(c.to)*rate/int64(time.Second)*channels
	}
	var b, other [4096]byte
	for at := int64(0); ; {
		n, err1 := io.ReadFull(made, b[:])
		m, err2 := io.ReadFull(stored, other[:])
		if err := errors.Join(ended(err1), ended(err2)); err != nil {
			return d, err
		}
		for i := 0; i+sampleSize <= min(n, m); i += sampleSize {
			if at >= from && at < to && !c.same(b[i:], other[i:], &d) {
				return difference{where: seconds(at/channels, rate)}, nil
			}
			at++
		}
		switch {
		case n != m && at < to:
			return difference{where: seconds(at/channels, rate) + ", where one ends"}, nil
		case min(n, m) < len(b):
			return d, nil
		}
	}
}

// same compares two samples.
func (c *comparison) same(a, b []byte, d *difference) bool {
	x, y := binary.LittleEndian.Uint16(a), binary.LittleEndian.Uint16(b)
	off := int32(int16(x)) - int32(int16(y)) //nolint:gosec // two's complement
	if off != 0 {
		d.rounded++
	}

	return max(off, -off) <= c.tolerance
}

// ogg compares page by page: what is in them, and where it is. The number of the stream is another one in every file.
func (c *comparison) ogg(made, stored io.Reader) (d difference, err error) {
	var before int64
	for {
		p, err := readPage(made)
		q, err2 := readPage(stored)
		over, over2 := errors.Is(err, io.EOF), errors.Is(err2, io.EOF)
		switch {
		case over && over2:
			return d, nil
		case err != nil && !over:
			return d, err
		case err2 != nil && !over2 && !errors.Is(err2, errPage):
			return d, err2
		}
		same := p.flags == q.flags && p.granule == q.granule && bytes.Equal(p.lacing, q.lacing) && bytes.Equal(p.body, q.body)
		begins, ends := time.Duration(before)*time.Second/opusRate, time.Duration(p.granule)*time.Second/opusRate
		if err != nil || err2 != nil || !same && ends >= c.from && begins <= c.to {
			return difference{where: seconds(before, opusRate)}, nil //nolint:nilerr // what is cut off is a difference
		}
		before = p.granule
	}
}

// seconds is where a sample is.
func seconds(sample, rate int64) string {
	return fmt.Sprintf("at %.3f s", float64(sample)/float64(rate))
}

// ended is no error where one says that a file ends.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}

	return err
}
