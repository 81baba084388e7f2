package srs

import (
	"net/netip"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

const (
	// concealed is how much of a loss is made up; the rest is silence.
	concealed = 60 * time.Millisecond
	// stalled is a time without packets after which timestamps that did not go on are not believed.
	stalled = 500 * time.Millisecond
	// ahead is how far before its arrival a packet may belong by a leap of its timestamp. Without a leap it may be as far as unbelievable: a
	// client that kept what it captured until we answered sends it faster than it was made, after a first packet that was as late.
	ahead = time.Second
	// quiet is how long the known address has to be silent before another one is listened to.
	quiet = 2 * time.Second
	// grace is how long packets that were under way when a stream was paused are taken.
	grace = 100 * time.Millisecond
	// reachable is how far from its arrival a report can be that means anything.
	reachable = time.Minute
	// quietLevel is that of audio, in -dBov, that nobody hears; stillPart is what part of a packet of it may be left out or said twice.
	quietLevel, stillPart = 50, 2
	// maxSSRCs bounds the list in the report.
	maxSSRCs = 64
)

// clocks ties the wall clocks of recording clients, by their addresses, to the
// time line: what to add to an NTP time.
type clocks map[netip.Addr]time.Duration

// A receiver turns the packets of a stream into samples at their places. It
// belongs to the goroutine of its recording; times are those since its beginning.
type receiver struct {
	file    sink
	through payloadSink // the file, if payloads go there as they came; nil: they are decoded
	rate    int         // of places: that of the decoder
	report  *Stream     // counters
	clocks  clocks
	codec   codecs.Codec
	decoder codecs.Decoder // of all channels, interleaved
	// channels of the file.
	channels int
	accepts  map[uint8]sdp.ReceivePayload

	described netip.AddrPort // where the client says that it is
	remote    netip.AddrPort // latched on to
	heard     time.Duration
	took      bool // the last packet was one of the stream
	paused    bool
	pausedAt  time.Duration
	source    *source
	left      *source // the one before, which has said goodbye: what was under way may come after that
	candidate *source // another source, until it is believed
	origin    *origin
	next      int64 // sample after the last one of all sources
	first     int64 // first sample with audio, or none
	key       key
	bound     int64   // where the source before has ended
	spoilt    int64   // samples that came to lie before the file or over what another source had put in
	calm      bool    // see timeline
	watch     watcher // nil: nobody wants to know
	text      *texter // of a stream of text, which has nothing else of this; nil: it is audio
	pcm       [codecs.MaxPacketSamples + 2]int16
}

func newReceiver(file sink, rate int, report *Stream, known clocks, from *origin) *receiver {
	through, _ := file.(payloadSink)

	return &receiver{file: file, through: through, rate: rate, report: report, clocks: known, origin: from, first: none, channels: 1, calm: true}
}

// configure takes what was agreed; the codec has the rate of the file.
func (r *receiver) configure(stream sdp.Stream) error {
	if r.text != nil {
		r.configureText(stream.Text)

		return nil
	}
	accepts := make(map[uint8]sdp.ReceivePayload, len(stream.Accepts))
	for _, a := range stream.Accepts {
		if a.Codec == stream.Codec || (a.Event || a.ComfortNoise) && a.ClockRate == stream.Codec.ClockRate() {
			accepts[a.Number] = a
		}
	}
	r.accepts = accepts
	if r.codec == stream.Codec {
		return nil
	}
	decoder, err := newDecoder(stream.Codec)
	if err != nil {
		return err
	}
	r.codec, r.decoder, r.channels = stream.Codec, decoder, channelsOf(stream.Codec)

	return nil
}

// packet takes an RTP packet. The error is one of the file.
func (r *receiver) packet(data []byte, from netip.AddrPort, at time.Duration) error {
	if r.text != nil {
		return r.textPacket(data, from, at)
	}
	h, payload, ok := parseRTP(data)
	format, known := r.accepts[h.payloadType]
	if !ok || !known || !r.latch(from, at) || r.paused && at > r.pausedAt+grace {
		r.report.Discarded++
		r.took = false

		return nil
	}
	r.took = true
	e := entry{at: at, header: h, payload: payload}
	switch {
	case r.source == nil && r.left != nil && r.left.ssrc == h.ssrc && r.left.order.push(e):
		r.source, r.left = r.left, nil
	case r.source == nil:
		r.source = r.newSource(h.ssrc, format)
		r.source.order.push(e)
	case r.source.ssrc == h.ssrc && r.source.order.push(e):
		r.candidate = nil
	case r.candidate == nil || r.candidate.ssrc != h.ssrc || !r.candidate.order.push(e):
		r.candidate = r.newSource(h.ssrc, format)
		r.candidate.order.push(e)
	default:
		if err := r.play(at, true); err != nil {
			return err
		}
		r.retire()
		r.source, r.candidate = r.candidate, nil
		r.decoder.Reset()
	}
	r.source.count(h.timestamp, at, format.ClockRate)

	return r.play(at, false)
}

// latch keeps to the address that the first packet came from, so that nobody else can put
// something in, until it falls silent. The address that the client has described counts before any other: what comes from elsewhere at first
// may be for a stream of another recorder, or of this one before it died, which had the port until just now.
func (r *receiver) latch(from netip.AddrPort, at time.Duration) bool {
	if r.remote != from && r.described != from && r.remote.IsValid() && at-r.heard < quiet {
		return false
	}
	r.remote, r.heard = from, at

	return true
}

// unlatch makes the next packet decide anew where the client sends from.
func (r *receiver) unlatch() { r.remote = netip.AddrPort{} }

func (r *receiver) newSource(ssrc uint32, format sdp.ReceivePayload) *source {
	if len(r.report.SSRCs) < maxSSRCs && !slices.Contains(r.report.SSRCs, ssrc) {
		r.report.SSRCs = append(r.report.SSRCs, ssrc)
	}
	s := &source{ssrc: ssrc}
	s.line = timeline{rate: int64(r.rate), ratio: int64(r.rate / format.ClockRate), delay: delayOf(r.codec), calm: r.calm && r.through == nil}

	return s
}

// play puts in what is due; all of it if all.
func (r *receiver) play(now time.Duration, all bool) error {
	if r.text != nil {
		return r.text.play(now, all, r.paused && now > r.pausedAt+grace)
	}
	s := r.source
	if s == nil {
		return nil
	}
	for {
		e, lost, ok := s.order.pop(now, all)
		if !ok {
			return nil
		}
		if err := r.put(s, e, lost); err != nil {
			return err
		}
	}
}

// put decodes a packet and writes it where it belongs.
func (r *receiver) put(s *source, e entry, lost int64) error {
	r.report.Packets++
	r.report.Lost += uint64(max(lost, 0))
	if r.accepts[e.header.payloadType].Event {
		return r.event(s, e)
	}
	ts := s.extend(e.header.timestamp)
	if !s.begun || r.strange(s, ts, e.at) {
		// What begins here may go back to where the clock of the client was all the time: the piece before must not be in its way.
		began := s.line.began
		if err := r.move(s, began, s.line.settle()); err != nil {
			return err
		}
		r.bound = r.next
		s.line.start(ts, e.at, r.next)
		s.begun, s.nextTS, s.next = true, ts, s.line.anchor
		r.decoder.Reset()
		lost = 0
	}
	noise := r.accepts[e.header.payloadType].ComfortNoise
	switch missing := ts - s.nextTS; {
	case lost > 0 && missing > 0 && !s.silent:
		if err := r.conceal(s, missing, e.payload); err != nil {
			return err
		}
	case lost == 0 && (s.silent || noise):
		s.line.leap(missing * s.line.ratio)
	}
	if r.watch != nil {
		r.watch.put(e.payload, s.line.place(ts)+s.line.samples(r.origin.early))
	}
	take := r.audio
	if s.silent = noise; noise {
		take = r.silence
	}
	if err := take(s, ts, e); err != nil {
		return err
	}
	if r.origin.captured == 0 { // else reports tell where it belongs
		began := s.line.began
		if err := r.move(s, began, s.line.arrived(ts, e.at)); err != nil {
			return err
		}
	}
	if s.reported && !s.line.byReport {
		return r.align(s)
	}

	return nil
}

// audio puts a payload where it belongs.
func (r *receiver) audio(s *source, ts int64, e entry) error {
	place := s.line.place(ts)
	if r.through != nil {
		n, err := r.codec.PacketSamples(e.payload)
		if err != nil {
			r.report.Discarded++
		}
		if n > 0 {
			s.line.creep(0)
		}
		s.lastTS, s.nextTS, s.lastAt = ts, ts+int64(n)/s.line.ratio, e.at
		if n == 0 {
			return nil
		}

		return r.pass(s, place, n, func(at int64) error { return r.through.pass(at, e.payload, n) })
	}
	n, err := r.decoder.Decode(r.pcm[:codecs.MaxPacketSamples], e.payload)
	if err != nil {
		r.report.Discarded++
		n = 0
	}
	n /= r.channels
	length := n
	if n > 0 {
		step := int(s.line.creep(r.still(s, n)))
		if length += step; step > 0 {
			copy(r.pcm[n*r.channels:], r.pcm[(n-step)*r.channels:n*r.channels])
		}
	}
	s.lastTS, s.nextTS, s.lastAt = ts, ts+int64(n)/s.line.ratio, e.at

	return r.write(s, place, r.pcm[:length*r.channels])
}

// still is by how many samples of its own a decoded packet may be longer or shorter, if it is to be where nothing is heard: a part of it, and nothing else is lost.
func (r *receiver) still(s *source, n int) int64 {
	if s.line.rest == 0 || codecs.Level(r.pcm[:n*r.channels]) < quietLevel {
		return 0
	}

	return int64(min(n/stillPart, len(r.pcm)/r.channels-n))
}

// pass is write for what is not decoded.
func (r *receiver) pass(s *source, at int64, samples int, put func(at int64) error) error {
	place, err := r.place(s, at)
	if err != nil {
		return err
	}
	if r.first == none {
		r.first = at
	}
	s.next = at + int64(samples)
	r.next = max(r.next, s.next)
	r.spoilt += min(max(0, -place), int64(samples))

	return put(place)
}

// strange reports whether a timestamp cannot be on the time line of the source: it went back,
// it leads beyond now, or it stood still while time went on.
func (r *receiver) strange(s *source, ts int64, at time.Duration) bool {
	place, arrival := s.line.place(ts), s.line.samples(at)

	leap := (ts - s.nextTS) * s.line.ratio

	return ts < s.nextTS || leap > s.line.samples(ahead) && place > arrival+s.line.samples(ahead) || place > arrival+s.line.samples(unbelievable) ||
		at-s.lastAt > stalled && arrival-place > s.line.samples(stalled)
}

// conceal makes up the beginning of a loss.
func (r *receiver) conceal(s *source, missing int64, next []byte) error {
	samples := missing * s.line.ratio
	n := min(samples, s.line.samples(concealed))
	r.report.ConcealedMS += float64(n) * 1000 / float64(r.rate)
	if r.through != nil {
		return r.pass(s, s.line.place(s.nextTS), int(n), func(at int64) error { return r.through.lost(at, n) })
	}
	dst := r.pcm[:n*int64(r.channels)]
	fec, ok := r.decoder.(codecs.FECDecoder)
	if !ok || n != samples || !codecs.OpusHasFEC(next) || !decodeFEC(fec, dst, next) {
		r.decoder.Conceal(dst)
	}

	return r.write(s, s.line.place(s.nextTS), dst)
}

// write puts samples into the file; what would come before its beginning is cut.
func (r *receiver) write(s *source, at int64, samples []int16) error {
	place, err := r.place(s, at)
	if err != nil {
		return err
	}
	if place < 0 {
		missing := min(-place, int64(len(samples)/r.channels))
		r.spoilt += missing
		samples = samples[missing*int64(r.channels):]
		at, place = at+missing, place+missing
	}
	if len(samples) == 0 {
		return nil
	}
	if r.first == none {
		r.first = at
	}
	s.next = at + int64(len(samples)/r.channels)
	r.next = max(r.next, s.next)

	return r.file.write(place, samples)
}

// move shifts what the source has written since it began.
func (r *receiver) move(s *source, began, by int64) error {
	if by == 0 {
		return nil
	}
	written := s.next
	if r.first >= began && r.first < written {
		r.first += by
	}
	s.next += by
	r.next = s.next
	place, err := r.place(s, began+by) // makes room, and moves all
	if err != nil {
		return err
	}
	r.spoilt += min(max(0, -place), written-began)
	if by < 0 {
		r.spoilt += max(0, r.bound-began-by)
	}
	early := s.line.samples(r.origin.early)
	if r.watch != nil {
		r.watch.moved(began+early, written+early, by)
	}

	return r.file.move(max(0, began+early), written+early, by)
}

// pause stops taking packets, resume takes them again.
func (r *receiver) pause(at time.Duration) {
	r.paused, r.pausedAt = true, at
}

func (r *receiver) resume() { r.paused = false }
