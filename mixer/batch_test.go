package mixer

import (
	"slices"
	"sync"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// batchPort is an input and output that notes the order in which it is asked.
type batchPort struct {
	fakeInput

	id   int
	log  *[]portCall
	lent [2][]byte // to receive and to send
}

// portCall is one call of a port.
type portCall struct {
	what string
	id   int
}

func (p *batchPort) note(what string) { *p.log = append(*p.log, portCall{what, p.id}) }

func (p *batchPort) PrefetchIngest(bool) {}
func (p *batchPort) PrefetchEmit(bool)   {}
func (p *batchPort) Emit(*codecs.Packet) { p.note("emit") }

func (p *batchPort) Send(calls Calls) {
	p.note("send")
	p.leave(calls)
}

// leave leaves a call, which is noted when it is made.
func (p *batchPort) leave(calls Calls) {
	if c, ok := calls.(*notedCalls); ok {
		c.left = true
	}
}

func (p *batchPort) Receive(room []byte, calls Calls) {
	p.note("receive")
	p.leave(calls)
	p.lent[0] = room
}

func (p *batchPort) Prepare(_ *codecs.Packet, room []byte) {
	p.note("prepare")
	p.lent[1] = room
}

func (p *batchPort) Ingest(dst []int16) codecs.Frame {
	p.note("ingest")

	return p.fakeInput.Ingest(dst)
}

// notedCalls notes when what is left with it is made.
type notedCalls struct {
	log    *[]portCall
	left   bool
	closed bool
}

func (c *notedCalls) Submit() {
	if c.left {
		*c.log, c.left = append(*c.log, portCall{what: "submit"}), false
	}
}

func (c *notedCalls) Close() { c.closed = true }

// Every member is received, ingested, prepared and sent once in a tick, in that order, and the system calls of neighbours come together. Each has room for a packet
// of its own until then; who comes later has the same.
func TestSystemCallsComeTogether(t *testing.T) {
	const count = 2*batch + 5
	b := newBench(t, MixConfig{})
	var log []portCall
	b.w.calls = &notedCalls{log: &log}
	members, ports := make([]Member, count), make([]*batchPort, count)
	for i := range members {
		port := &batchPort{fakeInput: *quiet(8000), id: i, log: &log}
		members[i], ports[i] = party(MemberID(i), port, port, codecs.PCMU), port
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
				if what == "receive" || what == "send" {
					want = append(want, portCall{what: "submit"})
				}
			}
		}
	}
	if !slices.Equal(log, want) {
		t.Errorf("%v\nwant %v", log, want)
	}
	for i, p := range ports {
		for way := range p.lent {
			room := p.lent[way]
			if len(room) != PacketRoom || cap(room) != PacketRoom {
				t.Fatalf("member %d is lent %d octets", i, len(room))
			}
			if again := i >= batch && &room[0] == &ports[i-batch].lent[way][0]; i >= batch && !again {
				t.Errorf("member %d is lent other room than who had it before", i)
			}
			for _, other := range ports[max(0, i-batch+1):i] {
				if &room[0] == &other.lent[way][0] {
					t.Errorf("member %d is lent the room of member %d, who still needs it", i, other.id)
				}
			}
		}
	}
}

// Each worker has calls of its own, and gives them back at the end.
func TestCallsAreTheWorkers(t *testing.T) {
	var mu sync.Mutex
	var made []*notedCalls
	e, err := New(Config{Workers: 2, Calls: func() Calls {
		mu.Lock()
		defer mu.Unlock()
		made = append(made, &notedCalls{})

		return made[len(made)-1]
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if len(made) != 2 || !made[0].closed || !made[1].closed {
		t.Errorf("%d made for 2 workers: %v", len(made), made)
	}
}
