package conftest

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

const (
	rtpHeader     = 12
	rtpVersion    = 0x80
	markerBit     = 0x80
	maxDatagram   = 2048
	pressDuration = 100 * time.Millisecond
	pressPause    = 120 * time.Millisecond // after a key, its last packets among it
	pressVolume   = 10                     // -dBm0
)

// mouthAndEar sends and receives RTP in two goroutines.
type mouthAndEar struct {
	cfg    PhoneConfig
	socket *net.UDPConn
	enc    codecs.Encoder
	dec    codecs.Decoder

	said, heard *timeline
	done        chan struct{}
	stopped     sync.WaitGroup

	mu       sync.Mutex
	stream   sdp.Stream
	queue    []utterance
	digits   []utterance
	sent     int
	received int
	missing  int
	late     []time.Duration // of each packet time against the schedule
}

type utterance struct {
	samples []int16
	digit   byte
	over    chan struct{}
}

func newMouthAndEar(socket *net.UDPConn, cfg PhoneConfig) (*mouthAndEar, error) {
	m := &mouthAndEar{cfg: cfg, socket: socket, done: make(chan struct{})}
	m.said, m.heard = newTimeline(cfg.Codec.SampleRate()), newTimeline(cfg.Codec.SampleRate())
	var err error
	if m.enc, err = codecs.NewEncoder(codecs.Format{Codec: cfg.Codec, PacketTime: cfg.PacketTime}); err != nil {
		return nil, err
	}
	if m.dec, err = codecs.NewDecoder(cfg.Codec); err != nil {
		return nil, err
	}
	m.stopped.Add(2) //nolint:mnd // the two goroutines
	go m.speak()
	go m.listen()
	return m, nil
}

func (m *mouthAndEar) configure(stream sdp.Stream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stream = stream
}

func (m *mouthAndEar) counts() (sent, received, missing int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent, m.received, m.missing
}

func (m *mouthAndEar) say(samples []int16) <-chan struct{} {
	over := make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue = append(m.queue, utterance{samples: slices.Clone(samples), over: over})
	return over
}

func (m *mouthAndEar) press(digit byte) <-chan struct{} {
	over := make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.digits = append(m.digits, utterance{digit: digit, over: over})
	return over
}

func (m *mouthAndEar) close() {
	close(m.done)
	_ = m.socket.Close()
	m.stopped.Wait()
}

// speak sends a packet per packet time on an absolute schedule.
func (m *mouthAndEar) speak() {
	defer m.stopped.Done()
	format := codecs.Format{Codec: m.cfg.Codec, PacketTime: m.cfg.PacketTime}
	frame := make([]int16, format.FrameSamples())
	packet := make([]byte, rtpHeader+codecs.MaxPayload)
	binary.BigEndian.PutUint32(packet[8:], rand.Uint32())         //nolint:gosec // an SSRC is no secret
	sequence, timestamp := uint16(rand.Uint32()), rand.Uint32()   //nolint:gosec // as above
	units := uint32(m.cfg.Codec.TimestampUnits(m.cfg.PacketTime)) //nolint:gosec // at most 2880
	next := time.Now()
	if m.cfg.InStep {
		next = m.cfg.Origin.Add(next.Sub(m.cfg.Origin).Truncate(m.cfg.PacketTime) + m.cfg.PacketTime)
	}
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	var key pressing
	for {
		select {
		case <-m.done:
			return
		case <-timer.C:
		}
		m.lateness(time.Since(next))
		stream, over := m.nextFrame(frame, &key)
		if stream.Send {
			m.said.put(next.Sub(m.cfg.Origin), frame)
			m.send(packet, stream, frame, &sequence, timestamp, &key)
		}
		for _, c := range over {
			close(c)
		}
		timestamp += units
		next = next.Add(m.cfg.PacketTime)
		timer.Reset(time.Until(next))
	}
}

// pressing is a digit under way; all its packets have the timestamp of the first (RFC 4733, section 2.5.1.2).
type pressing struct {
	sender codecs.EventSender
	start  uint32
	busy   int // packets until the next key may be pressed
}

// lateness notes how late the phone itself is.
func (m *mouthAndEar) lateness(late time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.late = append(m.late, late)
}

// nextFrame takes the next samples to say, and the channels of what is said with them.
func (m *mouthAndEar) nextFrame(frame []int16, key *pressing) (sdp.Stream, []chan struct{}) {
	clear(frame)
	m.mu.Lock()
	defer m.mu.Unlock()
	var over []chan struct{}
	if !m.stream.Send {
		return m.stream, nil
	}
	for rest := frame; len(rest) > 0 && len(m.queue) > 0; {
		n := copy(rest, m.queue[0].samples)
		m.queue[0].samples = m.queue[0].samples[n:]
		rest = rest[n:]
		if len(m.queue[0].samples) == 0 {
			over = append(over, m.queue[0].over)
			m.queue = m.queue[1:]
		}
	}
	if key.busy > 0 {
		key.busy--
	} else if len(m.digits) > 0 {
		key.busy = int((pressDuration + pressPause) / m.cfg.PacketTime)
		code, ok := codecs.EventCode(m.digits[0].digit)
		if ok {
			rate := m.stream.Event.ClockRate
			duration := uint32(pressDuration * time.Duration(rate) / time.Second) //nolint:gosec // a tenth of a second
			step := uint32(m.cfg.PacketTime * time.Duration(rate) / time.Second)  //nolint:gosec // a packet
			key.sender = codecs.NewEventSender(code, pressVolume, duration, step)
		}
		over = append(over, m.digits[0].over)
		m.digits = m.digits[1:]
	}
	return m.stream, over
}

