package media

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pion/rtcp"
)

// What is written is octet for octet what another implementation writes, whatever lengths names and reasons have, and costs no memory
// after the first time.
func TestReportWriter(t *testing.T) {
	block := rtcp.ReceptionReport{SSRC: 7, FractionLost: 3, TotalLost: 0xFFFFFE, LastSequenceNumber: 1 << 17, Jitter: 9, LastSenderReport: 10, Delay: 11}
	var w reportWriter
	for length := range 9 {
		name, reason := strings.Repeat("n", length), strings.Repeat("r", length)
		want, err := rtcp.Marshal([]rtcp.Packet{
			&rtcp.SenderReport{SSRC: 1, NTPTime: 1<<40 + 2, RTPTime: 3, PacketCount: 4, OctetCount: 5, Reports: []rtcp.ReceptionReport{block}},
			&rtcp.ReceiverReport{SSRC: 2},
			&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{chunk(1, name), chunk(2, name+name)}},
			&rtcp.Goodbye{Sources: []uint32{1, 2}, Reason: reason},
		})
		if err != nil {
			t.Fatal(err)
		}
		write := func() {
			w.reset()
			w.begin(rtcp.TypeSenderReport)
			w.word(1)
			w.sender(1<<40+2, 3, 4, 5)
			w.block(&block)
			w.end()
			w.begin(rtcp.TypeReceiverReport)
			w.word(2)
			w.end()
			w.begin(rtcp.TypeSourceDescription)
			w.chunk(1, name)
			w.chunk(2, name+name)
			w.end()
			w.goodbye([]uint32{1, 2}, reason)
		}
		write()
		if !bytes.Equal(w.octets, want) {
			t.Errorf("%d:\n%x, want\n%x", length, w.octets, want)
		}
		if n := testing.AllocsPerRun(20, write); n > 1 { // the longer name
			t.Errorf("%v allocations", n)
		}
	}
	w.reset()
	w.goodbye(make([]uint32, 2*maxBYEs), "")
	var bye rtcp.Goodbye
	if err := bye.Unmarshal(w.octets); err != nil || len(bye.Sources) != maxBYEs {
		t.Errorf("%v, %v", bye, err)
	}
}
