package codecs

// MaxNoiseOrder is the highest order of the spectral model that is used; what a payload has beyond it is ignored. RFC 3389,
// section 3.3, leaves the order open; the encoders it names use 10.
const MaxNoiseOrder = 12

// CN describes background noise, as a comfort-noise payload does (RFC 3389, section 3).
type CN struct {
	// Level in -dBov, 0 to 127.
	Level uint8
	// Order is how many of Reflection are used; 0 is white noise.
	Order uint8
	// Reflection holds the quantised reflection coefficients N_i, 0 to 254; 127 is zero (RFC 3389, section 3.2).
	Reflection [MaxNoiseOrder]uint8
}

// ParseCN reads a comfort-noise payload of one octet or more (RFC 3389, section 3.3). The top bit of the level is ignored, as are
// coefficients beyond [MaxNoiseOrder]. An empty payload is [ErrMalformed].
func ParseCN(payload []byte) (CN, error) {
	if len(payload) == 0 {
		return CN{}, ErrMalformed
	}
	cn := CN{Level: payload[0] & 0x7F}
	cn.Order = uint8(copy(cn.Reflection[:], payload[1:]))
	for i := range cn.Order {
		cn.Reflection[i] = min(cn.Reflection[i], 254)
	}

	return cn, nil
}

// AppendCN appends the comfort-noise payload to dst and returns the result. A level above 127 is sent as 127.
func AppendCN(dst []byte, cn CN) []byte {
	dst = append(dst, min(cn.Level, SilenceLevel))

	return append(dst, cn.Reflection[:min(int(cn.Order), MaxNoiseOrder)]...)
}

// coefficient returns the i-th reflection coefficient, -1 < k < 1: k = 258*(N-127) in 16-bit fractions (RFC 3389, section 3.2).
func (cn *CN) coefficient(i int) float32 {
	return float32(258*(int(cn.Reflection[i])-127)) / 32768
}
