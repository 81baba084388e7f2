package export

import (
	"encoding/binary"
	"math"
)

const (
	sampleSize = 2
	// The forms of the header (Multimedia Programming Interface and Data Specifications 1.0; WAVE_FORMAT_EXTENSIBLE for more than two
	// channels; RF64 by ITU-R BS.2088).
	formatPCM        = 1
	formatExtensible = 0xfffe
	sizeInDS64       = math.MaxUint32
)

// wavHeader is what precedes that many frames of 16-bit samples.
func wavHeader(channels, rate int, frames int64) []byte {
	size := frames * int64(channels) * sampleSize
	format := formatChunk(channels, rate)
	riff := int64(4+8) + int64(len(format)) + size // WAVE, the head of data
	if riff+36 <= math.MaxUint32 {
		b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(riff)) //nolint:gosec // checked
		b = append(append(b, "WAVE"...), format...)
		b = append(b, "data"...)

		return binary.LittleEndian.AppendUint32(b, uint32(size)) //nolint:gosec // checked
	}
	const ds64 = 28
	b := binary.LittleEndian.AppendUint32([]byte("RF64"), sizeInDS64)
	b = append(b, "WAVEds64"...)
	b = binary.LittleEndian.AppendUint32(b, ds64)
	for _, v := range []int64{riff + 8 + ds64, size, frames} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v)) //nolint:gosec // sizes
	}
	b = binary.LittleEndian.AppendUint32(b, 0) // no further table
	b = append(append(b, format...), "data"...)

	return binary.LittleEndian.AppendUint32(b, sizeInDS64)
}

func formatChunk(channels, rate int) []byte {
	kind, size := uint16(formatPCM), uint32(16)
	if channels > 2 { //nolint:mnd // left and right
		kind, size = formatExtensible, 40
	}
	b := binary.LittleEndian.AppendUint32([]byte("fmt "), size)
	b = binary.LittleEndian.AppendUint16(b, kind)
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))                 //nolint:gosec // streams of one recording
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))                     //nolint:gosec // a sample rate
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*channels*sampleSize)) //nolint:gosec // as above
	b = binary.LittleEndian.AppendUint16(b, uint16(channels*sampleSize))      //nolint:gosec // as above
	b = binary.LittleEndian.AppendUint16(b, 8*sampleSize)
	if kind == formatPCM {
		return b
	}
	b = binary.LittleEndian.AppendUint16(b, 22)           // octets to come
	b = binary.LittleEndian.AppendUint16(b, 8*sampleSize) // valid bits
	b = binary.LittleEndian.AppendUint32(b, 0)            // no loudspeaker positions: each channel is a person

	return append(b, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71) // KSDATAFORMAT_SUBTYPE_PCM
}
