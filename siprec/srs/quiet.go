package srs

import (
	"slices"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// noisePayload is the payload type of comfort noise at 8 kHz (RFC 3389, section 4).
const noisePayload = 13

// takeNoise tells clients that they need not send what is silent in streams of G.711: comfort noise is taken, also if it was not offered, as formats may be
// added for what is received (RFC 3264, section 6.1). Ours leaves out nothing then but the codec's own silence.
func (c *Config) takeNoise(plan *sdp.Plan) {
	for i := range plan.Streams {
		agreed := &plan.Streams[i]
		line := &plan.Answer.Media[agreed.Index]
		if c.NoComfortNoise || agreed.Codec != codecs.PCMU && agreed.Codec != codecs.PCMA ||
			slices.ContainsFunc(line.PayloadTypes, func(p sdp.PayloadType) bool { return p.Number == noisePayload }) ||
			slices.ContainsFunc(agreed.Accepts, func(p sdp.ReceivePayload) bool { return p.ComfortNoise }) {
			continue
		}
		line.PayloadTypes = append(line.PayloadTypes, sdp.PayloadType{Number: noisePayload, Name: "CN", ClockRate: agreed.Codec.ClockRate(), Channels: 1})
		agreed.Accepts = append(agreed.Accepts, sdp.ReceivePayload{Number: noisePayload, ClockRate: agreed.Codec.ClockRate(), ComfortNoise: true})
	}
}

// silence takes a packet of comfort noise: there is nothing from what came last up to it, and from there until something else comes. What noise it is does not
// matter: nobody has said it. The file grows as far, so that no more of it is missing when the process dies than of any other.
func (r *receiver) silence(s *source, ts int64, e entry) error {
	place := s.line.place(ts)
	s.lastTS, s.nextTS, s.lastAt = ts, ts, e.at
	r.decoder.Reset()
	n := min(place-s.next, s.line.samples(codecs.FrameDuration))
	if n <= 0 {
		return nil
	}
	silent := r.pcm[:n*int64(r.channels)]
	clear(silent)

	return r.write(s, place-n, silent)
}
