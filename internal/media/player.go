package media

import (
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
)

const (
	quietLevel   = 50                    // -dBov: below, audio may be left out or stretched unheard
	concealTicks = 10                    // of nothing at all after which there is nothing to mix
	eventTail    = 60 * time.Millisecond // audio is left out so long after the last packet of an event (RFC 4733, section 2.5.2.2)
	dtxOctets    = 2                     // an Opus packet so short says that the sender is silent (RFC 6716, section 2.1.9)
)

// player turns what the jitter buffer hands out into frames of one tick. It belongs to the tick.
type player struct {
	jitter   jitterBuffer
	decoders [codecCount]codecs.Decoder
	codec    codecs.Codec
	rate     int
	pcm      []int16 // decoded and not played: pcm[head:tail]; made when first something does not fit into its tick
	head     int
	tail     int
	noise    *codecs.NoiseGenerator
	memo     formatMemo
	counters *counters
	muted    time.Duration // an event is under way until then
	empty    int           // ticks in a row with nothing to play
	last     uint8         // level of the last frame
	grown    int           // samples by which what is played has been lengthened, of a tick
	growing  bool          // it goes on being lengthened
	noisy    bool          // the sender has announced silence
	event    bool          // this tick is in an event
	silent   bool          // this frame is one packet of digital silence
	whole    []byte        // the payload that this frame was decoded from, all of it; nil: there is none
	fec      bool
}

// queued returns how much is decoded and not played, in RTP units.
func (p *player) queued() int { return p.codec.SamplesToUnits(p.tail - p.head) }

// frame fills dst with the audio of this tick.
func (p *player) frame(dst []int16, now time.Duration) codecs.Frame {
	p.event, p.whole = now < p.muted, nil
	p.jitter.observe(now, p.queued())
	f := codecs.Frame{Rate: p.rate, Samples: p.rate / 50, Level: codecs.SilenceLevel}
	out := dst[:f.Samples]
	switch p.adapt(out, now, &f) {
	case adaptStretch:
		f.Flags = p.idle(out)
	case adaptFilled:
	case adaptNothing:
		f.Rate, f.Samples = p.rate, p.rate/50 // another codec may have been found meanwhile
		out = dst[:f.Samples]
		f.Flags = p.fill(out, now, &f)
		if f.Samples == 0 { // the codec has changed before anything was written
			f.Rate, f.Samples = p.rate, p.rate/50
			out = dst[:f.Samples]
			f.Flags = p.fill(out, now, &f)
		}
	}
	if f.Flags != 0 || p.event {
		p.whole = nil
	}
	p.last = codecs.SilenceLevel
	if p.event || (p.silent && f.Flags == 0) {
		f.Flags = codecs.Silent
	}
	p.silent = false
	if !f.Flags.Has(codecs.Silent) {
		f.Level = codecs.Level(out)
		f.Measured = true
		p.last = f.Level
	}
	return f
}

// fill composes a frame of what is queued and of what the jitter buffer hands out. If the codec changes before anything was
// written, it sets the frame's Samples to 0.
func (p *player) fill(out []int16, now time.Duration, f *codecs.Frame) codecs.FrameFlags {
	var flags codecs.FrameFlags
	played := p.take(out)
	for n := played; n < len(out); {
		s := p.jitter.step(now, p.codec.SamplesToUnits(len(out)-n))
		if s.kind != stepPacket {
			got, flag := p.absent(s, out[n:])
			n += got
			flags |= flag
			continue
		}
		if s.units == 0 {
			p.comfort(s.payload)
			continue
		}
		if codec := s.packet.codec; codec != p.codec {
			rate := p.rate
			p.change(codec)
			if p.rate != rate && n == 0 {
				p.decode(s, nil)
				f.Samples = 0
				return 0
			}
			if p.rate != rate { // what is left of this tick is little; the next begins with the new codec
				clear(out[n:])
				p.decode(s, nil)
				return flags
			}
		}
		f.Voice = s.packet.flags&slotVoice != 0
		if p.isSilence(s.payload) {
			flags |= codecs.ComfortNoise
		}
		n += p.decode(s, out[n:])
	}
	return flags
}

// isSilence reports a packet that only says that there is silence.
func (p *player) isSilence(payload []byte) bool {
	p.noisy = p.codec == codecs.Opus && len(payload) <= dtxOctets
	return p.noisy
}

// take moves queued samples to out and returns their number.
func (p *player) take(out []int16) int {
	n := copy(out, p.pcm[p.head:p.tail])
	p.head += n
	if p.head == p.tail {
		p.head, p.tail = 0, 0
	}
	return n
}

