package mixer

// selectedBonus is by how many dB a newcomer must be louder than who is mixed already.
const selectedBonus = 6

// choose marks the inputs that are mixed in this tick: all active ones, or the loudest of them. Who only speaks is always
// mixed. The chosen are found in plan.top, which has room for as many as may be.
func (p *plan) choose(maxSpeakers int) {
	if maxSpeakers == 0 {
		for _, i := range p.ins {
			p.seats[i].in.selected = true
		}

		return
	}
	p.top = p.top[:0]
	for _, i := range p.ins {
		s := &p.seats[i]
		if !s.counted {
			s.in.selected = true

			continue
		}
		if s.speaks && s.in.active && s.in.present {
			p.challenge(i)
		}
	}
	for _, i := range p.ins {
		if p.seats[i].counted {
			p.seats[i].in.selected = false
		}
	}
	for _, i := range p.top {
		p.seats[i].in.selected = true
	}
}

// challenge puts a seat into top, ordered by score, if it is loud enough. The first of equals stays.
func (p *plan) challenge(i int32) {
	score := p.seats[i].in.score()
	at := len(p.top)
	for at > 0 && p.seats[p.top[at-1]].in.score() < score {
		at--
	}
	if at == cap(p.top) {
		return
	}
	if len(p.top) < cap(p.top) {
		p.top = p.top[:len(p.top)+1]
	}
	copy(p.top[at+1:], p.top[at:])
	p.top[at] = i
}

// score is the loudness in dB, with a bonus for who is being mixed.
func (in *input) score() float32 {
	if in.selected {
		return in.loudness + selectedBonus
	}

	return in.loudness
}
