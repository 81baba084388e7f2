package codecs

import (
	"math"
	"testing"
)

// concealable are the codecs that use our concealment.
var concealable = []Codec{PCMU, PCMA, G722}

// active reports which 20 ms frames hold speech within 25 dB of the loudest.
func active(pcm []int16, frame int) []bool {
	out := make([]bool, len(pcm)/frame)
	loudest := 0.0
	for i := range out {
		loudest = max(loudest, power(pcm[i*frame:(i+1)*frame]))
	}
	for i := range out {
		out[i] = power(pcm[i*frame:(i+1)*frame]) > loudest/300
	}

	return out
}

// The energy of a concealed frame of speech is like that of the frames around it, with no hole, and no burst.
func TestConcealEnergy(t *testing.T) {
	for _, c := range concealable {
		for _, name := range speechNames {
			pcm := speech(t, name, c.SampleRate())
			frame := c.FrameSamples(FrameDuration)
			payloads := encodeAll(t, Format{Codec: c}, pcm)
			intact := decodeAll(t, c, payloads, frame, nil)
			lost := func(i int) bool { return i%7 == 6 }
			got := decodeAll(t, c, payloads, frame, lost)
			voiced := active(intact, frame)
			holes, bursts, judged := 0, 0, 0
			for i := 1; i < len(voiced)-1; i++ {
				if !lost(i) || !voiced[i-1] || !voiced[i] || !voiced[i+1] {
					continue
				}
				judged++
				before, after := power(intact[(i-1)*frame:i*frame]), power(intact[(i+1)*frame:(i+2)*frame])
				p := power(got[i*frame : (i+1)*frame])
				if decibel(p, min(before, after)) < -6 {
					holes++
				}
				if decibel(p, max(before, after)) > 4 {
					bursts++
				}
			}
			if judged < 10 || holes > judged/10 || bursts > judged/10 {
				t.Errorf("%s, %s: of %d concealed frames %d too quiet, %d too loud", c, name, judged, holes, bursts)
			}
		}
	}
}

// In voiced speech, concealment is nearer to what was lost than silence is, which is at 0 dB here; and once over it leaves no
// trace for long.
func TestConcealVoiced(t *testing.T) {
	for _, c := range concealable {
		frame := c.FrameSamples(ms(10))
		var lost, difference, after, trace float64
		for _, name := range speechNames {
			payloads := encodeAll(t, Format{Codec: c, PacketTime: ms(10)}, speech(t, name, c.SampleRate()))
			intact := decodeAll(t, c, payloads, frame, nil)
			got := decodeAll(t, c, payloads, frame, func(i int) bool { return i%10 == 9 })
			loudest := 0.0
			for i := range payloads {
				loudest = max(loudest, power(intact[i*frame:(i+1)*frame]))
			}
			for i := 9; i+2 < len(payloads); i += 10 {
				at, next := i*frame, (i+2)*frame
				if power(intact[at:at+frame]) < loudest/10 {
					continue
				}
				for j := range frame {
					lost += square(float64(intact[at+j]))
					difference += square(float64(intact[at+j]) - float64(got[at+j]))
					after += square(float64(intact[next+j]))
					trace += square(float64(intact[next+j]) - float64(got[next+j]))
				}
			}
		}
		if s := decibel(lost, difference); s < 1.5 {
			t.Errorf("%s: concealed 10 ms %.1f dB like the lost ones, want 1.5", c, s)
		}
		if s := decibel(after, trace); s < 6 {
			t.Errorf("%s: 10 ms later %.1f dB like the original, want 6", c, s)
		}
	}
}

// A steady voiced sound is continued so well that the loss of 20 ms is hardly there.
func TestConcealPeriodic(t *testing.T) {
	for _, c := range concealable {
		rate := c.SampleRate()
		for _, f0 := range []float64{70, 100, 125, 160, 195} {
			pcm := make([]int16, rate)
			for h := 1.0; h*f0 < 3000; h++ {
				for i, s := range sine(rate, h*f0, 6000/h, len(pcm)) {
					pcm[i] += s
				}
			}
			frame := c.FrameSamples(FrameDuration)
			payloads := encodeAll(t, Format{Codec: c}, pcm)
			intact := decodeAll(t, c, payloads, frame, nil)
			got := decodeAll(t, c, payloads, frame, func(i int) bool { return i == 20 })
			if s := snr(intact[20*frame:20*frame+frame/2], got[20*frame:]); s < 15 {
				t.Errorf("%s, %g Hz: first 10 ms %.1f dB like the lost ones, want 15", c, f0, s)
			}
			if s := snr(intact[20*frame:21*frame], got[20*frame:]); s < 8 {
				t.Errorf("%s, %g Hz: 20 ms %.1f dB like the lost ones, want 8", c, f0, s)
			}
		}
	}
}

