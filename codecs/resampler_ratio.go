package codecs

import "sync"

// oddRate is the sample rate that is no multiple of the others.
const oddRate = 44100

// A ratioFilter is a filter between two rates of which neither is a multiple of the other: up output samples for down of the input, each by the
// phase of its place between two input samples.
type ratioFilter struct {
	up, down, taps int
	phases         [][]float32
}

// ratioFilters are made when they are first asked for: they are seldom, and up to 25 KiB each.
//
//nolint:gochecknoglobals // cache of what does not change
var ratioFilters sync.Map // of [2]int to *ratioFilter

// ratioFilterFor returns the filter between two rates one of which is 44100 Hz, and the other one of the table or the same.
func ratioFilterFor(from, to int) (*ratioFilter, bool) {
	_, ok1 := rateIndex(from)
	_, ok2 := rateIndex(to)
	if (!ok1 || to != oddRate) && (!ok2 || from != oddRate) {
		return nil, false
	}
	key := [2]int{from, to}
	if f, ok := ratioFilters.Load(key); ok {
		return f.(*ratioFilter), true //nolint:forcetypeassert // nothing else is in it
	}
	f, _ := ratioFilters.LoadOrStore(key, newRatioFilter(from, to))

	return f.(*ratioFilter), true //nolint:forcetypeassert // nothing else is in it
}

// newRatioFilter designs the low-pass at the rate that both divide, and splits it into its phases.
func newRatioFilter(from, to int) *ratioFilter {
	common := gcd(from, to)
	f := &ratioFilter{up: to / common, down: from / common, taps: tapsPerSample}
	// Cut off by the lower rate, of which one sample is so many of the input.
	width := max(1, float64(from)/float64(to))
	if width > 1 {
		f.taps = (int(tapsPerSample*width+0.999) + 7) &^ 7 // as dot wants it
	}
	half := tapsPerSample / 2 * width
	f.phases = make([][]float32, f.up)
	for p := range f.phases {
		phase := make([]float64, f.taps)
		for k := range phase {
			// How far the input sample, of which the newest comes last, is from the middle of the filter.
			distance := (float64(f.taps-1-k) + float64(p)/float64(f.up) - half) / width
			phase[k] = windowedSinc(distance)
		}
		f.phases[p] = unityGain(phase)
	}

	return f
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}

	return a
}

// outputs is how many samples n more of the input yield when the next one is at skip and a part of up.
func (f *ratioFilter) outputs(skip, part, n int) int {
	return max(0, (n*f.up-skip*f.up-part+f.down-1)/f.down)
}

// ratioBlock filters n new samples of the buffer into the output.
func (r *Resampler) ratioBlock(n int) int {
	f := r.ratio
	written := 0
	for r.skip < n {
		r.output[written] = dot(f.phases[r.part], r.buffer[r.skip:r.skip+f.taps])
		written++
		r.part += f.down
		r.skip += r.part / f.up
		r.part %= f.up
	}
	r.skip -= n

	return written
}
