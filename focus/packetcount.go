package focus

import (
	"sync"

	"github.com/parley-sip/parley/internal/media"
)

// packetCount counts the packets of recorded streams, open and closed, so that the sum never falls.
type packetCount struct {
	mu     sync.Mutex
	open   map[*media.Session]struct{}
	closed uint64
}

func (p *packetCount) add(s *media.Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = map[*media.Session]struct{}{}
	}
	p.open[s] = struct{}{}
}

// remove takes over the count of a stream that sends no more.
func (p *packetCount) remove(s *media.Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, s)
	p.closed += s.Stats().PacketsSent
}

func (p *packetCount) total() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := p.closed
	for s := range p.open {
		sum += s.Stats().PacketsSent
	}
	return sum
}