// There is no click where the concealment begins, in it, nor where it ends: no step is much greater than those of the audio
// itself, also if that has no period that could be repeated.
func TestConcealSeams(t *testing.T) {
	for _, c := range concealable {
		rate := c.SampleRate()
		odd := sine(rate, 97, 9000, rate)
		for i, s := range sine(rate, 61, 7000, rate) {
			odd[i] += s
		}
		for name, pcm := range map[string][]int16{"sine": sine(rate, 200.5, 12000, rate), "two sines": odd} {
			frame := c.FrameSamples(FrameDuration)
			payloads := encodeAll(t, Format{Codec: c}, pcm)
			intact := decodeAll(t, c, payloads, frame, nil)
			allowed := 2*largestStep(intact[10*frame:]) + 100
			for at := 15; at < 25; at++ {
				for _, length := range []int{1, 2, 3, 5} {
					got := decodeAll(t, c, payloads, frame, func(i int) bool { return i >= at && i < at+length })
					if s := largestStep(got[10*frame:]); s > allowed {
						t.Errorf("%s, %s, %d frames lost at %d: step of %.0f, want at most %.0f", c, name, length, at, s, allowed)
					}
				}
			}
		}
	}
}

func largestStep(pcm []int16) (largest float64) {
	for i := 1; i < len(pcm); i++ {
		largest = max(largest, math.Abs(float64(pcm[i])-float64(pcm[i-1])))
	}

	return largest
}

// A long loss fades out in 60 ms, never gets louder on the way, and ends in the background noise, not in digital silence.
func TestConcealFades(t *testing.T) {
	for _, c := range concealable {
		rate := c.SampleRate()
		block := rate / 100
		background := noise(60, 2*rate) // -59 dBov
		pcm := append([]int16(nil), background...)
		for i, s := range sine(rate, 150, 8000, rate) {
			pcm[rate+i] += s
		}
		dec := newDecoder(t, c)
		buf := make([]int16, MaxPacketSamples)
		for _, p := range encodeAll(t, Format{Codec: c}, pcm) {
			if _, err := dec.Decode(buf, p); err != nil {
				t.Fatal(err)
			}
		}
		out := make([]int16, 20*block)
		if n := dec.Conceal(out); n != len(out) {
			t.Fatalf("%s: concealed %d samples of %d", c, n, len(out))
		}
		last := math.Inf(1)
		for i := range 6 {
			p := power(out[i*block : (i+1)*block])
			if decibel(p, last) > 2 {
				t.Errorf("%s: block %d is %.1f dB louder than the one before", c, i, decibel(p, last))
			}
			last = p
		}
		if d := decibel(power(out[8*block:]), power(background)); d < -4 || d > 3 {
			t.Errorf("%s: after 60 ms %.1f dB from the background", c, d)
		}
	}
}

// Without anything decoded before there is nothing to continue; after a reset, too.
func TestConcealNothing(t *testing.T) {
	for _, c := range every {
		dec := newDecoder(t, c)
		out := noise(1000, 1000)
		dec.Conceal(out)
		if l := Level(out); l < 50 {
			t.Errorf("%s: level %d from nothing", c, l)
		}
		buf := make([]int16, MaxPacketSamples)
		for _, p := range encodeAll(t, Format{Codec: c}, sine(c.SampleRate(), 300, 10000, c.SampleRate()/2)) {
			if _, err := dec.Decode(buf, p); err != nil {
				t.Fatal(err)
			}
		}
		dec.Reset()
		dec.Conceal(out)
		if l := Level(out); l < 50 {
			t.Errorf("%s: level %d after a reset", c, l)
		}
	}
}

// However a loss is asked for, in frames or in odd pieces, the same is made up.
func TestConcealPieces(t *testing.T) {
	for _, c := range concealable {
		payloads := encodeAll(t, Format{Codec: c}, speech(t, "bob", c.SampleRate())[:c.SampleRate()])
		whole, parts := newDecoder(t, c), newDecoder(t, c)
		buf := make([]int16, MaxPacketSamples)
		for _, p := range payloads {
			_, err1 := whole.Decode(buf, p)
			_, err2 := parts.Decode(buf, p)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
		}
		a, b := make([]int16, 1000), make([]int16, 1000)
		whole.Conceal(a)
		for rest, n := b, 1; len(rest) > 0; n = n*3 + 1 {
			k := min(n, len(rest))
			parts.Conceal(rest[:k])
			rest = rest[k:]
		}
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("%s: sample %d is %d in one piece, %d in many", c, i, a[i], b[i])
			}
		}
	}
}