// decode decodes a packet: straight to out if it fits, else through the queue, from which out is then filled. It returns the
// number of samples written to out.
func (p *player) decode(s step, out []int16) int {
	p.empty = 0
	decoder := p.decoders[p.codec]
	samples := p.codec.UnitsToSamples(s.units)
	if s.skip == 0 && samples <= len(out) {
		p.silent = samples == p.rate/50 && p.codec.Silent(s.payload)
		if n, err := decoder.Decode(slices.Clip(out), s.payload); err == nil && n > 0 {
			if n == p.rate/50 {
				p.whole = s.payload
			}
			return n
		}
		return decoder.Conceal(out[:samples:samples])
	}
	if p.tail+samples > len(p.pcm) {
		p.tail = copy(p.pcm, p.pcm[p.head:p.tail])
		p.head = 0
	}
	if p.tail+samples > len(p.pcm) && !p.enlarge(samples) { // longer than the codec allows: nothing of ours to play
		return decoder.Conceal(out)
	}
	n, err := decoder.Decode(p.pcm[p.tail:len(p.pcm):len(p.pcm)], s.payload)
	if err != nil || n == 0 {
		n = decoder.Conceal(p.pcm[p.tail : p.tail+samples : p.tail+samples])
	}
	p.tail += n
	p.head = min(p.head+p.codec.UnitsToSamples(s.skip), p.tail)
	return p.take(out)
}

// enlarge makes room for what does not fit into its tick: little at first, and when a packet longer than a tick comes for the longest of
// the codec. Packets of a clean network that are a tick long need none, those longer most far ends never send, and the room is much.
func (p *player) enlarge(samples int) bool {
	room := playerRoom(p.codec)
	if p.tail+samples > room {
		room = longestPlayerRoom(p.codec)
	}
	if p.tail+samples > room {
		return false
	}
	pcm := make([]int16, room)
	copy(pcm, p.pcm[:p.tail])
	p.pcm = pcm
	return true
}

// absent makes up audio for a stretch without packet and returns how much it wrote, and what it is.
func (p *player) absent(s step, out []int16) (int, codecs.FrameFlags) {
	if s.kind == stepWait || p.codec == codecs.None {
		return len(out), codecs.Silent
	}
	n := min(p.codec.UnitsToSamples(s.units), len(out))
	if n <= 0 {
		n = len(out)
	}
	out = out[:n]
	switch {
	case s.kind == stepLost && s.payload != nil && p.fec && p.repair(out, s.payload):
		p.counters.concealed.add(1)
		p.counters.concealedFEC.add(1)
		return n, codecs.Concealed
	case s.kind == stepLost:
		p.empty = 0
		p.counters.concealed.add(1)
		p.decoders[p.codec].Conceal(out)
		return n, codecs.Concealed
	case p.noisy || p.event:
		return n, p.idle(out)
	case s.kind == stepGap:
		return n, p.idle(out) | codecs.Absent
	default:
		p.empty++
		if p.empty > concealTicks {
			return n, p.idle(out) | codecs.Absent
		}
		p.counters.concealed.add(1)
		p.decoders[p.codec].Conceal(out)
		return n, codecs.Concealed
	}
}

// idle makes the sound of a silence by design.
func (p *player) idle(out []int16) codecs.FrameFlags {
	switch {
	case !p.noisy:
		clear(out)
		return codecs.Silent
	case p.codec == codecs.Opus:
		p.decoders[p.codec].Conceal(out)
	default:
		p.noise.Read(out)
	}
	return codecs.ComfortNoise
}

// repair gets a lost packet out of the one after it.
func (p *player) repair(out []int16, next []byte) bool {
	fec, ok := p.decoders[p.codec].(codecs.FECDecoder)
	if !ok {
		return false
	}
	_, err := fec.DecodeFEC(slices.Clip(out), next)
	return err == nil
}

// comfort takes an announcement of silence (RFC 3389).
func (p *player) comfort(payload []byte) {
	if cn, err := codecs.ParseCN(payload); err == nil {
		p.noise.Set(cn)
		p.noisy = p.codec != codecs.Opus // RFC 7587, section 3.1.3: Opus has its own
	}
}

// change switches to another codec.
func (p *player) change(c codecs.Codec) {
	if old := p.decoders[p.codec]; old != nil {
		old.Reset()
	}
	p.codec, p.rate = c, c.SampleRate()
	p.head, p.tail, p.grown = 0, 0, 0
	p.noisy, p.growing = false, false
}

// restart forgets the source; the rate stays until another codec comes.
func (p *player) restart(clock int) {
	p.counters.discarded.add(p.jitter.dropped)
	p.jitter.dropped, p.jitter.bursts = 0, burstMeter{changed: true}
	p.jitter.reset(clock)
	p.head, p.tail, p.empty, p.grown = 0, 0, 0, 0
	p.noisy, p.growing = false, false
	if d := p.decoders[p.codec]; d != nil {
		d.Reset()
	}
}
