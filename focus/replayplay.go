package focus

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/spool"
)

// spooled is what is known of a segment before it is delivered.
type spooled struct {
	name        string
	header      spoolHeader
	streams     []spoolStream // in the order of their indices
	roster      spoolRosters  // the last
	first, last time.Time     // of the frames; zero: there are none
	frames      int
	texts       int // pieces of text
}

// headerOf reads what a segment begins with, and tells whether anything else than what it is about is in it.
func headerOf(store *spool.Store, name string) (header spoolHeader, empty bool, err error) {
	r, err := store.Read(name)
	if err != nil {
		return header, false, err
	}
	defer func() { _ = r.Close() }() // was only read
	for {
		record, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return header, true, nil
		case err != nil:
			return header, false, err
		case len(record) == 0:
			return header, false, errSpoolRecord
		}
		switch record[0] {
		case spooledHeader:
			if err := json.Unmarshal(record[1:], &header); err != nil {
				return header, false, err
			}
		case spooledFrame, spooledText:
			return header, false, nil
		}
	}
}

// survey reads a segment once, from beginning to end.
func survey(store *spool.Store, name string) (*spooled, error) {
	r, err := store.Read(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // was only read
	s := &spooled{name: name}
	for {
		record, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			slices.SortFunc(s.streams, func(a, b spoolStream) int { return cmp.Compare(a.Index, b.Index) })
			return s, nil
		case err != nil:
			return nil, err
		case len(record) == 0:
			return nil, errSpoolRecord
		}
		if err := s.take(record); err != nil {
			return nil, err
		}
	}
}

func (s *spooled) take(record []byte) error {
	switch record[0] {
	case spooledHeader:
		return json.Unmarshal(record[1:], &s.header)
	case spooledStream:
		var stream spoolStream
		if err := json.Unmarshal(record[1:], &stream); err != nil {
			return err
		}
		stream.Key = stream.ID.Text() // who has come back is in another stream, with the key of the one before
		s.streams = append(s.streams, stream)
	case spooledRoster:
		s.roster = spoolRosters{}
		return json.Unmarshal(record[1:], &s.roster)
	case spooledFrame:
		f, err := parseSpoolFrame(record)
		if err != nil {
			return err
		}
		s.extend(f.at.Add(-s.age(f.stream)))
		s.extend(f.at)
		s.frames++
	case spooledText:
		f, err := parseSpoolText(record)
		if err != nil {
			return err
		}
		s.extend(f.at)
		s.texts++
	default:
		return fmt.Errorf("%w: kind %d", errSpoolRecord, record[0])
	}
	return nil
}

// age is that of the frames of a stream.
func (s *spooled) age(index uint16) time.Duration {
	if i := slices.IndexFunc(s.streams, func(t spoolStream) bool { return t.Index == index }); i >= 0 {
		return s.streams[i].Age
	}
	return 0
}

// extend has a time among those of the frames.
func (s *spooled) extend(at time.Time) {
	if s.first.IsZero() || at.Before(s.first) {
		s.first = at
	}
	if at.After(s.last) {
		s.last = at
	}
}

// frameHeap is a queue of frames by the time of their capture; those of one time are in the order in which they were written.
type frameHeap []spoolFrame

func (h frameHeap) Len() int { return len(h) }
func (h frameHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].order < h[j].order
}
func (h frameHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *frameHeap) Push(x any) { *h = append(*h, x.(spoolFrame)) } //nolint:forcetypeassert // of heap.Push only

