package media

import (
	"fmt"
	"net/netip"

	"github.com/parley-sip/parley/codecs"
)

// format is what a received payload type means.
type format struct {
	kind  formatKind
	codec codecs.Codec
	clock int32
}

// formatTable is what the received payload types mean. A table of 128 formats would be a kilobyte for each participant, of which a handful
// of lines are used.
type formatTable struct {
	index [128]uint8 // of payload types in list; 0: unknown
	list  []format   // the first is that of the unknown
}

// set gives a payload type a meaning.
func (t *formatTable) set(payloadType uint8, f format) {
	if t.list == nil {
		t.list = make([]format, 1, 4) //nolint:mnd // the unknown, a codec or two, and events
	}
	if t.index[payloadType] == 0 {
		t.index[payloadType] = uint8(len(t.list))
		t.list = append(t.list, format{})
	}
	t.list[t.index[payloadType]] = f
}

// of returns what a payload type means.
func (t *formatTable) of(payloadType uint8) *format { return &t.list[t.index[payloadType]] }

// formatMemo is the format of the last payload type, so that the table need not be looked at for nearly all packets. It belongs to the tick.
type formatMemo struct {
	table  *formatTable
	format format
	number uint8
}

// of returns what a payload type means, until the next call.
func (m *formatMemo) of(t *formatTable, payloadType uint8) *format {
	if m.table != t || m.number != payloadType {
		m.table, m.number, m.format = t, payloadType, *t.of(payloadType)
	}
	return &m.format
}

type formatKind uint8

const (
	formatUnknown formatKind = iota
	formatAudio
	formatEvent
	formatCN
	formatRed
)

// codecCount is one more than the highest codec with a decoder.
const codecCount = codecs.Count

// agreement is [Params] prepared for the tick: built by Configure, handed over by an atomic pointer, never changed after.
type agreement struct {
	params   Params
	formats  formatTable
	decoders [codecCount]codecs.Decoder // those that the session did not have yet
	guard    *guard                     // nil: plain packets
	aside    *asideRing                 // shared with the service goroutine; nil: only media come
	reports  *reportRing                // shared with the service goroutine; nil: RTCP has its own port
	alone    bool                       // nothing but handshakes comes, which the service goroutine reads: there may be no tick that does
	keys     *keyEar                    // the tick's; nil: keys come as events
	presses  *digitRing                 // what Press has left for the tick; nil: events are not sent
	copies   *copies                    // the tick\'s; nil: no redundancy
	rate     int                        // of silence before anything came
	clock    int                        // of what is sent
}

// newAgreement checks params and prepares everything that costs.
func newAgreement(p Params) (*agreement, error) {
	a := &agreement{params: p, rate: 8000, clock: 8000, alone: p.DTLS != nil && !p.Receiving && len(p.Receive) == 0 && !p.Mux && p.ICE == nil}
	a.formats.list = make([]format, 1, 1+len(p.Receive))
	a.params.Receive = nil    // the table has it
	a.params.Protection = nil // the guard has it
	a.params.Remote = unmapped(p.Remote)
	a.params.RemoteRTCP = unmapped(p.RemoteRTCP)
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.SendCodec.Valid() {
		a.clock = p.SendCodec.ClockRate()
	}
	for i, pt := range p.Receive {
		f, err := newFormat(pt)
		if err != nil {
			return nil, err
		}
		a.formats.set(pt.Number, f)
		if i == 0 && f.kind == formatAudio {
			a.rate = pt.Codec.SampleRate()
		}
	}
	var err error
	a.keys, err = newKeyEar(a.formats.list)
	return a, err
}

// check refuses what cannot be sent.
func (p *Params) check() error {
	if p.Send && (!p.SendCodec.Valid() || p.SendPayloadType > 127) {
		return fmt.Errorf("%w: send %v as payload type %d", ErrParams, p.SendCodec, p.SendPayloadType)
	}
	if p.DTLS != nil && (p.Protection != nil || p.DTLS.Certificate == nil || len(p.DTLS.Peer) == 0) {
		return fmt.Errorf("%w: a handshake without certificate or fingerprint, or with keys", ErrParams)
	}
	if p.QuietExact && p.SendCodec != codecs.PCMU && p.SendCodec != codecs.PCMA {
		return fmt.Errorf("%w: silence of %v left out", ErrParams, p.SendCodec)
	}
	if p.Events && p.EventPayloadType > 127 || p.Quiet && (p.QuietPayloadType > 127 || p.SendCodec.ClockRate() != quietClock) {
		return fmt.Errorf("%w: events as %d, comfort noise as %d beside %v", ErrParams, p.EventPayloadType, p.QuietPayloadType, p.SendCodec)
	}
	if p.Redundancy && (p.RedundancyPayloadType > 127 || p.RedundancyPayloadType == p.SendPayloadType) {
		return fmt.Errorf("%w: redundancy as payload type %d", ErrParams, p.RedundancyPayloadType)
	}
	return nil
}

// unmapped gives IPv4 addresses their own form, and a zero value to those that cannot be sent to.
func unmapped(a netip.AddrPort) netip.AddrPort {
	if !a.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// newFormat checks one payload type.
func newFormat(pt PayloadType) (format, error) {
	f := format{codec: pt.Codec, clock: int32(pt.ClockRate)}
	switch {
	case pt.Number > 127:
		return f, fmt.Errorf("%w: payload type %d", ErrParams, pt.Number)
	case pt.Event && !pt.CN:
		f.kind = formatEvent
	case pt.CN && !pt.Event:
		f.kind = formatCN
	case pt.Redundant && !pt.Event && !pt.CN && !pt.Codec.Valid():
		f.kind = formatRed
	case pt.Codec.Valid() && !pt.Event && !pt.CN:
		f.kind = formatAudio
		f.clock = int32(pt.Codec.ClockRate())
	default:
		return f, fmt.Errorf("%w: payload type %d is no codec, event or comfort noise alone", ErrParams, pt.Number)
	}
	if f.clock == 0 {
		f.clock = 8000
	}
	if f.clock < 1000 || f.clock > 192000 {
		return f, fmt.Errorf("%w: clock rate %d of payload type %d", ErrParams, f.clock, pt.Number)
	}
	return f, nil
}

// prepare makes decoders for those codecs of the agreement that are not in have. Who only listens needs none, as what comes is dropped: of Opus
// that is 18 KiB. When he may speak there is another agreement.
func (a *agreement) prepare(have *[codecCount]bool) error {
	if !a.params.Receiving {
		return nil
	}
	for _, f := range a.formats.list {
		if f.kind != formatAudio || have[f.codec] || a.decoders[f.codec] != nil {
			continue
		}
		decoder, err := codecs.NewDecoder(f.codec)
		if err != nil {
			return err
		}
		a.decoders[f.codec] = decoder
	}
	for codec, decoder := range a.decoders {
		have[codec] = have[codec] || decoder != nil
	}
	return nil
}

// playerRoom returns how many samples the player has room for to begin with: two ticks and a packet of one.
func playerRoom(c codecs.Codec) int { return 3 * c.FrameSamples(codecs.FrameDuration) }

// longestPlayerRoom returns how many samples the player may need for a codec: two ticks and the longest packet.
func longestPlayerRoom(c codecs.Codec) int {
	longest := codecs.MaxPacketSamples
	if c != codecs.Opus {
		longest = c.UnitsToSamples(maxPayload) // one octet per unit
	}
	return longest + 2*c.FrameSamples(codecs.FrameDuration)
}
