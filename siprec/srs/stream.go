package srs

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
)

// reportInterval is the time between receiver reports, which tell the client that it
// is heard (RFC 3550, section 6.2), and between rewritings of recording.json for its counters.
const reportInterval = 5 * time.Second

// A stream is one recorded stream: its sockets, its file, what is known about it.
// It belongs to the goroutine of its recording.
type stream struct {
	pair     pair
	port     uint16
	ssrc     uint32         // of our receiver reports
	rtp      netip.AddrPort // of the client, by its description
	rtcp     netip.AddrPort
	guard    *guard  // nil: plain RTP
	keying   *keying // nil: no handshake makes its keys
	dump     *dump   // nil: packets are not kept
	receiver *receiver
	report   *Stream
	until    time.Time // when it has been read empty; zero: it goes on
	closed   bool
}

// newStream makes the file of an accepted stream whose sockets are read from now on.
func (r *recording) newStream(sockets pair, agreed sdp.Stream, now time.Time) (*stream, error) {
	report := &Stream{
		Label: agreed.Label, State: StateRecording, StartedAt: now.UTC(), OffsetMS: -1,
		Participants: []string{}, SSRCs: []uint32{}, Pauses: []Pause{},
	}
	r.identify(report)
	file, err := r.createFile(report, agreed)
	if err != nil {
		return nil, err
	}
	rx := newReceiver(file, agreed.Codec.SampleRate(), report, r.clocks, r.origin)
	if text, ok := file.(*textFile); ok {
		rx = newTextReceiver(text, report, r.epoch(), r.origin)
	}
	s := &stream{pair: sockets, port: sockets.port(), ssrc: rand.Uint32(), report: report, receiver: rx} //nolint:gosec // an SSRC is no secret
	sockets.reserve(agreed.Codec)
	if err := r.agree(s, agreed, now); err != nil {
		s.unkey()

		return nil, errors.Join(err, file.close(), os.Remove(file.handle().Name()))
	}
	r.fault(r.keep(s))
	r.streams = append(r.streams, s)
	r.server.totals.streams.Add(1)
	return s, nil
}

// createFile names the file by label and participant.
func (r *recording) createFile(report *Stream, agreed sdp.Stream) (sink, error) {
	base := safeName(report.Label)
	if base == "" {
		base = "stream-" + strconv.Itoa(agreed.Index+1)
	}
	if who := safeName(r.voice(report)); who != "" {
		base += "-" + who
	}
	extension := r.cfg.Format.extension(agreed.Codec)
	create := func(name string) (sink, error) { return r.cfg.Format.create(name, agreed.Codec) }
	if agreed.Text != nil {
		report.Medium, extension = MediumText, textExtension
		create = func(name string) (sink, error) { return createText(name) }
	}
	for n := 1; ; n++ {
		report.File = base + extension
		if n > 1 {
			report.File = base + "-" + strconv.Itoa(n) + extension
		}
		file, err := create(filepath.Join(r.dir, report.File))
		if errors.Is(err, os.ErrExist) && n < maxFiles {
			continue
		}
		if err != nil {
			return nil, err
		}
		report.SampleRate, report.Channels = file.fileRate(), channelsOf(agreed.Codec)

		return file, nil
	}
}

// maxFiles bounds how often one label can come again.
const maxFiles = 10_000

// agree takes what was negotiated.
func (r *recording) agree(s *stream, agreed sdp.Stream, now time.Time) error {
	at := r.at(now)
	if err := s.receiver.configure(agreed); err != nil {
		return err
	}
	r.fault(s.dump.note(newAgreed(s.receiver)))
	if err := s.protect(r, &agreed, at); err != nil {
		return err
	}
	if s.rtp != agreed.Remote {
		s.receiver.unlatch()
	}
	s.rtp, s.rtcp = agreed.Remote, agreed.RemoteRTCP
	s.receiver.described = agreed.Remote
	s.report.Codec = agreed.Codec.String() + "/" + strconv.Itoa(agreed.Codec.ClockRate())
	if channels := channelsOf(agreed.Codec); channels > 1 {
		s.report.Codec += "/" + strconv.Itoa(channels)
	}
	if agreed.Text != nil {
		s.report.Codec = textCodec
	}
	paused := !agreed.Receive
	switch n := len(s.report.Pauses); {
	case paused && s.report.State == StateRecording:
		s.report.State = StatePaused
		s.report.Pauses = append(s.report.Pauses, Pause{From: now.UTC()})
		s.receiver.pause(at)
	case !paused && s.report.State == StatePaused:
		s.report.State = StateRecording
		s.report.Pauses[n-1].To = now.UTC()
		s.receiver.resume()
	}

	return nil
}

