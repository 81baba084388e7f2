package srs

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec/seal"
)

// errJournal marks a dump that does not say enough to make the file again, or says what cannot be.
var errJournal = errors.New("the dump does not say how its packets were put in")

// A remaker makes the file of a stream from its dump, with the code and the decisions of the recorder.
type remaker struct {
	name    string // of the file that is made
	plain   bool   // it is WAV
	report  Stream // its counters, as the recorder counts
	rx      *receiver
	clocks  clocks
	origin  origin
	room    []time.Duration // that the recorder made while it took what is next
	began   time.Time
	library string
	calm    bool
	codec   codecs.Codec // that was agreed last

	sources map[uint32]*sequence
	again   map[*byte]bool // payloads of packets whose numbers were there before
	part    *seal.Stream   // nil: the whole stream is looked at
	own     map[*byte]bool // payloads of packets of the part
	places  []int64        // of these, in samples of the file
	// twice counts packets that were put in although their number had been there, odd those that were taken for events or comfort noise and are none.
	twice, odd uint64
	missing    int64 // packets that were not put in
}

// A sequence are the extended numbers that there were of a source.
type sequence struct {
	last int64
	seen map[int64]bool
}

// A watcher hears where packets are put, in samples of the file at the rate of the decoder. It is called by who drives the receiver.
type watcher interface {
	put(payload []byte, at int64)
	// moved says that what was put from one place up to another is elsewhere by some samples.
	moved(from, to, by int64)
}

// everybody is the address that packets of a dump come from.
//
//nolint:gochecknoglobals // constant
var everybody = netip.AddrPortFrom(netip.IPv4Unspecified(), 1)

// remake makes the file of a stream from a dump, with the name that the file has, in a directory. The error wraps errJournal when the dump does not
// have what that takes, and errDump when it is none. Of a part the places are found out.
func (s *Stream) remake(dump, directory string, started time.Time, part *seal.Stream) (*remaker, error) {
	m := &remaker{
		name: filepath.Join(directory, filepath.Base(s.File)), plain: filepath.Ext(s.File) != opusExtension,
		clocks: clocks{}, sources: map[uint32]*sequence{}, again: map[*byte]bool{}, own: map[*byte]bool{}, part: part,
	}
	m.origin.later = m.later
	if s.Dump == "" {
		return m, errJournal
	}
	err := readRecords(dump, m.record)
	if err == nil && m.rx == nil {
		err = errJournal
	}
	if err != nil {
		m.abandon()

		return m, err
	}

	return m, m.end(started, s.Samples)
}

// end completes the file as the recorder did when the recording was over.
func (m *remaker) end(started time.Time, samples int64) error {
	m.rx.retire()
	if err := m.rx.file.close(); err != nil {
		return err
	}
	// What another stream has made all files grow by after this one had ended.
	if rest := m.began.Sub(started).Round(growth) - m.origin.early; rest > 0 && rest <= unbelievable+growth {
		if err := m.rx.shift(rest, true); err != nil {
			return err
		}
	}
	_, err := m.rx.file.complete(samples)

	return err
}

// abandon closes the file that will not be complete.
func (m *remaker) abandon() {
	if m.rx != nil {
		_ = m.rx.file.handle().Close() // nobody will read it
	}
}

func (m *remaker) later(by time.Duration) (bool, error) {
	if len(m.room) == 0 || m.room[0] != by {
		return false, nil
	}
	m.room = m.room[1:]

	return true, m.rx.shift(by, false)
}

// record takes what is next in the dump.
func (m *remaker) record(began time.Time, r record) error {
	m.began = began
	if !r.control {
		if m.rx == nil {
			return errJournal
		}

		return m.media(r)
	}
	n, ok := parseNote(r.data)
	if ok {
		return m.note(&n, r.at)
	}
	if m.rx == nil {
		return errJournal
	}
	var fault error
	parseRTCP(r.data, func(sr senderReport) { fault = m.rx.senderReport(sr, r.at) }, func(ssrc uint32) { fault = m.rx.bye(ssrc, r.at) })

	return fault
}

