package mixer

import (
	"fmt"
	"runtime"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// TickPeriod is the time from one tick of a mix to the next.
const TickPeriod = codecs.FrameDuration

// SpeakerInterval is the shortest time from one call of [Config.OnSpeakers] for a mix to the next.
const SpeakerInterval = 100 * time.Millisecond

const (
	maxWorkers     = 64
	maxCohorts     = 20
	defaultCohorts = 4
	workerLimit    = 16 // by default: a conference server has other work to do, too
)

// Config of an [Engine]. The zero value is good.
type Config struct {
	// Workers is the number of threads that mix; 0: one for each processor, at most 16. GOMAXPROCS should be twice the
	// number of processors, so that a worker that wakes up finds a free P: one that waits for others in
	// the middle of a tick keeps its own.
	Workers int
	// Cohorts is the number of groups of mixes whose ticks are spread over the 20 ms; 0: 4, so that they are 5 ms apart.
	Cohorts int
	// Calls may be nil, and may return nil: each [Receiver] and [Sender] makes its system calls itself then. It is called once for each thread that mixes.
	Calls func() Calls
	// OnSpeakers may be nil. It is called when the members that speak, the source that one of them speaks with, or [Mix.Dominant], have changed, in
	// the order of their identifiers, at most every [SpeakerInterval] for each mix, by one goroutine off the media path. It may keep active. While it blocks, changes are coalesced.
	OnSpeakers func(m *Mix, active []MemberID)
}

// withDefaults fills in the defaults, or returns an error that is [ErrConfig].
func (c Config) withDefaults() (Config, error) {
	if c.Workers < 0 || c.Workers > maxWorkers {
		return c, fmt.Errorf("%w: %d workers, want 0 to %d", ErrConfig, c.Workers, maxWorkers)
	}
	if c.Cohorts < 0 || c.Cohorts > maxCohorts {
		return c, fmt.Errorf("%w: %d cohorts, want 0 to %d", ErrConfig, c.Cohorts, maxCohorts)
	}
	if c.Workers == 0 {
		c.Workers = min(runtime.NumCPU(), workerLimit)
	}
	if c.Cohorts == 0 {
		c.Cohorts = defaultCohorts
	}

	return c, nil
}

// MixConfig of a [Mix]. The zero value is good.
type MixConfig struct {
	// MaxSpeakers is how many of the loudest members are mixed at a time; 0: all.
	MaxSpeakers int
	// LookAhead lets the limiters of all outputs see what comes 2.5 ms later, and delays the outputs by that. Without it they see what is left
	// of the frame, so that a peak at its beginning is met by a steeper fall.
	LookAhead bool
	// Floor is the level in -dBov above which a frame is mixed; 0: 60. Quieter frames are left out after a hang-over of 200 ms.
	Floor uint8
	// SpeakingLevel is the level in -dBov above which a member counts as speaking; 0: 50.
	SpeakingLevel uint8
}

const (
	defaultFloor    = 60
	defaultSpeaking = 50
)

// withDefaults fills in the defaults.
func (c MixConfig) withDefaults() MixConfig {
	c.MaxSpeakers = max(c.MaxSpeakers, 0)
	if c.Floor == 0 {
		c.Floor = defaultFloor
	}
	if c.SpeakingLevel == 0 {
		c.SpeakingLevel = defaultSpeaking
	}

	return c
}