// Pop implements heap.Interface.
func (h *frameHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// disorder is by how much frames of different streams may be out of order in a segment: they are written some seconds' worth
// at a time.
const disorder = 30 * time.Second

// frameQueue gives the frames of a segment in the order of their capture.
type frameQueue struct {
	reader  *spool.Reader
	waiting frameHeap
	newest  time.Time
	count   int // frames that were read
	ended   bool
}

// next gives the next frame, io.EOF after the last.
func (q *frameQueue) next() (spoolFrame, error) {
	for !q.ended && (len(q.waiting) == 0 || q.newest.Sub(q.waiting[0].at) < disorder) {
		if err := q.read(); err != nil {
			return spoolFrame{}, err
		}
	}
	if len(q.waiting) == 0 {
		return spoolFrame{}, io.EOF
	}
	return heap.Pop(&q.waiting).(spoolFrame), nil //nolint:forcetypeassert // it holds nothing else
}

// read takes one record from the segment.
func (q *frameQueue) read() error {
	record, err := q.reader.Next()
	if errors.Is(err, io.EOF) {
		q.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	var f spoolFrame
	switch record[0] {
	case spooledFrame:
		f, err = parseSpoolFrame(record)
	case spooledText:
		f, err = parseSpoolText(record)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	f.payload, f.order = slices.Clone(f.payload), q.count
	q.count++
	heap.Push(&q.waiting, f)
	if f.at.After(q.newest) {
		q.newest = f.at
	}
	return nil
}

// play sends all frames of the segment at the pace at which they were captured.
func (p *replay) play(ctx context.Context) error {
	r, err := p.focus.spool.Read(p.content.name)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // was only read
	p.began = time.Now()
	for _, s := range p.streams {
		if s.session != nil { // text says by itself when it was written
			s.session.Captured(p.content.first.Add(-s.age), p.began)
		}
	}
	queue := frameQueue{reader: r}
	lines := map[uint16]*replayLine{}
	for {
		f, err := queue.next()
		if errors.Is(err, io.EOF) {
			p.complete(lines)
			p.flush(ctx)
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-time.After(time.Until(p.due(f.at))):
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			return errReplay
		}
		if err := p.emit(lines, &f); err != nil {
			return err
		}
	}
}

// due is when what was captured at a time is sent.
func (p *replay) due(captured time.Time) time.Time { return p.began.Add(captured.Sub(p.content.first)) }

// replayLine is a stream as the player has it.
type replayLine struct {
	replay *replay
	next   time.Time // when what follows was captured; zero: nothing was sent
	until  time.Time // when the last frame ended
	stream *replayStream
	format codecs.Format // that the server takes; no codec: it does not take the stream
	from   codecs.Codec
	change *transcoder // nil: none is needed
}

// emit sends one frame, in the codec that the server takes.
func (p *replay) emit(lines map[uint16]*replayLine, f *spoolFrame) error {
	l := lines[f.stream]
	if l == nil {
		i := slices.IndexFunc(p.content.streams, func(s spoolStream) bool { return s.Index == f.stream })
		if i < 0 {
			return errSpoolRecord
		}
		l = &replayLine{replay: p, stream: p.streams[p.content.streams[i].Key]}
		lines[f.stream] = l
	}
	if (l.stream.text != nil) != (f.text != nil) {
		return errSpoolRecord
	}
	if f.text != nil {
		l.stream.write(f.text)
		return nil
	}
	select {
	case l.format = <-l.stream.changes:
		l.from = codecs.None
	default:
	}
	if !l.format.Codec.Valid() {
		return nil // the server refuses this stream, and takes others
	}
	if l.from != f.codec || f.at.Sub(l.until) > codecs.FrameDuration { // else it goes on
		if err := l.complete(); err != nil {
			return err
		}
	}
	if l.from != f.codec {
		l.from, l.change = f.codec, nil
		if f.codec != l.format.Codec {
			var err error
			if l.change, err = newTranscoder(f.codec, l.format); err != nil {
				return err
			}
		}
	}
	l.until = f.at.Add(time.Duration(f.samples) * time.Second / time.Duration(max(1, f.codec.ClockRate())))
	packet := codecs.Packet{Payload: f.payload, Samples: f.samples, CSRC: f.csrc}
	if l.change == nil {
		l.send(&packet, f.at)
		return nil
	}
	return l.change.each(f.payload, l.sender(packet, f.at))
}

// sender sends what is made of what was captured at a time.
func (l *replayLine) sender(packet codecs.Packet, captured time.Time) func(payload []byte, samples int) {
	at := captured.Add(-l.change.kept())
	return func(payload []byte, samples int) {
		packet.Payload, packet.Samples = payload, samples
		l.send(&packet, at)
		at = at.Add(l.length(samples))
	}
}

// complete is that of all.
func (p *replay) complete(lines map[uint16]*replayLine) {
	for _, l := range lines {
		if err := l.complete(); err != nil {
			p.focus.log.Warn("the last of a stream from the spool", slog.Any("error", err))
		}
	}
}

// complete sends what no packet has had yet of what was captured without a gap.
func (l *replayLine) complete() error {
	if l.change == nil || l.change.kept() == 0 {
		return nil
	}
	return l.change.rest(l.sender(codecs.Packet{}, l.until))
}

// send sends what was captured at a time: its timestamp says so, not when the player came to it. A gap is one in the timestamps, too.
func (l *replayLine) send(packet *codecs.Packet, captured time.Time) {
	age := max(0, time.Since(l.replay.due(captured)))
	if gap := captured.Sub(l.next).Round(codecs.FrameDuration); !l.next.IsZero() && gap > 0 && gap <= media.ClockSlack { // the session sees longer ones itself
		l.stream.session.EmitLate(&codecs.Packet{Samples: l.format.Codec.TimestampUnits(gap)}, age+gap)
	}
	emitSealed(l.stream.session, l.stream.digest, packet, age)
	l.next = captured.Add(l.length(packet.Samples))
}

// length is how long so many RTP units are.
func (l *replayLine) length(units int) time.Duration {
	return time.Duration(units) * time.Second / time.Duration(l.format.Codec.ClockRate())
}