func (m *remaker) media(r record) error {
	if h, payload, ok := parseRTP(r.data); ok && len(payload) > 0 {
		q := m.sources[h.ssrc]
		if q == nil {
			q = &sequence{last: 1<<32 | int64(h.seq), seen: map[int64]bool{}}
			m.sources[h.ssrc] = q
		}
		q.last += int64(int16(h.seq - uint16(q.last))) //nolint:gosec // serial number arithmetic
		if q.seen[q.last] {
			m.again[&payload[0]] = true
		} else {
			m.missing++
		}
		q.seen[q.last] = true
		if p := m.part; p != nil && h.ssrc == p.SSRC && uint64(h.seq-p.FirstSequence) < p.Span {
			m.own[&payload[0]] = true
		}
		if _, good := eventOf(payload); m.rx.accepts[h.payloadType].Event && (!good || len(payload) != eventSize) {
			m.odd++
		}
		if m.rx.accepts[h.payloadType].ComfortNoise && len(payload) > noiseSize {
			m.odd++
		}
	}

	return m.rx.packet(r.data, everybody, r.at)
}

// noiseSize is what comfort noise has at most: its level and the coefficients of a filter (RFC 3389, section 3). Less than any audio.
const noiseSize = 13

// eventSize is the size in octets of a telephone event (RFC 4733, section 2.3).
const eventSize = 4

// note does what the recorder did.
func (m *remaker) note(n *note, at time.Duration) error {
	if n.Do == noteBegin && m.rx == nil && m.library == "" {
		m.library, m.calm, m.origin.early = n.Library, n.Calm, n.NS

		return nil
	}
	if n.Do == noteAgreed {
		return m.agreed(n)
	}
	if m.rx == nil {
		return errJournal
	}
	switch n.Do {
	case noteClock:
		m.rx.remote, m.origin.captured = netip.AddrPort{}, n.Captured
		if n.Latched {
			m.rx.remote = everybody
		}
		if delete(m.clocks, everybody.Addr()); n.Known {
			m.clocks[everybody.Addr()] = n.NS
		}
	case noteMoved:
		if n.Own {
			m.room = append(m.room, n.NS)

			return nil
		}
		m.origin.early += n.NS

		return m.rx.shift(n.NS, false)
	case notePlay:
		return m.rx.play(at, n.All)
	case noteFlush:
		return m.rx.file.flush()
	default:
		return fmt.Errorf("%w: %q", errJournal, n.Do)
	}

	return nil
}

// agreed configures the receiver, and makes the file the first time.
func (m *remaker) agreed(n *note) error {
	stream, ok := n.stream()
	if !ok || m.library == "" {
		return errJournal
	}
	if m.rx == nil {
		format := FormatOpus
		if m.plain {
			format = FormatWAV
		}
		file, err := format.create(m.name, stream.Codec)
		if err != nil {
			return err
		}
		m.rx = newReceiver(file, stream.Codec.SampleRate(), &m.report, m.clocks, &m.origin)
		m.rx.watch, m.rx.calm = m, m.calm
	} else if !FormatWAV.same(m.codec, stream.Codec) {
		return errJournal
	}
	m.codec = stream.Codec

	return m.rx.configure(stream)
}

// put implements watcher.
func (m *remaker) put(payload []byte, at int64) {
	if len(payload) == 0 {
		return
	}
	if m.again[&payload[0]] {
		m.twice++
	} else {
		m.missing--
	}
	if m.own[&payload[0]] {
		m.places = append(m.places, at)
	}
	delete(m.own, &payload[0])
}

// moved implements watcher.
func (m *remaker) moved(from, to, by int64) {
	for i, at := range m.places {
		if at >= from && at < to {
			m.places[i] += by
		}
	}
}

// span is where in the file the part is; all of it, if the whole stream is looked at. Where numbers have gone round it may be more.
func (m *remaker) span() (from, to time.Duration) {
	if m.part == nil {
		return math.MinInt64, math.MaxInt64
	}
	if len(m.places) == 0 {
		return 0, 0
	}
	at := func(sample int64) time.Duration {
		return time.Duration(sample) * time.Second / time.Duration(m.rx.rate)
	}

	return at(slices.Min(m.places)), at(slices.Max(m.places)) + codecs.FrameDuration
}

// spoilt is how much of the audio is not in the file because of where it was put.
func (m *remaker) spoilt() time.Duration {
	return time.Duration(m.rx.spoilt) * time.Second / time.Duration(m.rx.rate)
}
