package srs

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// tshark decodes a file and returns a line for each packet.
func tshark(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "tshark", append([]string{"-n", "-T", "fields"}, args...)...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, complaints.String())
	}

	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

// The packets that are kept as proof are what was sent, as Wireshark reads them.
func TestTsharkReadsDumps(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "1.rtpdump")
	began := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	d, err := createDump(name, netip.MustParseAddrPort("192.0.2.1:4000"), began)
	if err != nil {
		t.Fatal(err)
	}
	v := newVoice(t, "1", codecs.PCMU, 400)
	const packets = 20
	want := make([]string, 0, packets)
	for n := range packets {
		data := v.packet(t, n)
		if err := d.write(data, began.Add(time.Duration(n)*codecs.FrameDuration)); err != nil {
			t.Fatal(err)
		}
		h, payload, _ := parseRTP(data)
		want = append(want, fmt.Sprintf("%d\t%d\t0x%08x\t%d\t%x", h.seq, h.timestamp, h.ssrc, h.payloadType, payload))
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	var kept [][]byte
	if err := readDump(name, func(packet []byte, _ time.Time) { kept = append(kept, packet) }); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.pcap") // older ones do not know the format of rtpdump
	if err := os.WriteFile(file, capture(kept...), fileMode); err != nil {
		t.Fatal(err)
	}
	got := tshark(t, "-r", file, "-d", "udp.port==4001,rtp", "-Y", "rtp", "-e", "rtp.seq", "-e", "rtp.timestamp", "-e", "rtp.ssrc", "-e", "rtp.p_type", "-e", "rtp.payload")
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("read\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The receiver reports that clients get are read by Wireshark as they were meant.
func TestTsharkReadsReports(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "x.pcap")
	block := reception{ssrc: 7, fraction: 64, lost: 5, highest: 70000, jitter: 33, lastSR: 0x12345678, delay: 65536}
	compound := receiverReport(9, &block, "srs-0a1b2c3d")
	if err := os.WriteFile(name, capture(compound, receiverReport(9, nil, "x")), fileMode); err != nil {
		t.Fatal(err)
	}
	got := tshark(t, "-r", name, "-d", "udp.port==4001,rtcp",
		"-e", "rtcp.pt", "-e", "rtcp.ssrc.identifier", "-e", "rtcp.ssrc.fraction", "-e", "rtcp.ssrc.cum_nr", "-e", "rtcp.ssrc.ext_high",
		"-e", "rtcp.ssrc.jitter", "-e", "rtcp.ssrc.lsr", "-e", "rtcp.ssrc.dlsr", "-e", "rtcp.sdes.text", "-e", "_ws.malformed")
	want := []string{
		"201,202\t0x00000007,0x00000009\t64\t5\t70000\t33\t305419896\t65536\tsrs-0a1b2c3d\t",
		"201,202\t0x00000009\t\t\t\t\t\t\tx\t",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("read\n%q\nnot\n%q", got, want)
	}
}

// capture makes a file of libpcap of UDP packets over IPv4 to port 4001.
func capture(packets ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, 1<<16-1)
	b = binary.LittleEndian.AppendUint32(b, 101) // bare IP
	for i, p := range packets {
		size := 28 + len(p)
		for _, v := range []int{i, 0, size, size} {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
		b = append(b, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(size))
		b = append(b, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
		for _, v := range []int{5001, 4001, size - 20, 0} {
			b = binary.BigEndian.AppendUint16(b, uint16(v))
		}
		b = append(b, p...)
	}

	return b
}
