package codecs

// g722Encoder encodes at 64 kbit/s: six bits for the band below 4 kHz, two for the band above.
type g722Encoder struct {
	bands g722Bands
	x     [24]int32 // input of the analysis filter
	frame int
}

func newG722Encoder(frame int) *g722Encoder {
	return &g722Encoder{bands: newG722Bands(), frame: frame}
}

// Encode implements [Encoder]: one octet for two samples, the higher band in its top bits (RFC 3551, section 4.5.2).
func (e *g722Encoder) Encode(dst []byte, pcm []int16) (int, error) {
	n := len(pcm) / 2
	if err := checkFrame(dst, pcm, e.frame, n); err != nil {
		return 0, err
	}
	dst = dst[:n]
	for i := range dst {
		dst[i] = e.pair(int32(pcm[2*i]), int32(pcm[2*i+1]))
	}

	return n, nil
}

// pair encodes two samples.
func (e *g722Encoder) pair(first, second int32) uint8 {
	x, y := analyze(&e.x, first, second)
	low, high := quantizeLow(x, &e.bands.lower), quantizeHigh(y, &e.bands.higher)
	e.bands.lower.low(low)
	e.bands.higher.high(high)

	return high<<6 | low
}

// analyze is the quadrature mirror filter: it moves two samples into x and returns one for each band.
func analyze(x *[24]int32, first, second int32) (low, high int32) {
	copy(x[:22], x[2:])
	x[22], x[23] = first, second
	var odd, even int32
	for i, c := range g722QMF {
		odd += x[2*i] * c
		even += x[2*i+1] * g722QMF[11-i]
	}

	return (even + odd) >> 14, (even - odd) >> 14
}

// quantizeLow is block 1L: the interval in which the difference to the prediction lies, by bisection of the decision levels.
func quantizeLow(x int32, band *g722Band) uint8 {
	difference := saturate16(x - band.s)
	magnitude := difference
	if difference < 0 {
		magnitude = -(difference + 1)
	}
	lower, upper := 1, 30
	for lower < upper {
		middle := (lower + upper) / 2
		if magnitude < (g722Q6[middle]*band.step)>>12 {
			upper = middle
		} else {
			lower = middle + 1
		}
	}
	if difference < 0 {
		return g722ILN[lower]
	}

	return g722ILP[lower]
}

// quantizeHigh is block 1H.
func quantizeHigh(x int32, band *g722Band) uint8 {
	difference := saturate16(x - band.s)
	level := (564 * band.step) >> 12
	switch {
	case difference >= 0 && difference >= level:
		return 2
	case difference >= 0:
		return 3
	case -(difference + 1) >= level:
		return 0
	default:
		return 1
	}
}

// Reset implements [Encoder].
func (e *g722Encoder) Reset() { *e = g722Encoder{bands: newG722Bands(), frame: e.frame} }

// CopyFrom implements [Forker].
func (e *g722Encoder) CopyFrom(src Encoder) error {
	from, ok := src.(*g722Encoder)
	if !ok || from.frame != e.frame {
		return ErrNotForkable
	}
	*e = *from

	return nil
}

var _ Forker = (*g722Encoder)(nil)
