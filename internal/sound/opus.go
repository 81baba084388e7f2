package sound

import (
	"encoding/binary"
	"math"

	"github.com/parley-sip/parley/codecs"
)

const (
	opusRate = 48000

	headMagic = "OpusHead"
	tagsMagic = "OpusTags"
	headSize  = 19
	majorBits = 0xf0 // of the version, which must be 0
)

// head is the identification header (RFC 7845, section 5.1).
type head struct {
	skip int     // samples at the beginning that are not to be played
	gain float64 // factor
}

func readHead(packet []byte) (head, error) {
	switch {
	case len(packet) < headSize || string(packet[:8]) != headMagic || packet[8]&majorBits != 0:
		return head{}, malformed("Ogg without Opus")
	case packet[18] != 0 || packet[9] < 1 || packet[9] > 2:
		return head{}, malformed("Opus of %d channels, family %d; mono and stereo can be played", packet[9], packet[18])
	}
	gain := float64(int16(binary.LittleEndian.Uint16(packet[16:]))) / 256 //nolint:gosec // two's complement, Q7.8
	return head{skip: int(binary.LittleEndian.Uint16(packet[10:])), gain: math.Pow(10, gain/20)}, nil
}

// decodeOgg decodes a whole Opus stream; stereo is mixed down.
func decodeOgg(data []byte) ([]int16, int, error) {
	in := &oggReader{data: data}
	packet, err := in.next()
	if err != nil {
		return nil, 0, err
	}
	h, err := readHead(packet)
	if err != nil {
		return nil, 0, err
	}
	if packet, err = in.next(); err != nil {
		return nil, 0, err
	}
	if len(packet) < 8 || string(packet[:8]) != tagsMagic {
		return nil, 0, malformed("Opus without comment header")
	}
	decoder, err := codecs.NewDecoder(codecs.Opus)
	if err != nil {
		return nil, 0, err
	}
	pcm, err := decodePackets(in, decoder)
	if err != nil {
		return nil, 0, err
	}
	// The last page tells how many samples count, those to skip among them (RFC 7845, section 4).
	if in.over && in.granule >= 0 && in.granule < int64(len(pcm)) {
		pcm = pcm[:in.granule]
	}
	if len(pcm) <= h.skip {
		return nil, 0, malformed("Opus without sound")
	}
	pcm = pcm[h.skip:]
	h.amplify(pcm)
	return pcm, opusRate, nil
}

func decodePackets(in *oggReader, decoder codecs.Decoder) ([]int16, error) {
	var pcm []int16
	frame := make([]int16, codecs.MaxPacketSamples)
	for {
		packet, err := in.next()
		if err != nil {
			return nil, err
		}
		if packet == nil {
			return pcm, nil
		}
		if len(packet) == 0 {
			return nil, malformed("empty Opus packet")
		}
		n, err := decoder.Decode(frame, packet)
		if err != nil {
			return nil, malformed("Opus packet: %v", err)
		}
		if pcm = append(pcm, frame[:n]...); len(pcm) > maxSeconds*opusRate {
			return nil, malformed("Opus of more than %d s", maxSeconds)
		}
	}
}

// amplify applies the output gain.
func (h head) amplify(pcm []int16) {
	if h.gain == 1 {
		return
	}
	for i, v := range pcm {
		pcm[i] = int16(max(math.MinInt16, min(math.MaxInt16, math.Round(float64(v)*h.gain))))
	}
}
