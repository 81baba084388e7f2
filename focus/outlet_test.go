package focus_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/sipua"
)

// silences are what silence looks like by payload type: both zeros of PCMU, the two smallest values of PCMA (ITU-T G.711).
var silences = map[byte]string{0: "\xff\x7f", 8: "\xd5\x55"}

// However often the codec changes, every packet holds what its payload type says (RFC 3551, section 6).
func TestCodecChangesBetweenPackets(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	r := b.raw()
	var mu sync.Mutex
	packets := map[byte]int{}
	wrong := 0
	go func() {
		packet := make([]byte, 2000)
		for {
			n, _, err := r.socket.ReadFrom(packet)
			if err != nil {
				return
			}
			if n < 12 || packet[1] >= 200 && packet[1] <= 207 { // reports, multiplexed
				continue
			}
			kind, payload := packet[1]&0x7f, packet[12+4*int(packet[0]&15):n]
			mu.Lock()
			packets[kind]++
			if silence, ok := silences[kind]; !ok || len(bytes.Trim(payload, silence)) > 0 {
				if wrong++; wrong < 4 {
					t.Errorf("packet of type %d begins with % x", kind, payload[:min(4, len(payload))])
				}
			}
			mu.Unlock()
		}
	}()
	r.call("room") // alone: silence comes
	for i := range 400 {
		codec := []codecs.Codec{codecs.PCMA, codecs.PCMU}[i%2]
		_, err := r.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: r.describe(codec)})
		must(t, err)
		if i%8 == 0 { // most changes come before the one before them is through, these at any phase of a tick
			pass(time.Duration(30+i%23) * time.Millisecond)
		}
	}
	mu.Lock()
	before := packets[0]
	mu.Unlock()
	b.await("packets after the last change", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return packets[0] > before+5
	})
	mu.Lock()
	defer mu.Unlock()
	if packets[8] < 5 || wrong > 0 {
		t.Errorf("%d packets, %d of them wrong", packets, wrong)
	}
	must(t, r.dialog.Bye(t.Context()))
	<-r.ended
}
