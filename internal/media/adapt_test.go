package media

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// knocks gives payloads of silence in which each nth packet is loud, as the beginning of a word is, or its end from a number of units on. How many of them
// there are is counted.
func knocks(tb testing.TB, nth, from int, loud *int) func(i, units int) []byte {
	tb.Helper()
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU, PacketTime: tick})
	if err != nil {
		tb.Fatal(err)
	}
	encode := func(amplitude float64) []byte {
		var pcm [160]int16
		(&sine{frequency: 500, rate: 8000, amplitude: amplitude}).read(pcm[:])
		var out [160]byte
		if _, err := encoder.Encode(out[:], pcm[:]); err != nil {
			tb.Fatal(err)
		}
		return out[:]
	}
	knock, hush := encode(12000), encode(20)
	return func(i, units int) []byte {
		var out []byte
		part := knock
		if i%nth != 0 {
			part = hush
		} else {
			*loud++
		}
		for len(out) < units {
			out = append(out, part[:min(len(part), units-len(out))]...)
		}
		if i%nth == 0 {
			for at := range out[:from] {
				out[at] = hush[at%len(hush)]
			}
		}
		return out
	}
}

// When the delay shrinks in silence, nothing is left out that is not quiet itself: neither the frame that ends it, nor what is left of a packet.
func TestWhatEndsSilenceIsHeard(t *testing.T) {
	for _, ptime := range []time.Duration{20 * time.Millisecond, 30 * time.Millisecond, 50 * time.Millisecond} {
		for _, stall := range []time.Duration{10 * time.Millisecond, 30 * time.Millisecond, 50 * time.Millisecond, 90 * time.Millisecond, 130 * time.Millisecond} {
			for n := range 12 {
				nth, from := 2+n/2, n%2*int((ptime-10*time.Millisecond)*8000/time.Second) // from the beginning of a packet, or in its last 10 ms
				t.Run(fmt.Sprint(ptime, stall, nth, from), func(t *testing.T) {
					network := newNetwork(uint64(nth))
					network.ptime, network.stallAt, network.stallFor = ptime, time.Second, stall
					// Where nothing comes, what is made up begins in the frame of the last packet: that is none that counts.
					lasts := 4 * time.Second
					for int((network.stallAt-network.delay-1)/ptime)%nth == 0 {
						network.stallAt += ptime
					}
					for int((lasts-1)/ptime)%nth == 0 {
						lasts += ptime
					}
					sent := 0
					flights, _ := network.fly(lasts, knocks(t, nth, from, &sent))
					l := newListener(t, 0, 200*time.Millisecond, codecs.PCMU)
					heard, quiet := 0, time.Second
					for now := 35 * time.Millisecond; now < 5*time.Second; now += tick {
						for len(flights) > 0 && flights[0].arrival <= now {
							l.push(flights[0])
							flights = flights[1:]
						}
						f := l.tick(now)
						for _, sample := range l.pcm[len(l.pcm)-f.Samples:] {
							switch {
							case f.Flags != 0 || sample < 6000 && sample > -6000: // what is made up may sound like a knock
								quiet += time.Second / 8000
							case quiet > 5*time.Millisecond:
								heard, quiet = heard+1, 0
							default:
								quiet = 0
							}
						}
					}
					early, late := l.quantile(0.5, 0), l.quantile(0, time.Second)
					if heard < sent || l.late > 0 || late > early+tick {
						t.Errorf("%d of %d heard, %d late, delay %v, at least %v after the stall", heard, sent, l.late, early, late)
					}
				})
			}
		}
	}
}

// What is queued of a packet beyond a whole number of ticks is left out in silence if it is silence itself, however loud what comes after it is.
func TestRestQuiet(t *testing.T) {
	p := &player{codec: codecs.PCMU, rate: 8000, pcm: make([]int16, 400), head: 10, tail: 330}
	p.jitter.reset(8000)
	const rest = 10 * time.Millisecond
	for i := 90; i < len(p.pcm); i++ {
		p.pcm[i] = 9000
	}
	if !p.restQuiet(rest) {
		t.Error("80 samples of silence are not quiet")
	}
	p.pcm[89] = 9000
	if p.restQuiet(rest) {
		t.Error("a sound at the end of 80 samples is not heard")
	}
	p.tail = 50 // there are no more
	if !p.restQuiet(rest) {
		t.Error("40 samples of silence are not quiet")
	}
}
