package codecs

import (
	"fmt"
	"math"
)

// resamplerBlock is how many samples are filtered at once, of the higher rate; longer input is taken in blocks. A conference has up to two
// resamplers for each member who may speak, so that they had better be small.
const resamplerBlock = 240

// Resampler changes the sample rate of one stream of audio between 8, 16, 44.1 and 48 kHz by a linear-phase filter of 32 taps per
// sample of the lower rate: flat to 85 % of the lower Nyquist frequency, images and aliases at least 70 dB down, a delay of 16
// samples of the lower rate. It is linear, keeps levels, and belongs to one stream and one goroutine.
type Resampler struct {
	filter *polyphase
	ratio  *ratioFilter // instead, where no rate is a multiple of the other
	skip   int          // input samples until the next output, going down
	part   int          // and parts of a sample, of ratio.up
	buffer []float32    // what the filter still needs of the past, and a block
	output []float32    // of a block
}

// NewResampler returns a resampler between two rates in Hz, each 8000, 16000, 44100 or 48000, else [ErrSampleRate]. Equal rates are
// copied without delay.
func NewResampler(from, to int) (*Resampler, error) {
	if ratio, ok := ratioFilterFor(from, to); ok {
		return &Resampler{
			ratio:  ratio,
			buffer: make([]float32, ratio.taps-1+resamplerBlock),
			output: make([]float32, ratio.outputs(0, 0, resamplerBlock)),
		}, nil
	}
	if to == oddRate && from == to {
		from, to = 48000, 48000 // nothing is filtered
	}
	f, ok := filterFor(from, to)
	if !ok {
		return nil, fmt.Errorf("%w: %d Hz to %d Hz", ErrSampleRate, from, to)
	}

	r := &Resampler{filter: f}
	if f.taps > 0 {
		block := resamplerBlock / f.up
		r.buffer = make([]float32, f.taps-1+block)
		r.output = make([]float32, block*f.up/f.down)
	}

	return r, nil
}

// OutputSamples returns how many samples the next n samples of input will yield. Going up it is a fixed multiple; going down it
// is the fixed fraction whenever n is a multiple of the ratio, as every frame of 2.5 ms or more is.
func (r *Resampler) OutputSamples(n int) int {
	if r.ratio != nil {
		return r.ratio.outputs(r.skip, r.part, n)
	}
	if r.filter.up > 1 || r.filter.down == 1 {
		return n * r.filter.up
	}
	if n <= r.skip {
		return 0
	}

	return (n - r.skip + r.filter.down - 1) / r.filter.down
}

// Process resamples all of src into dst, which needs [Resampler.OutputSamples] samples, and returns how many it wrote, rounded
// and limited to 16 bits. It returns 0 and takes nothing if dst is too short. It does not allocate; dst and src must not
// overlap.
func (r *Resampler) Process(dst, src []int16) int {
	return process(r, dst, src, clampFloat)
}

// ProcessInt32 is [Resampler.Process] for sums that are wider than 16 bits; the result is rounded but not limited, and exact to
// 24 bits.
func (r *Resampler) ProcessInt32(dst, src []int32) int {
	return process(r, dst, src, roundFloat)
}

// ProcessFloat32 is [Resampler.Process] for floating-point samples.
func (r *Resampler) ProcessFloat32(dst, src []float32) int {
	return process(r, dst, src, keepFloat)
}

// Reset forgets the past input.
func (r *Resampler) Reset() {
	r.skip, r.part = 0, 0
	clear(r.buffer)
}

// process moves src through the filter block by block.
func process[T int16 | int32 | float32](r *Resampler, dst, src []T, convert func(float32) T) int {
	if len(dst) < r.OutputSamples(len(src)) {
		return 0
	}
	if r.ratio == nil && r.filter.taps == 0 {
		return copy(dst, src)
	}
	total, past := 0, r.taps()-1
	for len(src) > 0 {
		n := min(len(src), len(r.buffer)-past)
		in := r.buffer[past : past+n]
		for i, s := range src[:n] {
			in[i] = float32(s)
		}
		written := r.block(n)
		out := dst[total : total+written]
		for i, x := range r.output[:written] {
			out[i] = convert(x)
		}
		total += written
		src = src[n:]
		copy(r.buffer[:past], r.buffer[n:n+past])
	}

	return total
}

// taps is the length of the filter in samples of the input.
func (r *Resampler) taps() int {
	if r.ratio != nil {
		return r.ratio.taps
	}

	return r.filter.taps
}

// block filters n new samples of the buffer into the output.
func (r *Resampler) block(n int) int {
	if r.ratio != nil {
		return r.ratioBlock(n)
	}
	f := r.filter
	written := 0
	if f.down == 1 {
		for i := range n {
			window := r.buffer[i : i+f.taps]
			for p := range f.up {
				r.output[written] = dot(f.phases[p], window)
				written++
			}
		}

		return written
	}
	at := r.skip
	for ; at < n; at += f.down {
		r.output[written] = dot(f.phases[0], r.buffer[at:at+f.taps])
		written++
	}
	r.skip = at - n

	return written
}

// dot is the inner product of two slices whose length is a multiple of eight; four sums, so that the additions do not wait for
// each other.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for len(a) >= 8 && len(b) >= 8 {
		x, y := a[:8:8], b[:8:8]
		s0 += x[0]*y[0] + x[4]*y[4]
		s1 += x[1]*y[1] + x[5]*y[5]
		s2 += x[2]*y[2] + x[6]*y[6]
		s3 += x[3]*y[3] + x[7]*y[7]
		a, b = a[8:], b[8:]
	}

	return (s0 + s1) + (s2 + s3)
}

// roundFloat rounds to the nearest integer; sums of a conference stay far below 31 bits.
func roundFloat(x float32) int32 {
	switch {
	case x >= 1<<31-128:
		return math.MaxInt32
	case x <= -1<<31:
		return math.MinInt32
	case x >= 0:
		return int32(x + 0.5)
	default:
		return int32(x - 0.5)
	}
}

// keepFloat is the conversion of what needs none.
func keepFloat(x float32) float32 { return x }
