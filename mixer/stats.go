package mixer

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Stats is what an [Engine] has counted since it was made.
type Stats struct {
	// Ticks of all cohorts with members.
	Ticks uint64
	// LateTicks began more than [LateThreshold] after their deadline.
	LateTicks uint64
	// MissedTicks were left out, because more than a tenth of a second was overdue. The timestamps of all outputs went on over them. Each
	// cohort counts its own.
	MissedTicks uint64
	// Lateness is from the deadline to the beginning of a tick, Duration from its beginning to its end.
	Lateness, Duration Histogram
	// Codecs has one entry for each codec that was sent.
	Codecs []CodecStats
	// BadFrames were dropped: an input described them with a rate or a length that is not one tick.
	BadFrames uint64
	// EncodeErrors is the number of packets that an encoder has refused to make.
	EncodeErrors uint64
	// Mixes and Members at the moment.
	Mixes, Members int
}

// CodecStats counts the work for one codec.
type CodecStats struct {
	// Codec that is counted.
	Codec codecs.Codec
	// Encoded frames, each for any number of members.
	Encoded uint64
	// Forwarded frames: payloads passed on as they came.
	Forwarded uint64
	// Sent packets to all members.
	Sent uint64
}

// LateThreshold is the lateness from which a tick is counted as late.
const LateThreshold = 5 * time.Millisecond

// Histogram of durations.
type Histogram struct {
	// Bounds are the upper bounds of the buckets; the last bucket has none.
	Bounds []time.Duration
	// Counts has one entry more than Bounds. They are not cumulative.
	Counts []uint64
	// Sum of all durations.
	Sum time.Duration
}

// Count returns the number of durations.
func (h Histogram) Count() uint64 {
	var n uint64
	for _, c := range h.Counts {
		n += c
	}

	return n
}

// Quantile returns the upper bound of the bucket that holds the quantile q of 0 to 1; the last bound if there is none.
func (h Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.Count()))
	var n uint64
	for i, c := range h.Counts {
		n += c
		if n > rank && i < len(h.Bounds) {
			return h.Bounds[i]
		}
	}
	if len(h.Bounds) == 0 {
		return 0
	}

	return h.Bounds[len(h.Bounds)-1]
}

// MemberStats is the state of one member at its last tick.
type MemberStats struct {
	// Level of the last frame of its input in -dBov, before the gain.
	Level uint8
	// OutLevel of the last packet of its output in -dBov.
	OutLevel uint8
	// Speaking: it speaks, and may be heard.
	Speaking bool
	// Talking: it speaks, whether it may be heard or is muted.
	Talking bool
	// Spoken is for how long it has been Speaking since it was added, pauses of up to 300 ms within speech among it.
	Spoken time.Duration
	// Mixed: it is part of the mix.
	Mixed bool
	// Source is what it is called in CSRC lists: the SSRC of its frames, or another value if somebody else had that before; 0: not known.
	Source uint32
	// Looped frames were not mixed: their CSRC lists said that they had come from this mix.
	Looped uint64
	// Private: its output has an encoding of its own.
	Private bool
	// LimiterGainDB is what the limiter of its output takes away, 0 or less.
	LimiterGainDB float64
}

// MemberLevel is the level of one member.
type MemberLevel struct {
	// ID of the member.
	ID MemberID
	// Level of the last frame of its input in -dBov.
	Level uint8
	// Speaking: it speaks, and may be heard.
	Speaking bool
}
