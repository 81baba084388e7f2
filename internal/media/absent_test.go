package media

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// A far end that sends nothing in its pauses is told from one that sends silence, or says that there is some (RFC 3389).
func TestAbsentAudio(t *testing.T) {
	say := speech(t, false)
	quiet := make([]byte, 160)
	for i := range quiet {
		quiet[i] = 0xff // the least of mu-law
	}
	for name, test := range map[string]struct {
		pause func(i int) (arrivedPacket, bool)
		want  codecs.FrameFlags
	}{
		"nothing": {pause: func(int) (arrivedPacket, bool) { return arrivedPacket{}, false }, want: codecs.Silent | codecs.Absent},
		"silence": {pause: func(int) (arrivedPacket, bool) { return arrivedPacket{units: 160, payload: quiet}, true }, want: codecs.Silent},
		"noise": {pause: func(i int) (arrivedPacket, bool) {
			return arrivedPacket{payload: []byte{60}}, i%25 == 0
		}, want: codecs.ComfortNoise},
	} {
		l := newListener(t, 0, 200*time.Millisecond, codecs.PCMU)
		seq := uint16(0)
		for i := range 200 {
			p, sent := arrivedPacket{units: 160, payload: say(i, 160)}, true
			if i >= 100 && i < 170 {
				p, sent = test.pause(i - 100)
			}
			if sent {
				p.seq, p.timestamp = seq, uint32(160*i)
				seq++
				p.codec = l.codec
				l.player.jitter.push(p, time.Duration(i)*tick)
			}
			f := l.tick(time.Duration(i)*tick + time.Millisecond)
			switch {
			case i > 5 && i < 100, i > 175:
				if f.Flags.Has(codecs.Absent) {
					t.Errorf("%s: frame %d is absent", name, i)
				}
			case i > 120 && i < 170 && f.Flags != test.want:
				t.Fatalf("%s: frame %d is %b, want %b", name, i, f.Flags, test.want)
			}
		}
	}
}
