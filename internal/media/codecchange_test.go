package media

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// What waits in the jitter buffer while another codec is agreed on is played as what it came as: its payload type may mean nothing by then, or
// something else.
//
// Shows ME-AUD-10, FO-MOD-01.
func TestQueuedPacketsKeepTheirCodec(t *testing.T) {
	for name, next := range map[string]PayloadType{
		"nothing": {Number: 8, Codec: codecs.PCMA}, "something else": {Number: 0, Codec: codecs.G722}, "not receiving": {},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := call(t, newTestTransport(t, func(c *Config) { c.JitterMin, c.JitterMax = 100*time.Millisecond, 100*time.Millisecond }), nil)
			heard := 0
			ticks(t, 30, func(i int) {
				if i < 20 {
					p.say(0, loud(), 160)
				}
				if i == 20 {
					params := pcmuParams(p.addr())
					if params.Receive = []PayloadType{next}; !next.Codec.Valid() {
						params.Receive, params.Receiving = nil, false
					}
					if err := s.Configure(params); err != nil {
						t.Fatal(err)
					}
				}
				if f := ingest(s); i >= 20 && f.Flags == 0 {
					heard++
					if f.Rate != 8000 || f.Level > 30 {
						t.Errorf("frame %+v", f)
					}
				}
			})
			if heard < 2 {
				t.Errorf("%d frames of those that waited", heard)
			}
		})
	}
}
