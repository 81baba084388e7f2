package media

import (
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// network is a simulated path: deterministic by its seed.
type network struct {
	random    *rand.Rand
	delay     time.Duration // of every packet
	jitter    time.Duration // added, uniform from 0
	loss      float64
	duplicate float64
	reorder   float64 // share of packets that are held back by two packet times
	drift     float64 // of the sender's clock, parts of one
	ptime     time.Duration
	stallAt   time.Duration // nothing arrives from here,
	stallFor  time.Duration // for so long; then all of it at once
	spurts    time.Duration // if not 0: speech and silence (no packets) take turns, each so long
}

// flight is one packet on its way.
type flight struct {
	packet  arrivedPacket
	arrival time.Duration
}

// injected is what the network did.
type injected struct{ sent, lost, duplicated int }

// fly sends the packets of a duration and returns them in the order of arrival.
func (n *network) fly(d time.Duration, payload func(i int, units int) []byte) ([]flight, injected) {
	var out []flight
	var count injected
	seq := uint16(n.random.Uint32())
	timestamp := n.random.Uint32()
	units := int(n.ptime * 8000 / time.Second)
	for i := 0; ; i++ {
		sent := time.Duration(float64(i) * float64(n.ptime) / (1 + n.drift))
		if sent >= d {
			break
		}
		ts := timestamp + uint32(i*units)
		if n.spurts > 0 && sent/n.spurts%2 == 1 {
			continue
		}
		p := arrivedPacket{seq: seq, timestamp: ts, units: units, payload: payload(i, units)}
		seq++
		count.sent++
		if n.random.Float64() < n.loss {
			count.lost++
			continue
		}
		arrival := sent + n.delay + time.Duration(n.random.Float64()*float64(n.jitter))
		if n.random.Float64() < n.reorder {
			arrival += 2 * n.ptime
		}
		if n.stallFor > 0 && arrival >= n.stallAt && arrival < n.stallAt+n.stallFor {
			arrival = n.stallAt + n.stallFor
		}
		out = append(out, flight{p, arrival})
		if n.random.Float64() < n.duplicate {
			count.duplicated++
			out = append(out, flight{p, arrival + time.Millisecond})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].arrival < out[j].arrival })
	return out, count
}

// listener is a player with simulated time.
type listener struct {
	player                   player
	shared                   counters
	codec                    codecs.Codec // of what is pushed
	queued, late, duplicates int
	others                   int
	ticks                    int
	silent, made             int             // frames without audio, made-up frames
	delays                   []time.Duration // per tick with audio from packets
	at                       []time.Duration // when that was
	pcm                      []int16         // all that was played
}

func newListener(tb testing.TB, least, most time.Duration, list ...codecs.Codec) *listener {
	tb.Helper()
	l := &listener{codec: list[0]}
	for _, c := range list {
		decoder, err := codecs.NewDecoder(c)
		if err != nil {
			tb.Fatal(err)
		}
		l.player.decoders[c] = decoder
	}
	p := &l.player
	p.rate, p.counters = list[0].SampleRate(), &l.shared
	p.noise = codecs.NewNoiseGenerator(1)
	p.jitter.minDelay, p.jitter.maxDelay = least, most
	p.jitter.reset(list[0].ClockRate())
	return l
}

// push counts what becomes of a packet.
func (l *listener) push(f flight) {
	f.packet.codec = l.codec
	switch l.player.jitter.push(f.packet, f.arrival) {
	case pushQueued:
		l.queued++
	case pushDuplicate:
		l.duplicates++
	case pushLate:
		l.late++
	case pushJump, pushRestart:
		l.others++
	}
}

// tick plays one frame.
func (l *listener) tick(now time.Duration) codecs.Frame {
	var dst [codecs.MaxFrameSamples]int16
	f := l.player.frame(dst[:], now)
	l.ticks++
	switch {
	case f.Flags.Has(codecs.Silent):
		l.silent++
		clear(dst[:f.Samples])
	case f.Flags != 0:
		l.made++
	default:
		j := &l.player.jitter
		l.delays = append(l.delays, j.lagOf(now, j.next-int64(l.player.queued()))+tick)
		l.at = append(l.at, now)
	}
	l.pcm = append(l.pcm, dst[:f.Samples]...)
	return f
}

// run plays a whole flight list with ticks at the given phase.
func (l *listener) run(flights []flight, phase, until time.Duration) {
	for now := phase; now < until; now += tick {
		for len(flights) > 0 && flights[0].arrival <= now {
			l.push(flights[0])
			flights = flights[1:]
		}
		l.tick(now)
	}
	for _, f := range flights {
		l.push(f)
	}
}

// quantile returns a quantile of the delays after a time.
func (l *listener) quantile(q float64, after time.Duration) time.Duration {
	var d []time.Duration
	for i, at := range l.at {
		if at >= after {
			d = append(d, l.delays[i])
		}
	}
	if len(d) == 0 {
		return -1
	}
	slices.Sort(d)
	return d[min(int(q*float64(len(d))), len(d)-1)]
}

// speech returns payloads of a loud tone, that no one can take for silence; with pauses, every other second is quiet.
func speech(tb testing.TB, pauses bool) func(i, units int) []byte {
	tb.Helper()
	tone := &sine{frequency: 400, rate: 8000, amplitude: 8000}
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU, PacketTime: tick})
	if err != nil {
		tb.Fatal(err)
	}
	return func(i, units int) []byte {
		pcm := make([]int16, units)
		tone.read(pcm)
		if pauses && (i*units/8000)%2 == 1 {
			clear(pcm)
		}
		out := make([]byte, 0, units)
		var buf [160]byte
		for len(pcm) > 0 {
			block := make([]int16, 160)
			n := copy(block, pcm)
			if _, err := encoder.Encode(buf[:], block); err != nil {
				tb.Fatal(err)
			}
			out = append(out, buf[:n]...)
			pcm = pcm[n:]
		}
		return out
	}
}

// newNetwork returns a clean path with packets of 20 ms.
func newNetwork(seed uint64) *network {
	return &network{random: rand.New(rand.NewPCG(seed, 1)), delay: 30 * time.Millisecond, ptime: tick}
}
