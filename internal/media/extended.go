package media

import (
	"encoding/binary"
	"math"
	"time"
)

// Block types of extended reports (RFC 3611, section 4) that are read and written.
const (
	extendedType    = 207 // packet type (RFC 3611, section 2)
	blockReference  = 4   // receiver reference time
	blockDelay      = 5   // DLRR: delay since the last of these
	blockVoIP       = 7
	voipWords       = 8 // behind the header of the block
	unavailable     = 127
	extendedMaximum = 8 + 4*(3+4+voipWords+1) // octets of what we send
)

// VoIPMetrics are what a receiver tells of a stream (RFC 3611, section 4.7).
type VoIPMetrics struct {
	// Loss and Discard are the parts of the packets, 0 to 1, that never came, and that came too late or early to be played, since the
	// beginning.
	Loss, Discard float64
	// BurstDensity and GapDensity are the parts of the packets that are missing in bursts and in the gaps between; the durations are means.
	BurstDensity, GapDensity   float64
	BurstDuration, GapDuration time.Duration
	// RoundTrip and EndDelay, of the receiver and the sender of one end together; 0: not known.
	RoundTrip, EndDelay time.Duration
	// Signal and Noise are levels in dBm0, EchoReturn the echo return loss in dB; nil: not known.
	Signal, Noise, EchoReturn *int
	// Gmin is how many packets have to be played in a row to end a burst.
	Gmin int
	// R is the rating of the conversation by the E-model (ITU-T G.107), 0 to 100; ExternalR that of the far network; nil: not known.
	R, ExternalR *int
	// ListeningMOS and ConversationalMOS are 1 to 5; 0: not known. Only the latter reckons with the delay.
	ListeningMOS, ConversationalMOS float64
	// Concealment, Adaptive and Rate are the receiver configuration: 0 unknown, 1 none, 2 enhanced, 3 standard; 0 unknown, 2 fixed, 3
	// adaptive; how fast it adapts.
	Concealment, Adaptive, Rate uint8
	// JitterNominal, JitterMaximum and JitterLimit are the delay of the jitter buffer now, at most now, and at most ever.
	JitterNominal, JitterMaximum, JitterLimit time.Duration
}

// delayReport answers a reference time (RFC 3611, section 4.5).
type delayReport struct{ ssrc, last, delay uint32 }

// extended is an extended report: what we send, and what we look for in those of others.
type extended struct {
	ssrc      uint32
	reference uint64        // NTP time, 0: none
	delays    []delayReport // of others; of ours at most one
	voip      *VoIPMetrics
	voipOf    uint32 // source that they are of
}

// appendTo writes the report behind what there is.
func (e *extended) appendTo(b []byte) []byte {
	at := len(b)
	b = append(b, rtpVersion, extendedType, 0, 0)
	b = binary.BigEndian.AppendUint32(b, e.ssrc)
	if e.reference != 0 {
		b = append(b, blockReference, 0, 0, 2)
		b = binary.BigEndian.AppendUint64(b, e.reference)
	}
	if len(e.delays) > 0 {
		b = append(b, blockDelay, 0, 0, byte(3*len(e.delays)))
		for _, d := range e.delays {
			b = binary.BigEndian.AppendUint32(b, d.ssrc)
			b = binary.BigEndian.AppendUint32(b, d.last)
			b = binary.BigEndian.AppendUint32(b, d.delay)
		}
	}
	if e.voip != nil {
		b = append(b, blockVoIP, 0, 0, voipWords)
		b = binary.BigEndian.AppendUint32(b, e.voipOf)
		b = e.voip.appendTo(b)
	}
	binary.BigEndian.PutUint16(b[at+2:], uint16((len(b)-at)/4-1))
	return b
}

// appendTo writes what follows the source in the block (RFC 3611, section 4.7).
func (v *VoIPMetrics) appendTo(b []byte) []byte {
	b = append(b, part(v.Loss), part(v.Discard), part(v.BurstDensity), part(v.GapDensity))
	for _, d := range []time.Duration{v.BurstDuration, v.GapDuration, v.RoundTrip, v.EndDelay} {
		b = binary.BigEndian.AppendUint16(b, millis(d))
	}
	b = append(b, small(v.Signal), small(v.Noise), small(v.EchoReturn), byte(v.Gmin))
	b = append(b, small(v.R), small(v.ExternalR), score(v.ListeningMOS), score(v.ConversationalMOS))
	b = append(b, v.Concealment<<6|v.Adaptive&3<<4|v.Rate&15, 0)
	for _, d := range []time.Duration{v.JitterNominal, v.JitterMaximum, v.JitterLimit} {
		b = binary.BigEndian.AppendUint16(b, millis(d))
	}
	return b
}

