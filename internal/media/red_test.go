package media

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// redundantPayload is a payload with copies of earlier ones, oldest first, each so many units before.
func redundantPayload(primary []byte, copies map[uint32][]byte, offsets ...uint32) []byte {
	var header, data []byte
	for _, offset := range offsets {
		header = binary.BigEndian.AppendUint32(header, 0x80<<24|offset<<10|uint32(len(copies[offset])))
		data = append(data, copies[offset]...)
	}
	return slices.Concat(header, []byte{0}, data, primary)
}

// What is lost comes as a copy in the next packet; what is not lost is heard once; what is malformed does no harm.
func TestRedundancyRepairs(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(params *Params) {
		params.Receive = append(params.Receive, PayloadType{Number: 121, Redundant: true})
	})
	frame := func(i int) []byte { // a level of its own for each, so that it can be told which is heard
		out := make([]byte, 160)
		for k := range out {
			out[k] = byte(0x10 + i%32)
			if k%2 == 0 {
				out[k] |= 0x80
			}
		}
		return out
	}
	const lost = 30
	heard := map[uint8]int{}
	dst := make([]int16, codecs.MaxFrameSamples)
	var last []byte
	levels := map[int]uint8{}
	ticks(t, 60, func(i int) {
		payload := frame(i)
		out := redundantPayload(payload, nil)
		if last != nil {
			out = redundantPayload(payload, map[uint32][]byte{160: last}, 160)
		}
		pcm := make([]int16, 160)
		decoder, err := codecs.NewDecoder(codecs.PCMU)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decoder.Decode(pcm, payload); err != nil {
			t.Fatal(err)
		}
		levels[i] = codecs.Level(pcm)
		last = payload
		if i == lost || i%10 == 5 && i < lost { // the copies that come late make the buffer wait for the next ones
			p.header.SequenceNumber++
			p.header.Timestamp += 160
		} else {
			p.say(121, out, 160)
		}
		f := s.Ingest(dst)
		if !f.Flags.Has(codecs.Silent) {
			heard[codecs.Level(dst[:f.Samples])]++
		}
	})
	stats := s.Stats()
	if stats.Repaired == 0 {
		t.Errorf("nothing was repaired: %+v", stats)
	}
	if heard[levels[lost]] == 0 && stats.Repaired < 2 {
		t.Errorf("packet %d was not heard, %d repaired", lost, stats.Repaired)
	}
	before := s.Stats().PacketsReceived
	for _, bad := range [][]byte{{0x80}, {0x80, 0, 0, 0}, {0x80, 0, 0x28, 0xFF, 0, 1, 2}, {121, 1, 2}, {99, 1, 2}, slices.Repeat([]byte{0x80, 0, 0x28, 0}, 9)} {
		p.say(121, bad, 160)
		s.Ingest(dst)
	}
	if got := s.Stats(); got.PacketsReceived != before {
		t.Errorf("%d malformed packets were taken", got.PacketsReceived-before)
	}
}

func FuzzRedundancy(f *testing.F) {
	f.Add(redundantPayload([]byte{1, 2, 3}, map[uint32][]byte{160: {4, 5}, 320: {6}}, 320, 160))
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var r redundancy
		p := packet{payload: payload}
		if !r.unpack(&p) {
			return
		}
		total := len(p.payload) + 1
		for i := range r.count {
			total += 4 + len(r.blocks[i].payload)
		}
		if total != len(payload) {
			t.Errorf("%d of %d octets are accounted for", total, len(payload))
		}
	})
}
