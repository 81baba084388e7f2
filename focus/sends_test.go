package focus_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// packets reads RTP that a raw phone is sent, until one satisfies.
func (r *raw) packets(within time.Duration, satisfies func(header, payload []byte) bool) bool {
	r.b.t.Helper()
	conn, ok := r.socket.(*net.UDPConn)
	if !ok {
		r.b.t.Fatal("no UDP socket")
	}
	must(r.b.t, conn.SetReadDeadline(time.Now().Add(within)))
	buf := make([]byte, 2048)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return false
		}
		header := 12 + 4*int(buf[0]&0x0F)
		if n <= header || buf[1] >= 200 && buf[1] <= 207 {
			continue
		}
		size := header
		if buf[0]&0x10 != 0 && n >= header+4 {
			size += 4 + 4*int(binary.BigEndian.Uint16(buf[header+2:]))
		}
		if satisfies(buf[:size], buf[size:n]) {
			return true
		}
	}
}

// reoffer sends another description with lines in place of others and more at its end.
func (r *raw) reoffer(from, to, more string) {
	r.b.t.Helper()
	body := strings.Replace(string(r.describe(codecs.PCMU)), from, to, 1) + more
	body = strings.Replace(body, "o=- 5 1 ", "o=- 5 2 ", 1)
	_, err := r.dialog.ReInvite(r.b.t.Context(), sipua.Body{ContentType: "application/sdp", Data: []byte(body)})
	must(r.b.t, err)
}

// leave ends the call of a raw phone.
func (r *raw) leave() {
	r.b.t.Helper()
	must(r.b.t, r.dialog.Bye(r.b.t.Context()))
	<-r.ended
}

// Who asks for the levels of contributing sources gets one for each (RFC 6465).
//
// Shows ME-LVL-08, ME-LVL-09.
func TestMixerLevelsAreSent(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	raw := b.raw()
	raw.call("room")
	raw.reoffer("", "", "a=extmap:3 urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n")
	alice.hum(500, 2*time.Second) // 6000: -18 dBov
	if !raw.packets(3*time.Second, func(header, _ []byte) bool {
		if header[0]&0x1F != 0x11 { // an extension, and one source
			return false
		}
		extension := header[16:]
		return binary.BigEndian.Uint16(extension) == 0xBEDE && extension[4] == 3<<4 && extension[5] >= 16 && extension[5] <= 20
	}) {
		t.Error("no packet has alice's level beside her as contributing source")
	}
	raw.leave()
}

// Where levels are to stay secret no header extension with them is agreed on, in answers or in offers.
//
// Shows ME-LVL-07.
func TestLevelsAreHidden(t *testing.T) {
	const extensions = "a=extmap:3 urn:ietf:params:rtp-hdrext:csrc-audio-level\r\na=extmap:4 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
	for _, hidden := range []bool{true, false} {
		b := newBench(t, focus.Config{Dynamic: true, HideLevels: hidden})
		raw := b.raw()
		raw.call("room")
		body := strings.Replace(string(raw.describe(codecs.PCMU))+extensions, "o=- 5 1 ", "o=- 5 2 ", 1)
		response, err := raw.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: []byte(body)})
		must(t, err)
		offers := make(chan string, 1)
		busy := b.callee(func(c *sipua.IncomingCall) {
			offers <- string(c.Request().Body)
			_ = c.Reject(sipua.NewResponse(486))
		})
		_, err = b.focus.Dial(t.Context(), "room", "sip:busy@"+busy.Addr("udp").String())
		must(t, err)
		for what, text := range map[string]string{"answer": string(response.Body), "offer": <-offers} {
			if got := strings.Count(text, "audio-level"); (got == 0) != hidden || !hidden && got != 2 {
				t.Errorf("hidden %t: %d extensions in the %s:\n%s", hidden, got, what, text)
			}
		}
		raw.leave()
	}
}

