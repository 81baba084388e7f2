package conftest

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// Marks are a voice in which every eight samples say whose they are and which: so whoever finds eight of them anywhere knows what is missing,
// what is there twice, and what is where it does not belong. They are values of G.711 mu-law of medium loudness, that survive being encoded and
// decoded again; mixing spoils them.

const (
	// MarkSamples is the length of a mark at 8 kHz: 1 ms.
	MarkSamples = 8
	// MaxVoices bounds the voices.
	MaxVoices = 1 << voiceBits
	// MaxMarks bounds the marks of each: more than an hour.
	MaxMarks = 1 << indexBits

	voiceBits  = 8
	indexBits  = 22
	checkBits  = 18
	saidBits   = voiceBits + indexBits
	sampleBits = 6
	muLawBias  = 0x84 // of the tables of G.711
	muLawBits  = 8    // of a magnitude in segment 0
	saidMask   = 1<<saidBits - 1
	checkMask  = 1<<checkBits - 1
)

// markOf is the sample that stands for six bits: the sign, and a code in two segments of medium loudness of ITU-T G.711, mu-law.
func markOf(word uint64) int16 {
	code := uint8(word&0x1f) ^ 0x3f //nolint:mnd // complemented, as the recommendation has it: segments 2 and 3
	v := (int16(code&0x0f)<<3+muLawBias)<<(code>>4&7) - muLawBias
	if word&0x20 != 0 {
		return -v
	}
	return v
}

// bitsOf is the way back.
func bitsOf(v int16) (word uint64, ok bool) {
	magnitude := v
	if v < 0 {
		magnitude, word = -v, 0x20
	}
	m := magnitude + muLawBias
	segment := bits.Len16(uint16(m)) - muLawBits              //nolint:gosec // not negative
	if magnitude < 0 || m < 0 || segment < 2 || segment > 3 { //nolint:mnd // those of markOf
		return 0, false
	}
	code := uint8(segment)<<4 | uint8(m>>(segment+3)&0x0f)
	word |= uint64(code ^ 0x3f)
	return word, markOf(word) == v
}

// Marks gives marks of a voice, from the one with an index on, at 8 kHz.
func Marks(voice, first, count int) []int16 {
	pcm := make([]int16, 0, count*MarkSamples)
	for i := first; i < first+count; i++ {
		said := uint32(voice)<<indexBits | uint32(i) //nolint:gosec // bounded by MaxVoices and MaxMarks
		check := hash(said) & checkMask
		word := uint64(check)<<saidBits | uint64((said^hash(check))&saidMask)
		for range MarkSamples {
			pcm = append(pcm, markOf(word))
			word >>= sampleBits
		}
	}
	return pcm
}

// FindMarks tells of each mark in samples at 8 kHz, in their order: the voice, its index, and at which sample it begins.
func FindMarks(pcm []int16, found func(voice, index, at int)) {
	for at := 0; at+MarkSamples <= len(pcm); {
		said, ok := readMark(pcm[at : at+MarkSamples])
		if !ok {
			at++
			continue
		}
		found(int(said>>indexBits), int(said&(MaxMarks-1)), at)
		at += MarkSamples
	}
}

func readMark(pcm []int16) (said uint32, ok bool) {
	var word uint64
	for i, v := range pcm {
		six, known := bitsOf(v)
		if !known {
			return 0, false
		}
		word |= six << (i * sampleBits)
	}
	check := uint32(word >> saidBits)
	said = (uint32(word) ^ hash(check)) & saidMask
	return said, hash(said)&checkMask == check
}

func hash(v uint32) uint32 {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	h := crc32.ChecksumIEEE(b[:])
	h *= 0x9e3779b1
	return h ^ h>>15
}
