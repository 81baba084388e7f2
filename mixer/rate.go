package mixer

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

// rateCount is the number of sample rates there are.
const rateCount = 4

// rates are the sample rates in Hz; a rateIndex numbers them. The last is that of L16 with a number of its own (RFC 3551, section 6), and seldom.
//
//nolint:gochecknoglobals // table, read only
var rates = [rateCount]int{8000, 16000, 48000, 44100}

// rateIndexOf returns the index of a rate in Hz, or -1.
func rateIndexOf(hz int) int {
	for i, r := range rates {
		if r == hz {
			return i
		}
	}

	return -1
}

// frameSamples is the number of samples of one tick.
func frameSamples(rate int) int {
	return rates[rate] / int(time.Second/codecs.FrameDuration)
}

// fadeSamples is the length of the ramps against clicks: 5 ms.
func fadeSamples(rate int) int { return rates[rate] / 200 }