// protect takes what was negotiated about keys.
func (s *stream) protect(r *recording, agreed *sdp.Stream, at time.Duration) error {
	before := s.keying
	r.handshake(s, agreed)
	switch {
	case agreed.DTLS != nil && s.keying != before:
		s.guard = awaiting(s.guard, at)
	case agreed.DTLS == nil:
		guarded, err := newGuard(agreed.Protection, s.guard, at)
		if err != nil {
			return err
		}
		s.guard = guarded
	}
	s.report.SRTP = s.guard != nil

	return nil
}

// burst bounds how many packets of one socket are taken at a time: what a flood may cost.
const burst = 1000

// read takes what has arrived for a stream since the last time, and closes it when its end has come.
func (r *recording) read(s *stream, now time.Time) {
	if s.closed {
		return
	}
	over := !s.until.IsZero() && !now.Before(s.until)
	for _, socket := range []*media.QuietSocket{s.pair.rtcp, s.pair.rtp} {
		for range burst {
			n, from, at, ok := socket.Receive(r.buffer[:])
			if !ok {
				break
			}
			r.packet(packet{stream: s, data: bytes.Clone(r.buffer[:n]), at: at, from: from, rtcp: socket == s.pair.rtcp})
		}
	}
	if over {
		r.closeStream(s)
	}
}

// readAll is read for all streams.
func (r *recording) readAll(now time.Time) {
	for _, s := range r.streams {
		r.read(s, now)
	}
}

// drain ends the reading once what is under way has arrived.
func (s *stream) drain() {
	if !s.closed && s.until.IsZero() {
		s.until = time.Now().Add(drainTime)
	}
}

// endStream takes a stream out of its slot; its file is closed when its sockets are read empty.
func (r *recording) endStream(s *stream, now time.Time) {
	s.ended(StateFinished, now)
	s.drain()
}

func (s *stream) ended(state State, now time.Time) {
	if s.report.State != StateRecording && s.report.State != StatePaused {
		return
	}
	if n := len(s.report.Pauses); s.report.State == StatePaused && n > 0 {
		s.report.Pauses[n-1].To = now.UTC()
	}
	s.report.State, s.report.EndedAt = state, now.UTC()
}

// closeStream closes what the stream holds; all that came for it is in its file.
func (r *recording) closeStream(s *stream) {
	if s.closed {
		return
	}
	s.closed = true
	r.server.totals.streams.Add(-1)
	s.unkey()
	s.pair.close()
	delete(r.keys, s.port)
	r.fault(s.play(r.at(time.Now()), true))
	s.count()
	r.fault(s.receiver.file.close())
	r.fault(s.dump.close())
	if !r.ending {
		r.changed()
	}
}

// count brings the report up to date.
func (s *stream) count() {
	rx := s.receiver
	if rx.text != nil { // which counts by itself
		if rx.text.first >= 0 {
			s.report.OffsetMS = float64((rx.text.first + rx.origin.early).Milliseconds())
		}
		return
	}
	rx.retire()
	s.report.Samples = rx.file.length()
	if rx.first != none {
		s.report.OffsetMS = max(0, float64(rx.first)*1000/float64(rx.rate)+float64(rx.origin.early)/float64(time.Millisecond))
	}
	heard := rx.source
	if heard == nil {
		heard = rx.left
	}
	if heard == nil || !heard.begun {
		return
	}
	s.report.Clock = "arrival"
	if heard.line.byReport {
		s.report.Clock = "rtcp"
	}
}

// sendReport tells the client that it is heard.
func (s *stream) sendReport(at time.Duration, cname string) {
	if s.closed || !s.rtcp.IsValid() {
		return
	}
	var block *reception
	if source := s.receiver.source; source != nil {
		b := source.reception(at, s.report.Lost)
		block = &b
	}
	// A report that cannot be sent is like one that is lost.
	if report := s.guard.seal(receiverReport(s.ssrc, block, cname)); report != nil {
		s.pair.rtcp.Send(report, s.rtcp)
	}
}