// Key presses reach those who hear him who pressed, as events or as tones, only where the conference is configured so, and whatever the
// others hear.
//
// Shows ME-DTM-16, ME-DTM-03.
func TestKeysArePassedOn(t *testing.T) {
	for _, passed := range []bool{true, false} {
		t.Run(fmt.Sprintf("passed %t", passed), func(t *testing.T) {
			b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "room", PassDTMF: passed}}})
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
			bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
			withEvents, tones := b.raw(), b.raw()
			withEvents.call("room")
			withEvents.reoffer("RTP/AVP 0", "RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-11\r\n")
			tones.call("room")
			deaf := true
			_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, focus.ParticipantChange{Deafened: &deaf})
			must(t, err)
			<-alice.Press('5')
			var event codecs.Event
			got := withEvents.packets(time.Second, func(header, payload []byte) bool {
				if header[1]&0x7F != 101 {
					return false
				}
				event, err = codecs.ParseEvent(payload)
				return err == nil && event.End
			})
			if got != passed || passed && event.Code != 5 {
				t.Errorf("passed on: %t, event %t %+v", passed, got, event)
			}
			loud := 0
			tones.packets(300*time.Millisecond, func(_, payload []byte) bool {
				for _, octet := range payload {
					if octet&0x7F < 0x50 { // far from silence, which is 0x7F
						loud++
					}
				}
				return false
			})
			if (loud > 200) != passed {
				t.Errorf("passed on: %t, %d loud samples of tones", passed, loud)
			}
			if counts := bob.hearsNow(770); counts > quiet {
				t.Errorf("who is deafened hears the tones at %.0f dB", counts)
			}
			if p, _ := b.state("room").Participant(b.find("room", "alice").ID); p.Status != conference.Connected {
				t.Errorf("alice is %v", p.Status)
			}
			withEvents.leave()
			tones.leave()
		})
	}
}

// A quiet conference sends comfort noise to who takes it, where it is configured so.
//
// Shows ME-CN-01, ME-CN-07.
func TestComfortNoiseIsSent(t *testing.T) {
	for _, configured := range []bool{true, false} {
		t.Run(fmt.Sprintf("configured %t", configured), func(t *testing.T) {
			b := newBench(t, focus.Config{Dynamic: true, ComfortNoise: configured})
			raw := b.raw()
			raw.call("room")
			raw.reoffer("RTP/AVP 0", "RTP/AVP 0 13", "")
			got := raw.packets(1500*time.Millisecond, func(header, payload []byte) bool { return header[1] == 13 && len(payload) == 1 })
			if got != configured {
				t.Errorf("configured: %t, sent: %t", configured, got)
			}
			raw.leave()
		})
	}
}

// Who takes redundant audio gets it when it reports loss (RFC 2198), and not before.
func TestRedundancyFollowsLoss(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Redundancy: focus.UseAnswered})
	raw := b.raw()
	raw.call("room")
	raw.reoffer("RTP/AVP 0", "RTP/AVP 0 121", "a=rtpmap:121 red/8000\r\na=fmtp:121 0/0\r\n")
	var to *net.UDPAddr
	buf := make([]byte, 2048)
	var source uint32
	for range 3 {
		must(t, raw.socket.SetReadDeadline(time.Now().Add(20*time.Second)))
		n, from, err := raw.socket.ReadFrom(buf)
		must(t, err)
		if n < 12 || buf[1]&0x7F != 0 {
			t.Fatalf("before any loss: % x", buf[:n])
		}
		source, to = binary.BigEndian.Uint32(buf[8:]), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(from.String()))
	}
	to.Port++ // its reports
	report := binary.BigEndian.AppendUint32([]byte{0x81, 201, 0, 7}, 0x5151)
	report = binary.BigEndian.AppendUint32(report, source)
	report = append(report, 51, 0, 0, 9) // a fifth
	report = append(report, make([]byte, 16)...)
	_, err := raw.socket.WriteTo(report, to)
	must(t, err)
	if !raw.packets(30*time.Second, func(header, payload []byte) bool {
		return header[1]&0x7F == 121 && len(payload) == 3*160+2*4+1 && payload[0] == 0x80 && payload[8] == 0
	}) {
		t.Error("no packet carries two earlier ones")
	}
	raw.leave()
}
