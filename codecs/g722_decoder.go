package codecs

// g722Limit bounds the reconstructed signal of a band to 15 bits (ITU-T G.722, LIMIT).
const g722Limit = 16383

// g722Decoder decodes 64 kbit/s and conceals.
type g722Decoder struct {
	bands     g722Bands
	x         [24]int32 // input of the synthesis filter
	concealer concealer
}

func newG722Decoder() *g722Decoder {
	d := &g722Decoder{bands: newG722Bands()}
	d.concealer.init(16000)

	return d
}

// Decode implements [Decoder].
func (d *g722Decoder) Decode(dst []int16, payload []byte) (int, error) {
	n := 2 * len(payload)
	if len(dst) < n {
		return 0, ErrShortBuffer
	}
	dst = dst[:n]
	for i, code := range payload {
		dst[2*i], dst[2*i+1] = d.pair(code)
	}
	d.concealer.good(dst)

	return n, nil
}

// pair decodes one octet to two samples.
func (d *g722Decoder) pair(code uint8) (first, second int16) {
	lower, higher := &d.bands.lower, &d.bands.higher
	six, two := code&0x3F, code>>6
	low := limit15(lower.s + (lower.step*g722QM6[six])>>15)
	high := limit15(higher.s + (higher.step*g722QM2[two])>>15)
	lower.low(six)
	higher.high(two)

	copy(d.x[:22], d.x[2:])
	d.x[22], d.x[23] = low+high, low-high
	var a, b int32
	for i, c := range g722QMF {
		b += d.x[2*i] * c
		a += d.x[2*i+1] * g722QMF[11-i]
	}
	// The sum can exceed 16 bits on loud audio, where it has to saturate.
	return int16(saturate16(a >> 11)), int16(saturate16(b >> 11))
}

// limit15 limits the reconstructed signal of a band.
func limit15(x int32) int32 { return min(max(x, -g722Limit-1), g722Limit) }

// Conceal implements [Decoder]. Steps and predictors stay as they were: letting them adapt to what is made up did not bring the
// decoder back into step any sooner on speech.
func (d *g722Decoder) Conceal(dst []int16) int {
	d.concealer.conceal(dst)

	return len(dst)
}

// Reset implements [Decoder].
func (d *g722Decoder) Reset() {
	d.bands = newG722Bands()
	d.x = [24]int32{}
	d.concealer.reset()
}

var _ Decoder = (*g722Decoder)(nil)
