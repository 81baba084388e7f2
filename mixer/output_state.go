package mixer

import (
	"math"
	"sync/atomic"

	"github.com/parley-sip/parley/internal/sole"
)

// outputState is what others may know of an output: the level of the last packet, whether it is private, and the limiter's gain.
type outputState struct{ word atomic.Uint64 }

func (s *outputState) store(level uint8, private bool, gain float32) {
	word := uint64(math.Float32bits(gain))<<32 | uint64(level)
	if private {
		word |= 1 << 8
	}
	sole.Store(&s.word, word)
}

func (s *outputState) load() (level uint8, private bool, gain float32) {
	word := s.word.Load()

	return uint8(word), word>>8&1 != 0, math.Float32frombits(uint32(word >> 32))
}
