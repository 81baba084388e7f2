package media_test

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/internal/srtp"
)

// textFormat is what both ends have agreed on.
var textFormat = rtt.Format{Text: 98, Red: 100, Generations: 2, CPS: 90, Aware: true}

// page is what somebody has read.
type page struct {
	mu   sync.Mutex
	text map[uint32]string
}

func (p *page) take(list []rtt.Text) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range list {
		p.text[x.Source] += x.Text
	}
}

func (p *page) of(source uint32) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text[source]
}

// awaitText waits for a condition.
func awaitText(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func openText(t *testing.T, tr *media.Transport) (*media.TextSession, *page) {
	t.Helper()
	p := &page{text: map[uint32]string{}}
	audio, err := tr.Open(media.Options{CNAME: "same-as-audio"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = audio.Close() })
	s, err := tr.OpenText(media.TextOptions{Beside: audio, Received: p.take})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, p
}

func textTransport(t *testing.T) *media.Transport {
	t.Helper()
	tr, err := media.NewTransport(media.Config{PortMin: 24000, PortMax: 27999, RTCPInterval: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

func local(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

// Text goes from one end to the other, in the clear or protected like audio. Shows ME-RTT-32.
func TestTextBetweenSessions(t *testing.T) {
	keys := make([]srtp.Key, 0, 2)
	for i := range 2 {
		keys = append(keys, srtp.Key{Suite: srtp.AESCM128HMACSHA180, Secret: []byte(strings.Repeat(string(rune('a'+i)), srtp.AESCM128HMACSHA180.KeySize()))})
	}
	for _, secure := range []bool{false, true} {
		tr := textTransport(t)
		a, _ := openText(t, tr)
		b, read := openText(t, tr)
		params := func(to uint16, mine, theirs srtp.Key) media.TextParams {
			p := media.TextParams{Remote: local(to), SendFormat: textFormat, ReceiveFormat: textFormat, Send: true, Receiving: true, Mux: true}
			if secure {
				p.Protection = &media.Protection{Local: mine, Remote: theirs}
			}
			return p
		}
		if err := b.Configure(params(a.Port(), keys[1], keys[0])); err != nil {
			t.Fatal(err)
		}
		if err := a.Configure(params(b.Port(), keys[0], keys[1])); err != nil {
			t.Fatal(err)
		}
		a.Say(rtt.Source{ID: 77, Name: "Ann"}, "ann", "hello")
		awaitText(t, "hello", func() bool { return read.of(77) == "hello" })
		a.Say(rtt.Source{ID: 77, Name: "Ann"}, "ann", " there")
		awaitText(t, "there", func() bool { return read.of(77) == "hello there" })
		awaitText(t, "reports", func() bool { return a.Stats().Reports > 0 && b.Stats().Reports > 0 })
		if !secure {
			continue
		}
		stranger, err := new(net.Dialer).DialContext(t.Context(), "udp", local(b.Port()).String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stranger.Close() })
		plain := rtt.Packet{PayloadType: 98, Sequence: 9, SSRC: 5, Payload: []byte("forged")}.Append(nil)
		if _, err := stranger.Write(plain); err != nil {
			t.Fatal(err)
		}
		awaitText(t, "the forged packet", func() bool { return b.Stats().Forged > 0 })
		if got := read.of(5); got != "" {
			t.Errorf("read %q", got)
		}
	}
}

// An idle session keeps its way open by reports on the port of its media (RFC 6263, section 4.6), which name the sources by CNAME and NAME and
// the session by the CNAME of the audio. Shows ME-RTT-24, ME-RTT-30, ME-RTT-35.
func TestTextReports(t *testing.T) {
	tr := textTransport(t)
	s, read := openText(t, tr)
	phone, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = phone.Close() })
	if err := s.Configure(media.TextParams{
		Remote: netip.MustParseAddrPort(phone.LocalAddr().String()), Mux: true, Send: true, Receiving: true, SendFormat: textFormat, ReceiveFormat: textFormat,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := phone.WriteToUDPAddrPort(rtt.Packet{PayloadType: 98, SSRC: 5, Payload: []byte("x")}.Append(nil), local(s.Port())); err != nil {
		t.Fatal(err)
	}
	awaitText(t, "x", func() bool { return read.of(5) == "x" })
	s.Say(rtt.Source{ID: 77, Name: "Ann"}, "ann-1", "hi")
	_ = phone.SetReadDeadline(time.Now().Add(20 * time.Second))
	buffer := make([]byte, 2048)
	for reports := 0; reports < 5; {
		n, from, err := phone.ReadFromUDPAddrPort(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if from.Port() != s.Port() || buffer[1] < 192 || buffer[1] > 223 {
			continue
		}
		packets, err := rtcp.Unmarshal(buffer[:n])
		if err != nil {
			t.Fatal(err)
		}
		names := map[uint32]string{}
		for _, p := range packets {
			d, ok := p.(*rtcp.SourceDescription)
			if !ok {
				continue
			}
			for _, c := range d.Chunks {
				for _, item := range c.Items {
					names[c.Source] += item.Text + "/"
				}
			}
		}
		if names[77] != "" {
			reports++
			if names[77] != "ann-1/Ann/" || names[s.SSRC()] != "same-as-audio/" {
				t.Errorf("reports name %v", names)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for over := false; !over; { // RFC 3550, section 6.3.7
		n, _, err := phone.ReadFromUDPAddrPort(buffer)
		if err != nil {
			t.Fatal("it ends without BYE: ", err)
		}
		packets, err := rtcp.Unmarshal(buffer[:n])
		if err != nil {
			continue // text
		}
		bye, ok := packets[len(packets)-1].(*rtcp.Goodbye)
		over = ok && slices.Contains(bye.Sources, s.SSRC())
	}
}

// Text of strangers is not read, and what somebody may not read any more is not sent.
func TestTextStrangers(t *testing.T) {
	tr := textTransport(t)
	s, read := openText(t, tr)
	a, _ := openText(t, tr)
	if err := s.Configure(media.TextParams{Remote: netip.MustParseAddrPort("127.0.0.2:9"), Receiving: true, SendFormat: textFormat, ReceiveFormat: textFormat}); err != nil {
		t.Fatal(err)
	}
	if err := a.Configure(media.TextParams{Remote: local(s.Port()), Send: true, SendFormat: textFormat, ReceiveFormat: textFormat}); err != nil {
		t.Fatal(err)
	}
	a.Say(rtt.Source{ID: 3}, "", "let me in")
	awaitText(t, "what is foreign", func() bool { return s.Stats().Foreign > 3 })
	if got := read.of(3); got != "" {
		t.Errorf("read %q", got)
	}
}

// leaving counts what has left a session of text.
type leaving struct{ text map[string]int }

func (l *leaving) Add(_ uint32, _ uint16, payload []byte) {
	for _, letter := range []string{"a", "b", "c", "d", "e", "f"} {
		l.text[letter] += strings.Count(string(payload), letter)
	}
}

// What several writers have pasted is all sent when a stream ends at once, with its repetition, however many packets that takes; what can be sent
// nowhere is told to be lost.
func TestTextEndsWhole(t *testing.T) {
	tr := textTransport(t)
	s, _ := openText(t, tr)
	b, _ := openText(t, tr)
	out := &leaving{text: map[string]int{}}
	s.SetWitness(out)
	if err := s.Configure(media.TextParams{Remote: local(b.Port()), SendFormat: textFormat, Send: true, Mux: true}); err != nil {
		t.Fatal(err)
	}
	const pasted = 8000
	letters := []string{"a", "b", "c", "d", "e", "f"}
	for i, letter := range letters {
		s.Say(rtt.Source{ID: uint32(70 + i), Name: letter}, letter, strings.Repeat(letter, pasted))
	}
	if lost := s.Finish(); lost != 0 {
		t.Errorf("%d characters are lost", lost)
	}
	for _, letter := range letters {
		if got := out.text[letter]; got < 3*pasted { // headers may look like one
			t.Errorf("%s was sent %d times", letter, got)
		}
	}
}
