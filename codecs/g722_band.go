package codecs

import "math"

const (
	// g722LowLimit and g722HighLimit bound the logarithm of the step size of a band (ITU-T G.722, LOGSCL and LOGSCH).
	g722LowLimit  = 18432
	g722HighLimit = 22528
	// g722LowShift and g722HighShift scale its antilogarithm (SCALEL and SCALEH).
	g722LowShift  = 8
	g722HighShift = 10
)

// g722Band is the adaptive quantiser's step and the adaptive predictor of one sub-band, the same in encoder and decoder
// (ITU-T G.722, blocks 3L, 4L, 3H and 4H). Values are those of the Recommendation, 16 bits wide, kept in 32 bits.
type g722Band struct {
	s    int32    // SL, SH: the prediction
	sz   int32    // its part from the six zeros
	r    [2]int32 // RLT, RH: past reconstructed signals
	p    [2]int32 // PLT, PH: past partially reconstructed signals
	a    [2]int32 // AL, AH: coefficients of the two poles
	b    [6]int32 // BL, BH: coefficients of the six zeros
	d    [6]int32 // DLT, DH: past quantised differences
	nb   int32    // NBL, NBH: logarithm of the step
	step int32    // DETL, DETH: the step
}

// saturate16 limits to 16 bits.
func saturate16(x int32) int32 { return min(max(x, math.MinInt16), math.MaxInt16) }

// rescale adapts the step to the code that was sent: w is the logarithmic step for it (blocks 3L and 3H).
func (g *g722Band) rescale(w, limit, shift int32) {
	g.nb = min(max((g.nb*127)>>7+w, 0), limit)
	mantissa := g722ILB[(g.nb>>6)&31]
	if exponent := shift - g.nb>>11; exponent < 0 {
		g.step = mantissa << -exponent << 2
	} else {
		g.step = mantissa >> exponent << 2
	}
}

// predict adapts the predictor to the quantised difference d and forms the next prediction (blocks 4L and 4H).
func (g *g722Band) predict(d int32) {
	r := saturate16(g.s + d)  // RECONS
	p := saturate16(g.sz + d) // PARREC
	g.adaptPoles(p)
	zeros := g.adaptZeros(d)
	g.r[1], g.r[0] = g.r[0], r
	g.p[1], g.p[0] = g.p[0], p
	// FILTEP, FILTEZ, PREDIC
	poles := saturate16((g.a[0]*saturate16(2*g.r[0]))>>15 + (g.a[1]*saturate16(2*g.r[1]))>>15)
	g.sz = saturate16(zeros)
	g.s = saturate16(poles + g.sz)
}

// adaptPoles is UPPOL2 and UPPOL1.
func (g *g722Band) adaptPoles(p int32) {
	w := saturate16(g.a[0] << 2)
	if (p ^ g.p[0]) >= 0 { // equal signs
		w = -w
	}
	w = min(w, math.MaxInt16) >> 7
	if (p ^ g.p[1]) >= 0 {
		w += 128
	} else {
		w -= 128
	}
	second := min(max(w+(g.a[1]*32512)>>15, -12288), 12288)

	step := int32(-192)
	if (p ^ g.p[0]) >= 0 {
		step = 192
	}
	first := saturate16(step + (g.a[0]*32640)>>15)
	limit := saturate16(15360 - second)
	g.a[0], g.a[1] = min(max(first, -limit), limit), second
}

// adaptZeros is UPZERO and DELAYA; it returns the sum of FILTEZ, not yet limited.
func (g *g722Band) adaptZeros(d int32) int32 {
	step := int32(128)
	if d == 0 {
		step = 0
	}
	var sum int32
	next := d
	for i, past := range g.d {
		w := step
		if (past ^ d) < 0 {
			w = -step
		}
		b := saturate16(w + (g.b[i]*32640)>>15)
		g.b[i] = b
		g.d[i] = next
		sum += (b * saturate16(2*next)) >> 15
		next = past
	}

	return sum
}

// low takes the six bits of the lower band, in encoder and decoder alike.
func (g *g722Band) low(code uint8) {
	four := code >> 2 // the predictor sees four bits, so that two may be stolen on the way
	d := (g.step * g722QM4[four]) >> 15
	g.rescale(g722WL[four], g722LowLimit, g722LowShift)
	g.predict(d)
}

// high takes the two bits of the higher band.
func (g *g722Band) high(code uint8) {
	d := (g.step * g722QM2[code]) >> 15
	g.rescale(g722WH[code], g722HighLimit, g722HighShift)
	g.predict(d)
}

// g722Bands is the state of both bands.
type g722Bands struct{ lower, higher g722Band }

// newG722Bands is the state at the beginning (ITU-T G.722, the reset values of DETL and DETH).
func newG722Bands() g722Bands {
	return g722Bands{lower: g722Band{step: 32}, higher: g722Band{step: 8}}
}
