package media

import (
	"encoding/binary"

	"github.com/pion/rtcp"
)

// reportWriter writes compound packets (RFC 3550, section 6.1) into memory that it keeps: reports are the most of what a server allocates
// while calls only go on, and what is allocated has to be collected. The zero value is ready; it belongs to one goroutine.
type reportWriter struct {
	octets []byte
	start  int // of the packet being written
	count  int // of its blocks, chunks or sources
}

// reset forgets what was written.
func (w *reportWriter) reset() { w.octets = w.octets[:0] }

// begin begins a packet.
func (w *reportWriter) begin(kind rtcp.PacketType) {
	w.start, w.count = len(w.octets), 0
	w.octets = append(w.octets, 0, byte(kind), 0, 0)
}

// end completes the header of the packet (RFC 3550, section 6.4.1).
func (w *reportWriter) end() {
	w.octets[w.start] = 2<<6 | byte(w.count)
	binary.BigEndian.PutUint16(w.octets[w.start+2:], uint16((len(w.octets)-w.start)/4-1))
}

func (w *reportWriter) word(v uint32) { w.octets = binary.BigEndian.AppendUint32(w.octets, v) }

// sender writes the information about what is sent (RFC 3550, section 6.4.1).
func (w *reportWriter) sender(ntp uint64, timestamp, packets, octets uint32) {
	w.octets = binary.BigEndian.AppendUint64(w.octets, ntp)
	w.word(timestamp)
	w.word(packets)
	w.word(octets)
}

// block writes what came of a source.
func (w *reportWriter) block(r *rtcp.ReceptionReport) {
	w.count++
	w.word(r.SSRC)
	w.word(uint32(r.FractionLost)<<24 | r.TotalLost&0xFFFFFF)
	w.word(r.LastSequenceNumber)
	w.word(r.Jitter)
	w.word(r.LastSenderReport)
	w.word(r.Delay)
}

// chunk names a source (RFC 3550, section 6.5). The list of its items ends with at least one octet of zero.
func (w *reportWriter) chunk(ssrc uint32, cname string) {
	w.count++
	text := cname[:min(len(cname), maxSDESText)]
	w.word(ssrc)
	w.octets = append(w.octets, byte(rtcp.SDESCNAME), byte(len(text)))
	w.octets = append(w.octets, text...)
	w.pad(1)
}

// pad writes at least so many octets of zero, up to the next boundary of 32 bits.
func (w *reportWriter) pad(least int) {
	for n := 0; n < least || len(w.octets)%4 != 0; n++ {
		w.octets = append(w.octets, 0)
	}
}

// goodbye writes which sources are over, 31 at most, and why; a reason of "" is none (RFC 3550, section 6.6).
func (w *reportWriter) goodbye(sources []uint32, reason string) {
	w.begin(rtcp.TypeGoodbye)
	for _, ssrc := range sources[:min(len(sources), maxBYEs)] {
		w.count++
		w.word(ssrc)
	}
	if reason != "" {
		w.octets = append(append(w.octets, byte(len(reason))), reason...)
		w.pad(0)
	}
	w.end()
}
