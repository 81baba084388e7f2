package mixer

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Who goes on with another source while he speaks is reported again: it is another one that contributes.
func TestSourceOfASpeaker(t *testing.T) {
	reports := make(chan uint32, 100)
	e := startEngine(t, Config{OnSpeakers: func(m *Mix, active []MemberID) {
		if s, err := m.MemberStats(5); err == nil && len(active) == 1 {
			reports <- s.Source
		}
	}})
	in := &changingSource{Input: newSounding(8000, 5, always)}
	in.source.Store(0x1111)
	if _, err := e.NewMix(MixConfig{}).Apply(Layout{Members: []Member{party(5, in, &countingOutput{}, codecs.PCMU)}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint32{0x1111, 0x2222} {
		in.source.Store(want)
		for got := uint32(0); got != want; {
			select {
			case got = <-reports:
			case <-time.After(10 * time.Second):
				t.Fatalf("no report of source %x", want)
			}
		}
	}
}

// changingSource says that its frames are of a source.
type changingSource struct {
	Input

	source atomic.Uint32
}

func (c *changingSource) Ingest(dst []int16) codecs.Frame {
	f := c.Input.Ingest(dst)
	f.SSRC = c.source.Load()
	return f
}