func (m *mouthAndEar) send(packet []byte, stream sdp.Stream, frame []int16, sequence *uint16, timestamp uint32, key *pressing) {
	n, err := m.enc.Encode(packet[rtpHeader:], frame)
	if err != nil {
		return
	}
	payloadType, marker := stream.SendPT, byte(0)
	if event, pressed := key.sender.Next(); pressed {
		payloadType, n = stream.Event.Number, codecs.EventSize
		codecs.AppendEvent(packet[rtpHeader:rtpHeader], event.Event)
		if event.Marker {
			marker, key.start = markerBit, timestamp
		}
		timestamp = key.start + event.Offset
	}
	packet[0], packet[1] = rtpVersion, payloadType|marker
	binary.BigEndian.PutUint16(packet[2:], *sequence)
	binary.BigEndian.PutUint32(packet[4:], timestamp)
	*sequence++
	if _, err := m.socket.WriteToUDPAddrPort(packet[:rtpHeader+n], stream.Remote); err == nil {
		m.mu.Lock()
		m.sent++
		m.mu.Unlock()
	}
}

// read waits for a packet.
func (m *mouthAndEar) read(packet []byte) (int, netip.AddrPort, error) {
	if m.cfg.Network != nil {
		return Poll(m.socket, packet)
	}
	return m.socket.ReadFromUDPAddrPort(packet)
}

// listen decodes what comes and puts it where its timestamp says.
func (m *mouthAndEar) listen() {
	defer m.stopped.Done()
	packet := make([]byte, maxDatagram)
	pcm := make([]int16, codecs.MaxPacketSamples)
	var clock receiveClock
	for {
		n, _, err := m.read(packet)
		if err != nil {
			return
		}
		if n < rtpHeader || packet[0]&0xC0 != rtpVersion {
			continue
		}
		payload := packet[min(n, rtpHeader+4*int(packet[0]&0x0F)):n]
		arrival := time.Since(m.cfg.Origin)
		m.mu.Lock()
		wanted := slices.ContainsFunc(m.stream.Accepts, func(a sdp.ReceivePayload) bool {
			return a.Number == packet[1]&0x7F && a.Codec == m.cfg.Codec
		})
		m.mu.Unlock()
		if !wanted {
			continue
		}
		at, lost := clock.place(packet[:rtpHeader], arrival, m.cfg.Codec.ClockRate())
		samples, err := m.dec.Decode(pcm, payload)
		m.mu.Lock()
		m.received++
		m.missing += lost
		m.mu.Unlock()
		if err == nil {
			m.heard.put(at, pcm[:samples])
		}
	}
}

// receiveClock turns timestamps into times: the first packet of a source lies where it arrived, all others relative to it.
type receiveClock struct {
	source, timestamp uint32
	sequence          uint16
	start             time.Duration
	running           bool
}

func (c *receiveClock) place(header []byte, arrival time.Duration, rate int) (at time.Duration, lost int) {
	sequence := binary.BigEndian.Uint16(header[2:])
	timestamp, source := binary.BigEndian.Uint32(header[4:]), binary.BigEndian.Uint32(header[8:])
	if !c.running || source != c.source {
		*c = receiveClock{source: source, timestamp: timestamp, sequence: sequence, start: arrival, running: true}
		return arrival, 0
	}
	if step := int16(sequence - c.sequence); step > 0 { //nolint:gosec // serial number arithmetic
		lost = int(step) - 1
		c.sequence = sequence
	}
	elapsed := int32(timestamp - c.timestamp) //nolint:gosec // serial number arithmetic
	return c.start + time.Duration(elapsed)*time.Second/time.Duration(rate), lost
}

// timeline is audio with absolute places.
type timeline struct {
	rate int

	mu  sync.Mutex
	pcm []int16
}

func newTimeline(rate int) *timeline { return &timeline{rate: rate} }

func (t *timeline) put(at time.Duration, samples []int16) {
	first := int(at * time.Duration(t.rate) / time.Second)
	if first < 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if grow := first + len(samples) - len(t.pcm); grow > 0 {
		t.pcm = append(t.pcm, make([]int16, grow)...)
	}
	copy(t.pcm[first:], samples)
}

func (t *timeline) samples() ([]float64, error) {
	t.mu.Lock()
	pcm := slices.Clone(t.pcm)
	t.mu.Unlock()
	return Resample(pcm, t.rate)
}

// settle is how many hundredths of a second fill the resampler's filter.
const settle = 5

// last is the end of the time line, a whole number of hundredths of a second.
func (t *timeline) last(d time.Duration) ([]float64, error) {
	hundredth := t.rate / 100
	n := int(d*100/time.Second) * hundredth
	t.mu.Lock()
	pcm := slices.Clone(t.pcm[max(0, (len(t.pcm)-n)/hundredth-settle)*hundredth:])
	t.mu.Unlock()
	out, err := Resample(pcm, t.rate)
	return out[max(0, len(out)-n*AnalysisRate/t.rate):], err
}

// since is what is on the time line after a moment of it, and how long it is.
func (t *timeline) since(from time.Duration) ([]float64, time.Duration, error) {
	t.mu.Lock()
	length := time.Duration(len(t.pcm)) * time.Second / time.Duration(t.rate)
	t.mu.Unlock()
	samples, err := t.last(max(0, length-from))
	return samples, length, err
}
