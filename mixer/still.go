package mixer

import "github.com/parley-sip/parley/codecs"

// still is a packet of a frame of silence, by the codec, of those that have no state: all streams share it, since most are silent, and what
// each has for itself would have to come from afar. Nil: the codec has a state.
//
//nolint:gochecknoglobals // table
var still = newStill()

func newStill() (table [codecs.Count][]byte) {
	for c := range table {
		format, err := codecs.Format{Codec: codecs.Codec(c), PacketTime: codecs.FrameDuration}.Normalize()
		if err != nil || !stateless(format.Codec) {
			continue
		}
		encoder, err := codecs.NewEncoder(format)
		if err != nil {
			continue
		}
		payload := make([]byte, payloadRoom(format, format.FrameSamples()))
		if n, err := encoder.Encode(payload, make([]int16, format.FrameSamples())); err == nil {
			table[c] = payload[:n]
		}
	}

	return table
}

// stateless reports whether every packet of a codec can be decoded alone, so that one may go from one stream to another at any time.
func stateless(c codecs.Codec) bool { return c == codecs.PCMU || c == codecs.PCMA || c.Linear() }