// part is a fraction with the point at the left edge of the octet.
func part(x float64) byte { return byte(min(max(x*256, 0), 255)) }

func millis(d time.Duration) uint16 {
	return uint16(min(max(d.Round(time.Millisecond).Milliseconds(), 0), math.MaxUint16))
}

func small(x *int) byte {
	if x == nil {
		return unavailable
	}
	return byte(int8(min(max(*x, math.MinInt8), unavailable-1)))
}

// score is a mean opinion score in tenths.
func score(mos float64) byte {
	if mos == 0 {
		return unavailable
	}
	return byte(min(max(math.Round(mos*10), 10), 50))
}

// parseExtended reads an extended report. Blocks that are of other types, or of a length that theirs cannot have, are left out
// (RFC 3611, sections 3 and 4.7). It returns false for what is no such packet, or has blocks that are longer than itself.
func parseExtended(b []byte) (extended, bool) {
	var e extended
	if len(b) < 8 || b[1] != extendedType || len(b) != 4*(int(binary.BigEndian.Uint16(b[2:]))+1) {
		return e, false
	}
	if b[0]&0x20 != 0 {
		pad := int(b[len(b)-1])
		if pad == 0 || pad > len(b)-8 {
			return e, false
		}
		b = b[:len(b)-pad]
	}
	e.ssrc = binary.BigEndian.Uint32(b[4:])
	for b = b[8:]; len(b) > 0; {
		if len(b) < 4 {
			return e, false
		}
		kind, size := b[0], 4*int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+size {
			return e, false
		}
		e.block(kind, b[4:4+size])
		b = b[4+size:]
	}
	return e, true
}

// block reads one of them.
func (e *extended) block(kind uint8, b []byte) {
	switch {
	case kind == blockReference && len(b) == 8:
		e.reference = binary.BigEndian.Uint64(b)
	case kind == blockDelay && len(b)%12 == 0:
		for ; len(b) > 0; b = b[12:] {
			e.delays = append(e.delays, delayReport{
				ssrc: binary.BigEndian.Uint32(b), last: binary.BigEndian.Uint32(b[4:]), delay: binary.BigEndian.Uint32(b[8:]),
			})
		}
	case kind == blockVoIP && len(b) == 4*voipWords:
		e.voipOf, e.voip = binary.BigEndian.Uint32(b), parseVoIP(b[4:])
	}
}

// parseVoIP reads what follows the source.
func parseVoIP(b []byte) *VoIPMetrics {
	fraction := func(x byte) float64 { return float64(x) / 256 }
	duration := func(at int) time.Duration { return time.Duration(binary.BigEndian.Uint16(b[at:])) * time.Millisecond }
	known := func(x byte) *int {
		if x == unavailable {
			return nil
		}
		value := int(int8(x))
		return &value
	}
	opinion := func(x byte) float64 {
		if x < 10 || x > 50 { // reserved, or not available
			return 0
		}
		return float64(x) / 10
	}
	v := &VoIPMetrics{
		Loss: fraction(b[0]), Discard: fraction(b[1]), BurstDensity: fraction(b[2]), GapDensity: fraction(b[3]),
		BurstDuration: duration(4), GapDuration: duration(6), RoundTrip: duration(8), EndDelay: duration(10),
		Signal: known(b[12]), Noise: known(b[13]), EchoReturn: known(b[14]), Gmin: int(b[15]), R: known(b[16]), ExternalR: known(b[17]),
		ListeningMOS: opinion(b[18]), ConversationalMOS: opinion(b[19]),
		Concealment: b[20] >> 6, Adaptive: b[20] >> 4 & 3, Rate: b[20] & 15,
		JitterNominal: duration(22), JitterMaximum: duration(24), JitterLimit: duration(26),
	}
	for _, r := range []**int{&v.R, &v.ExternalR} {
		if *r != nil && (**r < 0 || **r > 100) {
			*r = nil
		}
	}
	return v
}
