package mixer

import (
	"math"

	"github.com/parley-sip/parley/codecs"
)

// source is one contributing source of a set.
type source struct {
	ssrc  uint32
	level uint8
	seat  int32
}

// sourceRoom leaves room for the sources of one listener that is itself a mixer, which are left out of its own list.
const sourceRoom = 2 * codecs.MaxCSRC

// sourceList holds the loudest contributing sources of a set, loudest first.
type sourceList struct {
	n int
	// csrc and levels are the first of list, for who is not among them.
	csrc   [codecs.MaxCSRC]uint32
	levels [codecs.MaxCSRC]uint8
	list   [sourceRoom]source
}

// collect lists who is heard and speaks in this tick (RFC 3550, section 7.4). Who is itself a mixer is replaced by its sources.
func (l *sourceList) collect(p *plan, s *set) {
	l.n = 0
	for _, i := range p.talkers {
		in := p.seats[i].in
		if !in.talking || !in.lanes[s.lane].on || !s.has(i) {
			continue
		}
		if in.frame.SSRC == 0 && p.seats[i].out != nil {
			continue
		}
		gain := p.seats[i].gainDB
		if c := p.seats[i].cond; c != nil {
			gain += int(math.Round(c.gainDB))
		}
		level := uint8(codecs.SilenceLevel) // stays what it is (RFC 6465, section 4)
		if in.frame.Level < codecs.SilenceLevel {
			level = uint8(min(max(int(in.frame.Level)-gain, 0), codecs.SilenceLevel))
		}
		if in.frame.CSRCCount == 0 {
			l.insert(source{ssrc: in.identity.alias, level: level, seat: i})
		}
		for _, csrc := range in.frame.CSRC[:min(in.frame.CSRCCount, codecs.MaxCSRC)] {
			l.insert(source{ssrc: csrc, level: level, seat: i})
		}
	}
	for i, e := range l.list[:min(l.n, codecs.MaxCSRC)] {
		l.csrc[i], l.levels[i] = e.ssrc, e.level
	}
}

// insert keeps the list in order; what is too quiet for it falls out.
func (l *sourceList) insert(s source) {
	i := l.n
	for i > 0 && l.list[i-1].level > s.level {
		i--
	}
	if i == sourceRoom {
		return
	}
	l.n = min(l.n+1, sourceRoom)
	copy(l.list[i+1:l.n], l.list[i:l.n-1])
	l.list[i] = s
}

// all sets the sources of a packet to the loudest.
func (l *sourceList) all(p *codecs.Packet) {
	n := min(l.n, codecs.MaxCSRC)
	p.CSRC, p.CSRCLevel, p.Voice = l.csrc[:n], l.levels[:n], n > 0
}

// without sets the sources of a packet to the loudest but those of one seat.
func (l *sourceList) without(p *codecs.Packet, seat int32, w *scratch) {
	n := 0
	for _, e := range l.list[:l.n] {
		if e.seat != seat && n < codecs.MaxCSRC {
			w.csrc[n], w.levels[n] = e.ssrc, e.level
			n++
		}
	}
	p.CSRC, p.CSRCLevel, p.Voice = w.csrc[:n], w.levels[:n], n > 0
}
