package mixer

import (
	"slices"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// batchPort is an input and output that notes the order in which it is asked.
type batchPort struct {
	fakeInput

	id  int
	log *[]portCall
}

// portCall is one call of a port.
type portCall struct {
	what string
	id   int
}

func (p *batchPort) note(what string) { *p.log = append(*p.log, portCall{what, p.id}) }

func (p *batchPort) Receive()               { p.note("receive") }
func (p *batchPort) PrefetchIngest(bool)    {}
func (p *batchPort) PrefetchEmit(bool)      {}
func (p *batchPort) Send()                  { p.note("send") }
func (p *batchPort) Emit(*codecs.Packet)    { p.note("emit") }
func (p *batchPort) Prepare(*codecs.Packet) { p.note("prepare") }

func (p *batchPort) Ingest(dst []int16) codecs.Frame {
	p.note("ingest")

	return p.fakeInput.Ingest(dst)
}

// Every member is received, ingested, prepared and sent once in a tick, in that order, and the system calls of neighbours come together.
func TestSystemCallsComeTogether(t *testing.T) {
	const count = 2*batch + 5
	b := newBench(t, MixConfig{})
	var log []portCall
	members := make([]Member, count)
	for i := range members {
		port := &batchPort{fakeInput: *quiet(8000), id: i, log: &log}
		members[i] = party(MemberID(i), port, port, codecs.PCMU)
	}
	b.apply(members...)
	b.step()
	var want []portCall
	for _, phase := range [][2]string{{"receive", "ingest"}, {"prepare", "send"}} {
		for from := 0; from < count; from += batch {
			for _, what := range phase {
				for i := from; i < min(from+batch, count); i++ {
					want = append(want, portCall{what, i})
				}
			}
		}
	}
	if !slices.Equal(log, want) {
		t.Errorf("%v\nwant %v", log, want)
	}
}
