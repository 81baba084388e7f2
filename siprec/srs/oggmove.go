package srs

import (
	"errors"
	"io"
	"math"
	"slices"

	"github.com/parley-sip/parley/codecs"
)

// A passed packet is one that was put at a place.
type passed struct {
	at      int64 // sample of the file
	data    []byte
	samples int64
}

// move implements sink. The pages since then are read back, and their packets put in again, which is one write in the end: silence before
// them becomes longer or shorter. What would come before what is there already comes right after it; what would be before the file
// is cut.
func (o *ogg) move(from, to, by int64) error {
	if by == 0 || to <= from {
		return nil
	}
	if err := o.flush(); err != nil {
		return err
	}
	from, by = from*o.ratio, by*o.ratio
	if from <= 0 {
		from = -codecs.MaxPacketSamples // a packet may begin before the file
	}
	i := len(o.marks) - 1
	for i >= 0 && o.marks[i].granule-o.skip > min(from, from+by) {
		i--
	}
	if i < 0 && (len(o.marks) == maxMarks || len(o.marks) == 0) {
		return nil // too long ago
	}
	i = max(i, 0)
	packets, err := o.readBack(o.marks[i])
	if err != nil {
		return err
	}
	// Packets are a little off their place, by less than a unit.
	n := slices.IndexFunc(packets, func(p passed) bool { return p.at > from-opusUnit && !isFilling(p.data) })
	if n < 0 {
		n = len(packets) // silence comes by itself
	}

	return o.rewrite(i, packets[:n], packets[n:], by)
}

// rewrite writes the file anew from a mark on, in one go: packets that stay, and those that move.
func (o *ogg) rewrite(i int, stay, moved []passed, by int64) error {
	if by < 0 {
		stay = slices.DeleteFunc(stay, func(p passed) bool { return abs(p.at-o.padding) < opusUnit })
	}
	at, end := o.marks[i], o.size
	o.marks = o.marks[:i]
	o.size, o.granule, o.waiting.sequence, o.spoken = at.size, at.granule, at.sequence, at.granule
	o.begun = o.begun && o.first < at.granule
	o.held = make([]byte, 0, end-at.size)
	err := o.again(stay, 0)
	if err == nil {
		err = o.again(moved, by)
	}
	if err == nil {
		err = o.flush()
	}
	held := o.held
	o.held = nil
	switch {
	case err != nil:
	case at.size <= maxCopied:
		o.file, err = replaced(o.file, o.name, at.size, held)
	default:
		if _, err = o.file.WriteAt(held, at.size); err == nil && o.size < end {
			err = o.file.Truncate(o.size)
		}
	}

	return err
}

// shift implements sink.
func (o *ogg) shift(by int64, closed bool) error {
	if closed {
		if err := o.open(); err != nil {
			return err
		}
	}
	err := o.move(0, math.MaxInt64, by)
	o.padding += by * o.ratio
	if closed {
		err = errors.Join(err, o.close())
	}

	return err
}

// again puts packets in once more, each that much later. Silence comes by itself.
func (o *ogg) again(packets []passed, by int64) error {
	for _, p := range packets {
		if isFilling(p.data) {
			continue
		}
		if err := o.put(p.at+by, p.data, p.samples); err != nil {
			return err
		}
	}

	return nil
}

// readBack reads the packets from a page on.
func (o *ogg) readBack(from mark) ([]passed, error) {
	in := io.NewSectionReader(o.file, from.size, o.size-from.size)
	var packets []passed
	at := from.granule - o.skip
	for {
		p, err := readPage(in)
		if err == io.EOF { //nolint:errorlint // readPage returns it bare
			return packets, nil
		}
		if err != nil {
			return nil, err
		}
		p.packets(func(data []byte) {
			n, _ := codecs.OpusPacketSamples(data) // checked when it was put
			packets = append(packets, passed{at: at, data: data, samples: int64(n)})
			at += int64(n)
		})
	}
}
